/**
 * Tabs: YAML 1.2 lets them stand between words; ruamel, and so DVC, only in quotes, comments, block text and between the
 * parts of a flow collection. SOURCE: ruamel.yaml 0.19 scanner.py, `scan_to_next_token` and `scan_plain_spaces`.
 */
import { Lexer } from 'yaml'

type State = { offset: number; flow: number; isScalar: boolean; isBlock: boolean }

/** @returns the offset of the first tab that stops DVC, or undefined */
export function forbiddenTab(text: string): number | undefined {
  if (!text.includes('\t')) return undefined
  const state: State = { offset: 0, flow: 0, isScalar: false, isBlock: false }
  for (const lexeme of new Lexer().lex(text)) {
    const at = tabIn(lexeme, state)
    if (at >= 0) return state.offset + at
    if (!isMark(lexeme)) state.offset += lexeme.length
    state.isBlock = state.isScalar ? false : state.isBlock || /^[|>]/.test(lexeme)
    state.isScalar = lexeme === '\u001f'
    if (lexeme === '[' || lexeme === '{') state.flow += 1
    if (lexeme === ']' || lexeme === '}') state.flow -= 1
  }
  return undefined
}

function tabIn(lexeme: string, { flow, isScalar, isBlock }: State): number {
  const isText = isScalar ? isBlock : /^["'#]/.test(lexeme)
  if (isText || (!isScalar && flow > 0)) return -1
  return lexeme.indexOf('\t')
}

/** Lexemes that stand for no text. */
function isMark(lexeme: string): boolean {
  return lexeme === '\u0002' || lexeme === '\u0018' || lexeme === '\u001f'
}

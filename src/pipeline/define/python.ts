/**
 * Parameters in a Python file: literal assignments, class bodies, and `self.x = ...` in `__init__`. Nothing is executed.
 *
 * SOURCE: dvc/utils/serialize/_py.py (`_ast_tree_to_dict`): a statement that is no literal assignment is skipped, and a
 * file with a syntax error is refused. The syntax is `@lezer/python`'s; literals are read in `python-literal.ts`.
 */
import { parser } from '@lezer/python'
import { bracketDepth } from '../../core/index.ts'
import { faultAt, type Place } from './fault.ts'
import { maxDepth } from './limits.ts'
import { grammarFault } from './python-grammar.ts'
import { childrenOf, literalOf, type SyntaxNode, tupleOf } from './python-literal.ts'
import type { Key, Value, ValueMap } from './value.ts'

/** LIMIT: brackets within brackets, also of a text that is none of Python. */
const maxBrackets = 1000

const help = 'mend the file, or keep the parameters in a YAML file'

/** @throws ERR_PARAMS_INVALID at the place of the first syntax error */
export function readPython(text: string, file: string): ValueMap {
  const placeAt = (offset: number): Place => {
    const before = text.slice(0, offset)
    return { file, line: before.split('\n').length, column: offset - before.lastIndexOf('\n') }
  }
  if (text.includes('\u0000') || text.startsWith('\ufeff')) {
    throw faultAt('ERR_PARAMS_INVALID', placeAt(0), 'not Python: a character cannot stand here')
  }
  const indented = /^(?:[ \t\f]*(?:#.*)?\n)*[ \t]+(?=[^\s#])/.exec(text)
  if (indented !== null) throw faultAt('ERR_PARAMS_INVALID', placeAt(indented[0].length), 'not Python: indented', help)
  const dangling = /(?:^|\n)[^#\n]*\\\n?$/.exec(text)
  if (dangling !== null)
    throw faultAt('ERR_PARAMS_INVALID', placeAt(text.length), 'not Python: it ends within a line', help)
  // THREAT: the grammar's recovery takes minutes of a text that is broken within deep brackets.
  if (bracketDepth(text) > maxBrackets)
    throw faultAt('ERR_PARAMS_INVALID', placeAt(0), `nested deeper than ${maxBrackets} brackets`, help)
  const tree = parser.parse(plainer(text))
  const fault = (offset: number, what: string): Error => faultAt('ERR_PARAMS_INVALID', placeAt(offset), what, help)
  refuseErrors(tree.cursor(), text, fault)
  refuseStrays(tree.cursor(), text, fault)
  return bodyOf(tree.topNode, text, false)
}

/**
 * What the grammar does not know, in words of equal length that it does: a float that ends with its point (`5.`), a
 * `yield` without a value, a form feed. Offsets stay, and literals are read from the text itself.
 *
 * LIMIT: it does not know starred loop targets, class patterns of `match` and `with (a as b, c as d)` either: a file with
 * one of them is refused. DVC reads it; of 2,500 files of Python's library and packages it was one in a hundred.
 */
function plainer(text: string): string {
  return text
    .replace(/(?<![\w.])(\d[\d_]*)\.(?!\.?\d)/g, (_, digits: string) => `${digits}0`)
    .replace(/\byield\b(?=[ \t]*(?:[\n)#;]|$))/g, 'y1eld')
    .replaceAll('\f', ' ')
    .concat('\n')
}

type Cursor = ReturnType<ReturnType<typeof parser.parse>['cursor']>

/** INVARIANT: the walk is a loop, so that no nesting can exhaust the stack; what follows recurses at most `maxDepth`. */
function refuseErrors(cursor: Cursor, text: string, fault: (offset: number, what: string) => Error): void {
  const limit = maxDepth * 3 // the grammar has up to three nodes for one level of Python
  let depth = 0
  for (;;) {
    const isBroken = isBrokenToken(cursor.name, () => text.slice(cursor.from, cursor.to))
    if (cursor.type.isError || isBroken) throw fault(cursor.from, 'not Python that can be read')
    if (depth > limit) throw fault(cursor.from, `nested deeper than ${maxDepth} levels`)
    const wrong = grammarFault(cursor.node, text)
    if (wrong !== undefined) throw fault(wrong, 'not Python that can be read')
    if (cursor.firstChild()) {
      depth += 1
      continue
    }
    while (!cursor.nextSibling()) {
      if (!cursor.parent()) return
      depth -= 1
    }
  }
}

/** Characters beyond ASCII stand in names, texts and comments; the grammar takes some for blanks. */
function refuseStrays(cursor: Cursor, text: string, fault: (offset: number, what: string) => Error): void {
  const stray = /[^\u0000-\u007f]/gu
  let end = 0
  let found = stray.exec(text)
  const refuseUpTo = (next: number): void => {
    if (found !== null && found.index < end) {
      stray.lastIndex = end
      found = stray.exec(text)
    }
    if (found !== null && found.index < next) throw fault(found.index, 'a character cannot stand here')
  }
  do {
    const isText = /^(?:Comment|String|FormatString|VariableName|PropertyName)$/.test(cursor.name)
    if (!isText || cursor.from < end) continue
    refuseUpTo(cursor.from)
    end = cursor.to
  } while (cursor.next())
  refuseUpTo(text.length)
}

/** What the grammar takes for a literal and Python does not. */
function isBrokenToken(name: string, source: () => string): boolean {
  if (name === 'String') return isBrokenText(source())
  if (name === 'FormatString') return isUnclosed(source())
  return name === 'Number' && /^0[\d_]*[1-9][\d_]*$|_(?:_|$|[.eEjJ])|[._eE]_/.test(source())
}

/**
 * A text ends with the quotes that it began with, and in single ones on its line, and its escapes are whole: the grammar
 * asks for none of it. LIMIT: `\N{name}` would need Unicode's table of names and is refused.
 */
function isBrokenText(source: string): boolean {
  const [prefix = ''] = /^[A-Za-z]*/.exec(source) ?? []
  if (isUnclosed(source)) return true
  if (/r/i.test(prefix)) return false
  const bad = /b/i.test(prefix) ? badBytesEscape : badEscape
  return [...source.matchAll(/\\(?:U[\da-fA-F]{8}|[\s\S])/g)].some(({ 0: sequence, index }) =>
    bad.test(source.slice(index, index + sequence.length + 8)),
  )
}

function isUnclosed(source: string): boolean {
  const [start = '', quotes = ''] = /^[A-Za-z]{0,2}("""|'''|"|')/.exec(source) ?? []
  const rest = source.slice(start.length).replace(/\\[\s\S]/g, '')
  return !rest.endsWith(quotes) || (quotes.length === 1 && rest.includes('\n'))
}

const badBytesEscape = /^\\x(?![\da-fA-F]{2})/
const badEscape =
  /^\\(?:x(?![\da-fA-F]{2})|u(?![\da-fA-F]{4})|U(?![\da-fA-F]{8})|U(?!00(?:0[\da-fA-F]|10)[\da-fA-F]{4})|N)/

function bodyOf(body: SyntaxNode, text: string, onlySelf: boolean): ValueMap {
  const result = new Map<Key, Value>()
  for (const statement of statementsOf(body)) {
    if (statement.name === 'AssignStatement') assign(statement, text, onlySelf, result)
    if (statement.name === 'ClassDefinition') result.set(nameOf(statement, text), inner(statement, text, false))
    if (statement.name === 'FunctionDefinition' && isInit(statement, text)) {
      for (const [key, value] of inner(statement, text, true)) result.set(key, value)
    }
  }
  return result
}

function inner(definition: SyntaxNode, text: string, onlySelf: boolean): ValueMap {
  const body = definition.getChild('Body')
  return body === null ? new Map() : bodyOf(body, text, onlySelf)
}

/** Statements in order; `a = 1; b = 2` is two, a decorated definition is itself. */
function statementsOf(body: SyntaxNode): readonly SyntaxNode[] {
  return childrenOf(body).flatMap((node) => {
    if (node.name === 'StatementGroup') return statementsOf(node)
    if (node.name !== 'DecoratedStatement') return [node]
    return childrenOf(node).filter((child) => child.name.endsWith('Definition'))
  })
}

function nameOf(definition: SyntaxNode, text: string): string {
  const name = definition.getChild('VariableName')
  return name === null ? '' : named(name, text)
}

function isInit(definition: SyntaxNode, text: string): boolean {
  return nameOf(definition, text) === '__init__' && definition.getChild('async') === null
}

function assign(statement: SyntaxNode, text: string, onlySelf: boolean, result: Map<Key, Value>): void {
  const parts = childrenOf(statement).filter((node) => node.name !== 'TypeDef')
  const operators = parts.flatMap((node, index) => (node.name === 'AssignOp' ? [index] : []))
  const [operator] = operators
  const [target] = parts
  if (operators.length !== 1 || operator !== 1 || target === undefined) return
  const name = targetName(target, text, onlySelf)
  const right = parts.slice(2)
  const [only] = right
  const value = right.length === 1 && only !== undefined ? literalOf(only, text) : tupleOf(right, text)
  if (name !== undefined && value !== undefined) result.set(name, value)
}

function targetName(target: SyntaxNode, text: string, onlySelf: boolean): string | undefined {
  if (target.name === 'ParenthesizedExpression') {
    const within = childrenOf(target)[1]
    return within === undefined ? undefined : targetName(within, text, onlySelf)
  }
  if (target.name === 'VariableName') return onlySelf ? undefined : named(target, text)
  const [object, , property] = childrenOf(target)
  const ofSelf = object?.name === 'VariableName' && text.slice(object.from, object.to) === 'self'
  const isMember = target.name === 'MemberExpression' && ofSelf && property?.name === 'PropertyName'
  return isMember ? named(property, text) : undefined
}

/** Python compares names in normal form. SOURCE: Python language reference 2.3, identifiers. */
const named = ({ from, to }: SyntaxNode, text: string): string => text.slice(from, to).normalize('NFKC')

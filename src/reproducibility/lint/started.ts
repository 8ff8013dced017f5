/** What a command starts, by its words: scripts, notebooks, modules, and code that stands in the command itself. Pure. */
import { basename } from 'node:path/posix'
import { oneLine } from '../../core/index.ts'

/** `at` is where its text begins, when that is not the command; `as` what the file is read as, whatever it is called. */
export type StartedCode =
  | Readonly<{ kind: 'file'; word: string; as?: Language }>
  | Readonly<{ kind: 'module'; path: string }>
  | Readonly<{ kind: Language; text: string; at?: number }>
  /** It runs something that is not told by the command alone. */
  | Readonly<{ kind: 'unread'; because: string }>

type Language = 'python' | 'shell'
type Heredoc = Readonly<{ text: string; at: number }>

const python = /^(?:i?python|pypy)[\d.]*$/
const shell = /^(?:ba|da|k|z)?sh$/

export const isShellName = (name: string): boolean => shell.test(name)

/** What may stand before the program that a command is about, with its options, numbers and variables. */
const wrapper =
  /^(?:env|uv|run|poetry|pipenv|pdm|hatch|rye|exec|time|timeout|nice|ionice|nohup|stdbuf|taskset|srun|command|-.*|\d+[smhd]?|\w+=.*)$/

type Input = Readonly<{ heredoc?: Heredoc; stdin?: string }>

/** @param exists whether a word names a file of the project */
export function callsOf(
  words: readonly string[],
  input: Input,
  exists: (word: string) => boolean,
): readonly StartedCode[] {
  const found: StartedCode[] = []
  const isPapermill = words.some((word) => basename(word) === 'papermill')
  let isRead = false // the second notebook of papermill is what it makes
  let isFirst = true // only wrappers stand before
  let script = -1 // where the script of an interpreter stands: it is told by then
  for (const [index, word] of words.entries()) {
    const name = basename(word)
    const before = words[index - 1] ?? ''
    const language = python.test(name) ? 'python' : shell.test(name) ? 'shell' : undefined
    if (language !== undefined && index !== script) {
      const call = fromInterpreter(language, words, index + 1)
      if (call.kind === 'script' && exists(call.word)) {
        found.push({ kind: 'file', word: call.word, as: language })
        script = call.index
      } else if (call.kind === 'script') {
        if (isFirst)
          found.push({ kind: 'unread', because: `runs \`${oneLine(call.word)}\`, which is not in the project` })
      } else if (call.kind === 'input') found.push(...fromInput(language, input, isFirst, exists))
      else found.push(...call.codes)
    } else if (word === '-m' && index > 0 && !python.test(basename(before)) && !before.startsWith('-'))
      found.push(...moduleOf(words[index + 1]))
    const isSourced = ['.', 'source'].includes(before) && index === 1
    if (index !== script && (/\.(?:py|ipynb|sh|bash)$/.test(word) || isFirst || isSourced)) {
      if (isRead && word.endsWith('.ipynb')) continue
      if (exists(word)) found.push({ kind: 'file', word, ...(isSourced ? { as: 'shell' as const } : {}) })
      else if (isSourced)
        found.push({ kind: 'unread', because: `reads \`${oneLine(word)}\`, which is not in the project` })
      isRead ||= isPapermill && word.endsWith('.ipynb')
    }
    isFirst &&= wrapper.test(name)
  }
  return found
}

/** `python -I`, `python -E`, `env -i python`: it does not see the variables that the stage is given. */
export function seesNoVariables(words: readonly string[]): boolean {
  const at = words.findIndex((word) => python.test(basename(word)))
  if (at < 0) return false
  const options = words.slice(at + 1)
  const end = options.findIndex((word) => !word.startsWith('-') || word === '-c' || word === '-m')
  const isClosed = options.slice(0, end < 0 ? undefined : end).some((word) => /^-[A-Za-z]*[IE]/.test(word))
  const around = words.slice(0, at)
  const isCleared = (word: string): boolean =>
    /^(?:-[a-z]*i|-|--ignore-environment)$/.test(word) || /^(?:-u|--unset=)?PYTHONHASHSEED(?:=|$)/.test(word)
  return isClosed || (around.some((word) => basename(word) === 'env') && around.some(isCleared))
}

type Interpreted =
  | Readonly<{ kind: 'script'; word: string; index: number }>
  | Readonly<{ kind: 'codes'; codes: readonly StartedCode[] }>
  | Readonly<{ kind: 'input' }>

/** Letters of Python's options that take no word, and then one of those that do. */
const pythonOption = /^-[bBdEhiIOPqRsSuvVx]*(?:([cmWX])(.*))?$/s
/** The same of a shell: `-c` anywhere, `-o` and `-O` with a name. */
const shellOption = /^[-+][A-Za-z]+$/

/** What an interpreter runs: its options up to the first word that says it. @param start of its words */
function fromInterpreter(language: Language, words: readonly string[], start: number): Interpreted {
  let isCode = false
  for (let index = start; index < words.length; index += 1) {
    const word = words[index] ?? ''
    const next = words[index + 1] ?? ''
    if (isCode && !shellOption.test(word)) return { kind: 'codes', codes: [{ kind: language, text: word }] }
    if (word === '-') return { kind: 'input' }
    if (/^--?(?:version|help|V+|h)$/.test(word)) return { kind: 'codes', codes: [] }
    if (word === '--' && index + 1 < words.length) return { kind: 'script', word: next, index: index + 1 }
    if (language === 'python' && word.startsWith('-')) {
      const [, letter, glued = ''] = pythonOption.exec(word) ?? []
      const value = glued === '' ? next : glued
      if (letter === 'c') return { kind: 'codes', codes: [{ kind: 'python', text: value }] }
      if (letter === 'm') return { kind: 'codes', codes: moduleOf(value) }
      if ((letter === 'W' || letter === 'X') && glued === '') index += 1
      if (word === '--check-hash-based-pycs') index += 1
    } else if (language === 'shell' && shellOption.test(word)) {
      isCode ||= word.startsWith('-') && word.includes('c')
      if (/[oO]$/.test(word)) index += 1
    } else if (word === '--rcfile' || word === '--init-file') index += 1
    else if (!word.startsWith('-')) return { kind: 'script', word, index }
  }
  return { kind: 'input' }
}

function fromInput(
  language: Language,
  { heredoc, stdin }: Input,
  isFirst: boolean,
  exists: (word: string) => boolean,
): readonly StartedCode[] {
  if (heredoc !== undefined) return [{ kind: language, ...heredoc }]
  if (stdin !== undefined && exists(stdin)) return [{ kind: 'file', word: stdin, as: language }]
  return isFirst ? [{ kind: 'unread', because: 'runs what an interpreter is given as its input' }] : []
}

function moduleOf(name = ''): readonly StartedCode[] {
  return name === '' ? [] : [{ kind: 'module', path: name.replaceAll('.', '/') }]
}

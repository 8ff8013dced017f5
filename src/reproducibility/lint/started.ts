/** What a command starts, by its words: scripts, notebooks, modules, and code that stands in the command itself. Pure. */
import { basename } from 'node:path/posix'

/** `at` is where its text begins, when that is not the command. */
export type StartedCode =
  | Readonly<{ kind: 'file'; word: string }>
  | Readonly<{ kind: 'module'; path: string }>
  | Readonly<{ kind: 'python' | 'shell'; text: string; at?: number }>

type Heredoc = Readonly<{ text: string; at: number }>

const python = /^(?:i?python|pypy)[\d.]*$/
const shell = /^(?:ba|da|k|z)?sh$/

export const isShellName = (name: string): boolean => shell.test(name)

/** @param exists whether a word names a file of the project */
export function callsOf(
  words: readonly string[],
  heredoc: Heredoc | undefined,
  exists: (word: string) => boolean,
): readonly StartedCode[] {
  const found: StartedCode[] = []
  const isPapermill = words.some((word) => basename(word) === 'papermill')
  let isRead = false // the second notebook of papermill is what it makes
  for (const [index, word] of words.entries()) {
    const name = basename(word)
    const rest = words.slice(index + 1)
    const before = words[index - 1] ?? ''
    if (python.test(name)) found.push(...fromInterpreter('python', rest, heredoc))
    else if (shell.test(name)) found.push(...fromInterpreter('shell', rest, heredoc))
    else if (word === '-m' && index > 0 && !python.test(basename(before)) && !before.startsWith('-'))
      found.push(...moduleOf(rest))
    if (
      /\.(?:py|ipynb|sh|bash)$/.test(word) ||
      index === 0 ||
      shell.test(basename(before)) ||
      ['.', 'source'].includes(before)
    ) {
      if (isRead && word.endsWith('.ipynb')) continue
      if (exists(word)) found.push({ kind: 'file', word })
      isRead ||= isPapermill && word.endsWith('.ipynb')
    }
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
  return isClosed || (words[0] === 'env' && (words.includes('-i') || words.includes('PYTHONHASHSEED')))
}

/** Options up to the first that says what to run; a script is found among the words. */
function fromInterpreter(
  kind: 'python' | 'shell',
  words: readonly string[],
  heredoc: Heredoc | undefined,
): readonly StartedCode[] {
  for (const [index, word] of words.entries()) {
    const next = words[index + 1] ?? ''
    if (word === '-c') return [{ kind, text: next }]
    if (word === '-m' && kind === 'python') return moduleOf(words.slice(index + 1))
    if (word === '-') break
    if (!word.startsWith('-')) return []
  }
  return heredoc === undefined ? [] : [{ kind, ...heredoc }]
}

function moduleOf([name = '']: readonly string[]): readonly StartedCode[] {
  return name === '' ? [] : [{ kind: 'module', path: name.replaceAll('.', '/') }]
}

/** One file of a stage's code, read once: its text, its facts, where its offsets are, and what is declared in it. */
import { DomainError, oneLine } from '../../core/index.ts'
import { type CellPlace, readNotebook, type ShellPiece } from './notebook.ts'
import { factsOfModule, type ModuleFacts } from './python-rules.ts'
import { type Comment, maxDepth, maxSourceBytes, parsePython } from './python-tree.ts'
import { isRule, type RuleName } from './rules.ts'

/** 1-based; in a notebook the line within its cell. */
export type Place = Readonly<{ line: number; column: number; cell?: number }>

/** Files of the project. */
export type SourceFiles = Readonly<{
  has(path: string): boolean
  /** undefined when nothing is there; throws a `DomainError` when it cannot be read. */
  read(path: string): Uint8Array | undefined
}>

export type Text = Readonly<{
  path: string
  text: string
  placeOf(offset: number): Place
  /** `# assay: harmless RULE because WHY` on the line or the one above it. */
  declared(offset: number, rule: RuleName): string | undefined
}>

export type Unread = Readonly<{ offset: number; because: string }>
export type PythonSource = Text &
  Readonly<{ facts?: ModuleFacts; shell: readonly ShellPiece[]; unread: readonly Unread[] }>

/** @throws DomainError when the bytes are no text, or too many */
export function textFrom(bytes: Uint8Array, path: string): string {
  if (bytes.length > maxSourceBytes) {
    throw new DomainError(
      'ERR_INPUT_TOO_LARGE',
      `it has ${bytes.length} bytes, and code of more than ${maxSourceBytes} is not read`,
    )
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replaceAll('\r\n', '\n')
  } catch (cause) {
    throw new DomainError('ERR_INPUT_MALFORMED', `\`${oneLine(path)}\` is not UTF-8`, { cause })
  }
}

export function pythonFrom(bytes: Uint8Array, path: string): PythonSource {
  if (!path.endsWith('.ipynb')) return pythonText(textFrom(bytes, path), path)
  const notebook = readNotebook(bytes, path)
  if (notebook === undefined) {
    return {
      ...textAt(path, '', [], []),
      shell: [],
      unread: [{ offset: 0, because: 'is a notebook in another language than Python' }],
    }
  }
  const { text, places, shell, unread } = notebook
  if (text.length > maxSourceBytes)
    throw new DomainError('ERR_INPUT_TOO_LARGE', `its cells have more than ${maxSourceBytes} bytes`)
  const source = pythonText(text, path, places, shell)
  return { ...source, unread: [...source.unread, ...unread] }
}

/** Code that stands in a command is read as if it were a file. */
export function pythonText(
  text: string,
  path: string,
  cells: readonly CellPlace[] = [],
  shell: readonly ShellPiece[] = [],
): PythonSource {
  const tree = parsePython(text)
  if (tree === undefined) {
    return {
      ...textAt(path, text, cells, []),
      shell,
      unread: [{ offset: 0, because: `is nested deeper than ${maxDepth} levels` }],
    }
  }
  const source = textAt(path, text, cells, tree.comments)
  const broken =
    tree.broken === undefined
      ? []
      : [{ offset: tree.broken, because: 'is no Python that can be read: what is around it may have been missed' }]
  return { ...source, facts: factsOfModule(tree, text), shell, unread: [...broken, ...unclearComments(tree.comments)] }
}

/** A shell has its comments taken from whole lines alone. */
export function shellText(text: string, path: string): Text {
  const comments: Comment[] = []
  let from = 0
  for (const line of text.split('\n')) {
    if (line.trimStart().startsWith('#')) comments.push({ from, text: line.trim() })
    from += line.length + 1
  }
  return textAt(path, text, [], comments)
}

function textAt(path: string, text: string, cells: readonly CellPlace[], comments: readonly Comment[]): Text {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  const lineOf = (offset: number): number => {
    let [low, high] = [0, starts.length]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return low
  }
  const reasons = new Map<string, string>()
  for (const comment of comments) {
    const said = declarationIn(comment.text)
    const line = lineOf(comment.from)
    const isOwn = text.slice(starts[line], comment.from).trim() === ''
    if (said?.kind === 'reason') reasons.set(`${line + (isOwn ? 1 : 0)} ${said.rule}`, said.because)
  }
  return {
    path,
    text,
    placeOf: (offset) => {
      const line = lineOf(offset)
      const cell = cells[line]
      return {
        line: cell?.line ?? line + 1,
        column: offset - (starts[line] ?? 0) + 1,
        ...(cell === undefined ? {} : { cell: cell.cell }),
      }
    },
    declared: (offset, rule) => reasons.get(`${lineOf(offset)} ${rule}`),
  }
}

type Declaration = Readonly<{ kind: 'reason'; rule: RuleName; because: string }> | Readonly<{ kind: 'unclear' }>

function declarationIn(comment: string): Declaration | undefined {
  const [mark, word, rule = '', because, ...reason] = comment.slice(1).trim().split(/\s+/)
  if (mark !== 'assay:') return undefined
  const isClear = word === 'harmless' && isRule(rule) && because === 'because' && reason.length > 0
  return isClear ? { kind: 'reason', rule, because: reason.join(' ') } : { kind: 'unclear' }
}

function unclearComments(comments: readonly Comment[]): readonly Unread[] {
  return comments
    .filter(({ text }) => declarationIn(text)?.kind === 'unclear')
    .map(({ from }) => ({
      offset: from,
      because: 'is not `# assay: harmless RULE because REASON` with a rule of assay lint',
    }))
}

/**
 * A notebook's cells as one Python text, and where each line of it stands. Cells are counted from 1, of all kinds.
 *
 * What IPython adds (`%time`, `!ls`, `%%bash`) is taken out where a cell is not Python as it stands; what goes to a shell
 * is given back.
 */
import { basename } from 'node:path/posix'
import { type Json, oneLine, parseStrictJson } from '../../core/index.ts'
import { parsePython } from './python-tree.ts'

export type CellPlace = Readonly<{ cell: number; line: number }>
export type ShellPiece = Readonly<{ text: string; at: CellPlace }>
export type Notebook = Readonly<{
  text: string
  places: readonly CellPlace[]
  shell: readonly ShellPiece[]
  unread: readonly UnreadLine[]
}>
/** `offset` into the text. */
export type UnreadLine = Readonly<{ offset: number; because: string }>

/** LIMIT: 64 MiB, since outputs stand in it; what is read of it has the limits of a source. */
export const maxNotebookBytes = 64 * 1024 * 1024

/**
 * Trust: `bytes` are attacker-controlled.
 *
 * @returns undefined for a notebook in another language
 * @throws ERR_INPUT_MALFORMED, ERR_INPUT_TOO_LARGE
 */
export function readNotebook(bytes: Uint8Array, name: string): Notebook | undefined {
  const document = parseStrictJson(bytes, name, { maxBytes: maxNotebookBytes, maxDepth: 256 })
  const metadata = at(document, 'metadata')
  const language = at(at(metadata, 'kernelspec'), 'language') ?? at(at(metadata, 'language_info'), 'name') ?? 'python'
  if (typeof language !== 'string' || !language.toLowerCase().includes('python')) return undefined
  const lines: string[] = []
  const places: CellPlace[] = []
  const shell: ShellPiece[] = []
  const unread: UnreadLine[] = []
  let offset = 0
  for (const [index, cell] of listAt(document, 'cells').entries()) {
    if (at(cell, 'cell_type') !== 'code') continue
    const read = readCell(sourceOf(cell), index + 1)
    shell.push(...read.shell)
    for (const [line, text] of read.lines.entries()) {
      const because = read.unread.get(line)
      if (because !== undefined) unread.push({ offset, because })
      offset += text.length + 1
      lines.push(text)
      places.push({ cell: index + 1, line: line + 1 })
    }
  }
  return { text: `${lines.join('\n')}\n`, places, shell, unread }
}

function at(value: Json | undefined, key: string): Json | undefined {
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isRecord && Object.hasOwn(value, key) ? (value as Readonly<Record<string, Json>>)[key] : undefined // looked at
}

function listAt(value: Json, key: string): readonly Json[] {
  const list = at(value, key)
  return Array.isArray(list) ? list : []
}

function sourceOf(cell: Json): string {
  const source = at(cell, 'source')
  if (Array.isArray(source)) return source.filter((line) => typeof line === 'string').join('')
  return typeof source === 'string' ? source : ''
}

/** `unread`: why, by line of the cell from 0. */
type Cell = Readonly<{ lines: readonly string[]; shell: readonly ShellPiece[]; unread: ReadonlyMap<number, string> }>

const nothing: ReadonlyMap<number, string> = new Map()

/** Magics that run the rest of their cell as Python. */
const around: ReadonlySet<string> = new Set(['time', 'timeit', 'capture', 'prun', 'memit', 'python', 'python3'])
const shells: ReadonlySet<string> = new Set(['bash', 'sh', 'system', 'sx'])
/** Cells that hold no code that runs where outs are made. */
const shown: ReadonlySet<string> = new Set([
  'html',
  'HTML',
  'markdown',
  'latex',
  'svg',
  'SVG',
  'javascript',
  'js',
  'css',
])
/** Lines that change how the notebook looks or what is loaded, and run nothing. */
const settings: ReadonlySet<string> = new Set([
  ...['matplotlib', 'pylab', 'load_ext', 'reload_ext', 'autoreload', 'config', 'precision', 'colors', 'xmode', 'pdb'],
  ...['pip', 'conda', 'pwd', 'who', 'whos', 'ls', 'history', 'hist', 'pinfo', 'pdoc', 'pfile', 'psource', 'lsmagic'],
  ...['quickref', 'tensorboard', 'reset', 'reset_selective', 'xdel', 'store', 'watermark'],
])

function readCell(source: string, cell: number): Cell {
  const lines = source.split('\n')
  const first = lines.findIndex((line) => line.trim() !== '')
  const head = (lines[first] ?? '').trim()
  const isWhole = head.startsWith('%%')
  const [magic = '', program = ''] = isWhole ? head.slice(2).split(/\s+/) : []
  if (shells.has(magic) || (magic === 'script' && shells.has(basename(program)))) {
    const text = lines.slice(first + 1).join('\n')
    return { lines: lines.map(() => ''), shell: [{ text, at: { cell, line: first + 2 } }], unread: nothing }
  }
  if (isWhole && !around.has(magic)) {
    const unread = shown.has(magic)
      ? nothing
      : new Map([[first, `is a cell of \`%%${oneLine(magic)}\`, which is not read`]])
    return { lines: lines.map(() => ''), shell: [], unread }
  }
  const python = isWhole ? lines.with(first, '') : lines
  const parsed = parsePython(python.join('\n'))
  if (parsed !== undefined && parsed.broken === undefined) return { lines: python, shell: [], unread: nothing }
  return withoutMagics(python, cell)
}

function withoutMagics(lines: readonly string[], cell: number): Cell {
  const shell: ShellPiece[] = []
  const unread = new Map<number, string>()
  const plain = lines.map((line, index) => {
    const start = line.length - line.trimStart().length
    const words = line.slice(start)
    const assigned = words.indexOf('= !') < 0 ? words.indexOf('= %') : words.indexOf('= !')
    const isHelp = /^(?:\?{1,2}%{0,2}[\w.*]+|%{0,2}[\w.*]+\?{1,2})\s*$/.test(words)
    const isMagic = words.startsWith('!') || words.startsWith('%') || isHelp
    if (!isMagic && assigned < 0) return line
    const command = isMagic ? words : words.slice(assigned + 2)
    const instead = isMagic ? `${line.slice(0, start)}pass` : `${line.slice(0, start + assigned)}= None`
    const toShell = (text: string): string => {
      shell.push({ text: withoutValues(text), at: { cell, line: index + 1 } })
      return instead
    }
    if (isHelp) return instead
    if (command.startsWith('!')) return toShell(command.slice(1))
    const [, name = '', rest = ''] = /^%(\w+)\s*(.*)$/s.exec(command) ?? []
    if (name === 'sx' || name === 'system') return toShell(rest)
    if (name === 'run') return toShell(`python ${rest}`)
    if (isMagic && around.has(name)) return line.slice(0, start) + withoutOptions(rest)
    if (!settings.has(name)) unread.set(index, `is \`%${oneLine(name)}\`, which is not read`)
    return instead
  })
  return { lines: plain, shell, unread }
}

/** `-n 10 -r3 work()`: what `%timeit` measures. */
function withoutOptions(statement: string): string {
  const code = statement.replace(/^(?:-[a-z]+\s*\d*\s+)*/, '')
  return code === '' ? 'pass' : code
}

/** `{name}` stands for the value of a Python expression: words of the same length in its place. */
function withoutValues(command: string): string {
  let depth = 0
  return [...command]
    .map((char) => {
      if (char === '{') depth += 1
      const inside = depth > 0
      if (char === '}') depth = Math.max(0, depth - 1)
      return inside ? 'x'.repeat(char.length) : char
    })
    .join('')
}

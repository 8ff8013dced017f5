/**
 * A notebook's cells as one Python text, and where each line of it stands. Cells are counted from 1, of all kinds.
 *
 * What IPython adds (`%time`, `!ls`, `%%bash`) is taken out where a cell is not Python as it stands; what goes to a shell
 * is given back.
 */
import { type Json, parseStrictJson } from '../../core/index.ts'
import { parsePython } from './python-tree.ts'

export type CellPlace = Readonly<{ cell: number; line: number }>
export type ShellPiece = Readonly<{ text: string; at: CellPlace }>
export type Notebook = Readonly<{ text: string; places: readonly CellPlace[]; shell: readonly ShellPiece[] }>

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
  for (const [index, cell] of listAt(document, 'cells').entries()) {
    if (at(cell, 'cell_type') !== 'code') continue
    const read = readCell(sourceOf(cell), index + 1)
    shell.push(...read.shell)
    for (const [line, text] of read.lines.entries()) {
      lines.push(text)
      places.push({ cell: index + 1, line: line + 1 })
    }
  }
  return { text: `${lines.join('\n')}\n`, places, shell }
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

type Cell = Readonly<{ lines: readonly string[]; shell: readonly ShellPiece[] }>

/** Magics that run the rest of their cell as Python. */
const around: ReadonlySet<string> = new Set(['time', 'timeit', 'capture', 'prun', 'memit', 'python', 'python3'])
const shells: ReadonlySet<string> = new Set(['bash', 'sh'])

function readCell(source: string, cell: number): Cell {
  const lines = source.split('\n')
  const first = lines.findIndex((line) => line.trim() !== '')
  const head = (lines[first] ?? '').trim()
  const isWhole = head.startsWith('%%')
  const magic = isWhole ? (head.slice(2).split(' ')[0] ?? '') : ''
  if (shells.has(magic)) {
    const text = lines.slice(first + 1).join('\n')
    return { lines: lines.map(() => ''), shell: [{ text, at: { cell, line: first + 2 } }] }
  }
  if (isWhole && !around.has(magic)) return { lines: lines.map(() => ''), shell: [] }
  const python = isWhole ? lines.with(first, '') : lines
  const parsed = parsePython(python.join('\n'))
  if (parsed !== undefined && parsed.broken === undefined) return { lines: python, shell: [] }
  return withoutMagics(python, cell)
}

function withoutMagics(lines: readonly string[], cell: number): Cell {
  const shell: ShellPiece[] = []
  const plain = lines.map((line, index) => {
    const start = line.length - line.trimStart().length
    const words = line.slice(start)
    const assigned = words.indexOf('= !') < 0 ? words.indexOf('= %') : words.indexOf('= !')
    const isMagic = words.startsWith('!') || words.startsWith('%') || words.endsWith('?')
    if (!isMagic && assigned < 0) return line
    const command = isMagic ? words : words.slice(assigned + 2)
    if (command.startsWith('!')) shell.push({ text: withoutValues(command.slice(1)), at: { cell, line: index + 1 } })
    return isMagic ? `${line.slice(0, start)}pass` : `${line.slice(0, start + assigned)}= None`
  })
  return { lines: plain, shell }
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

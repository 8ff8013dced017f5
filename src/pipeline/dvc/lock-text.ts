/**
 * `dvc.lock` as text: what it says of each stage, and the text with some of it said anew.
 *
 * Only the lines of stages that changed are written again: comments, order and spelling of all others are the user's
 * and DVC's. New stages go to the end, as DVC puts them. SOURCE: dvc/dvcfile.py Lockfile, schema 2.0.
 */
import { DomainError } from '../../core/index.ts'
import { isMap, type Key, readYaml, type Value, type ValueMap } from '../define/index.ts'
import { mapText } from './yaml-text.ts'

export type DvcLock = Readonly<{
  file: string
  text: string
  stages: ReadonlyMap<string, ValueMap>
  /** Where the lines of each stage begin and end; undefined where the text is not laid out as DVC does it. */
  lines?: ReadonlyMap<string, Readonly<{ from: number; to: number }>>
  root: ValueMap
}>

const version = '2.0'

/**
 * Trust: the file is a hint; whatever it names is checked before it is used.
 *
 * @returns undefined for a lock of DVC 1, which DVC 3 refuses too
 * @throws ERR_LOCK_MALFORMED with line and column
 */
export function parseDvcLock(bytes: Uint8Array, file: string): DvcLock | undefined {
  const { root, places } = readYaml(bytes, file, 'ERR_LOCK_MALFORMED')
  if (!isMap(root)) throw malformed(file, 'is not a map')
  const text = new TextDecoder().decode(bytes)
  if (root.size === 0) return { file, text: '', stages: new Map(), root }
  if (!root.has('schema')) return undefined
  if (root.get('schema') !== version) throw malformed(file, `is not of schema ${version}`)
  const written = root.get('stages') ?? new Map()
  if (!isMap(written)) throw malformed(file, 'has `stages` that are not a map')
  const stages = new Map<string, ValueMap>()
  for (const [name, entry] of written) {
    if (typeof name !== 'string' || !isMap(entry)) throw malformed(file, 'has a stage that is not a map')
    stages.set(name, entry)
  }
  const keys = [...stages.keys()].map((name) => ({ name, ...places.ofKey(written, name) }))
  const after = [...root.keys()].map((key) => places.ofKey(root, typeof key === 'string' ? key : '').line)
  const own = places.ofKey(root, 'stages').line
  const end = Math.min(...after.filter((line) => line > own), text.split('\n').length)
  const lines = keys.length > 0 && isBlock(text, keys, own) ? linesOf(keys, end) : undefined
  return { file, text, stages, root, ...(lines === undefined ? {} : { lines }) }
}

type Placed = Readonly<{ name: string; line: number; column: number }>

/** Anchors tie lines together, and CRLF is not what we would write beside it: such a text is written whole. */
function isBlock(text: string, keys: readonly Placed[], own: number): boolean {
  const isOrdered = keys.every(({ line, column }, index) => line > (keys[index - 1]?.line ?? own) && column === 3)
  return isOrdered && !/[&*][A-Za-z0-9]+\s*$/m.test(text) && !text.includes('\r') && text.endsWith('\n')
}

function linesOf(keys: readonly Placed[], end: number): ReadonlyMap<string, Readonly<{ from: number; to: number }>> {
  return new Map(
    keys.map(({ name, line }, index) => [name, { from: line - 1, to: (keys[index + 1]?.line ?? end) - 1 }]),
  )
}

/** An empty lock. */
export function noDvcLock(file: string): DvcLock {
  return { file, text: '', stages: new Map(), root: new Map() }
}

/** @param changed stages with what is to be said of them; those that the lock does not have in the order of the map */
export function dvcLockText(lock: DvcLock, changed: ReadonlyMap<string, ValueMap>): string {
  const added = [...changed].filter(([name]) => !lock.stages.has(name))
  if (lock.text === '' || lock.lines === undefined) {
    const stages = new Map<string, Value>([...lock.stages, ...changed])
    return mapText(new Map<Key, Value>([['schema', version], ...lock.root, ['stages', stages]]), 0)
  }
  const all = lock.text.split('\n')
  const pieces: string[] = []
  let at = 0
  for (const [name, { from, to }] of lock.lines) {
    const entry = changed.get(name)
    if (entry === undefined) continue
    pieces.push(joined(all.slice(at, from)), stageText(name, entry))
    at = to
  }
  const end = [...lock.lines.values()].at(-1)?.to ?? all.length - 1
  pieces.push(joined(all.slice(at, end)), ...added.map(([name, entry]) => stageText(name, entry)))
  return `${pieces.join('')}${all.slice(end).join('\n')}`
}

function joined(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}

function stageText(name: string, entry: ValueMap): string {
  return mapText(new Map([[name, entry]]), 2)
}

function malformed(file: string, what: string): DomainError {
  return new DomainError('ERR_LOCK_MALFORMED', `\`${file}\` ${what}`)
}

/** What one look at a path shows, as one text: equal texts mean that nothing there was touched. */
import { type BigIntStats, lstatSync, realpathSync, statSync } from 'node:fs'

/** `entry`: a file with its times, or that there is a folder; `list`: a folder with its times; `real`: where it leads. */
export type LookKind = 'entry' | 'list' | 'real'
export type Look = string

/** The originals, whoever stands between: an observer looks too. */
const file = { lstatSync, realpathSync, statSync }

export function lookAt(kind: LookKind, path: string): Look {
  try {
    if (kind === 'real') return file.realpathSync(path)
    const stats = file.lstatSync(path, { bigint: true, throwIfNoEntry: false })
    if (stats === undefined) return 'none'
    if (!stats.isSymbolicLink()) return textOf(kind, stats)
    return `${textOf('list', stats)} > ${textOf(kind, file.statSync(path, { bigint: true }))}`
  } catch (error) {
    return `error ${error instanceof Error && 'code' in error ? error.code : ''}`
  }
}

/**
 * Whether a change that comes right after a look at `nowMs` would show in the next one: a time closer than the file
 * system's granule (2 s for FAT) could hide it.
 */
export function isSettled(look: Look, nowMs: number): boolean {
  const limit = BigInt(Math.floor(nowMs) - 2000) * 1_000_000n
  return [...look.matchAll(/[mc](\d+)/g)].every(([, ns = '0']) => BigInt(ns) < limit)
}

function textOf(kind: LookKind, stats: BigIntStats): string {
  const { dev, ino, mode, uid, size, mtimeNs, ctimeNs } = stats
  if (kind === 'entry' && stats.isDirectory()) return `folder ${dev} ${ino} ${mode} ${uid}`
  return `${dev} ${ino} ${mode} ${size} m${mtimeNs} c${ctimeNs}`
}

/** What a monitor has seen of a log, in a file. */
import { existsSync, readFileSync } from 'node:fs'
import { nothingSeen, parseSeen, printSeen, type Seen } from '../attestation/index.ts'
import { hexOf, sha256Of } from '../core/index.ts'
import { writeDurably } from './evidence.fs.ts'

/** Nothing when there is no such file. @throws ERR_TLOG_MALFORMED when it is something else */
export function loadSeen(file: string, origin: string): Seen {
  return existsSync(file) ? parseSeen(readFileSync(file)) : nothingSeen(origin)
}

export function saveSeen(file: string, seen: Seen): void {
  writeDurably(file, Buffer.from(printSeen(seen)))
}

export type ContradictionRecord = Readonly<{
  at: string
  source: string
  code: string
  because: string
  /** Checkpoints as the log signed them, with all signatures: what was seen before, and what it shows now. */
  seen: string
  shown: string
}>

/**
 * Evidence that a log contradicts itself, beside what was seen: `FILE.fork-<16 hex>.json`, once for each pair of checkpoints.
 *
 * @returns its path
 */
export function saveContradiction(file: string, record: ContradictionRecord): string {
  const name = hexOf(sha256Of(`${record.seen}\n${record.shown}`)).slice(0, 16)
  const path = `${file}.fork-${name}.json`
  if (!existsSync(path)) writeDurably(path, Buffer.from(`${JSON.stringify({ assayLogFork: 1, ...record }, null, 2)}\n`))
  return path
}

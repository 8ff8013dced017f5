/** What a monitor has seen of a log, in a file. */
import { existsSync, readFileSync } from 'node:fs'
import { nothingSeen, parseSeen, printSeen, type Seen } from '../attestation/index.ts'
import { writeDurably } from './evidence.fs.ts'

/** Nothing when there is no such file. @throws ERR_TLOG_MALFORMED when it is something else */
export function loadSeen(file: string, origin: string): Seen {
  return existsSync(file) ? parseSeen(readFileSync(file)) : nothingSeen(origin)
}

export function saveSeen(file: string, seen: Seen): void {
  writeDurably(file, Buffer.from(printSeen(seen)))
}

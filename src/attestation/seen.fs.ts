/**
 * What this user has seen of a project's trust: the newest status, older ones that took back what it does not, and the newest
 * time that was proven.
 *
 * Kept beside the keys, so that an older status, or a clock that was set back, is noticed. Nothing is remembered where no
 * folder of the user is known.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { DomainError, parseStrictJson } from '../core/index.ts'
import { refuseExposedFolder } from './key-file.fs.ts'
import { isFolderKnown, keyFolder } from './key-folder.fs.ts'
import { keepFile, projectFolder } from './key-home.fs.ts'
import type { KeyEnvironment } from './key-home.ts'
import { projectsIn } from './key-record.fs.ts'

/** `status`: the signed bundles of one status or several, one a line. */
export type SeenTrust = Readonly<{ newestTime?: Date; status?: Uint8Array }>

/** LIMIT: 32 statuses, 64 MiB of them, 4 KiB of the rest. */
export const seenLimits = { statuses: 32, statusBytes: 64 * 1024 * 1024 }
const limits = { maxBytes: 4096, maxDepth: 2 }
const seenShape = z.strictObject({ version: z.literal(1), newestTime: z.iso.datetime() })

/** @throws ERR_KEY_EXPOSED, ERR_KEY_MALFORMED: what was remembered and cannot be read is not taken for nothing */
export function readSeen(environment: KeyEnvironment, project: string): SeenTrust {
  if (!isFolderKnown(environment)) return {}
  const place = projectFolder(environment, project)
  const [seen, status] = [
    bytesOf(place, 'seen.json', limits.maxBytes),
    bytesOf(place, 'status.jsonl', seenLimits.statusBytes),
  ]
  return {
    ...(seen === undefined ? {} : { newestTime: timeOf(seen, join(place, 'seen.json')) }),
    ...(status === undefined ? {} : { status }),
  }
}

/** The statuses of every project, each file by the id of its project. @throws as `readSeen` */
export function everySeenStatus(environment: KeyEnvironment): ReadonlyMap<string, Uint8Array> {
  if (!isFolderKnown(environment)) return new Map()
  return new Map(
    projectsIn(keyFolder(environment)).flatMap((project) => {
      const { status } = readSeen(environment, project)
      return status === undefined ? [] : [[project, status] as const]
    }),
  )
}

/** @throws ERR_KEY_HOME, ERR_KEY_EXPOSED, ERR_IO */
export function keepNewestTime(environment: KeyEnvironment, project: string, at: Date): void {
  if (!isFolderKnown(environment)) return
  const text = `${JSON.stringify({ version: 1, newestTime: at.toISOString() })}\n`
  keepFile(environment, project, 'seen.json', Buffer.from(text))
}

/** @throws ERR_KEY_HOME, ERR_KEY_EXPOSED, ERR_IO */
export function keepStatus(environment: KeyEnvironment, project: string, status: Uint8Array): void {
  if (isFolderKnown(environment)) keepFile(environment, project, 'status.jsonl', status)
}

function bytesOf(place: string, name: string, maxBytes: number): Uint8Array | undefined {
  const file = join(place, name)
  if (!existsSync(file)) return undefined
  refuseExposedFolder(place)
  if (statSync(file).size > maxBytes) throw broken(file)
  return readFileSync(file)
}

function timeOf(bytes: Uint8Array, file: string): Date {
  const parsed = seenShape.safeParse(parseStrictJson(bytes, 'seen.json', limits))
  if (!parsed.success) throw broken(file)
  return new Date(parsed.data.newestTime)
}

function broken(file: string): DomainError {
  return new DomainError('ERR_KEY_MALFORMED', `\`${file}\` is not what assay remembers`, {
    help: 'look at it, and remove it when it is not yours: what was seen before is then forgotten',
  })
}

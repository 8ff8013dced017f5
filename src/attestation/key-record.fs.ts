/** What the user's own folder says of a project's key: a record, and the folder that it lies in. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { DomainError, parseStrictJson } from '../core/index.ts'
import { refuseExposedFolder } from './key-file.fs.ts'
import type { KeyRecord } from './key-home.ts'
import { writePrivate } from './secret-file.fs.ts'

/** LIMIT: a record is at most 1 MiB. */
const recordLimits = { maxBytes: 1024 * 1024, maxDepth: 8 }

const recordShape = z.strictObject({
  version: z.literal(1),
  project: z.string(),
  key: z
    .strictObject({ publicPem: z.string(), hint: z.string(), encrypted: z.boolean(), createdAt: z.iso.datetime() })
    .exactOptional(),
  held: z
    .strictObject({ address: z.string(), publicPem: z.string().exactOptional(), hint: z.string().exactOptional() })
    .exactOptional(),
  checkouts: z.array(z.string()),
  revoked: z.array(
    z.strictObject({
      publicPem: z.string(),
      hint: z.string(),
      revokedAt: z.iso.datetime(),
      since: z.union([z.iso.date(), z.iso.datetime()]).exactOptional(),
      because: z.string(),
    }),
  ),
  retired: z
    .array(z.strictObject({ publicPem: z.string(), hint: z.string(), retiredAt: z.iso.datetime() }))
    .exactOptional(),
  pinned: z.array(z.string()).exactOptional(),
})

/** Ids of the projects that have a folder. */
export function projectsIn(folder: string): readonly string[] {
  const projects = join(folder, 'projects')
  return existsSync(projects) ? readdirSync(projects).sort() : []
}

/** @throws ERR_KEY_MALFORMED, ERR_KEY_EXPOSED */
export function loadRecord(place: string, project: string): KeyRecord | undefined {
  const file = join(place, 'record.json')
  if (!existsSync(file)) return undefined
  refuseExposedFolder(dirname(dirname(place)))
  refuseExposedFolder(place)
  if (statSync(file).size > recordLimits.maxBytes) throw broken(file)
  const parsed = recordShape.safeParse(parseStrictJson(readFileSync(file), 'record.json', recordLimits))
  if (!parsed.success || parsed.data.project !== project) throw broken(file)
  const { version: _, ...record } = parsed.data
  return record
}

function broken(file: string): DomainError {
  return new DomainError('ERR_KEY_MALFORMED', `\`${file}\` is not a record of keys`, {
    help: 'take it from a backup, or move the folder away and make a new key (assay key new)',
  })
}

/** @throws ERR_KEY_HOME, ERR_KEY_EXPOSED, ERR_IO */
export function saveRecord(folder: string, place: string, record: KeyRecord): KeyRecord {
  prepareFolder(folder, place)
  writePrivate(join(place, 'record.json'), Buffer.from(`${JSON.stringify({ version: 1, ...record }, null, 2)}\n`))
  return record
}

/** @throws ERR_KEY_HOME, ERR_KEY_EXPOSED */
export function prepareFolder(folder: string, place: string): void {
  try {
    mkdirSync(place, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new DomainError('ERR_KEY_HOME', `the folder \`${folder}\` cannot be made`, { cause })
  }
  for (const each of [folder, dirname(place), place]) refuseExposedFolder(each)
}

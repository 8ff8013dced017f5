/** Records of runs: `.assay/runs/<runId>/run.json`, written whole after each stage; the logs' bytes are in the store. */
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { DomainError, isDomainError, type Sha256 } from '../core/index.ts'
import { writeDurably } from './evidence.fs.ts'
import type { RunReport } from './report.ts'

export type RunRecord = Readonly<{
  assay: 1
  startedAt: string
  finishedAt?: string
  commit?: string
  report: RunReport
  /** Stage -> digest of its log in the store, for stages that ran. */
  logs: Readonly<Record<string, Sha256>>
}>

/** LIMIT: a record is at most 64 MiB. */
const maxRecordBytes = 64 * 1024 * 1024

const paths = z.array(z.string())
const hermeticityShape = z.looseObject({
  seenBy: z.enum(['trace', 'evidence']),
  whole: z.boolean(),
  usedFiles: paths,
  undeclaredFiles: paths,
  unreadDeps: paths,
  undeclaredReads: paths,
  outsideReads: paths,
  refusedWrites: paths,
  discardedWrites: paths,
  network: z.looseObject({ deniedAttempts: z.number(), destinations: paths }),
  dvc: z.looseObject({ place: z.string(), add: paths, remove: paths }),
})

const resourcesShape = z
  .object({
    wallMs: z.number(),
    heldBy: z.string(),
    ioHeldBy: z.string().exactOptional(),
    programs: paths.exactOptional(),
    unusual: paths.exactOptional(),
    profile: z.object({ everyMs: z.number() }).catchall(z.array(z.number())).exactOptional(),
  })
  .catchall(z.number())

/** What readers of a record rely on; read for display and for what to keep, never for what to believe. */
const recordShape = z.looseObject({
  assay: z.literal(1),
  startedAt: z.string(),
  logs: z.record(z.string(), z.string().regex(/^sha256:[0-9a-f]{64}$/)),
  report: z.looseObject({
    runId: z.string(),
    status: z.string(),
    level: z.number(),
    whyNotHigher: z.array(z.string()),
    stages: z.array(
      z.looseObject({
        name: z.string(),
        status: z.string(),
        durationMs: z.number(),
        outputs: z.array(z.looseObject({ path: z.string(), digest: z.string(), sizeBytes: z.number() })),
        hermeticity: hermeticityShape.exactOptional(),
        resources: resourcesShape.exactOptional(),
      }),
    ),
  }),
})

/** THREAT: a pipe in its place would be waited on for ever. */
function recordIn(file: string): RunRecord {
  const status = lstatSync(file)
  if (!status.isFile() || status.size > maxRecordBytes) throw new Error('not a regular file of a possible size')
  const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
  refuseNewer(value)
  return recordShape.parse(value) as unknown as RunRecord // the shape was just held to it
}

function refuseNewer(value: unknown): void {
  const version = typeof value === 'object' && value !== null && 'assay' in value ? value.assay : undefined
  if (typeof version !== 'number' || version <= 1) return
  throw new DomainError('ERR_FORMAT_NEWER', `the record of this run has version ${version}, and this assay knows 1`)
}

export type RunArchive = Readonly<{
  save(record: RunRecord): void
  /** Newest first. */
  list(): readonly string[]
  /** @param runId a whole id or the beginning of exactly one; the latest when left out. @throws ERR_RUN_UNKNOWN */
  load(runId?: string): RunRecord
}>

export function openRuns(root: string): RunArchive {
  const folder = join(root, '.assay', 'runs')
  const list = (): readonly string[] =>
    existsSync(folder)
      ? readdirSync(folder)
          .filter((name) => existsSync(join(folder, name, 'run.json')))
          .toSorted()
          .toReversed()
      : []
  return {
    save: (record) =>
      writeDurably(
        join(folder, record.report.runId, 'run.json'),
        Buffer.from(`${JSON.stringify(record, undefined, 2)}\n`),
        join(root, '.assay', 'tmp'),
      ),
    list,
    load: (runId) => {
      const candidates = runId === undefined ? list().slice(0, 1) : list().filter((name) => name.startsWith(runId))
      const [only, ...others] = candidates
      if (only === undefined || others.length > 0) {
        const message =
          runId === undefined ? 'this project has no run yet' : `${candidates.length} runs are called \`${runId}\``
        throw new DomainError('ERR_RUN_UNKNOWN', message, {
          help: runId === undefined ? 'start one with assay run' : 'list them with assay show --all',
        })
      }
      try {
        return recordIn(join(folder, only, 'run.json'))
      } catch (cause) {
        if (isDomainError(cause)) throw cause
        throw new DomainError('ERR_RUN_UNKNOWN', `the record of the run \`${only}\` cannot be read`, { cause })
      }
    },
  }
}

/** Records of runs: `.assay/runs/<runId>/run.json`, written whole after each stage; the logs' bytes are in the store. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DomainError, type Sha256 } from '../core/index.ts'
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
        return JSON.parse(readFileSync(join(folder, only, 'run.json'), 'utf8')) as RunRecord // our own file, read for display only
      } catch (cause) {
        throw new DomainError('ERR_RUN_UNKNOWN', `the record of the run \`${only}\` cannot be read`, { cause })
      }
    },
  }
}

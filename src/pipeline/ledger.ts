/** What a run has come to so far: the results of its stages, its record on disk, the lock. */
import { DomainError, type Sha256 } from '../core/index.ts'
import type { GatesReport } from './attest-gates.ts'
import type { StageDefinition } from './definition.ts'
import { saveLock } from './lock.fs.ts'
import type { LockEntry } from './lock.ts'
import { paced } from './paced.ts'
import type { Plan } from './plan.ts'
import type { Project } from './project.ts'
import { type RunReport, type StageReport, statusOf } from './report.ts'
import type { StageResult } from './run-stage.ts'
import { isThrowAway, type RunOptions, type RunTools } from './run-tools.ts'
import { mergedSystems } from './system-pin.ts'
import { levelOfRun } from './verify.ts'

export type Ledger = Disposable &
  Readonly<{
    stageNamed(name: string): StageDefinition
    done: ReadonlyMap<string, StageResult>
    /** Keeps a result: in the lock, in the record, and tells it. */
    settle(name: string, result: StageResult): StageResult
    /** The whole report, with its level; the record is final. */
    close(gates: readonly GatesReport[]): Promise<RunReport>
    /** Writes what waits to be written, whatever ended the run. */
    [Symbol.dispose](): void
  }>

export function openLedger(project: Project, tools: RunTools, { order }: Plan): Ledger {
  const { options } = tools
  const done = new Map<string, StageResult>()
  const known = new Set(project.pipeline.stages.map(({ name }) => name))
  const lock = new Map([...tools.lock].filter(([name]) => known.has(name)))
  const save = openRecord(project, options)
  const position = new Map(order.map((stage, index) => [stage.name, index]))
  const logs: Record<string, Sha256> = {}
  const report = (): RunReport => reportOf(tools.runId, order, done)
  // INVARIANT: the lock on disk only ever names evidence that is on disk already.
  const lockFile = paced(() => saveLock(project.root, { stages: lock, systems: mergedSystems(tools.systems) }))
  const record = paced(() => save(report(), logs))
  return {
    stageNamed: (name) => stageNamed(order, position.get(name) ?? -1, name),
    done,
    settle: (name, result) => {
      done.set(name, result)
      if (result.log !== undefined) logs[name] = result.log
      if (result.lock !== undefined && tools.pins && changesLock(lock, name, result.lock)) lockFile.soon()
      const isPlanned = options.dryRun && (result.pending === true || result.report.status === 'cached')
      if (!isPlanned) options.onEvent({ kind: 'ended', report: result.report })
      if (result.report.status !== 'cached') record.soon()
      return result
    },
    close: async (gates) => {
      lockFile.now()
      let ended: RunReport = gates.length === 0 ? report() : { ...report(), gates }
      try {
        if (!options.dryRun) ended = await withLevel(project, ended, options)
      } finally {
        record[Symbol.dispose]()
        save(ended, logs, project.now())
      }
      return ended
    },
    [Symbol.dispose]: () => {
      try {
        lockFile.now()
        record.now()
      } catch {
        // INVARIANT: after `close` nothing is left to write; before it a fault ends the run, and is the one to be told.
      }
    },
  }
}

type SaveRecord = (report: RunReport, logs: Readonly<Record<string, Sha256>>, finishedAt?: Date) => void

/** Written whole, so that a run that is killed leaves what it came to. */
function openRecord(project: Project, { dryRun }: RunOptions): SaveRecord {
  const { commit } = project.code
  const startedAt = project.now().toISOString()
  return (report, logs, finishedAt) => {
    if (dryRun) return
    project.runs.save({
      assay: 1,
      startedAt,
      ...(finishedAt === undefined ? {} : { finishedAt: finishedAt.toISOString() }),
      ...(commit === undefined ? {} : { commit }),
      report,
      logs,
    })
  }
}

function changesLock(lock: Map<string, LockEntry>, stage: string, entry: LockEntry): boolean {
  if (JSON.stringify(lock.get(stage)) === JSON.stringify(entry)) return false
  lock.set(stage, entry)
  return true
}

function stageNamed(stages: readonly StageDefinition[], index: number, name: string): StageDefinition {
  const stage = stages[index]
  if (stage === undefined) throw new Error(`the plan has no stage ${name}`)
  return stage
}

function reportOf(runId: string, order: readonly StageDefinition[], done: ReadonlyMap<string, StageResult>): RunReport {
  const stages: readonly StageReport[] = order.flatMap(({ name }) => done.get(name)?.report ?? [])
  const status = statusOf(stages.filter(({ name }) => done.get(name)?.pending !== true))
  const first = stages.find((stage) => stage.status === 'failed' || stage.status === 'refused')
  const error =
    first?.code === undefined
      ? undefined
      : {
          code: first.code,
          message: `${first.name}: ${first.because ?? first.status}`,
          help: first.help ?? new DomainError(first.code, '').help,
          details: { stage: first.name },
        }
  return { runId, status, stages, level: 0, whyNotHigher: [], ...(error === undefined ? {} : { error }) }
}

/** The level of what the run left behind: the lowest over its stages, from verified evidence. */
async function withLevel(project: Project, report: RunReport, options: RunOptions): Promise<RunReport> {
  if (report.status !== 'succeeded') return report
  const { level, whyNotHigher } = isThrowAway(options)
    ? { level: 0, whyNotHigher: ['a draft, or a run without a sandbox, earns nothing'] }
    : await levelOfRun(project, report)
  const reached = { ...report, level, whyNotHigher }
  if (options.requiredLevel === undefined || level >= options.requiredLevel) return reached
  return {
    ...reached,
    error: {
      code: 'ERR_RUN_LEVEL',
      message: `the run reached level ${level}, ${options.requiredLevel} was asked for`,
      help: whyNotHigher[0] ?? 'assay verify says what is missing',
      details: { level: String(level), required: String(options.requiredLevel) },
    },
  }
}

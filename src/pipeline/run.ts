/**
 * The main flow: for each stage of the plan resolve what goes in, reuse what is proven, else run it isolated, sign what
 * happened, put the outs into place and pin them in `assay.lock`.
 *
 * Read next: `run-stage.ts` (one stage), `reuse.ts` (what counts as proven), `verify.ts` (the other direction).
 */
import { DomainError, formatDay, type Sha256 } from '../core/index.ts'
import type { StageDefinition } from './definition.ts'
import { saveLock } from './lock.fs.ts'
import type { LockEntry } from './lock.ts'
import { planRun } from './plan.ts'
import type { Project } from './project.ts'
import { refuseUnsupportedSettings } from './refuse-unsupported.ts'
import { type RunReport, type StageReport, statusOf } from './report.ts'
import { runStage, type StageResult } from './run-stage.ts'
import { openRunTools, type RunOptions } from './run-tools.ts'
import { runSchedule } from './schedule.ts'
import { levelOfRun } from './verify.ts'

export type { RunEvent, RunOptions } from './run-tools.ts'

/**
 * Runs the plan for `options.targets`.
 *
 * A stage that fails or is refused is part of the report, not a fault; faults are what stops the whole run.
 *
 * @throws ERR_RUN_BUSY when another process runs this project
 * @throws ERR_KEY_HOME, ERR_KEY_LOCKED before the first stage that would have to be signed
 * @throws ERR_SANDBOX_UNAVAILABLE when this machine cannot isolate
 */
export async function runPipeline(project: Project, options: RunOptions): Promise<RunReport> {
  refuseUnsupportedSettings(project.settings)
  const plan = planRun(project.pipeline, options.targets)
  const fault = new AbortController()
  const signal = AbortSignal.any([options.signal, fault.signal])
  await using tools = await openRunTools(project, { ...options, signal })
  tellBeforeTheFirstStage(project, options)

  const done = new Map<string, StageResult>()
  const known = new Set(project.pipeline.stages.map(({ name }) => name))
  const lock = new Map([...tools.lock].filter(([name]) => known.has(name)))
  const logs: Record<string, Sha256> = {}
  const startedAt = project.now().toISOString()
  const save = (report: RunReport, finishedAt?: string): void => {
    if (options.dryRun) return
    const commit = project.code.commit
    project.runs.save({
      assay: 1,
      startedAt,
      ...(finishedAt === undefined ? {} : { finishedAt }),
      ...(commit === undefined ? {} : { commit }),
      report,
      logs,
    })
  }
  const report = (): RunReport => reportOf(tools.runId, plan.order, done)
  const settle = (stage: StageDefinition, result: StageResult): StageResult => {
    done.set(stage.name, result)
    if (result.log !== undefined) logs[stage.name] = result.log
    if (result.lock !== undefined && tools.pins) keepLock(project, lock, stage.name, result.lock)
    const isPlanned = options.dryRun && (result.pending === true || result.report.status === 'cached')
    if (!isPlanned) options.onEvent({ kind: 'ended', report: result.report })
    if (result.report.status !== 'cached') save(report())
    return result
  }

  await runSchedule<StageResult>(plan, {
    capacity: tools.capacity,
    costOf: (name) => tools.costOf(name),
    execute: async (name) => {
      const stage = stageNamed(plan.order, name)
      return settle(stage, await runStage(project, tools, stage, done))
    },
    skip: (name, upstream) => settle(stageNamed(plan.order, name), skipped(name, upstream)),
    succeeded: ({ report: { status }, pending }) => status === 'ran' || status === 'cached' || pending === true,
    keepGoing: options.keepGoing,
    signal,
    abandon: () => fault.abort(),
  })
  const ended = options.dryRun ? report() : withLevel(project, report(), options)
  save(ended, project.now().toISOString())
  return ended
}

function tellBeforeTheFirstStage(project: Project, options: RunOptions): void {
  const notice = (text: string): void => options.onEvent({ kind: 'notice', text })
  for (const warning of [...project.pipeline.warnings, ...project.code.findings]) notice(warning)
  const lastDay = lastDayOf(project)
  if (lastDay !== undefined)
    notice(`level 0: the trust policy expired after ${lastDay}; renew \`expires\` in trust.yaml and commit it`)
  if (project.pipeline.stages.length === 0) notice('the project has no stages yet: describe them in dvc.yaml')
  if (options.unsafeNoSandbox)
    notice('no sandbox: stages can read and change all that you can; level 0, signed with a throw-away key')
  if (options.draft) notice('a draft: level 0, signed with a throw-away key')
  if (project.overrides.length > 0)
    notice(`parameters given on the command line: level 0 (${project.overrides.join(', ')})`)
  if (project.code.commit === undefined) notice('level 0: there is no commit that holds the definition')
  else if (project.code.dirty.length > 0) {
    const names = project.code.dirty.map(({ path, because }) => `${path} (${because})`)
    const shown = names.slice(0, 10).join(', ')
    const more = names.length > 10 ? ` and ${names.length - 10} more` : ''
    const paths = project.code.dirty.slice(0, 10).map(({ path }) => (/^[\w./-]+$/.test(path) ? path : `'${path}'`))
    notice(`level 0 until this is committed: ${shown}${more}\n  next: git add ${paths.join(' ')} && git commit`)
  }
}

/** The last day of a policy that has expired. */
function lastDayOf({ trust: { expiresAt }, now }: Project): string | undefined {
  return expiresAt === undefined || expiresAt > now() ? undefined : formatDay(new Date(expiresAt.getTime() - 1))
}

/** INVARIANT: the lock on disk only ever names evidence that is on disk already. */
function keepLock(project: Project, lock: Map<string, LockEntry>, stage: string, entry: LockEntry): void {
  if (JSON.stringify(lock.get(stage)) === JSON.stringify(entry)) return
  lock.set(stage, entry)
  saveLock(project.root, lock)
}

function stageNamed(stages: readonly StageDefinition[], name: string): StageDefinition {
  const stage = stages.find((candidate) => candidate.name === name)
  if (stage === undefined) throw new Error(`the plan has no stage ${name}`)
  return stage
}

function skipped(name: string, upstream: string | undefined): StageResult {
  const stopped = upstream === undefined
  return {
    report: {
      name,
      status: 'skipped',
      code: stopped ? 'ERR_RUN_CANCELLED' : 'ERR_STAGE_UPSTREAM',
      because: stopped ? 'the run was stopped before it' : `it needs \`${upstream}\`, which did not succeed`,
      durationMs: 0,
      outputs: [],
    },
    outs: new Map(),
  }
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
function withLevel(project: Project, report: RunReport, options: RunOptions): RunReport {
  if (report.status !== 'succeeded') return report
  const { level, whyNotHigher } = levelOfRun(project, report)
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

/**
 * The main flow: for each stage of the plan resolve what goes in, reuse what is proven, else run it isolated, sign what
 * happened, put the outs into place and pin them in `assay.lock`.
 *
 * Read next: `run-stage.ts` (one stage), `reuse.ts` (what counts as proven), `verify.ts` (the other direction).
 */
import { parseGate } from '../attestation/index.ts'
import { formatDay, quotedForShell } from '../core/index.ts'
import { attestGates, type GatesReport } from './attest-gates.ts'
import { updateOfSubmodule } from './code.ts'
import { withPinnedData } from './dvc/index.ts'
import { eachTried } from './each-tried.ts'
import { type Ledger, openLedger } from './ledger.ts'
import { planRun } from './plan.ts'
import type { Project } from './project.ts'
import type { RunReport } from './report.ts'
import { runStage, type StageResult } from './run-stage.ts'
import { openRunTools, type RunOptions, type RunTools, refuseNameless } from './run-tools.ts'
import { runSchedule } from './schedule.ts'
import { openTurns, type Turn } from './turns.ts'

export type { RunEvent, RunOptions } from './run-tools.ts'

/**
 * Runs the plan for `options.targets`.
 *
 * A stage that fails or is refused is part of the report, not a fault; faults are what stops the whole run.
 *
 * @throws ERR_SETTINGS_INVALID for a gate that is none
 * @throws ERR_RUN_BUSY when another process runs this project
 * @throws ERR_KEY_HOME, ERR_KEY_LOCKED before the first stage that would have to be signed
 * @throws ERR_SANDBOX_UNAVAILABLE when this machine cannot isolate
 * @throws ERR_TLOG_* when the log cannot be entered: the stages are kept all the same
 */
export async function runPipeline(opened: Project, options: RunOptions): Promise<RunReport> {
  for (const gate of opened.settings.model?.gates ?? []) parseGate(gate) // before a stage has cost anything
  const plan = planRun(opened.pipeline, options.targets)
  if (!options.dryRun) refuseNameless(opened) // before an environment is built for it
  const fault = new AbortController()
  const signal = AbortSignal.any([options.signal, fault.signal])
  await using tools = await openRunTools(opened, { ...options, signal })
  const tell = (text: string): void => options.onEvent({ kind: 'notice', text })
  const project = await withPinnedData(opened, { stages: plan.order, dryRun: options.dryRun, tell })
  tellBeforeTheFirstStage(project, options)

  using ledger = openLedger(project, tools, plan)
  const turns = openTurns()
  await runSchedule<StageResult>(plan, {
    capacity: tools.capacity,
    costOf: (name) => tools.costOf(name),
    execute: async (name, release) => {
      let turn: Turn | undefined
      const given = (): Promise<void> => {
        turn = turns.take()
        release()
        return turn.before
      }
      try {
        const own = { ...tools, release: given }
        return ledger.settle(name, await runStage(project, own, ledger.stageNamed(name), ledger.done))
      } finally {
        turn?.done()
      }
    },
    skip: (name, upstream) => ledger.settle(name, skipped(name, upstream)),
    succeeded: ({ report: { status }, pending }) => status === 'ran' || status === 'cached' || pending === true,
    keepGoing: options.keepGoing,
    signal,
    abandon: () => fault.abort(),
  })
  // before the level, which may ask for the log; whatever becomes of it, the stages are over and their evidence is kept
  const judged: GatesReport[] = []
  const judgeGates = async (): Promise<void> => {
    judged.push(...(await gatesOfRun(project, tools, ledger)))
  }
  return await eachTried(tell, [tools.tellDvc, judgeGates, tools.enterLog], () => ledger.close(judged))
}

/** Of what this run leaves behind, whether it ran or not; nothing of a run that nobody believes. */
async function gatesOfRun(project: Project, tools: RunTools, { done }: Ledger): Promise<readonly GatesReport[]> {
  const all = [...done.values()]
  if (!tools.pins || project.apart || all.some(({ report: { status } }) => status !== 'ran' && status !== 'cached'))
    return []
  const lock = new Map([...tools.lock].map(([name, { attestation }]) => [name, attestation]))
  for (const [name, result] of done) if (result.lock !== undefined) lock.set(name, result.lock.attestation)
  return attestGates(project, tools.signer, lock, (text) => tools.options.onEvent({ kind: 'notice', text }))
}

function tellBeforeTheFirstStage(project: Project, options: RunOptions): void {
  const notice = (text: string): void => options.onEvent({ kind: 'notice', text })
  for (const warning of [...project.pipeline.warnings, ...project.code.findings]) notice(warning)
  for (const path of project.code.absentSubmodules)
    notice(
      `no stage sees the submodule \`${path}\`: it is not checked out at the commit that is pinned\n  next: ${updateOfSubmodule(path)}`,
    )
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
  else if (project.code.dirty.length > 0) notice(levelZeroUntilCommitted(project.code.dirty))
}

function levelZeroUntilCommitted(dirty: Project['code']['dirty']): string {
  const names = dirty.map(({ path, because }) => `${path} (${because})`)
  const more = names.length > 10 ? ` and ${names.length - 10} more` : ''
  const there = dirty.filter(({ absent, next: own }) => absent !== true && own === undefined).slice(0, 10)
  const paths = there.map(({ path }) => quotedForShell(path))
  const next = [
    ...(dirty.some(({ path, absent }) => absent === true && path === 'assay.yaml') ? ['assay init'] : []),
    ...[...new Set(dirty.flatMap(({ next: own }) => own ?? []))].slice(0, 3),
    ...(paths.length === 0 ? [] : [`git add ${paths.join(' ')} && git commit`]),
  ]
  const help = next.length === 0 ? '' : `\n  next: ${next.join(', then ')}`
  return `level 0 until this is committed: ${names.slice(0, 10).join(', ')}${more}${help}`
}

/** The last day of a policy that has expired. */
function lastDayOf({ trust: { expiresAt }, now }: Project): string | undefined {
  return expiresAt === undefined || expiresAt > now() ? undefined : formatDay(new Date(expiresAt.getTime() - 1))
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

/** `assay show --hermeticity`: what a stage used of what it was shown, and what it asked for beyond. */
import { DomainError, oneLine } from '../../core/index.ts'
import {
  type HermeticityReport,
  hermeticityIn,
  lookAtStage,
  type Project,
  type StageReport,
} from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { wholeHermeticity } from '../hermeticity.ts'

type Asked = Readonly<{ runId: string | undefined; stage: string | undefined }>
type Found = Readonly<{ name: string; runId: string; hermeticity: HermeticityReport }>

/** @throws ERR_STAGE_UNKNOWN, ERR_RUN_UNKNOWN */
export function showHermeticity({ output }: CliContext, project: Project, asked: Asked): Exit {
  const wanted = asked.stage === undefined ? stagesOf(project, asked) : [asked.stage]
  const stages = wanted.flatMap((name) => reportOf(project, name, asked.runId) ?? [])
  if (stages.length === 0) {
    const which = asked.stage === undefined ? 'any stage' : `a stage called \`${asked.stage}\``
    throw new DomainError('ERR_STAGE_UNKNOWN', `no run on record knows what ${which} read`, {
      help: 'trace it: assay run --trace --force STAGE',
    })
  }
  output.document({ stages })
  for (const [index, { name, runId, hermeticity }] of stages.entries()) {
    if (index > 0) output.line()
    output.line(`${output.style('bold', oneLine(name))}  run ${runId}`)
    for (const line of wholeHermeticity(hermeticity)) output.line(`  ${line}`)
    if (hermeticity.seenBy === 'evidence') output.line(`  the whole: assay run --trace --force ${oneLine(name)}`)
  }
  return 0
}

function stagesOf(project: Project, { runId }: Asked): readonly string[] {
  return project.runs.load(runId).report.stages.map(({ name }) => name)
}

/** LIMIT: runs that are looked through for one that traced a stage. */
const mostRuns = 200

/** Of the run that was asked for, else of the newest that traced it; without a trace, what the evidence says. */
function reportOf(project: Project, name: string, runId: string | undefined): Found | undefined {
  const ids = runId === undefined ? project.runs.list().slice(0, mostRuns) : [project.runs.load(runId).report.runId]
  let signed: Found | undefined
  for (const id of ids) {
    const stage = project.runs.load(id).report.stages.find((each) => each.name === name)
    if (stage?.hermeticity !== undefined) return { name, runId: id, hermeticity: stage.hermeticity }
    signed ??= fromEvidence(project, id, stage)
  }
  return signed
}

function fromEvidence(project: Project, runId: string, stage: StageReport | undefined): Found | undefined {
  const definition = project.pipeline.stages.find(({ name }) => name === stage?.name)
  if (stage?.attestation === undefined || definition === undefined) return undefined
  const { facts } = lookAtStage(project, stage.attestation)
  return { name: stage.name, runId, hermeticity: hermeticityIn(facts, definition) }
}

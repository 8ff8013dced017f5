/**
 * The other direction: is this artifact what the project's evidence says, all the way back to its sources?
 *
 * Order of what is judged by: `--policy`, `--key`, the pinned policy, the repository's own trust.yaml. Order of where
 * evidence is looked for: `--evidence`, `<file>.assay.jsonl`, the enclosing project. Source: trust.md section 1.
 */
import {
  type ChainEvidence,
  type ChainJudge,
  type ChainVerdict,
  caveat,
  decideGate,
  type Finding,
  gateFinding,
  type Metric,
  parseGate,
  passed,
  refused,
  verifyChain,
} from '../attestation/index.ts'
import { type Digest, isDomainError, isInside, type Sha256 } from '../core/index.ts'
import { chainEvidenceOf, withDefinitions } from './chain-facts.ts'
import { makerOf } from './definition.ts'
import { nothingEarned } from './nothing-earned.ts'
import { rememberTime } from './policy-in-force.fs.ts'
import type { Project } from './project.ts'
import { provenMetrics } from './proven-metrics.ts'
import type { RunReport } from './report.ts'

/** The shape of `assay verify --json`. */
export type ArtifactVerdict = Readonly<{
  trusted: boolean
  level: number
  whyNotHigher: readonly string[]
  subject: Readonly<{ path: string; digest: Digest | null }>
  findings: readonly Finding[]
  properties: ChainVerdict['properties']
  commits: readonly string[]
  /** Every row of the level table, those of higher levels too. */
  requirements: ChainVerdict['requirements']
}>

/** An artifact that is not there, or that no evidence can be looked up for. */
export function untrusted(path: string, finding: Finding): ArtifactVerdict {
  return {
    trusted: false,
    level: 0,
    whyNotHigher: [finding.because],
    subject: { path, digest: null },
    findings: [finding],
    properties: nothingEarned,
    commits: [],
    requirements: [],
  }
}

export function verdictOf(chain: ChainVerdict, more: readonly Finding[] = []): ArtifactVerdict {
  const { level, whyNotHigher, subject, findings, properties, commits, requirements } = chain
  const held = more.every((finding) => finding.passed)
  return {
    trusted: chain.trusted && held,
    level: held ? level : 0,
    whyNotHigher: [...more.filter((finding) => !finding.passed).map(({ because }) => because), ...whyNotHigher],
    subject,
    findings: [...findings, ...more],
    properties,
    commits,
    requirements,
  }
}

/** What `verify` without an argument is about: the project's model, else the outs that no stage needs. */
export function finalOuts(project: Project): readonly string[] {
  const { model } = project.settings
  if (model !== undefined) return [model.path]
  const needed = project.pipeline.stages.flatMap((stage) => stage.deps)
  const outs = project.pipeline.stages.flatMap((stage) => stage.outs.map(({ path }) => path))
  return outs.filter((out) => !needed.some((dep) => isInside(dep, out) || isInside(out, dep)))
}

/**
 * The chain behind content of the project; for the project's model with its judges and gates.
 *
 * @param path project path of the out
 */
export async function verifyContent(
  project: Project,
  path: string,
  digest: Digest,
  evidence: ChainEvidence = chainEvidenceOf(project),
): Promise<ArtifactVerdict> {
  return (await judgeContent(project, path, digest, evidence)).verdict
}

/** As `verifyContent`, with the chain that it was judged by. */
export async function judgeContent(
  project: Project,
  path: string,
  digest: Digest,
  evidence: ChainEvidence = chainEvidenceOf(project),
): Promise<Readonly<{ chain: ChainVerdict; verdict: ArtifactVerdict }>> {
  const chain = await chainOf(project, path, digest, evidence)
  return { chain, verdict: verdictOf(chain, isModel(project, path) ? await modelFindings(project, chain) : []) }
}

/** The chain; that of the project's model with the stages that judge it. */
export async function chainOf(
  project: Project,
  path: string,
  digest: Digest,
  evidence: ChainEvidence,
  judges: readonly ChainJudge[] = judgesOf(project, path),
): Promise<ChainVerdict> {
  const question = {
    subject: { path, digest },
    // A copy of an out may lie anywhere; where an out of a stage belongs, nothing else may lie.
    renamed: makerOf(project.pipeline, path) === undefined,
    entries: entriesOf(project, path),
    judges,
    ...(isModel(project, path) ? ownGatesOf(project) : {}),
    evidence,
    policy: project.trust,
    ...(evidence.bundle === project.evidence.bundle ? { verdicts: project.verdicts } : {}),
  }
  const chain = await withDefinitions(project, (surroundings) => verifyChain({ ...question, surroundings }))
  rememberTime(project.trust, project, chain.newestTime)
  return chain
}

/** Of the `assay.yaml` that the gates are judged by here. */
function ownGatesOf({ definition }: Pick<Project, 'definition'>): Readonly<{ ownGates?: Sha256 }> {
  const own = definition.find(({ path }) => path === 'assay.yaml')
  return own === undefined ? {} : { ownGates: own.digest }
}

/** The attestation that the lock pins for an out: a hint, tried first. */
function entriesOf(project: Project, path: string): readonly Sha256[] {
  return [...project.lock.values()].flatMap((entry) => (Object.hasOwn(entry.outs, path) ? [entry.attestation] : []))
}

/** The model may be a file of a folder out, which evidence names whole, or a folder of outs. */
function isModel({ settings: { model } }: Project, path: string): boolean {
  return model !== undefined && (isInside(model.path, path) || isInside(path, model.path))
}

/**
 * Of the project's model: stages that need it (evaluation), and the one that writes the metrics of its gates.
 *
 * THREAT: which stages judge comes from the definition, and only where their evidence is from the lock: a lock that
 * leaves a judge out hides nothing.
 */
function judgesOf(project: Project, path: string): readonly ChainJudge[] {
  if (!isModel(project, path)) return []
  const metrics = project.settings.model?.metrics
  const measuring = metrics === undefined ? undefined : makerOf(project.pipeline, metrics)
  return project.pipeline.stages
    .filter((stage) => stage === measuring || stage.deps.some((dep) => isInside(dep, path) || isInside(path, dep)))
    .map(({ name }) => {
      const attestation = project.lock.get(name)?.attestation
      return attestation === undefined ? { stage: name } : { stage: name, attestation }
    })
}

async function modelFindings(project: Project, chain: ChainVerdict): Promise<readonly Finding[]> {
  return [judgedByTheCommit(project), ...(await gateFindings(project, chain))]
}

/** THREAT: a gate, or the stage that judges, taken out of the definition for one verification. */
function judgedByTheCommit({ code, pipeline, trust }: Project): Finding {
  const files = ['assay.yaml', ...pipeline.files.filter((file) => !file.endsWith('.dvc'))]
  const loose = files.filter((file) => !code.isCommitted(file))
  if (loose.length === 0) return passed('gates-committed', 'what judges the model is committed')
  const because = `what judges the model is not committed: ${loose.slice(0, 5).join(', ')}`
  return trust.minimumLevel === 0
    ? caveat('gates-committed', because)
    : refused('gates-committed', 'ERR_EVIDENCE_DIRTY', because)
}

/** Fails closed: gates without metrics that evidence proves do not pass. */
async function gateFindings(project: Project, chain: ChainVerdict): Promise<readonly Finding[]> {
  const { model } = project.settings
  if (model === undefined) return []
  const gates = [...new Set([...model.gates, ...(project.trust.gates ?? [])])]
  if (gates.length === 0) return []
  try {
    const here = model.metrics === undefined ? undefined : await provenMetrics(project, model.metrics, chain)
    const other = otherMetrics(project, chain)
    if (other !== undefined) return [other]
    const metrics = here ?? chain.gates?.verdict.values
    if (metrics === undefined)
      return [refused('gates', 'ERR_GATE_FAILED', 'the model has gates, and no evidence proves metrics of these bytes')]
    const results = gates.map((text) => decideGate(parseGate(text), metrics))
    return [...results.map((result) => gateFinding(result)), signedFinding(chain, here)]
  } catch (error) {
    if (!isDomainError(error)) throw error
    return [refused('gates', error.code, `the metrics cannot be read: ${error.message}`)] // a file that a stage wrote
  }
}

/** THREAT: gates that are judged on metrics of the training, or on those of another evaluation. */
export function otherMetrics(
  { settings: { model }, lock, pipeline }: Pick<Project, 'settings' | 'lock' | 'pipeline'>,
  { gates }: Pick<ChainVerdict, 'gates'>,
): Finding | undefined {
  if (gates === undefined) return undefined
  const { metrics, measured } = gates.verdict
  const maker = model?.metrics === undefined ? undefined : makerOf(pipeline, model.metrics)
  const judge = lock.get(maker?.name ?? '')?.attestation
  if (metrics.path === model?.metrics && measured.attestation === judge) return undefined
  const because = `its gates were signed for \`${metrics.path}\` of \`${measured.stage}\`, and not for the metrics of the project`
  return refused('gates', 'ERR_CHAIN_LINK', because)
}

/** Where the metrics are at hand, what was signed of them is held against them. */
export function signedFinding({ gates }: Pick<ChainVerdict, 'gates'>, metrics: readonly Metric[] | undefined): Finding {
  if (metrics === undefined)
    return caveat('gate-verdict', 'the metrics are not at hand: its gates were judged by what was signed of them')
  if (gates === undefined)
    return caveat('gate-verdict', 'its gates were judged here, and nobody signed that: run again')
  const { values } = gates.verdict
  const here = new Map(metrics.map(({ name, value }) => [name, value]))
  const other = values.find(({ name, value }) => here.get(name) !== value)
  return other === undefined
    ? passed('gate-verdict', 'what was signed of its metrics is what they hold')
    : refused(
        'gate-verdict',
        'ERR_GATE_FAILED',
        `what was signed of its metrics is not what they hold: \`${other.name}\``,
      )
}

/** The lowest level over what a run left behind, and why it is not higher. */
export async function levelOfRun(
  project: Project,
  report: RunReport,
): Promise<Pick<RunReport, 'level' | 'whyNotHigher'>> {
  // THREAT: older, better evidence may speak of equal bytes; a run is judged by what it signed or reused itself.
  const evidence = { ...chainEvidenceOf(project), bySubject: () => [] }
  const made = report.stages.flatMap(({ outputs, attestation }) =>
    outputs.map(({ path, digest }) => ({ path, digest, entries: attestation === undefined ? [] : [attestation] })),
  )
  const finals = new Set(finalOuts(project))
  const judged = made.filter(({ path }) => finals.has(path))
  const subjects = judged.length > 0 ? judged : made
  const none = { level: 0, whyNotHigher: ['nothing was made that could be proven'] }
  const { level, whyNotHigher } = await withDefinitions(project, (surroundings) => {
    const verdicts = subjects.map(({ path, digest, entries }) => {
      const question = { subject: { path, digest }, entries, evidence, policy: project.trust }
      return verifyChain({ ...question, verdicts: project.verdicts, surroundings })
    })
    const [first = none, ...others] = verdicts
    return others.reduce((lowest, verdict) => (verdict.level < lowest.level ? verdict : lowest), first)
  })
  return { level, whyNotHigher }
}

/**
 * At the end of a run: what the gates of the model come to, signed once for each statement that made a part of it.
 *
 * Judged on the bytes of the metrics that a stage's statement names, when that stage read the model. Whatever it comes to is
 * no end of the run: `assay verify` refuses the model.
 */
import {
  certifiedBuilder,
  decideGate,
  type GateResult,
  type GateVerdict,
  hasRead,
  isSecret,
  type Metric,
  maySignGates,
  metricsIn,
  parseGate,
  resultOfGates,
  type Signer,
  type StageFacts,
  type StageOfModel,
  type StatedOutput,
} from '../attestation/index.ts'
import { digestOfJson, isDomainError, isInside, isSha256, type Sha256 } from '../core/index.ts'
import { type Believing, believedStage } from './believe.ts'
import { classificationBehind } from './data-question.ts'
import { makerOf } from './definition.ts'
import { gatesKey, gatesOwn } from './gates-key.ts'
import { listedSigner } from './open-signer.ts'
import type { Project } from './project.ts'

/** What the gates came to, as a run reports it. */
export type GatesReport = Readonly<{
  result: GateVerdict['result']
  gates: readonly GateResult[]
  /** Missing where it is not signed, since it would count for nothing. */
  attestation?: Sha256
}>

/** LIMIT: numbers of the metrics that are stated; those that a gate names come first. */
const maxValues = 1000

type Evidence = Readonly<{ attestation: Sha256; facts: StageFacts }>
type OpenSigner = () => Promise<Pick<Signer, 'sign' | 'hint' | 'identity'>>
type Part = Readonly<{ made: Evidence; outputs: readonly StatedOutput[] }>

/**
 * @param lock stage -> digest of its statement, as this run leaves it
 * @param tell why gates were not judged, or not signed
 * @returns nothing where the project has no gates, or they cannot be judged
 * @throws ERR_SETTINGS_INVALID, ERR_KEY_HOME, ERR_KEY_LOCKED
 */
export async function attestGates(
  project: Project,
  signer: OpenSigner,
  lock: ReadonlyMap<string, Sha256>,
  tell: (text: string) => void,
): Promise<readonly GatesReport[]> {
  const { model } = project.settings
  if (model === undefined || model.gates.length === 0) return []
  const reports: GatesReport[] = []
  for (const part of judgedParts(project, lock, model)) {
    if (typeof part === 'string') {
      tell(`the gates of the model are not judged: ${part}`)
      continue
    }
    const { made, outputs, measured, metrics, definition } = part
    const { attestation: entry } = made
    const asked = { outputs: outputs.map(plain), made: named(made), measured: named(measured) }
    const judged = await judge(project, {
      ...metrics,
      isShort: isSecret(classificationBehind(project, entry, measured.attestation)),
    })
    const stated = {
      ...{ project: project.id, model: model.name, metrics, ...asked, ...judged },
      definition,
    }
    const attestation = await signed(project, signer, stated, tell)
    reports.push({
      result: stated.result,
      gates: stated.gates,
      ...(attestation === undefined ? {} : { attestation }),
    })
  }
  return reports
}

type Judging = Believing &
  Pick<Project, 'pipeline' | 'definition'> &
  Readonly<{ code: Pick<Project['code'], 'commit' | 'isCommitted'> }>
type Model = Readonly<{ path: string; metrics?: string }>
type JudgedPart = Part &
  Readonly<{
    measured: Evidence
    metrics: Readonly<{ path: string; digest: Sha256; sizeBytes: number }>
    definition: GateVerdict['definition']
  }>

/** The parts of the model with what their gates are judged on, or why they cannot be: a sentence each. */
export function judgedParts(
  project: Judging,
  lock: ReadonlyMap<string, Sha256>,
  { path: model, metrics: path }: Model,
): readonly (JudgedPart | string)[] {
  if (path === undefined) return ['assay.yaml names no metrics of it']
  const measured = evidenceOf(project, lock, path)
  if (measured === undefined) return [`no evidence of who makes \`${path}\` is believed here: run it`]
  const metrics = measured.facts.outputs.find((output) => output.path === path)
  if (metrics === undefined || !isSha256(metrics.digest))
    return [`\`${path}\` is no file that \`${measured.facts.stage}\` made`]
  const { commit } = project.code
  const definition = project.definition.find((file) => file.path === 'assay.yaml')
  if (commit === undefined || definition === undefined || !project.code.isCommitted(definition.path))
    return ['assay.yaml is not committed']
  const parts = partsOf(project, lock, model)
  if (parts.length === 0) return [`no evidence of who makes \`${model}\` is believed here: run it`]
  const on = {
    metrics: { path, digest: metrics.digest, sizeBytes: metrics.sizeBytes },
    definition: { path: definition.path, digest: definition.digest, commit },
  }
  const factsOf = (attestation: Sha256): StageFacts | undefined => believedStage(project, attestation)
  return parts.map((part) => {
    const entry = part.made.attestation
    const unread = part.outputs.find(({ digest }) => !hasRead(factsOf, measured.attestation, { entry, digest }))
    return unread === undefined
      ? { ...part, measured, ...on }
      : `\`${measured.facts.stage}\` did not read this \`${unread.path}\``
  })
}

function evidenceOf(project: Judging, lock: ReadonlyMap<string, Sha256>, path: string): Evidence | undefined {
  const maker = makerOf(project.pipeline, path)
  const attestation = maker === undefined ? undefined : lock.get(maker.name)
  const facts = attestation === undefined ? undefined : believedStage(project, attestation)
  return attestation === undefined || facts === undefined ? undefined : { attestation, facts }
}

/** The outs that the model lies in, or that lie in it, by the statement that made them. */
function partsOf(project: Judging, lock: ReadonlyMap<string, Sha256>, model: string): readonly Part[] {
  return project.pipeline.stages.flatMap(({ outs }): readonly Part[] => {
    const own = outs.filter(({ path }) => isInside(model, path) || isInside(path, model))
    const made = own[0] === undefined ? undefined : evidenceOf(project, lock, own[0].path)
    const paths = new Set(own.map(({ path }) => path))
    const outputs = made?.facts.outputs.filter(({ path }) => paths.has(path)) ?? []
    return made === undefined || outputs.length === 0 ? [] : [{ made, outputs }]
  })
}

function named({ attestation, facts }: Evidence): StageOfModel {
  return { stage: facts.stage, attestation }
}

function plain({ path, digest, sizeBytes, list }: StatedOutput): GateVerdict['outputs'][number] {
  return { path, digest, sizeBytes, ...(list === undefined ? {} : { list }) }
}

type Judged = Pick<GateVerdict, 'values' | 'gates' | 'result' | 'fault'>

/** @param isShort only what the gates name is stated, and nothing is quoted: of secret data */
export async function judge(
  {
    settings,
    contents,
  }: Readonly<{
    settings: Pick<Project['settings'], 'model'>
    contents: Pick<Project['contents'], 'readJson'>
  }>,
  { path, digest, isShort }: Readonly<{ path: string; digest: Sha256; isShort: boolean }>,
): Promise<Judged> {
  const gates = [...new Set(settings.model?.gates)].map(parseGate)
  let fault: string | undefined
  let all: readonly Metric[] = []
  try {
    all = metricsIn(await contents.readJson(digest, path))
  } catch (error) {
    if (!isDomainError(error)) throw error
    // A file that a stage wrote: no gate passes. THREAT: a name in it may be a person's, and the message quotes it.
    fault = isShort ? 'the metrics could not be read' : error.message
  }
  const wanted = new Set(gates.map(({ metric }) => metric))
  const asked = all.filter(({ name }) => wanted.has(name))
  const values = isShort ? asked : [...asked, ...all.filter(({ name }) => !wanted.has(name))].slice(0, maxValues)
  const results = gates.map((gate) => decideGate(gate, values))
  return { values, gates: results, result: resultOfGates(results), ...(fault === undefined ? {} : { fault }) }
}

type Stated = Omit<GateVerdict, 'principal' | 'builderId' | 'builderVersion' | 'at'>

/**
 * What says the same is not signed again, whatever the commit, whoever asks: where it is the newest, which is what counts.
 * One that is dated ahead of this clock, as clocks may differ, stays the newest whatever is signed: it is passed over.
 *
 * THREAT: gates that were changed and changed back: the verdict of between would stay the last word elsewhere.
 *
 * @returns undefined where it would count for nothing: it would be signed once more with each run
 */
async function signed(
  project: Project,
  signer: OpenSigner,
  stated: Stated,
  tell: (text: string) => void,
): Promise<Sha256 | undefined> {
  const { attestation: entry, stage } = stated.made
  const at = project.now()
  const newest = gatesOwn(project, entry).find(({ verdict }) => Date.parse(verdict.at) <= at.getTime())
  if (newest !== undefined && sameness(newest.verdict) === sameness(stated)) return newest.attestation
  const opened = await signer()
  const builderId = certifiedBuilder(opened.identity)
  const { evidence, trust: policy, verdicts } = project
  const listed = listedSigner(policy, opened)
  if (listed === undefined || !maySignGates({ policy, evidence }, entry, { signer: listed, builderId }, verdicts)) {
    tell(
      `what the gates come to is not signed: the policy lists you for less than who ran \`${stage}\`, so it would count for nothing\n  next: let that builder run it`,
    )
    return undefined
  }
  const verdict: GateVerdict = {
    ...stated,
    principal: await project.principal(),
    builderId,
    builderVersion: project.version,
    at: at.toISOString(),
  }
  const { bytes } = await opened.sign({ kind: 'gate-verdict', verdict })
  return evidence.save(bytes, { key: gatesKey(entry), subjects: [] })
}

function sameness({ outputs, made, measured, metrics, definition, values, gates, fault = '' }: Stated): Sha256 {
  const [parts, numbers] = [outputs.map(({ digest }) => digest), values.map(({ name, value }) => [name, value])]
  const results = gates.map(({ gate, passed }) => [gate, passed])
  const of = [made.attestation, measured.attestation, metrics.digest, definition.digest]
  return digestOfJson({ gates: 1, parts, numbers, results, of, fault })
}

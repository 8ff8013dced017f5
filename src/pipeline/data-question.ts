/**
 * Which deps of a stage need a data verdict, and what exactly is asked about each.
 *
 * The key names the question: the bytes, what they are held to, who waived or judged what, and which validator answers.
 * Anything of it that changes asks anew. Source: trust.md section 5, design.md section 6.
 */
import {
  type DataVerdict,
  type DataWaiver,
  replacementOf,
  type StatedDependency,
  type VerifiedDataDecision,
} from '../attestation/index.ts'
import { type Content, type Digest, DomainError, digestOfJson, type Sha256 } from '../core/index.ts'
import { type Bound, type Classification, classifications, type DataCheck } from '../data/index.ts'
import { believedStage } from './believe.ts'
import { anchorWithoutRows, badElsewhere, missingGolden, unaskedGolden } from './closed-checks.ts'
import { type DataRules, makerOf } from './definition.ts'
import { type GoldenSet, goldenOf, isGoldenUnasked } from './golden.ts'
import { hasAnchorRows } from './past-versions.ts'
import type { Project } from './project.ts'
import { type Reference, referencesOf, statedReferences } from './references.ts'
import { type ReviewedRows, reviewedRows } from './reviewed-rows.ts'
import type { ResolvedInput } from './view.ts'

export type DataQuestion = Readonly<{
  path: string
  content: Content
  /** Id in the inventory. */
  source?: string
  classification: Classification
  label?: string
  contract?: Readonly<{ path: string; digest: Sha256 }>
  /** `anchor`: digest of the bundle in which a reviewer fixed it. */
  baseline?: Readonly<{ path: string; digest: Sha256; anchor?: Sha256 }>
  anchor?: VerifiedDataDecision<'data-anchor'>
  /** Whether the rows that it was made from are likely to be at hand. */
  hasAnchorRows: boolean
  /** Which the anchor has to agree with, and whose rows may not be in the data. */
  golden?: GoldenSet
  /** There is one, by what people signed, and assay.yaml names none. */
  goldenUnasked?: true
  /** How much it may differ from the baseline, where that is not assay's own. */
  bounds?: readonly Bound[]
  /** Other tables that the contract's rules look into. */
  references: readonly Reference[]
  /** Those that have not expired. */
  waivers: readonly VerifiedDataDecision<'data-waiver'>[]
  reviewed: ReviewedRows
  key: Sha256
}>

/** Data from outside, and data that is held to something: a stage starts on it only with a verdict. */
export function needsVerdict(project: Project, { ref, attestation }: ResolvedInput): boolean {
  if (ref.role !== 'dep' || ref.origin.kind === 'code') return false
  if (ref.origin.kind === 'external') return true
  const { contract, baseline } = rulesOf(project, ref)
  return attestation === undefined || contract !== undefined || baseline !== undefined
}

/** What an input is held to: by assay.yaml, and by its source. */
function rulesOf(project: Project, { path, origin }: ResolvedInput['ref']): DataRules {
  return origin.kind === 'out' ? (project.settings.settingsOf(origin.stage).outs?.[path] ?? {}) : rulesAt(project, path)
}

/** What the project holds a path to, whoever makes it; nothing for a path that it does not name. */
export function rulesAt({ settings, sources, pipeline }: Project, path: string): DataRules {
  const maker = makerOf(pipeline, path)
  const made = maker === undefined ? {} : (settings.settingsOf(maker.name).outs?.[path] ?? {})
  const given = settings.data.get(path) // of a made path: that of a frozen stage
  if (given === undefined) return made
  const listed = given.source === undefined ? undefined : sources.get(given.source)?.source.contract
  return { ...made, ...(listed === undefined ? {} : { contract: listed }), ...given }
}

/**
 * @param validator who will answer: its version, limits and thresholds
 * @throws ERR_DATA_MISSING when a contract or baseline is not there
 */
export async function questionOf(project: Project, input: ResolvedInput, validator: Sha256): Promise<DataQuestion> {
  const { ref, content } = input
  const rules = rulesOf(project, ref)
  const [contract, baseline] = await Promise.all([fileOf(project, rules.contract), fileOf(project, rules.baseline)])
  const waivers = waiversOf(project, content.digest)
  const golden = await goldenOf(project, rules.golden)
  const anchor = baseline === undefined ? undefined : anchorOf(project, baseline.digest, { golden, label: rules.label })
  const source = ref.origin.kind === 'external' ? ref.origin.source : undefined
  const references = await referencesOf(project, ref.path, contract)
  const question: Omit<DataQuestion, 'key'> = {
    path: ref.path,
    content,
    ...(source === undefined ? {} : { source }),
    classification: mostSecret([input, ...references.map((reference) => reference.input)], project),
    ...(rules.label === undefined ? {} : { label: rules.label }),
    ...(contract === undefined ? {} : { contract }),
    ...(baseline === undefined
      ? {}
      : { baseline: { ...baseline, ...(anchor === undefined ? {} : { anchor: anchor.attestation }) } }),
    ...(anchor === undefined ? {} : { anchor }),
    hasAnchorRows: anchor !== undefined && hasAnchorRows(project, anchor),
    ...(golden === undefined ? {} : { golden }),
    ...(isGoldenUnasked(project, ref.path, { baseline: baseline?.digest, golden: rules.golden })
      ? { goldenUnasked: true }
      : {}),
    ...(rules.bounds === undefined ? {} : { bounds: rules.bounds }),
    references,
    waivers,
    reviewed: reviewedRows(project, { path: ref.path, digest: content.digest, anchored: anchor?.decision.dataset }),
  }
  return { ...question, key: keyOf(question, validator) }
}

function keyOf(question: Omit<DataQuestion, 'key'>, validator: Sha256): Sha256 {
  const { content, anchor: _anchor, golden, references, waivers, reviewed, ...rest } = question
  return digestOfJson({
    ...rest,
    ...(golden === undefined ? {} : { golden: { digest: golden.digest, isHere: golden.content !== undefined } }),
    // 2: verdicts name the program that judged; 3: and the label
    question: 3,
    dataset: content.digest,
    references: references.map(({ table, content: { digest } }) => ({ table, digest })),
    decisions: [...waivers.map(({ attestation }) => attestation), ...reviewed.reviews].toSorted(),
    unread: reviewed.unread,
    ...(reviewed.elsewhere.length === 0 ? {} : { elsewhere: reviewed.elsewhere }),
    validator,
  })
}

/** Those of these bytes that have not expired. */
export function waiversOf({ dataDecisions, now }: Project, digest: Digest): DataQuestion['waivers'] {
  return dataDecisions()['data-waiver'].filter(
    ({ decision }) => decision.subject.digest === digest && !isOver(decision.until, now()),
  )
}

export function waiverOf(
  waivers: DataQuestion['waivers'],
  check: DataCheck,
): DataQuestion['waivers'][number] | undefined {
  const column = check.column ?? undefined
  return waivers.find(
    ({ decision }) => decision.check === check.name && decision.column === column && covers(decision, check),
  )
}

/** A waiver of single rows says nothing of others: all that fail have to be listed, and named by it. */
export function covers({ rows }: Pick<DataWaiver, 'rows'>, check: DataCheck): boolean {
  if (rows === undefined) return true
  return check.count === check.rows.length && check.rows.length > 0 && check.rows.every((row) => rows.includes(row))
}

/** Of a contract or baseline, as the commit has it, or the working tree when that is dirty. */
async function fileOf(
  project: Project,
  path: string | undefined,
): Promise<Readonly<{ path: string; digest: Sha256 }> | undefined> {
  if (path === undefined) return undefined
  const [committed] = (await project.code.contents([path])).values()
  const content = committed ?? (await project.contents.ingest(path))
  if (content?.kind !== 'file') {
    throw new DomainError('ERR_DATA_MISSING', `\`${path}\`, which assay.yaml names for data, is not there`, {
      help: 'make it, or name the right file in assay.yaml',
    })
  }
  return { path, digest: content.digest }
}

type AnchorWanted = Readonly<{ golden: Pick<GoldenSet, 'digest'> | undefined; label: string | undefined }>

/**
 * The newest anchor counts, and none that it replaced: re-anchoring is a decision of its own. Where there is a golden set, one
 * that agreed with that.
 * THREAT: one that agreed in another label says nothing of the one that is learnt, nor one that does not say in which.
 */
export function anchorOf(
  { dataDecisions }: Pick<Project, 'dataDecisions'>,
  baseline: string,
  { golden, label }: AnchorWanted,
): VerifiedDataDecision<'data-anchor'> | undefined {
  const anchors = dataDecisions()['data-anchor']
  const all = anchors.map(({ decision }) => decision)
  const [anchor] = anchors
    .filter(({ decision, isTaken }) => decision.subject.digest === baseline && isTaken !== true)
    .filter(({ decision }) => replacementOf(decision, all) === undefined)
    .filter(({ decision: { golden: agreed } }) => {
      if (agreed !== undefined && agreed.label === undefined) return false
      return golden === undefined || (agreed?.digest === golden.digest && agreed.label === label)
    })
    .toSorted((left, right) => (left.decision.at < right.decision.at ? 1 : -1))
  return anchor
}

/** A day counts through its last second, UTC. */
function isOver(day: string, now: Date): boolean {
  return now.getTime() >= Date.parse(`${day}T00:00:00Z`) + 86_400_000
}

/** A rule that looks into another table may show values of it. */
export function mostSecret(inputs: readonly ResolvedInput[], project: Project): Classification {
  return mostSecretOf(inputs.map((input) => classificationOf(project, input)))
}

/** What nobody classified counts as internal. */
export function mostSecretOf(found: readonly Classification[]): Classification {
  if (found.length === 0) return 'internal'
  return classifications[Math.max(...found.map((word) => classifications.indexOf(word)))] ?? 'restricted'
}

/** Of what the working tree holds at a path: as secret as whatever of the project's data lies there, above, or below. */
export function classificationAt(project: Project, path: string): Classification {
  const { anchors } = project.surroundings
  const found = [...anchors.around(path), ...anchors.within(path)].map((origin) => {
    const attestation = origin.kind === 'out' ? project.lock.get(origin.stage)?.attestation : undefined
    return classificationOf(project, { ref: { origin, path }, ...(attestation === undefined ? {} : { attestation }) })
  })
  if (project.lentBy !== undefined) found.push(classificationAt(project.lentBy, path))
  return mostSecretOf(found)
}

/**
 * As secret as the most secret source behind it; what no inventory knows counts as internal. THREAT: of an out whose
 * statement is gone, or not believed, nobody knows what it was made of: it may be any source of the project.
 */
function classificationOf(
  project: Project,
  {
    ref,
    attestation,
  }: Readonly<{ ref: Pick<ResolvedInput['ref'], 'origin' | 'path'> }> & Pick<ResolvedInput, 'attestation'>,
): Classification {
  const found: Classification[] = ['public']
  const { origin, path } = ref
  if (origin.kind === 'external') found.push(mostSecretOf(classificationsNow(project, path, origin.source)))
  if (origin.kind === 'out' && attestation === undefined) found.push(anySource(project))
  if (attestation !== undefined) found.push(classificationBehind(project, attestation))
  return mostSecretOf(found)
}

/**
 * What the inventory says of the source with the id, and of what is mapped to the path: data may be registered anew. THREAT: the inventory of a
 * checkout of then does not know what has become secret since; so the project that lends to it is asked too.
 */
export function classificationsNow(
  { sources, settings, lentBy }: Project,
  path: string,
  source: string | undefined,
): readonly Classification[] {
  const listed = [source, settings.data.get(path)?.source].flatMap((id) => {
    const word = id === undefined ? undefined : sources.get(id)?.source.classification
    return word === undefined ? [] : [word]
  })
  return [...listed, ...(lentBy === undefined ? [] : classificationsNow(lentBy, path, source))]
}

/**
 * Of data from outside: as it was said to be then, or as it is said to be now, whichever is more. THREAT: a word that
 * this version does not know may mean more than any that it knows; and nobody knows what an out was made of that no
 * statement is about.
 */
export function classificationOfDependency(
  project: Project,
  { path, origin }: Pick<StatedDependency, 'path' | 'origin'>,
): Classification {
  if (origin.kind === 'not-made-here')
    return mostSecretOf([anySource(project), ...classificationsNow(project, path, undefined)])
  if (origin.kind !== 'source') return mostSecretOf(classificationsNow(project, path, undefined))
  const stated = classifications.find((word) => word === origin.classification) ?? 'restricted'
  return mostSecretOf([stated, ...classificationsNow(project, path, origin.id)])
}

/** Of what stages made: that of the most secret source behind any of it. */
export function classificationBehind(project: Project, ...attestations: readonly Sha256[]): Classification {
  const found: Classification[] = ['public']
  const seen = new Set<Sha256>()
  const open = [...attestations]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next)) continue
    seen.add(next)
    const stage = believedStage(project, next)
    if (stage === undefined) found.push(anySource(project))
    for (const dependency of stage?.dependencies ?? []) {
      if (dependency.origin.kind === 'stage') open.push(dependency.origin.attestation)
      else if (dependency.origin.kind !== 'code') found.push(classificationOfDependency(project, dependency))
    }
  }
  return mostSecretOf(found)
}

function anySource({ sources, lentBy }: Project): Classification {
  const found = [...sources.values()].map(({ source }) => source.classification)
  return mostSecretOf(lentBy === undefined ? found : [...found, anySource(lentBy)])
}

/** Whether a verdict that a statement named still answers what is asked now, and did not fail. */
export function stillAnswers(verdict: DataVerdict, question: DataQuestion): boolean {
  return verdict.result !== 'FAILED' && isAnswerTo(verdict, question)
}

/**
 * Whether a verdict is on what is asked now: same bytes, same label, contract, baseline,
 * bounds and tables that it refers to, the same golden set, looked for if it is here, the same reviews of rows, and each waiver
 * that it relied on still counts. A newer validator asks no stage to run again.
 *
 * THREAT: a checkout that never saw the approved rows lets poison pass with a warning, which would answer for ever. One that
 * failed fails: rows that lie here in part would be looked for anew each time.
 */
export function isAnswerTo(verdict: DataVerdict, question: DataQuestion): boolean {
  const waivers = new Set(question.waivers.map(({ attestation }) => attestation))
  const has = ({ name }: Pick<DataCheck, 'name'>): boolean => verdict.checks.some((check) => check.name === name)
  return (
    verdict.dataset.digest === question.content.digest &&
    verdict.contract?.digest === question.contract?.digest &&
    verdict.baseline?.digest === question.baseline?.digest &&
    verdict.baseline?.anchor === question.baseline?.anchor &&
    verdict.classification === question.classification &&
    verdict.label === question.label &&
    verdict.golden?.digest === question.golden?.digest &&
    (question.golden?.content === undefined || !has(missingGolden)) &&
    (!question.hasAnchorRows || verdict.result === 'FAILED' || !has(anchorWithoutRows)) &&
    has(unaskedGolden) === (question.goldenUnasked === true) &&
    has(badElsewhere) === question.reviewed.elsewhere.length > 0 &&
    spelledBounds(verdict.bounds) === spelledBounds(question.bounds) &&
    spelled(verdict.references ?? []) === spelled(statedReferences(question.references)) &&
    (verdict.reviews ?? []).join() === question.reviewed.reviews.join() &&
    verdict.checks.every(({ waiver }) => waiver === undefined || waivers.has(waiver))
  )
}

/** What assay itself lets through may be another number by now: a newer validator. */
function spelledBounds(bounds: DataVerdict['bounds'] = []): string {
  return JSON.stringify(bounds.map(({ check, column, of, value }) => [check, column, of, value]))
}

function spelled(references: ReturnType<typeof statedReferences>): string {
  return references.map(({ path, digest }) => `${digest} ${path}`).join('\n')
}

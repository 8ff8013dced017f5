/**
 * Golden sets: rows whose labels people have verified, which an anchor has to agree with, and which no stage may read. They
 * are sources of the inventory, of the kind `golden`, approved like any other. Source: trust.md section 5.
 */
import { maxClockSkewMs } from '../attestation/index.ts'
import { type Content, type Digest, DomainError, isInside, quotedForShell, type Sha256 } from '../core/index.ts'
import { type ApprovalFact, type Dataset, decideInput, newestFirst, type Source } from '../data/index.ts'
import { pathsRead } from './inputs.ts'
import type { Project } from './project.ts'
import { datasetOf } from './stored-dataset.ts'

export type GoldenSet = Readonly<{
  /** Id in the inventory. */
  source: string
  path: string
  digest: Digest
  /** The bundle in which it was approved. */
  approval: Sha256
  /** Undefined where it does not lie here: whoever trains need not have it. */
  content?: Content
}>

/** What may enter no stage: by path where it lies, by digest wherever it comes in. */
export type ForbiddenSet = Readonly<{
  id: string
  digest: Digest
  path?: string
  isApproved: boolean
  /** Nothing says where it lies: its newest approval is one of before paths were stated, and the inventory has it no more. */
  isLost?: true
}>

/**
 * By the inventory, and by signed approvals: a golden set that is taken out of `sources.yaml`, moved or called something else
 * there, stays one, by its bytes and where it lay when it was last approved. A revoked one frees its place, never its bytes.
 * THREAT: an approval of a time to come would say for ever where it lies; it counts for its bytes alone.
 */
export function goldenSetsIn(
  sources: readonly Source[],
  { approvals, now }: Readonly<{ approvals: readonly ApprovalFact[]; now: Date }>,
): readonly ForbiddenSet[] {
  const listed = sources.filter(({ kind }) => kind === 'golden').map((set) => ({ ...set, isApproved: false }))
  const revoked = new Set(approvals.filter(({ decision }) => decision === 'revoked').map(({ id }) => id))
  const signed = approvals
    .filter(({ kind, decision }) => kind === 'golden' && decision === 'approved')
    .toSorted(newestFirst)
    .toReversed()
  const past = signed.filter(({ at }) => Date.parse(at) <= now.getTime() + maxClockSkewMs)
  const newest = new Map(past.map((approval) => [approval.id, approval]))
  const known = new Set(listed.map(({ id }) => id))
  return [
    ...listed,
    ...signed.map((approval) => {
      const { id, digest, path } = approval
      const isApproved = !revoked.has(id)
      if (!isApproved || newest.get(id) !== approval) return { id, digest, isApproved }
      const place = path === undefined ? (known.has(id) ? {} : { isLost: true as const }) : { path }
      return { id, digest, isApproved, ...place }
    }),
  ]
}

/**
 * THREAT: `golden:` is taken out of assay.yaml, or left at a path that nobody reads, so that an anchor counts that never
 * agreed, and nothing says so. Signed words stay: the newest anchor of this data, or of its baseline, however the data is
 * called now, that states a golden set; or an approved set that the project holds no data to which a stage reads.
 */
export function isGoldenUnasked(
  { dataDecisions, goldenSets, settings, pipeline, surroundings }: Project,
  path: string,
  { baseline, golden }: Readonly<{ baseline: string | undefined; golden: unknown }>,
): boolean {
  if (golden !== undefined) return false
  const anchors = dataDecisions()['data-anchor'].toSorted((left, right) =>
    left.decision.at < right.decision.at ? 1 : -1,
  )
  const newest = [
    anchors.find(({ decision }) => decision.dataset.path === path),
    anchors.find(({ decision }) => decision.subject.digest === baseline),
  ]
  if (newest.some((anchor) => anchor?.decision.golden !== undefined)) return true
  if (baseline === undefined || !goldenSets.some(({ isApproved }) => isApproved)) return false
  const read = pathsRead({ pipeline, surroundings })
  const outs = pipeline.stages.flatMap(({ name }) => Object.entries(settings.settingsOf(name).outs ?? {}))
  const asked = new Set(
    [...settings.data, ...outs].flatMap(([place, rules]) => (read.has(place) ? [rules.golden] : [])),
  )
  return goldenSets.some(({ id, isApproved }) => isApproved && !asked.has(id))
}

/** @throws ERR_SOURCE_UNKNOWN when the inventory has no such golden set; ERR_SOURCE_* when it does not count as it is */
export async function goldenOf(project: Project, id: string | undefined): Promise<GoldenSet | undefined> {
  if (id === undefined) return undefined
  const listed = project.sources.get(id)
  if (listed?.source.kind !== 'golden') {
    const because =
      listed === undefined ? 'no source is called so' : `that is a source of the kind ${listed.source.kind}`
    throw new DomainError('ERR_SOURCE_UNKNOWN', `\`${id}\` is no golden set: ${because}`, {
      help: `register it: assay data add ${id} FILE --kind golden`,
    })
  }
  const { source, status, approval } = listed
  const { path, digest } = source
  const content = await project.contents.ingest(path)
  const { clearance, name } = project.settings
  const input = { path, sourceId: id, digest: content?.digest ?? digest, pipeline: name }
  const refusal = decideInput(input, source, status, clearance)
  if (refusal !== undefined) throw refusal
  if (approval === undefined) throw new Error('an approved source has an approval')
  const set = { source: id, path, digest, approval: approval.attestation }
  return content === undefined ? set : { ...set, content }
}

/** Undefined where it does not lie here. */
export function goldenRowsOf({ path, content }: GoldenSet, { store }: Project): Dataset | undefined {
  return content === undefined ? undefined : datasetOf(content, path.slice(path.lastIndexOf('/') + 1), store)
}

/**
 * THREAT: a model that was trained on the golden set agrees with it. A whole copy is known by its bytes, what lies at its path
 * by that, whatever it holds, both in a folder too; copied rows are found when data is validated (`golden/rows`).
 *
 * @throws ERR_DATA_GOLDEN_USED
 */
export function refuseGolden({ goldenSets }: Project, path: string, content: Content): void {
  if (goldenSets.length === 0) return
  const lost = goldenSets.find(({ isLost }) => isLost)
  if (lost !== undefined) throw mayBe(path, lost)
  const digests = new Set<string>([content.digest])
  if (content.kind === 'folder') for (const file of content.files) digests.add(file.digest)
  const places = content.kind === 'folder' ? content.files.map((file) => `${path}/${file.path}`) : []
  const liesAt = (place: string): boolean => [path, ...places].some((each) => isInside(each, place))
  const same = goldenSets.find((set) => digests.has(set.digest) || (set.path !== undefined && liesAt(set.path)))
  if (same === undefined) return
  throw new DomainError(
    'ERR_DATA_GOLDEN_USED',
    `\`${path}\` is or holds the golden set \`${same.id}\`, which no stage may read`,
    {
      details: { path, source: same.id },
    },
  )
}

function mayBe(path: string, { id }: ForbiddenSet): DomainError {
  return new DomainError(
    'ERR_DATA_GOLDEN_USED',
    `\`${path}\` may be the golden set \`${id}\`: its approval does not say where it lies, and \`sources.yaml\` does not list it`,
    {
      help: `list it in sources.yaml again, then: assay data approve ${quotedForShell(id)}; or, to be rid of it, once it is listed: assay data revoke ${quotedForShell(id)}`,
      details: { path, source: id },
    },
  )
}

/** The tracked files that a stage sees beside its deps. @throws ERR_DATA_GOLDEN_USED when one is a golden set */
export async function codeWithoutGolden(
  project: Project,
  visible: readonly string[],
): Promise<ReadonlyMap<string, Content>> {
  const code = await project.code.contents(visible)
  for (const [path, content] of code) refuseGolden(project, path, content)
  return code
}

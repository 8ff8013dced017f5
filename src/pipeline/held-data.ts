/**
 * What a project knows of data at a path beside contract and baseline, for a look at the working tree that sees what the
 * gate would: the rows of the anchor, the versions since, tables that the contract refers to, rows that were judged.
 */
import type { VerifiedDataDecision } from '../attestation/index.ts'
import type { Digest } from '../core/index.ts'
import type { DataCheck, Dataset, Questions, Seen } from '../data/index.ts'
import type { Closing } from './closed-checks.ts'
import { anchorOf, waiverOf, waiversOf } from './data-question.ts'
import type { DataRules } from './definition.ts'
import { type GoldenSet, goldenOf, goldenRowsOf, isGoldenUnasked } from './golden.ts'
import { anchorRows, pastVersions } from './past-versions.ts'
import type { Project } from './project.ts'
import { referencesOf } from './references.ts'
import { reviewedRows } from './reviewed-rows.ts'
import { datasetOf } from './stored-dataset.ts'

export type HeldData = Readonly<{
  questions: Pick<Questions, 'anchor' | 'bounds' | 'golden' | 'previous' | 'history' | 'others' | 'judged'> &
    Partial<Pick<Questions, 'seed'>>
  closing: Closing
  /** What was looked at to know that. */
  seen?: Seen
  /** The checks, of which those that a reviewer waived for these bytes warn. */
  waived(checks: readonly DataCheck[], digest: Digest): readonly DataCheck[]
}>

export async function heldData(project: Project, path: string, rules: DataRules): Promise<HeldData> {
  const { contract, baseline, bounds, label, golden: id } = rules
  const content = contract === undefined ? undefined : await project.contents.ingest(contract)
  const file =
    contract === undefined || content?.kind !== 'file' ? undefined : { path: contract, digest: content.digest }
  const references = await referencesOf(project, path, file)
  const golden = await goldenOf(project, id)
  const { baselineDigest, anchor, rows } = await anchored(project, { baseline, golden, label })
  const isReviewed = project.dataDecisions()['data-review'].length > 0
  // a look at every file, so only where something is found by it; the whole project has no digest of its own
  const isAsked = path !== '.' && (isReviewed || rows !== undefined)
  const seen = isAsked ? await project.contents.see(path) : undefined
  const digest = seen?.content.digest
  const past =
    anchor === undefined || rows === undefined || digest === undefined
      ? undefined
      : await pastVersions(project, { path, content: { digest }, anchor: anchor.attestation })
  const { judged, unread, elsewhere } = reviewedRows(project, { path, digest, anchored: anchor?.decision.dataset })
  const goldenRows = golden === undefined ? undefined : goldenRowsOf(golden, project)
  return {
    questions: {
      others: new Map(references.map(({ table, name, content: of }) => [table, datasetOf(of, name, project.store)])),
      judged,
      ...(bounds === undefined ? {} : { bounds }),
      ...(goldenRows === undefined ? {} : { golden: { dataset: goldenRows, isAnchor: false } }),
      ...(rows === undefined ? {} : { anchor: rows }),
      // as the gate looks, so that the rows that it found are found
      ...(past === undefined || digest === undefined ? {} : { seed: project.sampleSeed(path, digest) }),
      ...(past?.previous === undefined ? {} : { previous: past.previous.dataset }),
      ...(past === undefined ? {} : { history: past.history }),
    },
    closing: {
      hasBaseline: baseline !== undefined,
      isAnchored: anchor !== undefined,
      judged,
      unreadReviews: unread,
      reviewedElsewhere: elsewhere,
      goldenUnasked: isGoldenUnasked(project, path, { baseline: baselineDigest, golden: id }),
      ...(golden === undefined ? {} : { golden: { isHere: goldenRows !== undefined } }),
      ...(bounds === undefined ? {} : { bounds }),
      ...(rows === undefined ? {} : { anchorRows: rows }),
    },
    ...(seen === undefined ? {} : { seen }),
    waived: (checks, digest) => {
      const waivers = waiversOf(project, digest)
      return checks.map((check) => withWaiver(check, waivers))
    },
  }
}

function withWaiver(check: DataCheck, waivers: ReturnType<typeof waiversOf>): DataCheck {
  const until = check.verdict === 'fail' ? waiverOf(waivers, check)?.decision.until : undefined
  if (until === undefined) return check
  const told = check.because === undefined ? '' : `${check.because}; `
  return { ...check, verdict: 'warn', because: `${told}it fails, and is waived until ${until}` }
}

type Anchored = Readonly<{
  baselineDigest?: Digest | undefined
  anchor?: VerifiedDataDecision<'data-anchor'> | undefined
  rows?: Dataset | undefined
}>

type Named = Readonly<{ baseline: string | undefined; golden: GoldenSet | undefined; label: string | undefined }>

async function anchored(project: Project, { baseline, ...wanted }: Named): Promise<Anchored> {
  const baselineDigest = baseline === undefined ? undefined : await project.contents.digest(baseline)
  const anchor = baselineDigest === undefined ? undefined : anchorOf(project, baselineDigest, wanted)
  return { baselineDigest, anchor, rows: anchor === undefined ? undefined : await anchorRows(project, anchor) }
}

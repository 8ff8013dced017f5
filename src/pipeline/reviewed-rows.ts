/** What reviewers said of the rows of a dataset: all reviews of it, in whatever version, and however it was called then. */
import { type DataAnchor, loadRowKey, type VerifiedDataDecision } from '../attestation/index.ts'
import type { Digest, Sha256 } from '../core/index.ts'
import type { JudgedRows } from '../data/index.ts'
import { pathsRead } from './inputs.ts'
import type { Project } from './project.ts'

export type ReviewedRows = Readonly<{
  /** Oldest first: the newest word on a row counts. */
  judged: readonly JudgedRows[]
  /** Bundles of all of them, in the same order. */
  reviews: readonly Sha256[]
  /** Paths that hold no data of the project any more, and rows that reviewers found bad. */
  elsewhere: readonly string[]
  /** Reviews that are keyed with a key that is not here. THREAT: what they call bad could not be found. */
  unread: number
}>

type Review = VerifiedDataDecision<'data-review'>

/** `anchored`: the dataset that its baseline was fixed as the anchor of. */
type Reviewable = Readonly<{ path: string; digest?: Digest | undefined; anchored?: DataAnchor['dataset'] | undefined }>

/**
 * A row is known by its content, and judged as a row of this dataset: what is fine in one may be poison in another.
 * THREAT: data that is called something else is rid of its reviews. Those of the same bytes count, and those of the data that
 * it is compared with, by path or bytes.
 */
export function reviewedRows(project: Project, { path, digest, anchored }: Reviewable): ReviewedRows {
  const paths: readonly (string | undefined)[] = [path, anchored?.path]
  const digests: readonly (Digest | undefined)[] = [digest, anchored?.digest]
  const all = project.dataDecisions()['data-review']
  const reviews = all
    .filter(({ decision: { subject } }) => paths.includes(subject.path) || digests.includes(subject.digest))
    .toSorted((left, right) => (left.decision.at < right.decision.at ? -1 : 1))
  const rowKey = reviews.some(({ decision }) => decision.hash === 'hmac')
    ? loadRowKey(placeOfRowKey(project))
    : undefined
  const isReadable = ({ decision }: Review): boolean => decision.hash === 'sha256' || decision.keyId === rowKey?.id
  const judged = reviews.filter(isReadable).map(({ decision: { hash, columns, rows } }): JudgedRows => {
    const words = {
      ...(columns === undefined ? {} : { columns }),
      rows: rows.map(({ because: _, ...word }) => word),
    }
    return hash === 'hmac' && rowKey !== undefined ? { key: rowKey.key, ...words } : words
  })
  return {
    judged,
    reviews: reviews.map(({ attestation }) => attestation),
    unread: reviews.length - judged.length,
    elsewhere: reviews.length > 0 ? [] : badElsewhere(project, all),
  }
}

/** THREAT: the same, with a row changed and without its anchor. Data that was reviewed itself is told nothing of it. */
function badElsewhere({ pipeline, settings, surroundings }: Project, reviews: readonly Review[]): readonly string[] {
  const known = new Set([
    ...settings.data.keys(),
    ...pathsRead({ pipeline, surroundings }),
    ...pipeline.tracked.map(({ path }) => path),
    ...pipeline.stages.flatMap(({ outs }) => outs.map(({ path }) => path)),
  ])
  const bad = reviews.filter(({ decision }) => decision.rows.some(({ verdict }) => verdict === 'bad'))
  return [...new Set(bad.map(({ decision }) => decision.subject.path))].filter((path) => !known.has(path)).toSorted()
}

export function placeOfRowKey({ environment, root, id }: Project): Parameters<typeof loadRowKey>[0] {
  return { environment, projectRoot: root, project: id }
}

/** What reviewers said of the rows of a dataset: all reviews of its path, in whatever version of it. */
import { loadRowKey, type VerifiedDataDecision } from '../attestation/index.ts'
import type { Sha256 } from '../core/index.ts'
import type { JudgedRows } from '../data/index.ts'
import type { Project } from './project.ts'

export type ReviewedRows = Readonly<{
  /** Oldest first: the newest word on a row counts. */
  judged: readonly JudgedRows[]
  /** Bundles of all of them, in the same order. */
  reviews: readonly Sha256[]
  /** Reviews that are keyed with a key that is not here. THREAT: what they call bad could not be found. */
  unread: number
}>

type Review = VerifiedDataDecision<'data-review'>

/** A row is known by its content, and judged as a row of this dataset: what is fine in one may be poison in another. */
export function reviewedRows(project: Project, path: string): ReviewedRows {
  const reviews = project
    .dataDecisions()
    ['data-review'].filter(({ decision }) => decision.subject.path === path)
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
  }
}

export function placeOfRowKey({ environment, root, id }: Project): Parameters<typeof loadRowKey>[0] {
  return { environment, projectRoot: root, project: id }
}

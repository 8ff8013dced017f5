/**
 * What a person decides about data, beside approving its source: to let a failed check pass, to fix a baseline as the
 * anchor, to judge single rows; and about a model: that it may go to production. Each names its subject by digest, so that it is about these bytes and no others.
 */
import type { Digest, Sha256 } from '../core/index.ts'

type Decided = Readonly<{
  /** Id of the project: a decision counts in no other. */
  project: string
  subject: Readonly<{ path: string; digest: Digest }>
  /** RFC 3339, UTC. */
  at: string
  by: Readonly<{ name: string; email: string }>
}>

/** A failed check of a dataset does not stop it, until a day. */
export type DataWaiver = Decided &
  Readonly<{
    check: string
    column?: string
    /** Rows (1-based) or files of these bytes that may fail it, and no others; whichever do, when left out. */
    rows?: readonly (number | string)[]
    because: string
    /** Last day that it counts (`2027-01-31`), UTC. */
    until: string
  }>

/** The subject, a baseline, is what later versions are compared with; it never rolls by itself. */
export type DataAnchor = Decided &
  Readonly<{
    /** What the baseline was made from. */
    dataset: Readonly<{ path: string; digest: Digest }>
    because: string
    /** The golden set that it agrees with, as it was compared. */
    golden?: Readonly<{
      /** Id in the inventory. */
      source: string
      digest: Digest
      /** The bundle in which it was approved. */
      approval: Sha256
      /**
       * Columns of the baseline: the label that was compared, and what says where a row came from, which was left aside.
       * One that does not state its label, as at first, is read and agrees in none.
       */
      label?: string
      sourceColumn?: string
      /** What was compared, in counts and shares: `golden/agreement: 2 of 102, about 0.2 % expected`. */
      compared: readonly string[]
    }>
    /** Baseline that was the anchor before. */
    replaces?: Digest
  }>

/**
 * The newer anchor that stands in the place of one: of the same data, or written over its baseline. THREAT: a baseline that is
 * known to be poisoned comes back with its old bytes. To go back on purpose it is anchored again.
 */
export function replacementOf(anchor: DataAnchor, anchors: readonly DataAnchor[]): DataAnchor | undefined {
  const { subject, dataset, at } = anchor
  return anchors.find(
    (other) =>
      other.at > at &&
      other.subject.digest !== subject.digest &&
      (other.dataset.path === dataset.path || other.subject.path === subject.path),
  )
}

export const rowVerdicts = ['good', 'bad', 'excluded'] as const

/** Rows of a dataset, judged one by one: remembered by content, so that nobody is asked twice. */
export type DataReview = Decided &
  Readonly<{
    /** `hmac`: keyed, since plain hashes of confidential rows could be guessed. */
    hash: 'sha256' | 'hmac'
    /** Of `hmac` only: which key it was, 64 lower-case hex digits. */
    keyId?: string
    /**
     * Of a table: what a row is made of, in this order. `type` of a column: the engine's own (`BIGINT`), or of text what its
     * values are read as (`text integer`).
     */
    columns?: readonly Readonly<{ name: string; type: string }>[]
    rows: readonly Readonly<{
      /** 64 lower-case hex digits. */
      hash: string
      /** Of a file that is bad: hash of its bytes alone, 64 lower-case hex digits. */
      content?: string
      verdict: (typeof rowVerdicts)[number]
      because?: string
    }>[]
  }>

/** A promoter's word that the model may go to production, as this statement made it. */
export type ModelApproval = Decided &
  Readonly<{
    /** Digest of the bundle of the stage that made it. */
    made: Sha256
    because: string
  }>

export type DataDecisions = Readonly<{
  'data-waiver': DataWaiver
  'data-anchor': DataAnchor
  'data-review': DataReview
  'model-approval': ModelApproval
}>
export type DataDecisionKind = keyof DataDecisions

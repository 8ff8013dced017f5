/** What a comparison says of two files, and what it may let pass. Types and the words that are made of them; pure. */

/** What a file was read as. `bytes`: nothing better was known of it. */
export type ComparedFormat =
  | 'bytes'
  | 'text'
  | 'json'
  | 'csv'
  | 'jsonl'
  | 'parquet'
  | 'safetensors'
  | 'npy'
  | 'npz'
  | 'onnx'
  | 'image'
  | 'archive'

/**
 * From the best to the worst:
 * - `identical`: the same bytes
 * - `equal`: other bytes, and nothing that a reader of the format would see differs, but for bits that are equal in value
 * - `within-tolerance`: every difference is allowed by a tolerance
 * - `diverged`: a difference that nothing allows
 * - `incomparable`: one of the two could not be read, so that nobody can tell; never a pass
 */
export const comparedVerdicts = ['identical', 'equal', 'within-tolerance', 'diverged', 'incomparable'] as const
export type ComparedVerdict = (typeof comparedVerdicts)[number]

/**
 * How one tensor, column, channel or group of numbers differs between the two files.
 *
 * Maxima are over elements that are finite on both sides. Relative: |a - b| / max(|a|, |b|). NaN equals NaN.
 */
export type Measure = Readonly<{
  /** Of the tensor, column, key or channel; behind `member: ` in an archive. */
  name: string
  /** As the format calls it: `F32`, `<f8`, `DOUBLE`, `number`. */
  type: string
  elements: number
  /** Elements that differ in value. */
  differing: number
  /** Of those, how many no tolerance allows. */
  outside: number
  /** Elements of the same value in other bits: zeros of the other sign, NaNs of another payload. */
  bitsOnly: number
  /** Of the differing ones: a NaN or an infinity against anything else, a text, a boolean. No tolerance allows them. */
  withoutDistance: number
  maxAbs: number
  maxRel: number
  /** Representable numbers between the two; exact up to 2^53. Null for what is no floating-point number. */
  maxUlp: number | null
  /** 0-based, row-major: where `maxAbs` is. Undefined when nothing is finite and differs. */
  worst?: number
  /** `[e, n]`: n elements with 2^e <= |a - b| < 2^(e+1), ascending; numbers below 2^-1022 count as -1023. */
  histogram: readonly (readonly [exponent: number, count: number])[]
}>

export type Compared = Readonly<{
  /** Of the out, or of the file inside it, in the project. */
  path: string
  format: ComparedFormat
  verdict: ComparedVerdict
  /** One printable sentence without a full stop: what differs most. Holds names and measures, no text of the files. */
  detail: string
  /** Differences beside those of the measures, such as a tensor that is missing; no tolerance allows them. */
  unmeasured: number
  /** What differs, at most `maxMeasures` of them, the worst first. */
  measures: readonly Measure[]
}>

/** LIMIT: listed for one file; the verdict knows all. */
export const maxMeasures = 1000

/**
 * What may differ, and why. A number passes when any of the bounds given allows it: |a - b| <= abs, or
 * |a - b| <= rel * max(|a|, |b|), or at most `ulp` steps between neighbours.
 *
 * `abs` alone counts for integers of tensors and tables; booleans, text and everything else are exact.
 */
export type Tolerance = Readonly<{
  /** Pattern of project paths: `*` within a folder, `**` across folders. A member of an archive is `archive/member`. */
  path: string
  /** Pattern of names. A tolerance with any of the three counts for what they name, and for nothing else. */
  tensor?: string
  /** The same of keys of JSON (`train.loss`, `folds[*].auc`). */
  metric?: string
  /** The same of columns of tables. */
  column?: string
  abs?: number
  rel?: number
  ulp?: number
  because: string
}>

/** Of none `incomparable`: nobody has looked at anything. */
export function worstVerdict(verdicts: readonly ComparedVerdict[]): ComparedVerdict {
  return comparedVerdicts.findLast((verdict) => verdicts.includes(verdict)) ?? 'incomparable'
}

/** What the measures say, when all else is the same. */
export function verdictOfMeasures(measures: readonly Measure[]): ComparedVerdict {
  if (measures.some(({ outside }) => outside > 0)) return 'diverged'
  return measures.some(({ differing }) => differing > 0) ? 'within-tolerance' : 'equal'
}

/**
 * A baseline: what a table was like when it was approved, as a file that is committed and signed for. Version 1.
 *
 * `{assay: "baseline", version: 1, dataset: {digest, rows}, label, source, profile, poison}`, canonical JSON.
 * docs/formats/baseline.md describes it.
 */
import { z } from 'zod'
import { canonicalJson, DomainError, isDigest, isDomainError, parseStrictJson } from '../../core/index.ts'
import type { Tally } from '../poison/index.ts'
import { parseTableProfile, type TableProfile } from '../statistics/index.ts'

export type Baseline = Readonly<{
  dataset: Readonly<{ digest: string; rows: number }>
  label: string | null
  source: string | null
  /** Null for data whose values must not be told: then it is of use only beside the rows that it was made from. */
  profile: TableProfile | null
  /** What the poisoning checks found in the approved table itself. */
  poison: readonly Tally[]
}>

export const tallyNames = z.enum([
  'poison/label-flip',
  'poison/trigger',
  'poison/duplicates',
  'poison/contradiction',
  'poison/outliers',
  'poison/source',
])

export const tallyShape: z.ZodType<Tally> = z.strictObject({
  name: tallyNames,
  column: z.string().nullable(),
  found: z.number().min(0),
  of: z.number().min(0),
})

const shape = z.strictObject({
  assay: z.literal('baseline'),
  version: z.literal(1),
  dataset: z.strictObject({ digest: z.string().refine(isDigest), rows: z.int().min(0) }),
  label: z.string().nullable(),
  source: z.string().nullable(),
  profile: z.unknown(),
  poison: z.array(tallyShape).max(100_000),
})

/** LIMIT: 64 MiB; a profile has at most 200,000 bins. */
const limits = { maxBytes: 64 * 1024 * 1024, maxDepth: 16 }

export function printBaseline(baseline: Baseline): string {
  return `${canonicalJson({ assay: 'baseline', version: 1, ...baseline })}\n`
}

/**
 * Trust: whether it is the approved one, the caller has to find out by its digest.
 *
 * @throws ERR_DATA_BASELINE_MALFORMED
 */
export function parseBaseline(bytes: Uint8Array, name: string): Baseline {
  try {
    const parsed = shape.safeParse(parseStrictJson(bytes, name, limits))
    if (!parsed.success) {
      const [issue] = parsed.error.issues
      throw malformed(name, `${issue?.path.join('.') || 'the file'}: ${issue?.message}`)
    }
    const { dataset, label, source, poison } = parsed.data
    const { profile } = parsed.data
    return { dataset, label, source, poison, profile: profile === null ? null : parseTableProfile(profile) }
  } catch (error) {
    if (isDomainError(error, 'ERR_INPUT_MALFORMED', 'ERR_INPUT_TOO_LARGE')) throw malformed(name, error.message, error)
    throw error
  }
}

function malformed(name: string, what: string, cause?: unknown): DomainError {
  return new DomainError('ERR_DATA_BASELINE_MALFORMED', `\`${name}\` is not a baseline: ${what}`.slice(0, 500), {
    cause,
  })
}

/** Shapes of the nouns that statements share. Each refuses what does not fit; none of them mends anything. */
import { z } from 'zod'
import { type Digest, type Json, parseProjectPath, type Sha256, type Tier } from '../core/index.ts'

// `as` on the next two: a pattern proves the template-literal type, which zod cannot infer from it.
export const sha256Shape = z.string().regex(/^sha256:[0-9a-f]{64}$/) as unknown as z.ZodType<Sha256, Sha256>
export const digestShape = z.string().regex(/^(sha256|dirHash1):[0-9a-f]{64}$/) as unknown as z.ZodType<Digest, Digest>
/** Anything: what reads a shape was JSON before. */
export const jsonShape = z.custom<Json>((value) => value !== undefined)

/** The digest of a subject or material as in-toto has it: of a file, or of a file or folder. */
const hex = z.string().regex(/^[0-9a-f]{64}$/)
export const fileSetShape = z.object({ sha256: hex })
export const contentSetShape = z.union([fileSetShape, z.object({ dirHash1: hex })])

/** Git object ids: SHA-1 or SHA-256, bare hex. */
export const gitIdShape = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/)

export const tierShape: z.ZodType<Tier, Tier> = z.enum(['observed', 'declared', 'verified'])
export const factShape = z.object({ name: z.string(), value: z.string(), tier: tierShape })

/** RFC 3339 in UTC, with `Z`. */
export const instantShape = z.iso.datetime()
export const countShape = z.int().nonnegative()

/** A project path in its one spelling. THREAT: a path that leaves the project, or prints like another one. */
export const pathShape = z.string().min(1).refine(isProjectPath, 'is not a plain project path')

/** A scheme and more: an identifier, from which nothing is ever fetched. SOURCE: RFC 3986, 3. */
export const uriShape = z
  .string()
  .max(4096)
  .regex(/^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+$/, 'Invalid URL')

/** An id, or what something is called. */
export const nameShape = z.string().min(1).max(200)
export const textShape = z.string().max(64 * 1024)
export const optionalText = textShape.exactOptional()

function isProjectPath(path: string): boolean {
  try {
    return parseProjectPath(path) === path
  } catch {
    return false
  }
}

/** True when no two items have the same name. */
export function areUnique(names: readonly (string | number)[]): boolean {
  return new Set(names).size === names.length
}

/**
 * in-toto Statement v1: which bytes a predicate is about.
 *
 * Unknown fields are ignored, as in-toto's parsing rules demand; unknown types and versions are refused.
 * SOURCE: in-toto attestation framework v1.2, spec/v1/statement.md and resource_descriptor.md.
 */
import { z } from 'zod'
import { canonicalJson, DomainError, type Json, parseStrictJson } from '../core/index.ts'
import { jsonShape } from './shapes.ts'

export const statementType = 'https://in-toto.io/Statement/v1'

/** A resource by name, address and digests; `annotations` are whatever the predicate's own page says. */
export type ResourceDescriptor = Readonly<{
  name?: string
  uri?: string
  /** Algorithm -> lower-case hex, bare, as in-toto writes it. */
  digest?: Readonly<Record<string, string>>
  annotations?: Readonly<Record<string, Json>>
}>

export type Statement = Readonly<{
  subject: readonly ResourceDescriptor[]
  predicateType: string
  predicate: Json
}>

/** LIMIT: 1,024 subjects (sigstore-go refuses more), 64 levels. */
export const maxSubjects = 1024
const statementLimits = { maxBytes: 16 * 1024 * 1024, maxDepth: 64 }

/** The payload of the envelope: canonical, so that the same facts are the same bytes. */
export function printStatement({ subject, predicateType, predicate }: Statement): Uint8Array {
  return new TextEncoder().encode(canonicalJson({ _type: statementType, subject, predicateType, predicate }))
}

/**
 * Reads a payload whose signature was checked before.
 *
 * @throws ERR_STATEMENT_UNSUPPORTED when `_type` is not Statement v1
 * @throws ERR_STATEMENT_MALFORMED when it is, and the rest is not
 */
export function parseStatement(payload: Uint8Array): Statement {
  const json = readJson(payload)
  const type = typeSchema.safeParse(json)
  if (!type.success) throw malformed('has no `_type`')
  if (type.data._type !== statementType) {
    throw new DomainError('ERR_STATEMENT_UNSUPPORTED', `the statement is of type \`${type.data._type.slice(0, 100)}\``)
  }
  const parsed = statementSchema.safeParse(json)
  if (!parsed.success) throw malformed(issueOf(parsed.error))
  return parsed.data
}

const digestSetSchema = z.record(z.string(), z.string().max(200))

/** Parsed by `z.object`, which drops what it does not know. */
export const resourceDescriptorSchema = z.object({
  name: z.string().max(4096).exactOptional(),
  uri: z.string().max(4096).exactOptional(),
  digest: digestSetSchema.exactOptional(),
  annotations: z.record(z.string(), jsonShape).exactOptional(),
})
const typeSchema = z.object({ _type: z.string() })
const statementSchema = z.object({
  subject: z
    .array(resourceDescriptorSchema.extend({ digest: digestSetSchema }))
    .min(1)
    .max(maxSubjects),
  predicateType: z.string().min(1).max(500),
  predicate: jsonShape,
})

/** The first thing that is wrong, in one clause. */
export function issueOf(error: z.ZodError): string {
  const issue = error.issues[0]
  return `has a fault at \`${issue?.path.join('.') ?? ''}\`: ${issue?.message ?? 'unknown'}`
}

function readJson(payload: Uint8Array): Json {
  try {
    return parseStrictJson(payload, 'statement', statementLimits)
  } catch (cause) {
    throw malformed(cause instanceof Error ? cause.message.replace('`statement` ', '') : 'is not JSON', cause)
  }
}

function malformed(what: string, cause?: unknown): DomainError {
  return new DomainError('ERR_STATEMENT_MALFORMED', `the statement ${what}`, { cause })
}

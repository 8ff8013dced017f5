/**
 * Any in-toto statement, of which only the subjects are asked: is the artifact among them?
 *
 * SOURCE: in-toto attestation framework v1.2, spec/v1/statement.md, digest_set.md; v0.1 as cosign and slsa-verifier
 * take it too.
 */
import { z } from 'zod'
import { DomainError, type Json, parseStrictJson } from '../../core/index.ts'
import { statementPayloadType } from '../dsse.ts'
import { type Finding, passed, refused } from '../finding.ts'
import { issueOf, maxSubjects, statementType } from '../statement.ts'
import type { HashName } from './foreign-bundle.ts'

export type ForeignStatement = Readonly<{
  type: string
  predicateType: string
  subjects: readonly Readonly<{ name?: string; digest: Readonly<Record<string, string>> }>[]
  predicate: Json
}>

/** An artifact's digests, bare hex, by in-toto's names of the algorithms; those that are known. */
export type ArtifactDigests = Readonly<Partial<Record<HashName | 'dirHash1', string>>>

const statementTypes = [statementType, 'https://in-toto.io/Statement/v0.1']

/** LIMIT: as a bundle has bytes; 64 levels. */
const limits = { maxBytes: 64 * 1024 * 1024, maxDepth: 64 }

/**
 * Reads a payload whose signature was checked before.
 *
 * @throws ERR_STATEMENT_UNSUPPORTED when it is no in-toto statement v0.1 or v1
 * @throws ERR_STATEMENT_MALFORMED when it is one, and its subjects are not what they should be
 */
export function parseForeignStatement(payload: Uint8Array, payloadType: string): ForeignStatement {
  if (payloadType !== statementPayloadType)
    throw new DomainError('ERR_STATEMENT_UNSUPPORTED', `what was signed is of the type \`${payloadType}\``)
  const json = readJson(payload)
  const type = z.object({ _type: z.string() }).safeParse(json)
  if (!type.success || !statementTypes.includes(type.data._type))
    throw new DomainError('ERR_STATEMENT_UNSUPPORTED', 'what was signed is no in-toto statement v0.1 or v1')
  const parsed = shape.safeParse(json)
  if (!parsed.success) throw malformed(issueOf(parsed.error))
  const { subject, predicateType, predicate } = parsed.data
  return { type: type.data._type, predicateType, subjects: subject, predicate: predicate ?? null }
}

const shape = z.object({
  subject: z
    .array(z.object({ name: z.string().exactOptional(), digest: z.record(z.string(), z.string().max(200)) }))
    // a manifest of model_signing 0.2 has its files here; others are held to the limit below
    .max(1_000_000),
  predicateType: z.string().min(1).max(500),
  predicate: z.custom<Json>().optional(),
})

/** Hashes to make of a file, so that each subject can be compared with it. */
export function artifactNeeds({ subjects }: ForeignStatement): readonly HashName[] {
  const named = subjects.flatMap(({ digest }) => Object.keys(digest))
  return (['sha256', 'sha384', 'sha512'] as const).filter((name) => name === 'sha256' || named.includes(name))
}

/** A subject is the artifact when one digest that is known of both agrees and none differs. */
export function judgeSubjects({ subjects }: ForeignStatement, artifact: ArtifactDigests): Finding {
  if (subjects.length > maxSubjects)
    return refused('subject', 'ERR_STATEMENT_MALFORMED', `the statement has more than ${maxSubjects} subjects`)
  const isNamed = subjects.some(({ digest }) => {
    const known = Object.entries(artifact).filter(([name]) => Object.hasOwn(digest, name))
    return known.length > 0 && known.every(([name, hex]) => digest[name] === hex)
  })
  return isNamed
    ? passed('subject', 'the statement names these bytes')
    : refused('subject', 'ERR_SUBJECT_MISMATCH', 'the statement does not name these bytes')
}

function readJson(payload: Uint8Array): Json {
  try {
    return parseStrictJson(payload, 'statement', limits)
  } catch (cause) {
    throw malformed(cause instanceof Error ? cause.message.replace('`statement` ', '') : 'is not JSON', cause)
  }
}

function malformed(what: string, cause?: unknown): DomainError {
  return new DomainError('ERR_STATEMENT_MALFORMED', `the statement ${what}`, { cause })
}

/**
 * What crosses the pipe between a run and its signer: one JSON document a frame, its length before it.
 *
 * The first frame opens the key and is answered once; every later frame is one request, answered in any order.
 */
import { z } from 'zod'
import { type ErrorCode, errorTable, type Json, parseStrictJson, type Sha256 } from '../../core/index.ts'
import type { DataAnchor, DataReview, DataWaiver, ModelApproval } from '../data-decisions.ts'
import type { DataVerdict } from '../data-verdict-facts.ts'
import type { DefinitionReview } from '../definition-review-facts.ts'
import type { EnvironmentBuild } from '../environment-build-facts.ts'
import type { GateVerdict } from '../gate-verdict-facts.ts'
import type { HeldKeySource, KeySource } from '../key.ts'
import { dataDecisionShapes } from '../predicates/data-decision.ts'
import { dataVerdictShape } from '../predicates/data-verdict.ts'
import { definitionReviewShape } from '../predicates/definition-review.ts'
import { environmentBuildShape } from '../predicates/environment-build.ts'
import { gateVerdictShape } from '../predicates/gate-verdict.ts'
import { reproductionShape } from '../predicates/reproduction.ts'
import { sourceApprovalShape } from '../predicates/source-approval.ts'
import { sourceBuildShape } from '../predicates/source-build.ts'
import { type VerificationSummary, verificationSummaryShape } from '../predicates/verification-summary.ts'
import type { Reproduction } from '../reproduction-facts.ts'
import { instantShape, optionalText, pathShape, sha256Shape, textShape } from '../shapes.ts'
import type { SourceApproval } from '../source-approval-facts.ts'
import type { SourceBuild } from '../source-build-facts.ts'
import type { StageFacts, StatedOutput } from '../stage-facts.ts'
import { stageFactsShape } from '../stage-facts-shape.ts'
import { type PolicySignature, policySignatureShape, statusShape, type TrustStatus } from '../trust-documents.ts'
import type { LegacyRequest } from './sign-legacy.ts'

/** LIMIT: a frame is at most 32 MiB: a bundle of 16 MiB in base64 fits. */
export const maxFrameBytes = 32 * 1024 * 1024
const headerBytes = 4

export type SignRequest =
  | Readonly<{ kind: 'stage'; facts: StageFacts }>
  | Readonly<{ kind: 'source-build'; build: SourceBuild }>
  | Readonly<{ kind: 'environment-build'; build: EnvironmentBuild }>
  | Readonly<{ kind: 'source-approval'; approval: SourceApproval }>
  | Readonly<{ kind: 'data-verdict'; verdict: DataVerdict }>
  | Readonly<{ kind: 'reproduction'; reproduction: Reproduction }>
  | Readonly<{ kind: 'gate-verdict'; verdict: GateVerdict }>
  | Readonly<{ kind: 'data-waiver'; decision: DataWaiver }>
  | Readonly<{ kind: 'data-anchor'; decision: DataAnchor }>
  | Readonly<{ kind: 'data-review'; decision: DataReview }>
  | Readonly<{ kind: 'model-approval'; decision: ModelApproval }>
  | Readonly<{ kind: 'checkpoint'; checkpoint: LogHead }>
  | Readonly<{ kind: 'in-toto-legacy'; legacy: LegacyRequest }>
  | Readonly<{ kind: 'verification-summary'; summary: VerificationSummary }>
  | Readonly<{ kind: 'definition-review'; review: DefinitionReview }>
  | Readonly<{ kind: 'trust-status'; status: TrustStatus }>
  | Readonly<{ kind: 'trust-policy'; signature: PolicySignature }>
  | Readonly<{ kind: 'model'; model: ModelRequest }>

export type Subjects = Readonly<{ outputs: readonly StatedOutput[]; log?: StageFacts['log'] }>

/** Everything that has to be hashed again before it is signed. */
export function subjectsOf(request: SignRequest): Subjects | undefined {
  if (request.kind === 'stage') return request.facts
  if (request.kind === 'source-build') {
    const { name: path, ...wheel } = request.build.wheel
    return { outputs: [{ path, ...wheel }] }
  }
  if (request.kind === 'gate-verdict') {
    const { outputs, metrics } = request.verdict
    return { outputs: [...outputs, metrics] }
  }
  return request.kind === 'data-verdict' ? { outputs: [request.verdict.dataset] } : undefined
}

/** A model by its manifest, as OpenSSF Model Signing has it; hashed by whoever asks. */
export type ModelRequest = Readonly<{
  name: string
  ignored: readonly string[]
  resources: readonly Readonly<{ name: string; digest: string }>[]
  /** DER in base64, the leaf first; left out when a key signs by itself. */
  certificates?: readonly string[] | undefined
}>

/** What a log's checkpoint says: `id` makes its origin, `root` is the Merkle root. */
export type LogHead = Readonly<{ id: string; size: number; root: Sha256 }>

export const openShape = z.strictObject({
  version: z.literal(1),
  key: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('file'), path: textShape, passphrase: z.string().max(4096).exactOptional() }),
    z.strictObject({ kind: z.literal('ephemeral') }),
    z.strictObject({
      kind: z.literal('held'),
      address: z.string().max(2000),
      settings: z.record(z.string().max(100), z.string().max(100_000)),
      authorities: z.array(z.string()).max(1000),
      packageFolder: optionalText,
      logKeyPath: optionalText,
      create: z.literal(true).exactOptional(),
    }),
  ]),
  objectStoreRoot: textShape,
})
export type OpenRequest = Readonly<{
  version: 1
  key: Exclude<KeySource, { kind: 'held' }> | HeldKeyRequest
  objectStoreRoot: string
}>
/** What crosses the pipe of a key that is kept elsewhere; `packageFolder` of pkcs11js. */
export type HeldKeyRequest = Omit<HeldKeySource, 'proxies' | 'expectedHint'> & Readonly<{ packageFolder?: string }>

const logIdShape = z.string().regex(/^[A-Za-z0-9._-]{1,200}\/[0-9a-f]{16}$/)

export const requestShape = z.strictObject({
  id: z.int().nonnegative(),
  request: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('stage'), facts: stageFactsShape }),
    z.strictObject({ kind: z.literal('source-build'), build: sourceBuildShape }),
    z.strictObject({ kind: z.literal('environment-build'), build: environmentBuildShape }),
    z.strictObject({ kind: z.literal('source-approval'), approval: sourceApprovalShape }),
    z.strictObject({ kind: z.literal('data-verdict'), verdict: dataVerdictShape }),
    z.strictObject({ kind: z.literal('reproduction'), reproduction: reproductionShape }),
    z.strictObject({ kind: z.literal('gate-verdict'), verdict: gateVerdictShape }),
    z.strictObject({ kind: z.literal('data-waiver'), decision: dataDecisionShapes['data-waiver'] }),
    z.strictObject({ kind: z.literal('data-anchor'), decision: dataDecisionShapes['data-anchor'] }),
    z.strictObject({ kind: z.literal('data-review'), decision: dataDecisionShapes['data-review'] }),
    z.strictObject({ kind: z.literal('model-approval'), decision: dataDecisionShapes['model-approval'] }),
    z.strictObject({
      kind: z.literal('in-toto-legacy'),
      legacy: z.strictObject({
        bundles: z.array(z.base64()).min(1).max(10_000),
        layout: z.strictObject({ artifact: pathShape, expires: instantShape }).exactOptional(),
      }),
    }),
    z.strictObject({ kind: z.literal('verification-summary'), summary: verificationSummaryShape }),
    z.strictObject({ kind: z.literal('definition-review'), review: definitionReviewShape }),
    z.strictObject({ kind: z.literal('trust-status'), status: statusShape }),
    z.strictObject({ kind: z.literal('trust-policy'), signature: policySignatureShape }),
    z.strictObject({
      kind: z.literal('model'),
      model: z.strictObject({
        name: z.string().min(1).max(4096),
        ignored: z.array(z.string().max(4096)).max(10_000),
        resources: z
          .array(z.strictObject({ name: z.string().min(1).max(4096), digest: z.string().regex(/^[0-9a-f]{64}$/) }))
          .min(1),
        certificates: z.array(z.base64()).min(1).max(10).optional(),
      }),
    }),
    z.strictObject({
      kind: z.literal('checkpoint'),
      checkpoint: z.strictObject({ id: logIdShape, size: z.int().nonnegative(), root: sha256Shape }),
    }),
  ]),
})

const codeShape = z.string().transform((code, context): ErrorCode => {
  if (Object.hasOwn(errorTable, code)) return code as ErrorCode // it is a key of the table
  context.addIssue('is not an error code')
  return z.NEVER
})
const faultShape = z.strictObject({
  kind: z.literal('fault'),
  code: codeShape,
  message: z.string(),
  help: z.string(),
})

export const openedShape = z.union([
  z.strictObject({
    kind: z.literal('ready'),
    publicPem: z.string(),
    hint: z.string(),
    logKey: z.base64(),
    identity: z
      .strictObject({
        identity: z.string().max(4096),
        issuer: z.string().max(4096),
        claims: z.record(z.string().max(100), z.string().max(4096)),
      })
      .exactOptional(),
  }),
  faultShape,
])
export const responseShape = z.strictObject({
  id: z.int(),
  answer: z.union([z.strictObject({ kind: z.literal('signed'), bundle: z.base64() }), faultShape]),
})
export type Opened = z.infer<typeof openedShape>
export type Response = z.infer<typeof responseShape>

/** A frame: length as four bytes, big endian, then UTF-8 JSON. */
export function encodeFrame(message: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(message))
  if (body.length > maxFrameBytes) throw new RangeError(`a frame of ${body.length} bytes is over the limit`)
  const header = Buffer.alloc(headerBytes)
  header.writeUInt32BE(body.length)
  return Buffer.concat([header, body])
}

/**
 * The messages of a stream of bytes.
 *
 * @throws RangeError when a frame says that it is over the limit; ERR_INPUT_MALFORMED when one is not JSON
 */
export async function* readFrames(chunks: AsyncIterable<Buffer>): AsyncGenerator<Json> {
  let parts: Buffer[] = []
  let held = 0
  for await (const chunk of chunks) {
    parts.push(chunk)
    held += chunk.length
    for (;;) {
      if (held < headerBytes) break
      const buffer = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
      parts = [buffer]
      const length = buffer.readUInt32BE(0)
      if (length > maxFrameBytes) throw new RangeError(`a frame of ${length} bytes is over the limit`)
      if (held < headerBytes + length) break
      const body = buffer.subarray(headerBytes, headerBytes + length)
      parts = [buffer.subarray(headerBytes + length)]
      held -= headerBytes + length
      yield parseStrictJson(body, 'frame', { maxBytes: maxFrameBytes, maxDepth: 72 })
    }
  }
}

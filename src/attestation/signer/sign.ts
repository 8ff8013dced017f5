/**
 * What may be signed, and with which key: the fixed shapes of statements, and nothing else.
 *
 * THREAT: the run that asks may be taken over. It can choose facts, but not the form of a statement, not bytes that the
 * store does not hold, and not a real key for a stage that ran beside it unisolated.
 */
import { createPublicKey, type KeyObject, sign } from 'node:crypto'
import { builderIds, DomainError } from '../../core/index.ts'
import { bundleLimits, printBundle, printEnvelope } from '../bundle.ts'
import type { CertifiedIdentity } from '../ci-identity.ts'
import type { DataVerdict } from '../data-verdict-facts.ts'
import { preAuthenticationEncoding, statementPayloadType } from '../dsse.ts'
import { dataDecisionStatement } from '../predicates/data-decision.ts'
import { dataVerdictStatement } from '../predicates/data-verdict.ts'
import { definitionReviewStatement } from '../predicates/definition-review.ts'
import { environmentBuildStatement } from '../predicates/environment-build.ts'
import { gateVerdictStatement } from '../predicates/gate-verdict.ts'
import { reproductionStatement } from '../predicates/reproduction.ts'
import { sourceApprovalStatement } from '../predicates/source-approval.ts'
import { sourceBuildStatement } from '../predicates/source-build.ts'
import { stageStatement } from '../predicates/stage-provenance.ts'
import { verificationSummaryStatement } from '../predicates/verification-summary.ts'
import { hashFor } from '../public-key.ts'
import type { StageFacts } from '../stage-facts.ts'
import { printStatement, type Statement } from '../statement.ts'
import { policyPayloadType, printPolicySignature, printStatus, statusPayloadType } from '../trust-documents.ts'
import { signCheckpoint } from './log-key.ts'
import type { SignRequest } from './protocol.ts'
import { signLegacy } from './sign-legacy.ts'

export type OpenKey = Readonly<{
  publicKey: KeyObject
  hint: string
  kind: 'real' | 'ephemeral'
  /** Signs checkpoints and nothing else. */
  logKey: KeyObject
  /** ECDSA on P-256 with SHA-256, DER; or Ed25519. */
  sign(message: Uint8Array): Promise<Uint8Array>
  /** Of a key that is certified for an identity: the whole bundle, with the certificate, an entry and a time. */
  seal?(payload: Uint8Array, payloadType: string): Promise<Uint8Array>
  identity?: CertifiedIdentity
}>

/** A key in this process, as the port has it. */
export function openOwnKey(key: KeyObject, rest: Pick<OpenKey, 'hint' | 'kind' | 'logKey'>): OpenKey {
  const signNow = (message: Uint8Array): Uint8Array => sign(hashFor(key), message, { key, dsaEncoding: 'der' })
  return { ...rest, publicKey: createPublicKey(key), sign: (message) => Promise.resolve(message).then(signNow) }
}

/** @param builder of what was isolated: a CI's, where an identity of one signs. @throws ERR_SIGN_REFUSED when this key may not say this */
export function refuseRequest(
  request: SignRequest,
  kind: OpenKey['kind'],
  builder: string = builderIds.sandboxed,
): void {
  switch (request.kind) {
    case 'source-approval':
    case 'data-waiver':
    case 'data-anchor':
    case 'data-review':
    case 'model-approval':
    case 'definition-review':
      if (kind === 'ephemeral') throw refusal('a throw-away key approves nothing')
      return
    case 'model':
      if (kind === 'ephemeral') throw refusal('a throw-away key signs no models')
      return
    case 'checkpoint':
      if (kind === 'ephemeral') throw refusal('a throw-away key keeps no log')
      return
    case 'in-toto-legacy':
      if (kind === 'ephemeral') throw refusal('a throw-away key signs no links')
      return
    case 'verification-summary':
    case 'trust-status':
    case 'trust-policy':
      if (kind === 'ephemeral') throw refusal('a throw-away key vouches for nothing')
      return
    case 'data-verdict':
      refuseVerdict(request.verdict, kind)
      return
    case 'reproduction':
      if (kind === 'ephemeral') throw refusal('a throw-away key reproduces nothing')
      if (Date.parse(request.reproduction.finishedAt) < Date.parse(request.reproduction.startedAt))
        throw refusal('the reproduction ended before it started')
      return
    case 'source-build':
      if (request.build.sandbox.engine === 'none') throw refusal('no key signs a build that nothing isolated')
      if (request.build.builderId !== builder)
        throw refusal(`this signer is not the builder \`${request.build.builderId}\``)
      return
    case 'gate-verdict':
      if (kind === 'ephemeral') throw refusal('a throw-away key judges no gates')
      if (request.verdict.builderId !== builder)
        throw refusal(`this signer is not the builder \`${request.verdict.builderId}\``)
      return
    case 'environment-build':
      if (request.build.builderId !== builder)
        throw refusal(`this signer is not the builder \`${request.build.builderId}\``)
      return
    case 'stage':
      refuseStage(request.facts, kind, builder)
      return
  }
}

/** A validator that ran beside the key, unisolated, could have written anything. */
function refuseVerdict({ sandbox, startedAt, finishedAt }: DataVerdict, kind: OpenKey['kind']): void {
  if (kind === 'real' && sandbox.engine === 'none') throw refusal('the real key signs nothing unisolated')
  if (Date.parse(finishedAt) < Date.parse(startedAt)) throw refusal('the validation ended before it started')
}

function refuseStage(facts: StageFacts, kind: OpenKey['kind'], builder: string): void {
  const { builderId, sandbox, draft, startedAt, finishedAt } = facts
  const isUnisolated = builderId === builderIds.unisolated
  if (!isUnisolated && builderId !== builder) throw refusal(`this signer is not the builder \`${builderId}\``)
  if (isUnisolated !== (sandbox.engine === 'none')) throw refusal('builder and sandbox contradict each other')
  if (kind === 'real' && (isUnisolated || draft)) throw refusal('the real key signs no draft and nothing unisolated')
  if (Date.parse(finishedAt) < Date.parse(startedAt)) throw refusal('the stage ended before it started')
}

/** The bytes of the bundle; of a checkpoint those of its signed note. @throws ERR_SIGN_REFUSED */
export async function signRequest(request: SignRequest, key: OpenKey): Promise<Uint8Array> {
  if (request.kind === 'checkpoint') return signCheckpoint(request.checkpoint, key.logKey)
  if (request.kind === 'model') throw refusal('this key signs no models')
  if (key.seal !== undefined && (request.kind === 'in-toto-legacy' || request.kind === 'verification-summary'))
    throw refusal('links and summaries have no place for a certificate: sign them with a key')
  if (request.kind === 'in-toto-legacy') return signLegacy(request.legacy, key)
  if (request.kind === 'trust-status') return signDocument(printStatus(request.status), statusPayloadType, key)
  if (request.kind === 'trust-policy')
    return signDocument(printPolicySignature(request.signature), policyPayloadType, key)
  const bundle = await bundleOf(request.kind, printStatement(statementOf(request)), key)
  if (bundle.length > bundleLimits.maxBytes) throw refusal(`the bundle has ${bundle.length} bytes, over the limit`)
  return bundle
}

/** @throws ERR_SIGN_REFUSED for an identity: the keys of a root stand in the policy */
async function signDocument(payload: Uint8Array, payloadType: string, key: OpenKey): Promise<Uint8Array> {
  if (key.seal !== undefined) throw refusal('a root signs with a key')
  const signature = await key.sign(preAuthenticationEncoding(payloadType, payload))
  return printBundle({ envelope: { payload, payloadType, signature }, hint: key.hint })
}

type NoStatement = 'checkpoint' | 'in-toto-legacy' | 'trust-status' | 'trust-policy' | 'model'

async function bundleOf(kind: SignRequest['kind'], payload: Uint8Array, key: OpenKey): Promise<Uint8Array> {
  if (key.seal !== undefined) return key.seal(payload, statementPayloadType)
  const signature = await key.sign(preAuthenticationEncoding(statementPayloadType, payload))
  const envelope = { payload, payloadType: statementPayloadType, signature }
  // what reads summaries reads no bundles
  return kind === 'verification-summary' ? printEnvelope(envelope) : printBundle({ envelope, hint: key.hint })
}

export type StatementRequest = Exclude<SignRequest, { kind: NoStatement }>

export function statementOf(request: StatementRequest): Statement {
  switch (request.kind) {
    case 'stage':
      return stageStatement(request.facts)
    case 'source-build':
      return sourceBuildStatement(request.build)
    case 'environment-build':
      return environmentBuildStatement(request.build)
    case 'source-approval':
      return sourceApprovalStatement(request.approval)
    case 'data-verdict':
      return dataVerdictStatement(request.verdict)
    case 'gate-verdict':
      return gateVerdictStatement(request.verdict)
    case 'verification-summary':
      return verificationSummaryStatement(request.summary)
    case 'reproduction':
      return reproductionStatement(request.reproduction)
    case 'definition-review':
      return definitionReviewStatement(request.review)
    case 'data-waiver':
    case 'data-anchor':
    case 'data-review':
    case 'model-approval':
      return dataDecisionStatement(request.kind, request.decision)
  }
}

function refusal(what: string): DomainError {
  return new DomainError('ERR_SIGN_REFUSED', what)
}

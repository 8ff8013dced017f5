/**
 * What may be signed, and with which key: the fixed shapes of statements, and nothing else.
 *
 * THREAT: the run that asks may be taken over. It can choose facts, but not the form of a statement, not bytes that the
 * store does not hold, and not a real key for a stage that ran beside it unisolated.
 */
import type { KeyObject } from 'node:crypto'
import { builderIds, DomainError } from '../../core/index.ts'
import { bundleLimits, printBundle } from '../bundle.ts'
import { signEnvelope, statementPayloadType } from '../dsse.ts'
import { sourceApprovalStatement } from '../predicates/source-approval.ts'
import { stageStatement } from '../predicates/stage-provenance.ts'
import type { StageFacts } from '../stage-facts.ts'
import { printStatement, type Statement } from '../statement.ts'
import type { SignRequest } from './protocol.ts'

export type OpenKey = Readonly<{ key: KeyObject; hint: string; kind: 'real' | 'ephemeral' }>

/** @throws ERR_SIGN_REFUSED when this key may not say this */
export function refuseRequest(request: SignRequest, kind: OpenKey['kind']): void {
  if (request.kind === 'source-approval') {
    if (kind === 'ephemeral') throw refusal('a throw-away key approves nothing')
    return
  }
  const { builderId, sandbox, draft, startedAt, finishedAt } = request.facts
  const isUnisolated = builderId === builderIds.unisolated
  if (!isUnisolated && builderId !== builderIds.sandboxed)
    throw refusal(`this signer is not the builder \`${builderId}\``)
  if (isUnisolated !== (sandbox.engine === 'none')) throw refusal('builder and sandbox contradict each other')
  if (kind === 'real' && (isUnisolated || draft)) throw refusal('the real key signs no draft and nothing unisolated')
  if (Date.parse(finishedAt) < Date.parse(startedAt)) throw refusal('the stage ended before it started')
}

/** The bytes of the bundle. */
export function signRequest(request: SignRequest, { key, hint }: OpenKey): Uint8Array {
  const payload = printStatement(statementOf(request))
  const bundle = printBundle({ envelope: signEnvelope(payload, statementPayloadType, key), hint })
  if (bundle.length > bundleLimits.maxBytes) throw refusal(`the bundle has ${bundle.length} bytes, over the limit`)
  return bundle
}

function statementOf(request: SignRequest): Statement {
  return request.kind === 'stage' ? stageStatement(request.facts) : sourceApprovalStatement(request.approval)
}

/** Everything that has to be hashed again before it is signed. */
export function subjectsOf(request: SignRequest): Pick<StageFacts, 'outputs' | 'log'> | undefined {
  return request.kind === 'stage' ? request.facts : undefined
}

function refusal(what: string): DomainError {
  return new DomainError('ERR_SIGN_REFUSED', what)
}

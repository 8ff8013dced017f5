/**
 * What the end of a stage comes to: pure.
 *
 * A command that exits non-zero has *failed*, even when a denied attempt caused it: the code then names the attempt. A
 * command that ended well is *refused* when assay cannot vouch for what it did: an attempt to reach the network, an out
 * that is missing or not plain data. Source: design section 5, exit codes.
 */

import type { StageOutcome } from '../compute/index.ts'
import type { ErrorCode } from '../core/index.ts'
import { printable } from '../core/index.ts'
import type { StageDefinition } from './definition.ts'

export type Judgement =
  | Readonly<{ kind: 'good' }>
  | Readonly<{ kind: 'failed' | 'refused'; code: ErrorCode; because: string; help?: string }>

export function judgeStage(stage: StageDefinition, outcome: StageOutcome): Judgement {
  return outcome.end.kind === 'exited' && outcome.end.code === 0
    ? judgeResult(stage, outcome)
    : judgeFailure(stage, outcome)
}

function judgeFailure(stage: StageDefinition, outcome: StageOutcome): Judgement {
  const { end, network } = outcome
  switch (end.kind) {
    case 'cancelled':
      return { kind: 'failed', code: 'ERR_RUN_CANCELLED', because: 'was stopped' }
    case 'limit':
      return {
        kind: 'failed',
        code: 'ERR_STAGE_LIMIT',
        because: `was ended for its ${end.limit} limit: ${end.because}`,
      }
    case 'signalled':
      return { kind: 'failed', code: 'ERR_STAGE_FAILED', because: `was ended by ${end.signal}` }
    case 'exited':
      break
  }
  const exited = `its command exited with ${end.code}`
  if (network.deniedAttempts > 0) return { kind: 'failed', ...denied(stage, outcome, exited) }
  const [read] = outcome.undeclaredReads
  if (read !== undefined) {
    return {
      kind: 'failed',
      code: 'ERR_STAGE_UNDECLARED_READ',
      because: `${exited}: it asked for \`${read}\`, which is not among its deps`,
      help: `add it in ${stage.file} under ${stage.name}: deps: [${read}]`,
    }
  }
  return { kind: 'failed', code: 'ERR_STAGE_FAILED', because: exited }
}

function judgeResult(stage: StageDefinition, outcome: StageOutcome): Judgement {
  if (outcome.network.deniedAttempts > 0) {
    return { kind: 'refused', ...denied(stage, outcome, 'its command ended well') }
  }
  const [fault] = outcome.faults
  if (fault !== undefined) {
    const more = outcome.faults.length > 1 ? ` (and ${outcome.faults.length - 1} more)` : ''
    return { kind: 'refused', code: 'ERR_OUT_REFUSED', because: `its out \`${fault.path}\` ${fault.because}${more}` }
  }
  const missing = stage.outs.find(({ path }) => !outcome.outs.has(path))
  if (missing !== undefined) {
    return { kind: 'refused', code: 'ERR_OUT_MISSING', because: `it did not write its out \`${missing.path}\`` }
  }
  return { kind: 'good' }
}

function denied(
  stage: StageDefinition,
  { network }: StageOutcome,
  how: string,
): { code: ErrorCode; because: string; help: string } {
  const attempts = `${network.deniedAttempts} attempt${network.deniedAttempts === 1 ? '' : 's'} to reach the network`
  const known = network.destinations.slice(0, 5).map(printable)
  const where = known.length === 0 ? '' : ` (${known.join(', ')})`
  return {
    code: 'ERR_STAGE_NETWORK_DENIED',
    because: `${how}; ${attempts}${where} ${network.deniedAttempts === 1 ? 'was' : 'were'} denied`,
    help:
      known.length === 0
        ? `assay run --trace ${stage.name} says where to; fetch the data beforehand and register it with assay data add`
        : 'fetch the data beforehand and register it with assay data add',
  }
}

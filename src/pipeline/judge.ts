/**
 * What the end of a stage comes to: pure.
 *
 * A command that exits non-zero has *failed*, even when a denied attempt caused it: the code then names the attempt. A
 * command that ended well is *refused* when assay cannot vouch for what it did: an attempt to reach the network, an out
 * that is missing or not plain data. Source: design section 5, exit codes.
 */

import { type ErrorCode, printable } from '../core/index.ts'
import { explainFailure, explainNetwork } from './explain-failure.ts'
import { explainLeak } from './explain-leak.ts'
import type { Failure } from './failure.ts'

export type Judgement =
  | Readonly<{ kind: 'good' }>
  | Readonly<{ kind: 'failed' | 'refused'; code: ErrorCode; because: string; help?: string }>

export type Measure = Readonly<{
  /** Why denied attempts of a command that ended well are no reason to refuse it. */
  harmless?: string | undefined
  /** What is not as `expect` says, in sentences. */
  unexpected?: readonly string[]
  /** What is unlike earlier runs, where that is a reason to refuse it. */
  unusual?: readonly string[]
}>

export function judgeStage(ended: Failure, measure: Measure = {}): Judgement {
  const { end } = ended.outcome
  return end.kind === 'exited' && end.code === 0 ? judgeResult(ended, measure) : judgeFailure(ended)
}

function judgeFailure(failure: Failure): Judgement {
  const { end } = failure.outcome
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
  return { kind: 'failed', ...explainFailure(failure, `its command exited with ${end.code}`) }
}

function judgeResult({ stage, outcome }: Failure, { harmless, unexpected = [], unusual = [] }: Measure): Judgement {
  if (outcome.network.deniedAttempts > 0 && harmless === undefined) {
    return { kind: 'refused', ...explainNetwork(stage, outcome, 'its command ended well') }
  }
  const leak = explainLeak(stage, outcome)
  if (leak !== undefined) return { kind: 'refused', ...leak }
  if (unexpected.length > 0) return { kind: 'refused', code: 'ERR_STAGE_UNEXPECTED', because: unexpected.join('; ') }
  if (unusual.length > 0) return { kind: 'refused', code: 'ERR_STAGE_UNUSUAL', because: unusual.join('; ') }
  const [fault] = outcome.faults
  if (fault !== undefined) {
    const more = outcome.faults.length > 1 ? ` (and ${outcome.faults.length - 1} more)` : ''
    return { kind: 'refused', code: 'ERR_OUT_REFUSED', because: `its out \`${fault.path}\` ${fault.because}${more}` }
  }
  const missing = stage.outs.find(({ path }) => !outcome.outs.has(path))
  if (missing !== undefined) {
    return { kind: 'refused', code: 'ERR_OUT_MISSING', ...explainMissing(missing.path, outcome.discarded) }
  }
  return { kind: 'good' }
}

/** Written under another name, most likely, when something was thrown away. */
function explainMissing(path: string, discarded: readonly string[]): Readonly<{ because: string; help?: string }> {
  const because = `it did not write its out \`${path}\``
  const others = discarded.slice(0, 3).map((other) => `\`${printable(other)}\``)
  if (others.length === 0) return { because }
  return { because: `${because}; it wrote ${others.join(', ')}`, help: 'declare as outs what it writes' }
}

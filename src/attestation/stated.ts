/** What a bundle says, believed or not: to be shown, with the warning that nobody believes it. */
import { isDomainError } from '../core/index.ts'
import { statedPayload } from './bundle.ts'
import type { GateVerdict } from './gate-verdict-facts.ts'
import { gateVerdictOf } from './predicates/gate-verdict.ts'
import { reproductionOf } from './predicates/reproduction.ts'
import { stageFactsOf } from './predicates/stage-provenance.ts'
import type { Reproduction } from './reproduction-facts.ts'
import type { StageFacts } from './stage-facts.ts'
import { parseStatement, type Statement } from './statement.ts'

/**
 * Trust: nothing is verified, not even the signature. INVARIANT: a reader shows it and decides nothing by it.
 *
 * @returns undefined when the bytes are no statement of a stage
 */
export function statedStage(bytes: Uint8Array): StageFacts | undefined {
  return stated(bytes, stageFactsOf)
}

/** As `statedStage`, of a reproduction: a hint where it may be looked for. */
export function statedReproduction(bytes: Uint8Array): Reproduction | undefined {
  return stated(bytes, reproductionOf)
}

/** As `statedStage`, of a gate verdict. */
export function statedGates(bytes: Uint8Array): GateVerdict | undefined {
  return stated(bytes, gateVerdictOf)
}

/** As `statedStage`, of any statement: a label for people, and for those who filter. */
export function predicateTypeOf(bytes: Uint8Array): string | undefined {
  return stated(bytes, ({ predicateType }) => predicateType)
}

function stated<Facts>(bytes: Uint8Array, read: (statement: Statement) => Facts): Facts | undefined {
  try {
    return read(parseStatement(statedPayload(bytes)))
  } catch (error) {
    if (isDomainError(error)) return undefined
    throw error
  }
}

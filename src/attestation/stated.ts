/** What a bundle says, believed or not: to be shown, with the warning that nobody believes it. */
import { isDomainError } from '../core/index.ts'
import { parseBundle } from './bundle.ts'
import { stageFactsOf } from './predicates/stage-provenance.ts'
import type { StageFacts } from './stage-facts.ts'
import { parseStatement } from './statement.ts'

/**
 * Trust: nothing is verified, not even the signature. INVARIANT: a reader shows it and decides nothing by it.
 *
 * @returns undefined when the bytes are no statement of a stage
 */
export function statedStage(bytes: Uint8Array): StageFacts | undefined {
  try {
    return stageFactsOf(parseStatement(parseBundle(bytes).envelope.payload))
  } catch (error) {
    if (isDomainError(error)) return undefined
    throw error
  }
}

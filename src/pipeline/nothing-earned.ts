import type { ChainVerdict } from '../attestation/index.ts'

/** The properties of an artifact of which no chain was walked. */
export const nothingEarned: ChainVerdict['properties'] = {
  isolated: false,
  hermetic: false,
  inputsApproved: false,
  locked: false,
  validated: false,
  reproduced: false,
}

/** A box that is let out to the hosts on the list of its stage. */
import { type Egress, egressLimitsOf, openEgress } from '../egress/index.ts'
import type { Limits, NetworkRequest } from '../sandbox.ts'
import type { Box } from './box.exec.ts'
import { type Machine, unavailable } from './machine.exec.ts'

/** Undefined for a stage that is let out nowhere. @throws ERR_SANDBOX_UNAVAILABLE */
export async function letOut(
  machine: Machine,
  box: Box,
  network: NetworkRequest,
  limits: Limits,
): Promise<Egress | undefined> {
  if (network.allowed.length === 0) return undefined
  const { setpriv, python } = machine.tools
  if (python === undefined)
    throw unavailable('python3 is missing, which opens the network of a stage to its proxy', 'install python3')
  return openEgress({
    ...network,
    limits: egressLimitsOf(limits),
    folder: box.folder.path,
    tools: { setpriv, python },
    onLimit: (because) => box.end({ kind: 'limit', limit: 'network', because }),
  })
}

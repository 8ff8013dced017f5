/**
 * Whether a run that was would pass by what its stage is held to now: pure.
 *
 * What a stage is held to is in no key: it makes no other outs, and says whether these are believed.
 * THREAT: a line of assay.yaml is taken out for one run, and put back.
 */
import type { StageFacts } from '../attestation/index.ts'
import { egressLimitsOf, type Limits } from '../compute/index.ts'
import type { StageSettings } from './definition.ts'
import { unexpectedThen } from './expected.ts'
import { defaultLimits, limitWords } from './stage-task.ts'
import { leastRuns, type UsualRun } from './unusual.ts'

/**
 * @param asksForUsual one that was unlike its earlier runs is refused, and nobody lets it through
 * @returns why not, in words
 */
export function notAsHeldNow(
  { resources, network, limits }: Pick<StageFacts, 'resources' | 'network' | 'limits'>,
  { expect, harmlessAttempts, limits: given }: Pick<StageSettings, 'expect' | 'harmlessAttempts' | 'limits'>,
  asksForUsual: boolean,
): string | undefined {
  if (asksForUsual && (resources.unusual ?? []).length > 0) return 'it last ran unlike its earlier runs'
  const unlike = expect === undefined ? undefined : unexpectedThen(expect, resources)[0]
  if (unlike !== undefined) return `when it last ran ${unlike}`
  if (network.deniedAttempts > 0 && harmlessAttempts === undefined)
    return 'it last ran with attempts to reach the network'
  const wider = widerLimit(heldTo(limits), heldTo(given), {
    wallMs: resources.wallMs,
    isLetOut: network.allowed !== undefined,
  })
  return wider === undefined ? undefined : `it last ran with a wider limit of ${words[wider]}`
}

/**
 * `verify` refuses it for ever where usual resources are demanded, and a run now would be compared.
 *
 * @param earlier what it would be compared with
 */
export function notComparedThen(
  { unusual }: Pick<StageFacts['resources'], 'unusual'>,
  earlier: readonly UsualRun[],
): string | undefined {
  return unusual === undefined && earlier.length >= leastRuns ? 'nobody compared it when it ran' : undefined
}

type Held = Limits & Readonly<{ receivedBytes: number }>
const words: Readonly<Record<keyof Held, string>> = { ...limitWords, receivedBytes: limitWords.networkBytes }
/** They hold the proxy, which a stage that is let out nowhere has not. */
const ofProxy: ReadonlySet<keyof Held> = new Set(['sentBytes', 'receivedBytes', 'networkBytes', 'connections'])

/** With what holds where nothing is said; this machine's own size is no limit of the stage. */
function heldTo(limits: Partial<Limits>): Held {
  const { sentBytes, receivedBytes, bytes = sentBytes + receivedBytes } = egressLimitsOf(limits)
  return { ...defaultLimits, ...limits, sentBytes, receivedBytes, networkBytes: bytes }
}

/** Time alone is known to the end; other use is looked at now and then. */
function widerLimit(
  then: Held,
  most: Held,
  { wallMs, isLetOut }: Readonly<{ wallMs: number; isLetOut: boolean }>,
): keyof Held | undefined {
  return (Object.keys(most) as (keyof Held)[]).find((name) => {
    const { [name]: allowed = Number.POSITIVE_INFINITY } = most
    const { [name]: had = Number.POSITIVE_INFINITY } = then
    if (ofProxy.has(name) && !isLetOut) return false
    return had > allowed && !(name === 'timeMs' && wallMs <= allowed)
  })
}

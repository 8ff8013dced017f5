/**
 * Which engine runs a stage: pure. The project (assay.yaml) and the trust policy say the least that it must be; whoever
 * runs it may ask for another one that isolates as much.
 */
import { leastEngine, type TrustPolicy } from '../attestation/index.ts'
import { DomainError, type EngineName, isAtLeastEngine } from '../core/index.ts'
import type { StageSettings } from './definition.ts'

export type AskedEngine = Readonly<{
  /** `--engine`. */
  engine?: EngineName
  unsafeNoSandbox: boolean
}>

const defaultEngine: EngineName = 'bubblewrap'

/**
 * @returns `none` for a run without a sandbox that nothing stands against
 * @throws ERR_ENGINE_WEAKER when what is asked for isolates less than what is demanded
 */
export function chooseEngine(
  stage: string,
  settings: Pick<StageSettings, 'engine'>,
  trust: Pick<TrustPolicy, 'engines'>,
  asked: AskedEngine,
): EngineName | 'none' {
  const own = settings.engine
  const least = leastEngine(trust, stage)
  const chosen = asked.unsafeNoSandbox ? 'none' : (asked.engine ?? strongest(own, least) ?? defaultEngine)
  for (const [demanded, where] of [
    [own, 'assay.yaml'],
    [least, 'the trust policy'],
  ] as const) {
    if (demanded === undefined || isAtLeastEngine(chosen, demanded)) continue
    const what = chosen === 'none' ? 'no sandbox' : `the engine \`${chosen}\``
    throw new DomainError('ERR_ENGINE_WEAKER', `${where} demands \`${demanded}\` for \`${stage}\`, and not ${what}`, {
      help: `run it without ${chosen === 'none' ? '--unsafe-no-sandbox' : '--engine'}, or with --engine ${demanded}`,
    })
  }
  return chosen
}

/** The policy's where it asks for more than the project. */
function strongest(own: EngineName | undefined, least: EngineName | undefined): EngineName | undefined {
  if (own === undefined || least === undefined) return own ?? least
  return isAtLeastEngine(own, least) ? own : least
}

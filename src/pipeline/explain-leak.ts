/** A secret or another credential in what a stage made or printed: which, where, and what may be done. Pure. */
import type { Leak, StageOutcome } from '../compute/index.ts'
import { errorTable } from '../core/index.ts'
import type { StageDefinition } from './definition.ts'
import { type Explanation, settingsLine } from './failure.ts'

/** LIMIT: fingerprints that are shown. */
const maxShown = 5

/** Undefined when nothing leaks. */
export function explainLeak(stage: StageDefinition, { faults, printedSecrets }: StageOutcome): Explanation | undefined {
  const leaking = faults.find(({ leaks = [] }) => leaks.length > 0)
  if (leaking !== undefined) {
    const because = `its out \`${leaking.path}\` ${leaking.because}`
    return { code: 'ERR_SECRET_LEAKED', because, help: helpFor(stage, leaking.leaks ?? [], leaking.path) }
  }
  if (printedSecrets.length === 0) return undefined
  const names = [...new Set(printedSecrets.map(({ what }) => what))].join(', ')
  const because = `it printed ${names}; its log has the name in place of it`
  return { code: 'ERR_SECRET_LEAKED', because, help: helpFor(stage, printedSecrets) }
}

/** INVARIANT: no way is shown to declare a secret that was granted harmless: there is none. */
function helpFor(stage: StageDefinition, leaks: readonly Leak[], path?: string): string {
  const first = errorTable.ERR_SECRET_LEAKED.help
  const fingerprints = leaks.flatMap(({ fingerprint }) => fingerprint ?? [])
  if (fingerprints.length === 0) return first
  const declaring = (keys: readonly string[]): string =>
    settingsLine(stage, { harmlessCredentials: Object.fromEntries(keys.map((key) => [key, 'WHY'])) })
  const each = declaring(fingerprints.slice(0, maxShown))
  if (fingerprints.length <= maxShown || path === undefined)
    return `${first}\nwhen it opens nothing, as one of a test or of a text about it: ${each}`
  const kinds = [...new Set(leaks.map(({ what }) => what))].toSorted().join(', ')
  return `${first}\nlook at the ${fingerprints.length} places first (${kinds}): one that opens something is enough to leak; those that open nothing are declared one by one: ${each}\nonly an out that is made of such texts, as a corpus of code, as a whole: ${declaring([path])}`
}

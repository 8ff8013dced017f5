/** What is recorded of the search for credentials in a stage's log and outs: that it was made, and what was declared harmless; the declarations in a stage's key. Pure. */
import type { HarmlessCredential, StageOutcome } from '../compute/index.ts'
import { harmlessCredentialFact, searchedFact } from '../core/index.ts'
import type { RecordedFact } from '../reproducibility/index.ts'
import type { StageSettings } from './definition.ts'

/** INVARIANT: no value of a credential stands in evidence. */
export function credentialFacts(
  { harmlessCredentials }: Pick<StageOutcome, 'harmlessCredentials'>,
  settings: Pick<StageSettings, 'harmlessCredentials'>,
): readonly RecordedFact[] {
  const byDeclaration = Map.groupBy(harmlessCredentials, ({ by }) => by)
  return [
    { name: searchedFact, value: 'log and outs', tier: 'observed' },
    ...[...byDeclaration].map(([by, found]): RecordedFact => {
      const why = settings.harmlessCredentials?.[by] ?? ''
      return { name: `${harmlessCredentialFact}${by}`, value: `${whereOf(found)}: ${why}`, tier: 'declared' }
    }),
  ]
}

/** In a stage's key: without its declaration a credential refuses the stage, so that taking one back runs it again. */
export function harmlessIn({
  harmlessCredentials = {},
}: Pick<StageSettings, 'harmlessCredentials'>): Readonly<{ harmlessCredentials?: readonly string[] }> {
  const keys = Object.keys(harmlessCredentials).toSorted()
  return keys.length === 0 ? {} : { harmlessCredentials: keys }
}

function whereOf(found: readonly HarmlessCredential[]): string {
  const kinds = [...new Set(found.map(({ what }) => what))].toSorted()
  const places = [...new Set(found.map(({ path }) => path ?? 'the log'))].toSorted()
  return `${kinds.join(', ')} in ${places.join(', ')}`
}

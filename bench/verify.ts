/**
 * How long verification takes: chains of 1, 10, 100 and 1,000 stages, with realistic statements, from cold and warm.
 */
import { chainOf, newPerson, policyOf } from '../src/attestation/fixtures/chain.ts'
import { verifyChain } from '../src/attestation/index.ts'
import { heading, row } from './measure.ts'

const budgetMs = 500
const sizes = [1, 10, 100, 1000] as const
const rounds = 7

export type Measured = Readonly<{ stages: number; coldMs: number; medianMs: number; bytes: number }>

/** One row a size; `coldMs` is the first verification of that size in this process. */
export function measureVerify(lengths: readonly number[] = sizes): readonly Measured[] {
  const person = newPerson()
  const policy = policyOf(person)
  return lengths.map((stages) => {
    const { question, evidence } = chainOf(person, stages, (facts) => ({
      ...facts,
      // As a real environment: some sixty packages and the record of a machine.
      environment: {
        ...facts.environment,
        packages: Array.from({ length: 60 }, (_, index) => ({ name: `package-${index}`, version: `1.${index}.0` })),
      },
      facts: Array.from({ length: 40 }, (_, index) => ({
        name: `machine/fact-${index}`,
        value: 'observed',
        tier: 'observed',
      })),
    }))
    const timesMs = Array.from({ length: rounds }, () => {
      const startedMs = performance.now()
      const verdict = verifyChain({ ...question, policy })
      if (!verdict.trusted || verdict.stages.length !== stages) throw new Error('the honest chain was not believed')
      return performance.now() - startedMs
    })
    const sorted = timesMs.toSorted((left, right) => left - right)
    return {
      stages,
      coldMs: timesMs[0] ?? Number.NaN,
      medianMs: sorted[Math.floor(rounds / 2)] ?? Number.NaN,
      bytes: [...evidence.bundles.values()].reduce((sum, { length }) => sum + length, 0),
    }
  })
}

export async function verify(): Promise<void> {
  heading('Verification: chains of signed statements, in one process')
  for (const { stages, coldMs, medianMs, bytes } of measureVerify()) {
    const timed = { ms: medianMs, cpuMs: medianMs, peakKib: 0 }
    const goal =
      stages === 100 ? { goal: { text: `under ${budgetMs} ms`, met: Math.max(coldMs, medianMs) < budgetMs } } : {}
    const note = `${(bytes / 1024).toFixed(0)} KiB of evidence; the first time ${coldMs.toFixed(1)} ms`
    row({ what: `${stages} statements`, ours: timed, ...goal, note })
  }
}

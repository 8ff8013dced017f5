/**
 * How long verification takes: chains of 1, 10, 100 and 1,000 stages, with realistic statements, from cold and warm.
 *
 *     node bench/verify.ts        exits 1 when 100 stages take 500 ms or more
 */
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { chainOf, newPerson, policyOf } from '../src/attestation/fixtures/chain.ts'
import { verifyChain } from '../src/attestation/index.ts'

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

function main(): void {
  const rows = measureVerify()
  console.log(`node ${process.version}, ${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores`)
  console.log('stages  first ms  median ms  evidence KiB')
  for (const { stages, coldMs, medianMs, bytes } of rows) {
    const cells = [
      coldMs.toFixed(1).padStart(9),
      medianMs.toFixed(1).padStart(10),
      Math.round(bytes / 1024)
        .toString()
        .padStart(13),
    ]
    console.log(`${stages.toString().padStart(6)} ${cells.join(' ')}`)
  }
  const hundred = rows.find(({ stages }) => stages === 100)
  if (hundred === undefined || Math.max(hundred.coldMs, hundred.medianMs) >= budgetMs) {
    console.log(`over the budget of ${budgetMs} ms for 100 stages`)
    process.exitCode = 1
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()

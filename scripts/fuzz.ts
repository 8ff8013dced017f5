/**
 * Fuzzes every reader of hostile bytes: inputs are made of known ones, and those that reach new code are kept.
 *
 *     npm run fuzz -- [--minutes 5] [--only TEXT]... [--seed N] [--keep]
 *
 * One process. Exit 1 when something was found: an input that is neither read nor refused by code, that takes too long or too
 * much memory, or that is believed though nobody signed it. Findings lie in .cache/fuzz. `--keep` puts the smallest inputs
 * that reach everything into test/fuzz/corpus, from which the next run starts and which `npm test` reads once.
 * What was run, how often and what it found: docs/reference/fuzzing.md. DECISION 0053.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadCorpus, saveCorpus } from '../test/fuzz/corpus.fs.ts'
import { watchCoverage } from '../test/fuzz/coverage.ts'
import { type Fuzzed, fuzz } from '../test/fuzz/fuzzer.ts'
import { randomFrom } from '../test/fuzz/random.ts'
import { readerTargets } from '../test/fuzz/reader-targets.ts'
import { repository } from '../test/fuzz/target.ts'
import { trustTargets } from '../test/fuzz/trust-targets.ts'
import { watch } from '../test/fuzz/watchdog.ts'

/** Of one turn of a target; less when each would not get one. */
const maxSliceMs = 1500
/** LIMIT: of one input, on a machine that is busy with other things too. */
const endlessMs = 90_000
/** LIMIT: of what stays in the repository, a target. */
const kept = { inputs: 12, bytes: 3000 }

const findings = join(repository, '.cache/fuzz')

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '5' },
      only: { type: 'string', multiple: true, default: [''] },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      keep: { type: 'boolean', default: false },
    },
  })
  const scratch = mkdtempSync(join(tmpdir(), 'assay-fuzz-'))
  process.once('exit', () => rmSync(scratch, { recursive: true, force: true }))
  const targets = [...trustTargets(), ...readerTargets(scratch)].filter(({ name }) =>
    values.only.some((text) => name.includes(text)),
  )
  const tools = {
    coverage: await watchCoverage(),
    random: randomFrom(Number(values.seed)),
    watchdog: watch(findings, endlessMs),
  }
  const all = targets.map((target) => fuzz(target, loadCorpus(target.name), tools))
  const minutes = Number(values.minutes)
  console.log(`${all.length} targets, ${minutes} minutes, seed ${values.seed}, Node ${process.version}`)
  const endMs = performance.now() + minutes * 60_000
  const turns = targets.reduce((sum, { weight = 1 }) => sum + weight, 0)
  const sliceMs = Math.min(maxSliceMs, (minutes * 60_000) / turns)
  for (let round = 1; performance.now() < endMs; round += 1) {
    for (const each of all) {
      const untilMs = Math.min(endMs, performance.now() + sliceMs * (each.target.weight ?? 1))
      if (performance.now() < endMs) await each.run(untilMs)
    }
    tell(round, all)
  }
  for (const each of all) await report(each, values.keep)
  await tools.watchdog.stop()
  await tools.coverage.stop()
  const found = all.flatMap((each) => each.state().findings)
  console.log(`${total(all)} inputs, ${found.length} findings${found.length > 0 ? `: ${findings}` : ''}`)
  process.exitCode = found.length > 0 ? 1 : 0
}

function total(all: readonly Fuzzed[]): number {
  return all.reduce((sum, each) => sum + each.state().executions, 0)
}

function tell(round: number, all: readonly Fuzzed[]): void {
  const found = all.reduce((sum, each) => sum + each.state().findings.length, 0)
  const { heapUsed, rss } = process.memoryUsage()
  const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0)
  console.log(
    `round ${round}: ${total(all)} inputs, ${found} findings, heap ${mebibytes(heapUsed)}, memory ${mebibytes(rss)} MiB`,
  )
}

async function report(each: Fuzzed, keeps: boolean): Promise<void> {
  const { executions, kept: known, places, findings: found, maxCpuMs } = each.state()
  const { name } = each.target
  console.log(
    `${name.padEnd(52)} ${String(executions).padStart(9)} inputs ${String(known.length).padStart(5)} kept ${String(places).padStart(6)} places, slowest ${maxCpuMs.toFixed(0)} ms, ${found.length} findings`,
  )
  for (const { key, because, bytes } of found) {
    mkdirSync(findings, { recursive: true })
    const file = join(findings, `${name.replace(/[^a-z0-9]+/gi, '-')}-${key}`)
    writeFileSync(file, bytes)
    console.log(`    ${because}\n    ${file}`)
  }
  if (keeps && executions > 0) saveCorpus(name, await each.smallest(kept.inputs, kept.bytes))
}

await main()

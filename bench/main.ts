/**
 * What a user feels, as ratios to what they would use instead, measured in one go on one machine.
 *
 *     npm run bench                     all questions, some twenty minutes; sh scripts/bench-peers.sh fetches the peers
 *     npm run bench -- no-op hashing    these alone
 *
 * A peer that is missing is named, and its column stays empty. A goal that is missed says so; the exit code is 0 all the
 * same: a machine that is busy with other things is no fault. The figures of a quiet machine stand in README.md.
 */
import { attestation, attestationRates, modelBenchmarks } from './attestation.ts'
import { comparison } from './comparison.ts'
import { validate } from './data/validate.ts'
import { environment } from './environment.ts'
import { hashing } from './hashing.ts'
import { looks } from './looks.ts'
import { machine } from './measure.ts'
import { noOp } from './no-op.ts'
import { commitOf, peer } from './scratch.ts'
import { stages } from './stages.ts'
import { start } from './start.ts'
import { training } from './training.ts'
import { verify } from './verify.ts'

const questions: Readonly<Record<string, () => Promise<void>>> = {
  start,
  'no-op': noOp,
  stages,
  hashing,
  environment,
  training,
  looks,
  verify,
  attestation,
  'attestation-rates': attestationRates,
  'model-benchmarks': modelBenchmarks,
  validate,
  comparison,
}

async function main(): Promise<void> {
  const asked = process.argv.slice(2)
  const unknown = asked.find((name) => questions[name] === undefined)
  if (unknown !== undefined) {
    console.error(`bench: \`${unknown}\` is none of ${Object.keys(questions).join(', ')}`)
    process.exitCode = 2
    return
  }
  console.log(machine(commitOf()))
  const missing = ['dvc', 'uv', 'podman'].filter((name) => peer(name) === undefined)
  if (missing.length > 0) console.log(`not here: ${missing.join(', ')} (sh scripts/bench-peers.sh --podman)`)
  for (const [name, question] of Object.entries(questions)) {
    if (asked.length > 0 && !asked.includes(name)) continue
    const startedMs = performance.now()
    await question()
    console.log(`    (${name}: ${((performance.now() - startedMs) / 1000).toFixed(0)} s)`)
  }
}

await main()

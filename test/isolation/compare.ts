/**
 * Prints the probe's score of this engine and of a plain bubblewrap, for docs/reference/isolation.md.
 *
 *   node test/isolation/compare.ts [--names] [ENGINE...]
 */
import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EngineName, engineNames } from '../../src/core/index.ts'
import { nobody, probePlain } from './plain.ts'
import {
  type Canaries,
  namesOut,
  type ProbeResult,
  parseResults,
  plantCanaries,
  probeSource,
  scoreOf,
} from './probe.ts'
import { type Identity, identities, startDriver } from './support.ts'

async function probeOurs(
  engine: EngineName,
  identity: Identity,
  root: string,
  canaries: Canaries,
): Promise<readonly ProbeResult[]> {
  const driver = startDriver(identity, {
    environment: { CANARY: canaries.canary },
    inherited: { 40: canaries.descriptor },
  })
  const files = {
    'src/code.py': '\n',
    'out/neighbour.txt': '\n',
    'probe.py': probeSource,
    'config.json': canaries.config(root),
  }
  const commands = ['python3 -I probe.py config.json > out/results.jsonl']
  const { answers } = await driver.ask({
    root,
    engine,
    asks: [{ files, commands, outs: ['out/results.jsonl'] }],
  })
  driver.process.stdin?.end()
  return parseResults(String(answers[0]?.outs['out/results.jsonl']).split('\n'))
}

const withNames = process.argv.includes('--names')
const asked = engineNames.filter((name) => process.argv.includes(name))
type Probe = (identity: Identity, root: string, canaries: Canaries) => Promise<readonly ProbeResult[]>
const ours = (engine: EngineName): readonly [string, Probe] => [
  engine,
  (identity, root, canaries) => probeOurs(engine, identity, root, canaries),
]
const plain: readonly [string, Probe] = ['plain bubblewrap', async (...all) => probePlain(...all)]
for (const [engine, probe] of asked.length > 0 ? asked.map(ours) : [ours('bubblewrap'), plain]) {
  for (const identity of identities) {
    await using canaries = await plantCanaries()
    const root = mkdtempSync(join(tmpdir(), 'assay-compare-'))
    chmodSync(root, 0o755)
    if (identity === 'user' && process.getuid?.() === 0) chownSync(root, nobody, nobody)
    const results = await probe(identity, root, canaries)
    rmSync(root, { recursive: true, force: true })
    const score = scoreOf(results)
    console.log(`${engine}, as ${identity}: escapes ${score.escape}, leaks ${score.leak}, surface ${score.surface}`)
    if (withNames)
      for (const kind of ['escape', 'leak', 'surface'] as const)
        console.log(`  ${kind}: ${namesOut(results, kind).join(', ')}`)
  }
}
process.exit()

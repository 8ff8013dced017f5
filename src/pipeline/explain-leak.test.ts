import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Leak, StageOutcome } from '../compute/index.ts'
import { sha256Of } from '../core/index.ts'
import type { StageDefinition } from './definition.ts'
import { explainLeak } from './explain-leak.ts'

const stage: StageDefinition = {
  ...{ name: 'train', file: 'dvc.yaml', commands: ['x'], workingDirectory: '.', deps: [], params: {}, outs: [] },
  ...{ frozen: false, alwaysChanged: false },
}

function helpFor(leaks: readonly Leak[]): string {
  const faults = [{ path: 'out', because: 'holds credentials', leaks }]
  const outcome = { faults, printedSecrets: [] } as Pick<StageOutcome, 'faults' | 'printedSecrets'> as StageOutcome
  return explainLeak(stage, outcome)?.help ?? ''
}

const credentials = (count: number): readonly Leak[] =>
  Array.from({ length: count }, (_, index) => ({
    what: index === 0 ? 'an npm token' : 'a private key',
    fingerprint: sha256Of(String(index)),
  }))

test('a few credentials may be declared each; of many it is said first to look at them, and last that an out may hold any', () => {
  const few = helpFor(credentials(5))
  assert.match(few, /harmlessCredentials: \{'?sha256:/)
  assert.doesNotMatch(few, /\bout: WHY/)
  const many = helpFor(credentials(6)).split('\n')
  assert.match(many[1] ?? '', /^look at the 6 places first \(a private key, an npm token\).*sha256:/)
  assert.match(many[2] ?? '', /^only an out .*harmlessCredentials: \{out: WHY\}/)
})

test('a secret that was granted is shown no way to be declared', () => {
  assert.doesNotMatch(helpFor([{ what: 'the secret token', granted: true }]), /harmlessCredentials/)
})

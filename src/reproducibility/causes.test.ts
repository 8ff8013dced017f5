import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rankCauses, type SuspectCode, type Suspicion } from './causes.ts'
import { ruleNames } from './lint/rules.ts'

const differences = (...names: readonly string[]): Suspicion['differences'] =>
  names.map((what) => ({ what, before: 'a', after: 'b' }))
const found = (rule: SuspectCode['rule']): SuspectCode => ({ rule, file: 'x.py', line: 3, because: `it is ${rule}` })
const order = (suspicion: Suspicion): readonly string[] => rankCauses(suspicion).map(({ what }) => what)

test('what was decided comes before where it ran, and that before what came of it', () => {
  const shuffled = [
    'made out/x',
    'record machine/kernel',
    'variable A',
    'package p',
    'input d',
    'parameter p.yaml:k',
    'seed',
  ]
  assert.deepEqual(order({ differences: differences(...shuffled), code: [] }), [
    ...['seed', 'parameter p.yaml:k', 'input d', 'package p', 'variable A', 'record machine/kernel', 'made out/x'],
  ])
})

test('a third run tells code that no run repeats from records that differ', () => {
  const suspicion = {
    differences: differences('parameter p.yaml:k', 'record machine/cpu-model'),
    code: [found('unseeded-numpy')],
  }
  const code = 'unseeded-numpy x.py:3'
  const records = ['parameter p.yaml:k', 'record machine/cpu-model']
  assert.deepEqual(order({ ...suspicion, repeats: false }), [code, 'itself', ...records])
  assert.deepEqual(order(suspicion), ['parameter p.yaml:k', code, 'record machine/cpu-model'])
  assert.deepEqual(order({ ...suspicion, repeats: true }), ['parameter p.yaml:k', 'record machine/cpu-model', code])
})

test('records are not to blame for what differs from itself, whatever else the code does', () => {
  const suspicion = { differences: differences('seed', 'record machine/kernel'), code: [found('listing-order')] }
  const [listing, seed, kernel] = ['listing-order x.py:3', 'seed', 'record machine/kernel']
  assert.deepEqual(order({ ...suspicion, repeats: false }), ['itself', listing, seed, kernel])
  assert.deepEqual(order({ ...suspicion, repeats: true }), [seed, kernel, listing])
})

test('an order of files is the cause where the file system is another one', () => {
  const moved = differences('record machine/file-system', 'record machine/kernel')
  assert.deepEqual(order({ differences: moved, code: [found('listing-order')], repeats: true }), [
    ...['listing-order x.py:3', 'record machine/file-system', 'record machine/kernel'],
  ])
})

test('what makes no run differ is no cause: an unread file, a wrong layout of tensors', () => {
  assert.deepEqual(order({ differences: [], code: [found('unread'), found('tensor-order')] }), [])
  const taken = ruleNames.filter((rule) => order({ differences: [], code: [found(rule)] }).length > 0)
  assert.deepEqual(
    ruleNames.filter((rule) => !taken.includes(rule)),
    ['tensor-order', 'unread'],
  )
})

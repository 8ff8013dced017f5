import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EngineName } from '../core/index.ts'
import { chooseEngine } from './choose-engine.ts'

type Asked = Readonly<{ own?: EngineName; policy?: Readonly<Record<string, EngineName>>; engine?: EngineName }>

const choose = ({ own, policy = {}, engine }: Asked, unsafeNoSandbox = false): string =>
  chooseEngine(
    'train@0.1',
    own === undefined ? {} : { engine: own },
    { engines: new Map(Object.entries(policy)) },
    engine === undefined ? { unsafeNoSandbox } : { engine, unsafeNoSandbox },
  )

test('takes what is asked for, else the stronger of what project and policy demand, else bubblewrap', () => {
  assert.equal(choose({}), 'bubblewrap')
  assert.equal(choose({ own: 'podman' }), 'podman')
  assert.equal(choose({ own: 'podman', policy: { '*': 'gvisor' } }), 'gvisor')
  assert.equal(choose({ own: 'gvisor', policy: { '*': 'podman' } }), 'gvisor')
  assert.equal(choose({ own: 'podman', engine: 'bubblewrap' }), 'bubblewrap', 'the two count as equal')
  assert.equal(choose({ own: 'bubblewrap', engine: 'gvisor' }), 'gvisor')
  assert.equal(choose({}, true), 'none')
})

test('a policy speaks of a stage by its name, then of its group, then of all', () => {
  assert.equal(choose({ policy: { train: 'gvisor', '*': 'bubblewrap' } }), 'gvisor')
  assert.equal(choose({ policy: { 'train@0.1': 'bubblewrap', train: 'gvisor' } }), 'bubblewrap')
  assert.equal(choose({ policy: { other: 'gvisor' } }), 'bubblewrap')
})

test('refuses what isolates less than is demanded', () => {
  const weaker = { code: 'ERR_ENGINE_WEAKER' }
  assert.throws(() => choose({ own: 'gvisor', engine: 'podman' }), weaker)
  assert.throws(() => choose({ policy: { train: 'gvisor' }, engine: 'bubblewrap' }), weaker)
  assert.throws(() => choose({ own: 'bubblewrap' }, true), weaker)
})

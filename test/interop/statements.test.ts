/**
 * The attestation framework's own types (protobuf, from PyPI) take each kind of statement that assay makes, and refuse it
 * with a member that is no part of it, or of another kind.
 *
 *     node --test test/interop/statements.test.ts
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseBundle } from '../../src/attestation/bundle.ts'
import { repository, run, virtualEnvironment } from './environments.ts'

const version = '0.9.3'
const examples = join(repository, 'docs/formats/examples')

// biome-ignore lint/suspicious/noExplicitAny: documents are altered in ways that no type allows
type Loose = any

function faultsOf(statements: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const programs = virtualEnvironment(`in-toto-attestation-${version}`, `in-toto-attestation==${version}`)
  const script = join(repository, 'test/interop/statements.py')
  return JSON.parse(run(join(programs, 'python'), [script], { input: JSON.stringify(statements) }))
}

function statements(): Record<string, Loose> {
  const found: Record<string, Loose> = {}
  for (const name of readdirSync(examples).filter((each) => each.endsWith('.sigstore.json'))) {
    const { payload } = parseBundle(readFileSync(join(examples, name))).envelope
    found[name.replace('.sigstore.json', '')] = JSON.parse(Buffer.from(payload).toString())
  }
  return found
}

test("the framework's own types take every kind of statement", { timeout: 600_000 }, () => {
  const all = statements()
  assert.ok(Object.keys(all).length >= 9)
  assert.deepEqual(faultsOf(all), Object.fromEntries(Object.keys(all).map((name) => [name, ''])))
})

const alterations: Readonly<Record<string, (statement: Loose) => unknown>> = {
  'another type': (s) => Object.assign(s, { _type: 'https://in-toto.io/Statement/v9' }),
  'no subject': (s) => Object.assign(s, { subject: [] }),
  'a subject without a digest': (s) => Object.assign(s, { subject: [{ name: 'a' }] }),
  'a digest that is a number': (s) => Object.assign(s.subject[0], { digest: { sha256: 1 } }),
  'no predicate type': (s) => Object.assign(s, { predicateType: '' }),
  'an unknown member': (s) => Object.assign(s, { other: 1 }),
  'a predicate that is a text': (s) => Object.assign(s, { predicate: 'x' }),
}

test('and refuse each of them with a member that is none, or of another kind', { timeout: 600_000 }, () => {
  const spoilt: Record<string, Loose> = {}
  for (const [name, statement] of Object.entries(statements())) {
    for (const [what, alter] of Object.entries(alterations)) {
      const copy = structuredClone(statement)
      alter(copy)
      spoilt[`${name}: ${what}`] = copy
    }
  }
  for (const name of ['stage-provenance', 'environment-build', 'data-verdict']) {
    const copy = structuredClone(statements()[name])
    Object.assign(copy.predicate, { other: 1 })
    spoilt[`${name}: an unknown member of its predicate`] = copy
  }
  const accepted = Object.entries(faultsOf(spoilt)).filter(([, fault]) => fault === '')
  assert.deepEqual(accepted, [])
})

/**
 * The attestation framework's own types (protobuf, from PyPI) take each kind of statement that assay makes, and refuse it
 * with a member that is no part of it, or of another kind.
 *
 *     node --test test/interop/statements.test.ts
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { exampleFiles } from '../../src/attestation/fixtures/example-kinds.ts'
import { repository, run, virtualEnvironment } from './environments.ts'

const version = '0.9.3'
const examples = join(repository, 'docs/formats/examples')

/** Every kind that a signer makes a statement of. A new one is named here, has an example, and is held to the framework's types. */
const kinds = [
  'data-anchor',
  'data-review',
  'data-verdict',
  'data-waiver',
  'definition-review',
  'environment-build',
  'gate-verdict',
  'model-approval',
  'reproduction',
  'source-approval',
  'source-build',
  'stage',
  'verification-summary',
]

// biome-ignore lint/suspicious/noExplicitAny: documents are altered in ways that no type allows
type Loose = any

function faultsOf(statements: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const programs = virtualEnvironment(`in-toto-attestation-${version}`, `in-toto-attestation==${version}`)
  const script = join(repository, 'test/interop/statements.py')
  return JSON.parse(run(join(programs, 'python'), [script], { input: JSON.stringify(statements) }))
}

/** Of each kind; a summary is a bare envelope, everything else a bundle. */
function statements(): Record<string, Loose> {
  return Object.fromEntries(
    Object.entries(exampleFiles).map(([kind, name]) => {
      const file = JSON.parse(readFileSync(join(examples, name), 'utf8'))
      const { payload } = kind === 'verification-summary' ? file : file.dsseEnvelope
      return [kind, JSON.parse(Buffer.from(payload, 'base64').toString())]
    }),
  )
}

test("the framework's own types take every kind of statement", { timeout: 600_000 }, () => {
  const all = statements()
  assert.deepEqual(Object.keys(all).toSorted(), kinds)
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
  for (const name of ['stage', 'source-build', 'environment-build', 'data-verdict', 'gate-verdict']) {
    const copy = structuredClone(statements()[name])
    Object.assign(copy.predicate, { other: 1 })
    spoilt[`${name}: an unknown member of its predicate`] = copy
  }
  const accepted = Object.entries(faultsOf(spoilt)).filter(([, fault]) => fault === '')
  assert.deepEqual(accepted, [])
})

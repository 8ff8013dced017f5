/** Manifests of models: golden ones of others, and hostile ones, all correctly signed. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isDomainError } from '../../core/index.ts'
import { judgeModel, parseModelManifest, rootOf } from './model-manifest.ts'
import { printModelStatement } from './sign-model.ts'

const payloads = join(import.meta.dirname, '../../../test/vectors/model-signing/payloads')

test('reads the golden payloads of the reference implementation, and refuses those of empty models', () => {
  const outcomes = readdirSync(payloads).map((name) => {
    try {
      return [name, parseModelManifest(readFileSync(join(payloads, name))).resources.length > 0]
    } catch (error) {
      assert.ok(isDomainError(error, 'ERR_MODEL_EMPTY'), `${name}: ${error}`)
      return [name, false]
    }
  })
  const empty = outcomes.filter(([, isRead]) => isRead === false).map(([name]) => name)
  assert.deepEqual(empty, [
    'empty_model_file_shard',
    'empty_model_file_small_shards',
    'empty_model_folder',
    'empty_model_folder_shard',
    'empty_model_folder_small_shards',
    'model_folder_with_empty_file_shard',
    'model_folder_with_empty_file_small_shards',
  ])
  assert.equal(outcomes.length, 21)
})

/** SHA-256 of `a` and of `b`. */
const a = 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb'
const b = '3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d'

test('the digest of a model is the SHA-256 of the digests, one after the other, as bytes', () => {
  // printf '%s%s' ca97... 3e23... | xxd -r -p | sha256sum
  assert.equal(
    rootOf([{ digest: a }, { digest: b }]),
    'e5a01fee14e0ed5c48714f22180f25ad8365b53f9779f79dc4a3d7e93963f94a',
  )
})

type Loose = Record<string, unknown>
type LooseStatement = { _type: string; subject: Loose[]; predicate: { serialization: Loose; resources: Loose[] } }

function statement(change: (statement: LooseStatement) => void = () => undefined): Uint8Array {
  const terms = { hash: 'sha256', followLinks: false, ignored: ['.git'] } as const
  const resources = [
    { name: 'a', digest: a },
    { name: 'b', digest: b },
  ]
  const printed = JSON.parse(Buffer.from(printModelStatement('model', { terms, resources })).toString())
  change(printed)
  return Buffer.from(JSON.stringify(printed))
}

test('reads what it prints', () => {
  assert.deepEqual(parseModelManifest(statement()), {
    terms: { hash: 'sha256', followLinks: false, ignored: ['.git'] },
    resources: [
      { name: 'a', digest: a },
      { name: 'b', digest: b },
    ],
  })
})

const refusals: readonly (readonly [string, string, (statement: LooseStatement) => void])[] = [
  [
    'another version of the statement',
    'ERR_STATEMENT_UNSUPPORTED',
    (s) => Object.assign(s, { _type: 'https://in-toto.io/Statement/v0.1' }),
  ],
  ['no predicate', 'ERR_STATEMENT_MALFORMED', (s) => Object.assign(s, { predicate: undefined })],
  ['no subject', 'ERR_STATEMENT_MALFORMED', (s) => Object.assign(s, { subject: [] })],
  ['two subjects', 'ERR_STATEMENT_MALFORMED', (s) => s.subject.push({ ...s.subject[0] })],
  ['no files', 'ERR_MANIFEST_INCONSISTENT', (s) => Object.assign(s.predicate, { resources: [] })],
  [
    'the digest of another model',
    'ERR_MANIFEST_INCONSISTENT',
    (s) => Object.assign(s.subject[0] ?? {}, { digest: { sha256: a } }),
  ],
  ['files in another order', 'ERR_MANIFEST_INCONSISTENT', (s) => s.predicate.resources.reverse()],
  [
    'a hash that nobody knows',
    'ERR_STATEMENT_UNSUPPORTED',
    (s) => Object.assign(s.predicate.serialization, { hash_type: 'md5' }),
  ],
  [
    'a file by another hash',
    'ERR_STATEMENT_UNSUPPORTED',
    (s) => Object.assign(s.predicate.resources[0] ?? {}, { algorithm: 'blake3' }),
  ],
  ['another method', 'ERR_STATEMENT_MALFORMED', (s) => Object.assign(s.predicate.serialization, { method: 'tar' })],
  [
    'shards without a size',
    'ERR_STATEMENT_MALFORMED',
    (s) => Object.assign(s.predicate.serialization, { method: 'shards' }),
  ],
  [
    'a size of shards for files',
    'ERR_STATEMENT_MALFORMED',
    (s) => Object.assign(s.predicate.serialization, { shard_size: 10 }),
  ],
  [
    'no policy of links',
    'ERR_STATEMENT_MALFORMED',
    (s) => Object.assign(s.predicate.serialization, { allow_symlinks: 'false' }),
  ],
  [
    'a name that leads out',
    'ERR_STATEMENT_MALFORMED',
    (s) => Object.assign(s.predicate.resources[0] ?? {}, { name: '../a' }),
  ],
  ['an absolute name', 'ERR_STATEMENT_MALFORMED', (s) => Object.assign(s.predicate.resources[0] ?? {}, { name: '/a' })],
  [
    'a name with a dot in it',
    'ERR_STATEMENT_MALFORMED',
    (s) => Object.assign(s.predicate.resources[0] ?? {}, { name: 'd/./a' }),
  ],
  ['a name twice', 'ERR_STATEMENT_MALFORMED', (s) => Object.assign(s.predicate.resources[0] ?? {}, { name: 'b' })],
  [
    'a digest in capitals',
    'ERR_STATEMENT_MALFORMED',
    (s) => Object.assign(s.predicate.resources[0] ?? {}, { digest: a.toUpperCase() }),
  ],
]
for (const [name, code, change] of refusals) {
  test(`refuses a signed manifest with ${name}`, () => {
    assert.throws(
      () => parseModelManifest(statement(change)),
      (error) => isDomainError(error) && error.code === code,
    )
  })
}

test('unknown fields of a signed manifest change nothing', () => {
  const more = statement((s) => {
    Object.assign(s.predicate, { card: 'x' })
    Object.assign(s.predicate.resources[0] ?? {}, { mediaType: 'x' })
  })
  assert.deepEqual(parseModelManifest(more), parseModelManifest(statement()))
})

test('says of a model what is missing, what was never signed and what was changed, each by its name', () => {
  const found = [
    { name: 'b', digest: a },
    { name: 'c', digest: a },
  ]
  const codes = judgeModel(parseModelManifest(statement()), found).map(({ code, because }) => [code, because])
  assert.deepEqual(codes, [
    ['ERR_MODEL_INCOMPLETE', 'not there: `a`'],
    ['ERR_MODEL_EXTRA', 'never signed: `c`'],
    ['ERR_MODEL_CHANGED', 'other bytes: `b`'],
  ])
})

test('prints no manifest of a model without files', () => {
  const terms = { hash: 'sha256', followLinks: false, ignored: [] } as const
  assert.throws(
    () => printModelStatement('m', { terms, resources: [] }),
    (error) => isDomainError(error, 'ERR_MODEL_EMPTY'),
  )
})

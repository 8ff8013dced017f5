import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type Contract, chooseTable, holds, parseContract } from './index.ts'

const vectors = join(import.meta.dirname, '../../../test/vectors/odcs')
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const parsed = (text: string): Contract => parseContract(bytes(text), 'contracts/people.yaml')
const head = 'kind: DataContract\nid: people\nversion: 1.0.0\nstatus: active\n'
const odcs = (schema: string, version = 'v3.1.0'): Contract =>
  parsed(`apiVersion: ${version}\n${head}schema:\n${schema}`)
const rulesOf = (contract: Contract): readonly string[] =>
  contract.tables.flatMap(({ rules }) => rules.map((rule) => `${rule.kind} ${rule.name} ${rule.column}`))

describe('Open Data Contract', () => {
  test("reads the standard's own examples", () => {
    for (const name of readdirSync(vectors).filter((file) => file.endsWith('.yaml'))) {
      const contract = parseContract(readFileSync(join(vectors, name)), name)
      assert.equal(contract.format, 'odcs', name)
      assert.ok((contract.tables[0]?.rules.length ?? 0) > 0, name)
    }
  })

  test('tells what is for people or for other engines as not evaluated, and as a warning', () => {
    const contract = parseContract(readFileSync(join(vectors, 'column-custom.odcs.yaml')), 'column-custom.odcs.yaml')
    const told = contract.tables.flatMap(({ rules }) => rules.filter(({ kind }) => kind === 'unevaluated'))
    assert.deepEqual(
      told.map(({ severity }) => severity),
      ['warning', 'warning'],
    )
  })

  test('makes rules of types, options, keys, quality and service levels', () => {
    const contract = odcs(`  - name: people
    properties:
      - {name: id, logicalType: integer, primaryKey: true}
      - {name: Age, physicalName: age, logicalType: integer, required: true, logicalTypeOptions: {minimum: 0, format: u8}}
      - name: colour
        unique: true
        quality: [{metric: invalidValues, arguments: {validValues: [red]}, mustBeLessThan: 2, unit: percent}]
`)
    assert.deepEqual(rulesOf(contract), [
      'present schema/present id',
      'values schema/type id',
      'values schema/required id',
      'present schema/present age',
      'values schema/type age',
      'values schema/range age',
      'values schema/required age',
      'present schema/present colour',
      'duplicates schema/unique colour',
      'values quality/invalidValues colour',
      'duplicates schema/primary-key id',
    ])
  })

  test('reads 3.0, where a library rule was called rule, and 3.2, which has enumerations', () => {
    const old = odcs(
      '  - name: p\n    properties: [{name: a, quality: [{rule: duplicateCount, mustBe: 0}]}]\n',
      'v3.0.2',
    )
    assert.equal(rulesOf(old).at(-1), 'duplicates quality/duplicateCount a')
    const recent = odcs('  - name: p\n    properties: [{name: a, enum: [{value: x}]}]\n', 'v3.2.0')
    assert.equal(rulesOf(recent).at(-1), 'values schema/enum a')
  })

  test('finds the tables and columns that relationships lead to', () => {
    const contract = odcs(`  - name: orders
    properties: [{name: who, relationships: [{to: people.id}]}, {name: what, relationships: [{to: things.id}]}]
  - name: people
    properties: [{name: id, physicalName: pid}]
`)
    const [orders] = contract.tables
    assert.deepEqual(
      orders?.rules.flatMap((rule) => (rule.kind === 'foreign-key' ? [[rule.table, rule.targets]] : [])),
      [['people', ['pid']]],
    )
    assert.equal(orders?.rules.filter(({ kind }) => kind === 'unevaluated').length, 1)
  })

  for (const [what, text, code, place] of [
    ['an unknown version', `apiVersion: v4.0.0\n${head}`, 'ERR_DATA_CONTRACT_VERSION', 'v4.0.0'],
    ['version 2', `apiVersion: v2.2.2\n${head}`, 'ERR_DATA_CONTRACT_VERSION', 'v2.2.2'],
    ['a language that is not known', 'models: {}\n', 'ERR_DATA_CONTRACT_VERSION', 'no language'],
    ['a missing version', head, 'ERR_DATA_CONTRACT_VERSION', 'undefined'],
    [
      'another kind',
      `apiVersion: v3.1.0\n${head.replace('DataContract', 'Other')}`,
      'ERR_DATA_CONTRACT_MALFORMED',
      'line 2',
    ],
    [
      'a misspelt key',
      `apiVersion: v3.1.0\n${head}schema:\n  - name: p\n    properties:\n      - {name: a, requird: true}\n`,
      'ERR_DATA_CONTRACT_MALFORMED',
      'line 9',
    ],
    ['no YAML', 'a: [', 'ERR_DATA_CONTRACT_MALFORMED', 'line 1'],
    ['a key twice', `apiVersion: v3.1.0\n${head}id: other\n`, 'ERR_DATA_CONTRACT_MALFORMED', 'line 6'],
    [
      'a table twice',
      `apiVersion: v3.1.0\n${head}schema: [{name: p}, {name: p}]\n`,
      'ERR_DATA_CONTRACT_MALFORMED',
      'twice',
    ],
  ] as const) {
    test(`refuses ${what}`, () => {
      assert.throws(() => parsed(text), { code, message: new RegExp(place) })
    })
  }

  test('refuses bytes that are not UTF-8', () => {
    assert.throws(() => parseContract(Uint8Array.of(0x61, 0xff), 'c.yaml'), { code: 'ERR_DATA_CONTRACT_MALFORMED' })
  })

  test('never lets a rule pass that it does not understand', () => {
    const contract = odcs(
      `  - name: p
    properties:
      - name: a
        quality:
          - {metric: nullValues}
          - {metric: nullValues, mustBe: 0, unit: furlongs}
          - {type: library, metric: invalidValues, mustBe: 0}
`.replace('          - {metric: nullValues}\n', ''),
    )
    const kinds = contract.tables[0]?.rules.map(({ kind, severity }) => `${kind} ${severity}`)
    assert.deepEqual(kinds, ['present error', 'unevaluated error', 'unevaluated error'])
  })
})

describe('the table that a file stands for', () => {
  const two = odcs('  - {name: people}\n  - {name: orders, physicalName: data/orders_2024.parquet}\n')
  test('is the one of its name, or of its physical name', () => {
    assert.equal(chooseTable(two, 'people.csv').name, 'people')
    assert.equal(chooseTable(two, 'orders_2024.parquet').name, 'orders')
  })
  test('is the only one, whatever the file is called', () => {
    assert.equal(chooseTable(odcs('  - {name: people}\n'), 'x.csv').name, 'people')
  })
  test('is none when several could be meant', () => {
    assert.throws(() => chooseTable(two, 'x.csv'), { code: 'ERR_DATA_CONTRACT_TABLE' })
  })
})

describe('Frictionless Table Schema', () => {
  test('becomes rules; what is not understood is told', () => {
    const contract = parsed(
      JSON.stringify({
        fields: [
          { name: 'id', type: 'integer', constraints: { required: true, unique: true, minimum: 1 } },
          { name: 'mail', type: 'string', format: 'email' },
          { name: 'place', type: 'geopoint' },
          { name: 'doc', type: 'object', constraints: { jsonSchema: {} } },
        ],
        missingValues: ['', 'NA'],
        primaryKey: 'id',
      }),
    )
    assert.deepEqual(rulesOf(contract), [
      'columns schema/fields null',
      'values schema/type id',
      'values schema/required id',
      'duplicates schema/unique id',
      'values schema/range id',
      'values schema/type mail',
      'values schema/format mail',
      'unevaluated schema/type place',
      'values schema/type doc',
      'unevaluated schema/jsonSchema doc',
      'values schema/required id',
      'duplicates schema/primary-key id',
      'unevaluated schema/missing-values null',
    ])
  })
})

describe('Great Expectations suite', () => {
  test('becomes rules in its stated subset, in the spelling of 1.x and 0.x', () => {
    const contract = parsed(
      JSON.stringify({
        name: 's',
        expectations: [
          { type: 'expect_column_values_to_not_be_null', kwargs: { column: 'a', mostly: 0.9 } },
          { expectation_type: 'expect_column_values_to_be_between', kwargs: { column: 'a', min_value: 1 } },
          { type: 'expect_column_values_to_be_in_set', kwargs: { column: 'a', value_set: [1], row_condition: 'b>1' } },
          { type: 'expect_column_kl_divergence_to_be_less_than', kwargs: { column: 'a' } },
          { type: 'expect_column_mean_to_be_between', kwargs: { column: 'a', min_value: 1, max_value: 2 } },
        ],
      }),
    )
    assert.deepEqual(
      contract.tables[0]?.rules.map(({ kind }) => kind),
      ['values', 'values', 'unevaluated', 'unevaluated', 'aggregate'],
    )
  })
})

test('a comparison holds at its ends as its words say, and never for NaN', () => {
  assert.equal(holds(5, { op: 'at-most', value: 5 }), true)
  assert.equal(holds(5, { op: 'less', value: 5 }), false)
  assert.equal(holds(5, { op: 'between', low: 5, high: 6 }), true)
  assert.equal(holds(Number.NaN, { op: 'not-equal', value: 5 }), false)
  assert.equal(holds(null, { op: 'at-most', value: 5 }), false)
})

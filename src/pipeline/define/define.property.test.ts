// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates are DVC's
/** Laws, and hostile bytes: whatever the bytes are, the answer is a pipeline or a refusal with a code. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { isDomainError } from '../../core/index.ts'
import { definePipeline, defineSettings, paramValues, planDocument, readParams } from './index.ts'
import { projectOf } from './project.memory.ts'
import { floatText, templateText } from './value.ts'

const vectors = new URL('../../../test/vectors/dvc/edge-cases.jsonl', import.meta.url)
const seeds = readFileSync(vectors, 'utf8')
  .trim()
  .split('\n')
  .map((line) => (JSON.parse(line) as { files: Record<string, string> }).files) // our own vectors, of this shape

const tokens = [
  '${',
  '}',
  '[',
  ']',
  '{',
  '&a',
  '*a',
  '<<: ',
  '!!',
  ': ',
  '\n',
  '  ',
  '- ',
  '"',
  "'",
  '|',
  '\0',
  '\ufeff',
]
const mutation = fc.record({
  at: fc.nat(),
  cut: fc.nat({ max: 6 }),
  insert: fc.oneof(fc.constantFrom(...tokens), fc.string({ maxLength: 4, unit: 'binary' })),
})

function mutated(text: string, changes: readonly { at: number; cut: number; insert: string }[]): Uint8Array {
  let bytes = Buffer.from(text)
  for (const { at, cut, insert } of changes) {
    const start = at % (bytes.length + 1)
    bytes = Buffer.concat([bytes.subarray(0, start), Buffer.from(insert), bytes.subarray(start + cut)])
  }
  return bytes
}

function refusesOrReturns(run: () => unknown): void {
  try {
    run()
  } catch (error) {
    assert.ok(isDomainError(error), error instanceof Error ? error.stack : String(error))
  }
}

test('mutated definitions end in a pipeline or a refusal', () => {
  fc.assert(
    fc.property(fc.constantFrom(...seeds), fc.array(mutation, { minLength: 1, maxLength: 4 }), (files, changes) => {
      const hostile = Object.entries(files).map(([path, text]) => [path, mutated(text, changes)] as const)
      refusesOrReturns(() => planDocument(definePipeline(projectOf(Object.fromEntries(hostile)))))
    }),
    { numRuns: 1500 },
  )
})

const params: Readonly<Record<string, string>> = {
  'p.yaml': 'a: {b: [1, 2.0, x]}\nc: &x 2020-01-01\nd: *x\n',
  'p.json': '{"a": {"b": [1, 2.5, "x\\u00e9"]}, "c": null}',
  'p.toml': 'a = 1.0\n[b]\nc = ["x", 2]\nd = 2020-01-01T10:00:00Z\n',
  'p.py': 'A = (1, -2.0)\nclass B:\n  c = {"k": [None, b"x"]}\n  def __init__(self):\n    self.d = 1+2j\n',
}

test('mutated params files end in values or a refusal', () => {
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(params)), fc.array(mutation, { maxLength: 4 }), (file, changes) => {
      refusesOrReturns(() => paramValues(readParams(mutated(params[file] ?? '', changes), file), []))
    }),
    { numRuns: 1500 },
  )
})

test('mutated settings end in settings or a refusal', () => {
  const pipeline = definePipeline(projectOf({ 'dvc.yaml': 'stages:\n  a: {cmd: x, outs: [m]}\n' }))
  const text = `assay: 1\nenvironments: {e: {python: {lock: r.txt}}}\ndefaults: {environment: e, limits: {cpus: 2}}\nstages:\n  a: {env: [X], seed: 3}\nmodel: {name: m, path: m}\n`
  fc.assert(
    fc.property(fc.array(mutation, { maxLength: 4 }), (changes) => {
      refusesOrReturns(() => defineSettings(mutated(text, changes), 'assay.yaml', pipeline).settingsOf('a'))
    }),
    { numRuns: 1000 },
  )
})

test('a float that was printed reads back as itself', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      assert.ok(Object.is(Number(floatText(value)), value))
    }),
  )
})

test('an exact template gives a command the text of its value', () => {
  const scalar = fc.oneof(fc.bigInt(), fc.boolean(), fc.double({ noDefaultInfinity: true, noNaN: true }))
  fc.assert(
    fc.property(scalar, (value) => {
      const text = templateText(value)
      const files = { 'dvc.yaml': 'stages:\n  a: {cmd: "run ${x}"}\n', 'params.yaml': `x: ${text}\n` }
      assert.deepEqual(definePipeline(projectOf(files)).stages[0]?.commands, [`run ${text}`])
    }),
  )
})

test('the order of the files does not change the plan', () => {
  const files = {
    'a/dvc.yaml': 'stages:\n  x: {cmd: x, outs: [../o1]}\n',
    'b/dvc.yaml': 'stages:\n  y: {cmd: y, deps: [../o1], outs: [../o2]}\n',
    'dvc.yaml': 'stages:\n  z: {cmd: z, deps: [o2, in.csv]}\n',
    'in.csv.dvc': 'outs:\n- path: in.csv\n',
  }
  const wanted = planDocument(definePipeline(projectOf(files)))
  fc.assert(
    fc.property(fc.shuffledSubarray(Object.entries(files), { minLength: 4 }), (entries) => {
      assert.deepEqual(planDocument(definePipeline(projectOf(Object.fromEntries(entries)))), wanted)
    }),
    { numRuns: 20 },
  )
})

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import type { Measure } from './compared.ts'
import { codeOf } from './elements.ts'
import { comparer } from './testing.ts'

type Expected = Omit<Measure, 'maxUlp'> & Readonly<{ maxUlp?: number | null }>
type Case = Readonly<{ name: string; path: string; left: string; right: string; verdict: string; measures: Expected[] }>
type Codes = Readonly<Record<string, readonly (string | null)[]>> & Readonly<{ codes16: readonly number[] }>

const vectors = join(import.meta.dirname, '../../../test/vectors/comparison/cases.json')
const { cases, codes } = JSON.parse(readFileSync(vectors, 'utf8')) as { cases: readonly Case[]; codes: Codes }

test('files of numpy, safetensors and onnx are measured as numpy measures them', async (context) => {
  const compare = comparer(context)
  for (const { name, path, left, right, verdict, measures } of cases) {
    await context.test(name, async () => {
      const found = await compare(Buffer.from(left, 'base64'), Buffer.from(right, 'base64'), path)
      assert.equal(found.verdict, verdict, found.detail)
      // steps that were not counted on the other side (complex numbers) are not looked at; null is that there are none
      const ours = found.measures.map(({ maxUlp, ...measure }, index) =>
        measures[index]?.maxUlp === undefined ? measure : { ...measure, maxUlp },
      )
      assert.deepEqual(ours, measures)
    })
  }
})

test('every code of the small types is the number that ml_dtypes reads', () => {
  const numberOf = (text: string | null | undefined): number =>
    text === null || text === undefined ? Number.NaN : Number(text.replace('inf', 'Infinity'))
  for (const kind of ['f8_e5m2', 'f8_e4m3', 'f8_e5m2fnuz', 'f8_e4m3fnuz', 'f8_e8m0'] as const)
    assert.deepEqual([...codeOf(kind).values], codes[kind]?.map(numberOf))
  for (const kind of ['f16', 'bf16'] as const) {
    const ours = codes.codes16.map((code) => codeOf(kind).values[code])
    assert.deepEqual(ours, codes[kind]?.map(numberOf))
  }
})

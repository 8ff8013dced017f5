import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { defaultLimits } from '../run-validator.fs.ts'
import { diff } from './diff.ts'
import { profile } from './profile.ts'
import { type Bench, openBench } from './testing.fs.ts'

const { limits } = defaultLimits
let bench: Bench
before(async () => {
  bench = await openBench()
})
after(() => bench[Symbol.dispose]())

let turn = 0
function placed(...texts: readonly string[]) {
  turn += 1
  const folder = join(bench.folder, `named-${turn}`)
  mkdirSync(folder)
  const files = texts.map((text, index) => {
    const path = join(folder, `${index}`)
    writeFileSync(path, text)
    return [{ path, inner: 't.csv' }]
  })
  return { folder, files }
}

test('two tables are not compared by a key, a label or a source that one of them has not', async () => {
  const told = async (named: Readonly<{ key?: readonly string[]; label?: string; source?: string }>) => {
    const { folder, files } = placed('id,l,s\n1,a,x\n', 'id,l,s\n1,b,x\n')
    const answer = await diff(
      bench.engine,
      { task: 'diff', left: files[0] ?? [], right: files[1] ?? [], ...named, limits },
      folder,
    )
    return [...answer.checks.map(({ name, verdict }) => `${name} ${verdict}`), answer.counts?.changed].join()
  }
  assert.deepEqual(
    [await told({ key: ['id', 'di'] }), await told({ label: 'lable' }), await told({ source: 'src' })],
    ['format/key fail,', 'format/label fail,', 'format/source fail,'],
  )
  assert.equal(await told({ key: ['id'], label: 'l', source: 's' }), '1')
})

test('no baseline is made for a source that is no column', async () => {
  const told = async (source: string) => {
    const { folder, files } = placed('a,s\n1,x\n2,y\n')
    const statistics = { source, seed: 1, poison: false }
    const request = { task: 'profile' as const, files: files[0] ?? [], types: {}, statistics, limits }
    const { checks, profile: made } = await profile(bench.engine, request, folder)
    return [...checks.map(({ name, verdict }) => `${name} ${verdict}`), made !== undefined].join()
  }
  assert.deepEqual([await told('src'), await told('s')], ['format/source fail,false', 'true'])
})

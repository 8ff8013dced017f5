import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Sha256, sha256Of } from '../../core/index.ts'
import { type Look, openLookMemory } from './look-memory.ts'

const digestOf = (index: number): Sha256 => sha256Of(Buffer.from(`${index}`))
const lookOf = (index: number): Look => ({ type: index % 2 === 0 ? 'text' : 'zip' })
const all = Array.from({ length: 300 }, (_, index) => index)
const dataset = (indices: readonly number[]) => ({
  files: indices.map((index) => ({ digest: digestOf(index) })),
  looks: indices.map(lookOf),
})

function memory() {
  const facts = new Map<string, string>()
  const [read, written]: [string[], string[]] = [[], []]
  const looks = openLookMemory(
    {
      fact: (key) => {
        read.push(key)
        return facts.get(key)
      },
      recordFact: (key, value) => {
        written.push(key)
        facts.set(key, value)
      },
    },
    'test',
  )
  const recalled = (indices: readonly number[], greys = false): readonly (Look | undefined)[] => {
    const recall = looks.recall({ greys, scope: 'data' })
    return indices.map((index) => recall(digestOf(index)))
  }
  return { looks, read, written, recalled }
}

test('files of a dataset are found one behind the other, some that came, went or changed among them', () => {
  const { looks, read, written, recalled } = memory()
  looks.record(new Map(all.map((index) => [digestOf(index), lookOf(index)])))
  looks.arrange('data', dataset(all))
  read.length = 0
  assert.deepEqual(recalled(all), all.map(lookOf))
  assert.ok(!read.some((key) => key.startsWith('looks') && key.includes(' in ')), 'nothing is looked up by digest')

  const changed = [1000, ...all.slice(3, 100), 1001, ...all.slice(101, 250), 1002, 1003, ...all.slice(250)]
  assert.deepEqual(
    recalled(changed),
    changed.map((index) => (index < 1000 ? lookOf(index) : undefined)),
  )
  written.length = 0
  looks.arrange('data', dataset(changed))
  assert.deepEqual(written, [], 'for four files all are not written anew')
  const reversed = all.toReversed()
  assert.deepEqual(recalled(reversed), reversed.map(lookOf), 'in another order by digest')
  looks.arrange('data', dataset(reversed))
  assert.equal(written.length, 1)
  assert.deepEqual(recalled(reversed), reversed.map(lookOf))
})

test('what is forgotten is forgotten in arrangements too, of every dataset; what did not decode is in none', () => {
  const { looks, recalled } = memory()
  looks.arrange('data', dataset(all))
  looks.arrange('other', { files: [{ digest: digestOf(1) }], looks: [{ type: 'png', fault: 'torn' }] })
  assert.equal(looks.recall({ greys: false, scope: 'other' })(digestOf(1)), undefined)
  looks.forget()
  assert.ok(recalled(all).every((look) => look === undefined))
})

test('an image whose pixels are wanted is told with them', () => {
  const { looks, recalled } = memory()
  const image: Look = { type: 'png', look: 'f'.repeat(64), grey: 'AAAA' }
  looks.record(new Map([[digestOf(1), image]]))
  looks.arrange('data', { files: [{ digest: digestOf(1) }], looks: [image] })
  const { grey: _, ...without } = image
  assert.deepEqual([recalled([1]), recalled([1], true)], [[without], [image]])
})

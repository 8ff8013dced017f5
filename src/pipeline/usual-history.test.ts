import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sha256Of } from '../core/index.ts'
import { type UsualRun, unusual } from './unusual.ts'
import { measureOf, type Ran, type RunGroup, teaches, unmeasured, withRun } from './usual-history.ts'

const run: UsualRun = { wallMs: 600_000, deniedAttempts: 0, programs: ['python3.11'], inputBytes: 1e9 }
const mining: UsualRun = { ...run, wallMs: 6_000_000, deniedAttempts: 9, programs: ['python3.11', 'xmrig'] }
const commands = sha256Of('python train.py')
const ranOf = (name: string): Ran => ({ definition: [{ path: 'dvc.yaml', digest: sha256Of(name) }] })
const groupOf = (name: string): Omit<RunGroup, 'runs'> => ({ definition: sha256Of(name), commands, ran: ranOf(name) })
const reviewedAre = (...names: readonly string[]) => {
  const known = new Set(names.map((name) => sha256Of(name)))
  return { any: names.length > 0, covers: ({ definition }: Ran) => known.has(definition[0]?.digest ?? sha256Of('')) }
}

/** What is remembered after runs of definitions, in order. */
function after(runs: readonly (readonly [name: string, run: UsualRun])[], reviewed: ReturnType<typeof reviewedAre>) {
  return runs.reduce<readonly RunGroup[]>((groups, [name, each]) => withRun(groups, groupOf(name), each, reviewed), [])
}
const times = (count: number, name: string, each: UsualRun) =>
  Array.from({ length: count }, () => [name, each] as const)
const told = (groups: readonly RunGroup[], name: string, each: UsualRun, reviewed: ReturnType<typeof reviewedAre>) =>
  unusual(each, measureOf(each, groups, groupOf(name), reviewed), 'dash').length > 0

test('a change that nobody reviewed does not become usual, however often it runs: for the reviewed one, nor for itself', () => {
  const reviewed = reviewedAre('main')
  const groups = after([...times(6, 'main', run), ...times(100, 'pull request', mining)], reviewed)
  assert.ok(told(groups, 'main', mining, reviewed), 'merged under the name of what was read')
  assert.ok(told(groups, 'pull request', mining, reviewed))
  assert.ok(!told(groups, 'main', run, reviewed), 'the honest twin')
})

test('a change that was reviewed is usual, and what ran before it stays so', () => {
  const runs = [...times(6, 'main', run), ...times(6, 'pull request', mining)]
  const both = reviewedAre('main', 'pull request')
  const groups = after(runs, reviewedAre('main'))
  assert.ok(!told(groups, 'pull request', mining, both), 'reviewed later, its runs count')
  assert.ok(!told(groups, 'main', run, both))
})

test('where nobody reviews, runs of the same definition are the measure, and no other moves it', () => {
  const none = reviewedAre()
  const groups = after([...times(6, 'main', run), ...times(100, 'changed', mining)], none)
  assert.ok(told(groups, 'main', mining, none))
  assert.ok(!told(groups, 'main', run, none))
  assert.ok(!told(groups, 'changed', mining, none), 'it was told of at its first runs')
  for (const count of [0, 1, 4]) {
    const first = after([...times(6, 'main', run), ...times(count, 'changed', run)], none)
    assert.ok(told(first, 'changed', mining, none), `after ${count} runs of its own, against those before it`)
  }
})

test('a reviewed definition that ran too rarely is no measure, and no run of an unread one stands in for it', () => {
  const reviewed = reviewedAre('main')
  const groups = after([...times(3, 'main', run), ...times(50, 'pull request', mining)], reviewed)
  assert.deepEqual(measureOf(mining, groups, groupOf('main'), reviewed), [run, run, run])
  assert.ok(!told(groups, 'main', mining, reviewed), 'three say nothing')
})

test('a change that nobody read is told of where there is too little to compare it with; what was read, and projects that nobody reviews, are not', () => {
  const toldOf = (count: number, name: string, reviewed: ReturnType<typeof reviewedAre>) => {
    const groups = after(times(count, 'main', run), reviewed)
    return unmeasured(mining, groups, groupOf(name), reviewed).length
  }
  assert.equal(toldOf(4, 'changed', reviewedAre('main')), 1)
  assert.equal(toldOf(0, 'changed', reviewedAre('main')), 1)
  assert.equal(toldOf(5, 'changed', reviewedAre('main')), 0, 'it is compared')
  assert.equal(toldOf(4, 'main', reviewedAre('main')), 0)
  assert.equal(toldOf(4, 'changed', reviewedAre()), 0)
})

test('runs of a change that nobody read are no measure for itself, nor does it teach when its user lets it through', () => {
  const reviewed = reviewedAre('main')
  const groups = after([...times(4, 'main', run), ...times(9, 'changed', mining)], reviewed)
  assert.equal(unmeasured(mining, groups, groupOf('changed'), reviewed).length, 1)
  assert.equal(unmeasured(mining, groups, groupOf('changed'), reviewedAre('main', 'changed')).length, 0, 'read since')
  assert.ok(!teaches(groupOf('changed'), reviewed, true))
  assert.ok(teaches(groupOf('changed'), reviewed, false), 'it was as usual')
  assert.ok(teaches(groupOf('main'), reviewed, true), 'it was read')
  assert.ok(teaches(groupOf('changed'), reviewedAre(), true), 'nobody else reviews')
})

test('runs on inputs of another scale are no measure, reviewed or not', () => {
  const reviewed = reviewedAre('main')
  const groups = after(times(6, 'main', run), reviewed)
  assert.deepEqual(measureOf({ ...mining, inputBytes: 1e6 }, groups, groupOf('main'), reviewed), [])
})

test('property: whatever ran of unread files, of the same definition or of others, reviewed runs are kept and are the measure', () => {
  const unreadRun = fc.tuple(fc.nat({ max: 60 }), fc.boolean(), fc.boolean())
  fc.assert(
    fc.property(fc.array(unreadRun, { maxLength: 300 }), (unread) => {
      const reviewed = reviewedAre('main')
      const read = after(times(5, 'main', run), reviewed)
      const groups = unread.reduce((before, [name, isSame, bad]) => {
        const own = { ...groupOf(isSame ? 'main' : `pull request ${name}`), ran: ranOf(`pull request ${name}`) }
        return withRun(before, own, bad ? mining : run, reviewed)
      }, read)
      assert.ok(groups.length <= 20)
      assert.deepEqual(measureOf(mining, groups, groupOf('main'), reviewed), Array(5).fill(run))
    }),
  )
})

test('a line that nobody read and that changes nothing of the stage lets no later change pass, nor become usual', () => {
  const reviewed = reviewedAre('main')
  const commented = { ...groupOf('main'), ran: ranOf('a comment') }
  const once = withRun(after(times(6, 'main', run), reviewed), commented, run, reviewed)
  assert.ok(told(once, 'pull request', mining, reviewed))
  assert.deepEqual(unmeasured(mining, once, groupOf('pull request'), reviewed), [])
  const often = times(100, 'main', mining).reduce(
    (groups, [, each]) => withRun(groups, commented, each, reviewed),
    once,
  )
  assert.ok(told(often, 'main', mining, reviewed))
  const since = withRun(often, groupOf('main'), run, reviewed)
  assert.equal(since.find(({ ran }) => reviewed.covers(ran))?.runs.length, 7, 'the honest twin')
  assert.equal(since.length, 2)
})

test('one that nobody reviewed takes the place of no reviewed one, however many of these there are', () => {
  const names = Array.from({ length: 20 }, (_, index) => `read ${index}`)
  const reviewed = reviewedAre(...names, 'another')
  const full = after(
    names.flatMap((name) => times(1, name, run)),
    reviewed,
  )
  assert.deepEqual(withRun(full, groupOf('pull request'), mining, reviewed), full)
  const next = withRun(full, groupOf('another'), run, reviewed)
  assert.deepEqual([next.length, next.at(-1)?.definition], [20, sha256Of('another')], 'the honest twin')
  const mixed = withRun(full.slice(1), groupOf('pull request'), run, reviewed)
  assert.ok(
    !withRun(mixed, groupOf('another'), run, reviewed).some((each) => each.definition === sha256Of('pull request')),
  )
})

test('what is kept of a run has a bound, however many files it opened', () => {
  const files = Array.from({ length: 1001 }, (_, index) => ({ path: `src/${index}.py`, digest: sha256Of('x') }))
  const none = reviewedAre()
  const kept = (ran: Partial<Ran>) => withRun([], { ...groupOf('main'), ran: { ...ranOf('main'), ...ran } }, run, none)
  assert.deepEqual(kept({ commit: 'abc', code: files })[0]?.ran, { ...ranOf('main'), commit: 'abc' })
  assert.equal(kept({ code: files.slice(1) })[0]?.ran.code?.length, 1000, 'the honest twin')
  assert.deepEqual(kept({ definition: files }), [])
})

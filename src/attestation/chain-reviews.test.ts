/** Whose reviews count, and for what: those of people who wrote no part of it, as the history says. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { heldReviews, isReviewed } from './chain-reviews.ts'
import { digestNamed, now, signNow } from './fixtures/chain.ts'
import { type Changes, honestReview, judge, policy, reviewOf, rita, writtenBy } from './fixtures/hosted-chain.ts'
import { verifyDefinitionReview } from './verify.ts'

test('what changed since a commit counts as reviewed when that commit was, back to the first that was read whole', () => {
  const review = { since: 'b'.repeat(40) }
  const steps = [reviewOf('b', { since: 'a'.repeat(40) }), reviewOf('a')]
  const history = writtenBy('Margarita <m@example.org>', 'a'.repeat(40), 'b'.repeat(40))
  assert.equal(judge({ review, beside: steps, ...history }).level, 4)
  assert.equal(judge({ review, beside: steps.slice(0, 1) }).level, 2, 'the first step is missing')
})

test('a reviewed file counts in another commit while its bytes are those that were read', () => {
  const files = [...honestReview.files, { path: 'src/prepare.py', digest: digestNamed('prepare.py') }]
  assert.equal(judge({ review: { commit: 'a'.repeat(40), files } }).level, 4)
  const history = writtenBy('Tom <tom@example.org>', 'a'.repeat(40))
  assert.equal(judge({ review: { commit: 'a'.repeat(40), files }, ...history }).level, 4, 'of an earlier commit')
})

test('a reviewer who wrote a part hides it behind no commit that the history has not, and no sibling that was reviewed', () => {
  const files = [...honestReview.files, { path: 'src/prepare.py', digest: digestNamed('prepare.py') }]
  const by = (person: string) => writtenBy(person).surroundings?.peopleAt ?? (() => undefined)
  const side = 'c'.repeat(40)
  const withSide = (person: string): Pick<Changes, 'surroundings'> => ({
    surroundings: {
      peopleAt: (commit, since) =>
        commit === side && since === undefined ? ['Bob <bob@example.org>'] : by(person)(commit, since),
    },
  })
  const because = /was reviewed in or since what is no commit here, or none whose authors can be told/
  for (const [name, changes] of [
    ['a commit of nobody', { review: { commit: '0'.repeat(40), files }, ...writtenBy('Rita <rita@example.org>') }],
    ['a sibling', { review: { since: side }, beside: [reviewOf('c')], ...withSide('Rita <rita@example.org>') }],
  ] as const) {
    const verdict = judge(changes)
    assert.equal(verdict.level, 2, name)
    const told = verdict.findings.filter(({ check, code }) => check === 'review' && code === 'CAVEAT')
    assert.match(told[0]?.because ?? '', because, name)
  }
  assert.equal(judge({ beside: [reviewOf('c')], ...withSide('Tom <tom@example.org>') }).level, 4, 'the honest twin')
})

test('what ran counts as reviewed, and so as usual, when the history says that others wrote it', () => {
  const read = verifyDefinitionReview(signNow({ kind: 'definition-review', review: honestReview }, rita), policy)
  assert.ok(read.trusted)
  const { commit, files, project } = honestReview
  const isBy = (person: string, ...at: readonly string[]): boolean => {
    const { peopleAt } = writtenBy(person, ...at).surroundings ?? {}
    assert.ok(peopleAt)
    return isReviewed(policy, { held: [read.statement], peopleAt }, { project, commit, definition: files })
  }
  assert.equal(isBy('Tom <tom@example.org>'), true)
  assert.equal(isBy('Rita <rita@example.org>'), false, 'their own')
  const nothing = { held: [read.statement], peopleAt: () => undefined }
  assert.equal(isReviewed(policy, nothing, { project, commit, definition: files }), false, 'no such commit')
})

test('a review of a time to come is held by nobody until then, clocks being minutes apart', () => {
  const heldAt = (minutesAhead: number): number => {
    const at = new Date(now.getTime() + minutesAhead * 60_000).toISOString()
    const bytes = signNow({ kind: 'definition-review', review: { ...honestReview, at } }, rita)
    return heldReviews({ evidence: { approvals: [{ bytes }] }, policy, surroundings: { now } }).length
  }
  assert.deepEqual([heldAt(60), heldAt(4), heldAt(-60)], [0, 1, 1])
})

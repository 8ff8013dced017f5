import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDomainError, sha256Of } from '../core/index.ts'
import type { ApprovalFact, Source } from '../data/index.ts'
import { anchorOf } from './data-question.ts'
import { goldenOf, goldenSetsIn, isGoldenUnasked, refuseGolden } from './golden.ts'
import { type Anchor, surroundingsOf } from './inputs.ts'
import type { Project } from './project.ts'

const digest = sha256Of('golden')

test('a golden set is kept out by where it lay when it was last approved, until it is revoked; by its bytes always', () => {
  const at = (day: number, more: Partial<ApprovalFact> = {}): ApprovalFact => ({
    ...{ id: 'g', origin: 'x', digest, decision: 'approved', at: `2026-11-0${day}`, kind: 'golden' },
    ...{ attestation: sha256Of(`${day}`), path: 'golden/g.csv', ...more },
  })
  const pathsOf = (approvals: readonly ApprovalFact[], sources: readonly Source[] = []): readonly unknown[] =>
    goldenSetsIn(sources, { approvals, now: new Date('2026-11-08T00:00:00Z') }).map(({ path, isApproved }) => [
      path,
      isApproved,
    ])
  assert.deepEqual(pathsOf([at(1)]), [['golden/g.csv', true]])
  assert.deepEqual(pathsOf([at(2, { path: 'new.csv' }), at(1)]), [
    [undefined, true],
    ['new.csv', true],
  ])
  assert.deepEqual(pathsOf([at(1), at(2, { decision: 'revoked' })]), [[undefined, false]])
  // as: all that is asked of a source
  const moved = { id: 'g', kind: 'golden', path: 'elsewhere.csv', digest } as Source
  assert.deepEqual(pathsOf([at(1)], [moved]), [
    ['elsewhere.csv', false],
    ['golden/g.csv', true],
  ])
  assert.deepEqual(pathsOf([at(1, { kind: 'data' })]), [])
  // by the instant, however it is written; what is dated in the future says nowhere where it lies
  const [earlier, later] = ['2026-11-02T00:00:00Z', '2026-11-02T00:00:00.5Z'] as const
  assert.deepEqual(pathsOf([at(2, { at: later, path: 'new.csv' }), at(2, { at: earlier })]), [
    [undefined, true],
    ['new.csv', true],
  ])
  assert.deepEqual(pathsOf([at(9, { path: 'decoy.csv' }), at(1)]), [
    ['golden/g.csv', true],
    [undefined, true],
  ])
})

test('a golden set of which nothing says where it lies keeps everything out of stages, until it is listed, approved anew or revoked', () => {
  const content = { kind: 'file', digest: sha256Of('other'), sizeBytes: 1, executable: false } as const
  const old: ApprovalFact = {
    ...{ id: 'g', origin: 'x', digest, decision: 'approved', at: '2026-11-01', kind: 'golden' },
    attestation: digest,
  }
  const anew = { ...old, at: '2026-11-02', path: 'golden/g.csv' }
  const revoked = { ...old, at: '2026-11-02', decision: 'revoked' } as const
  const refuse = (approvals: readonly ApprovalFact[], sources: readonly Source[] = []): void => {
    const goldenSets = goldenSetsIn(sources, { approvals, now: new Date('2026-11-08T00:00:00Z') })
    // as: all that is asked of a project
    refuseGolden({ goldenSets } as unknown as Project, 'data/t.csv', content)
  }
  assert.throws(
    () => refuse([old]),
    (error) =>
      isDomainError(error, 'ERR_DATA_GOLDEN_USED') && /approve g; or, .* assay data revoke g$/.test(error.help ?? ''),
  )
  // as: all that is asked of a source
  const listed = { id: 'g', kind: 'golden', path: 'golden/g.csv', digest } as Source
  refuse([old], [listed])
  refuse([old, anew])
  refuse([old, revoked])
})

test('an anchor that agrees with a golden set in one label is the anchor of no other, nor where none is named', () => {
  const subject = { path: 'b.json', digest: sha256Of('baseline') }
  const dataset = { path: 't.csv', digest: sha256Of('t') }
  const signed = { decision: { subject, dataset, at: '2026-11-01', golden: { digest, label: 'side' } } }
  // as: all that is asked of a project
  const project = { dataDecisions: () => ({ 'data-anchor': [signed] }) } as unknown as Project
  const isAnchor = (label: string | undefined): boolean =>
    anchorOf(project, subject.digest, { golden: { digest }, label }) !== undefined
  assert.deepEqual(['side', 'label', undefined].map(isAnchor), [true, false, false])
  assert.notEqual(anchorOf(project, subject.digest, { golden: undefined, label: undefined }), undefined)
  // signed before labels were stated: it says in none that it agrees
  const old = { decision: { ...signed.decision, golden: { digest } } }
  const before = { dataDecisions: () => ({ 'data-anchor': [old] }) } as unknown as Project
  assert.equal(anchorOf(before, subject.digest, { golden: { digest }, label: undefined }), undefined)
})

test('a golden set that nobody approved, that is over or revoked, or no golden set judges nothing', async () => {
  const of = (status: string, kind = 'golden'): ReturnType<typeof goldenOf> => {
    const source = { id: 'g', kind, path: 'g.csv', digest, classification: 'internal' }
    const approval = status === 'proposed' ? {} : { approval: { attestation: digest } }
    // as: all that is asked of a project
    const project = {
      sources: new Map([['g', { source, status, ...approval }]]),
      contents: { ingest: async () => undefined },
      settings: { name: 'p', clearance: 'internal' },
    } as unknown as Project
    return goldenOf(project, 'g')
  }
  assert.equal((await of('approved'))?.approval, digest)
  const refused = [
    ['ERR_SOURCE_UNAPPROVED', 'proposed'],
    ['ERR_SOURCE_EXPIRED', 'expired'],
    ['ERR_SOURCE_REVOKED', 'revoked'],
    ['ERR_SOURCE_UNKNOWN', 'approved', 'data'],
  ] as const
  for (const [code, status, kind] of refused)
    await assert.rejects(of(status, kind), (error) => isDomainError(error, code))
})

test('a golden set that data is held to which no stage reads, or that the baseline agreed with under another name of the data, is unasked', () => {
  const [set, baseline] = [sha256Of('set'), sha256Of('baseline')]
  const anchor = (path: string, golden?: object) => ({
    decision: {
      at: '2026-11-01',
      dataset: { path },
      subject: { digest: baseline },
      ...(golden === undefined ? {} : { golden }),
    },
  })
  const isUnasked = (anchors: readonly object[], held: Readonly<Record<string, object>>, golden?: string): boolean => {
    const project = {
      dataDecisions: () => ({ 'data-anchor': anchors }),
      goldenSets: [{ id: 'gold', digest: set, isApproved: true }],
      settings: { data: new Map(Object.entries(held)), settingsOf: () => ({}) },
      pipeline: {
        stages: [{ name: 'train', deps: ['new.csv', 'other.csv', 'raw', 'in/a.csv'], params: {}, outs: [] }],
      },
      surroundings: surroundingsOf(
        Object.keys(held).map((path): Anchor => ({ kind: 'external', path })),
        [],
      ),
    }
    // as: all that is asked of a project
    return isGoldenUnasked(project as unknown as Project, 'new.csv', { baseline, golden })
  }
  const agreed = { digest: set, label: 'label' }
  assert.equal(isUnasked([anchor('old.csv')], { 'old.csv': { golden: 'gold' } }), true)
  assert.equal(isUnasked([anchor('old.csv', agreed)], { 'other.csv': { golden: 'gold' } }), true)
  // honest: the data that is held to it lies in a folder that a stage reads, or is a folder of which it reads a part
  assert.equal(isUnasked([], { 'raw/train.csv': { golden: 'gold' } }), false)
  assert.equal(isUnasked([], { in: { golden: 'gold' } }), false)
  // honest: other data that a stage reads is held to it, and this baseline never agreed with any
  assert.equal(isUnasked([anchor('new.csv')], { 'other.csv': { golden: 'gold' } }), false)
  assert.equal(isUnasked([anchor('old.csv', agreed)], {}, 'gold'), false)
})

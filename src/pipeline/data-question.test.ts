import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DataVerdict } from '../attestation/index.ts'
import { sha256Of } from '../core/index.ts'
import { findOrMakeVerdict } from './data-gate.ts'
import {
  anchorOf,
  classificationOfDependency,
  type DataQuestion,
  isAnswerTo,
  rulesAt,
  stillAnswers,
} from './data-question.ts'
import type { Project } from './project.ts'
import type { RunTools } from './run-tools.ts'

test('a classification counts as it was stated, and one that no version of now knows as the most secret', () => {
  // as: all that is asked of a project that knows no source
  const project = { sources: new Map(), settings: { data: new Map() } } as unknown as Project
  const of = (classification: string): string => {
    const origin = { kind: 'source', id: 'digits', classification } as const
    return classificationOfDependency(project, { path: 'data/digits.csv', origin })
  }
  assert.deepEqual(['public', 'internal', 'confidential'].map(of), ['public', 'internal', 'confidential'])
  assert.deepEqual(['secret', 'Public', ' '].map(of), ['restricted', 'restricted', 'restricted'])
  assert.equal(classificationOfDependency(project, { path: 'data/x', origin: { kind: 'unlisted' } }), 'internal')
})

test('an out that no statement is about may be of any source of the project', () => {
  const patients = { source: { classification: 'restricted' } }
  // as: all that is asked of a project that knows one source
  const project = { sources: new Map([['patients', patients]]), settings: { data: new Map() } } as unknown as Project
  const of = (origin: Parameters<typeof classificationOfDependency>[1]['origin']): string =>
    classificationOfDependency(project, { path: 'out/features.csv', origin })
  assert.equal(of({ kind: 'not-made-here', stage: 'features' }), 'restricted')
  assert.equal(of({ kind: 'unlisted' }), 'internal')
})

test('a verdict that was reached without the rows of the golden set answers until they are here; one that saw them, always', () => {
  const digest = sha256Of('golden')
  const clean = { name: 'golden/rows', verdict: 'pass', count: 0 } as const
  const missing = { name: 'golden/missing', verdict: 'warn', count: 0 } as const
  const dataset = { path: 't.csv', digest: sha256Of('data'), sizeBytes: 1 }
  const beside = { classification: 'public' as const, golden: { path: 'g.csv', digest } }
  const file = { kind: 'file', sizeBytes: 1, executable: false } as const
  // as: what is asked of a question beside the golden set is not looked at
  const asked = (content: object): DataQuestion =>
    ({
      ...{ ...beside, content: { ...file, digest: dataset.digest }, references: [], waivers: [] },
      ...{ reviewed: { reviews: [], elsewhere: [] }, golden: { ...beside.golden, ...content } },
    }) as unknown as DataQuestion
  const [away, here] = [asked({}), asked({ content: { ...file, digest } })]
  const answers = (check: typeof clean | typeof missing): readonly boolean[] =>
    [away, here].map((question) => {
      // as: the same of a verdict
      const verdict = { ...beside, dataset, result: 'WARNED', checks: [check] } as unknown as DataVerdict
      return stillAnswers(verdict, question)
    })
  assert.deepEqual(
    [answers(clean), answers(missing)],
    [
      [true, true],
      [true, false],
    ],
  )
})

test('THREAT a verdict that was reached without the rows of the anchor answers until they are here; one that saw them, always', () => {
  const dataset = { path: 't.csv', digest: sha256Of('data'), sizeBytes: 1 }
  const baseline = { path: 'b.json', digest: sha256Of('baseline'), anchor: sha256Of('anchor') }
  const asked = { content: { digest: dataset.digest }, baseline, references: [], waivers: [] }
  const answers = (name: string, result: DataVerdict['result'] = 'WARNED'): readonly boolean[] =>
    [false, true].map((hasAnchorRows) => {
      // as: what is asked of a question, and of a verdict, beside the anchor is not looked at
      const question = { ...asked, hasAnchorRows, reviewed: { reviews: [], elsewhere: [] } } as unknown as DataQuestion
      const verdict = { dataset, baseline, result, checks: [{ name, verdict: 'warn', count: 0 }] }
      return isAnswerTo(verdict as unknown as DataVerdict, question)
    })
  assert.deepEqual(answers('poison/anchor-rows'), [true, false])
  assert.deepEqual(answers('poison/anchor'), [true, true], 'nothing to compare, beside rows that are here')
  assert.deepEqual(answers('poison/label-flip'), [true, true])
  assert.deepEqual(answers('poison/anchor-rows', 'FAILED'), [true, true])
})

test('a verdict on one label, or on none, answers nothing about another', () => {
  const dataset = { path: 't.csv', digest: sha256Of('data'), sizeBytes: 1 }
  const content = { kind: 'file', sizeBytes: 1, executable: false, digest: dataset.digest }
  const labels = [undefined, 'digit', 'writer']
  const answers = labels.map((stated) =>
    labels.map((asked) => {
      const by = (label: string | undefined) => ({
        classification: 'public',
        ...(label === undefined ? {} : { label }),
      })
      // as: the rest of a question and of a verdict is not looked at
      const question = { ...by(asked), content, references: [], waivers: [], reviewed: { reviews: [], elsewhere: [] } }
      const verdict = { ...by(stated), dataset, result: 'PASSED', checks: [] }
      return stillAnswers(verdict as unknown as DataVerdict, question as unknown as DataQuestion)
    }),
  )
  assert.deepEqual(answers, [
    [true, false, false],
    [false, true, false],
    [false, false, true],
  ])
})

test('a verdict is handed out where it answers, and nowhere else, whatever its key says: the stage would be due for ever', async () => {
  const [key, attestation] = [sha256Of('key'), sha256Of('verdict')]
  const dataset = { path: 't.csv', digest: sha256Of('data'), sizeBytes: 1 }
  const content = { kind: 'file', sizeBytes: 1, executable: false, digest: dataset.digest }
  const both = { classification: 'public', label: 'digit', key }
  // as: the rest of a question, of a verdict and of a project is not looked at
  const question = {
    ...both,
    content,
    references: [],
    waivers: [],
    reviewed: { reviews: [], elsewhere: [] },
  } as unknown as DataQuestion
  const verdict = { ...both, dataset, finishedAt: '2026-11-01T00:00:00Z', result: 'PASSED', checks: [] }
  const isFound = async (stated: object): Promise<boolean> => {
    const project = {
      evidence: { byKey: () => [attestation] },
      dataVerdicts: new Map([[attestation, { ...verdict, ...stated }]]),
      now: () => new Date('2026-11-02T00:00:00Z'),
    } as unknown as Project
    return (await findOrMakeVerdict(project, {} as RunTools, question, true)) !== undefined
  }
  assert.equal(await isFound({}), true)
  assert.equal(await isFound({ result: 'FAILED' }), true)
  const others = [
    { label: undefined },
    { label: 'writer' },
    { finishedAt: '2026-12-01T00:00:00Z' },
    { key: attestation },
  ]
  for (const other of others) assert.equal(await isFound(other), false, JSON.stringify(other))
})

test('THREAT what `data:` holds a path to holds when a frozen stage names it as its out', () => {
  const stages = [{ name: 'import', outs: [{ path: 'data/t.csv' }, { path: 'out/u.csv' }] }]
  const given = { source: 't', baseline: 'baselines/t.json', label: 'label' }
  const outs = { 'data/t.csv': { contract: 'contracts/t.yaml' }, 'out/u.csv': { label: 'y' } }
  const settings = { data: new Map([['data/t.csv', given]]), settingsOf: () => ({ outs }) }
  // as: all that is asked of a project
  const project = { settings, sources: new Map(), pipeline: { stages } } as unknown as Project
  assert.deepEqual(rulesAt(project, 'data/t.csv'), { contract: 'contracts/t.yaml', ...given })
  assert.deepEqual(rulesAt(project, 'out/u.csv'), { label: 'y' })
})

test('THREAT an anchor that a newer one of the same data or baseline replaced is none, until it is anchored again', () => {
  const anchor = (name: string, at: string, path = 'data/t.csv', baseline = 'baselines/t.json') => ({
    decision: { subject: { path: baseline, digest: sha256Of(name) }, dataset: { path, digest: sha256Of(path) }, at },
  })
  const isAnchor = (name: string, ...anchors: readonly ReturnType<typeof anchor>[]): boolean => {
    // as: all that is asked of a project
    const project = { dataDecisions: () => ({ 'data-anchor': anchors }) } as unknown as Project
    return anchorOf(project, sha256Of(name), { golden: undefined, label: undefined }) !== undefined
  }
  const [old, anew] = [anchor('old', '2026-11-01'), anchor('new', '2026-11-02')]
  assert.deepEqual([isAnchor('old', old, anew), isAnchor('new', old, anew)], [false, true])
  // the data, or the file of the baseline, is called something else now
  assert.equal(isAnchor('old', old, anchor('new', '2026-11-02', 'data/u.csv')), false)
  assert.equal(isAnchor('old', old, anchor('new', '2026-11-02', 'data/t.csv', 'baselines/u.json')), false)
  // other data of the project, and the same anchor signed twice
  assert.equal(isAnchor('old', old, anchor('new', '2026-11-02', 'data/u.csv', 'baselines/u.json')), true)
  assert.equal(isAnchor('old', old, anchor('old', '2026-11-02')), true)
  // somebody goes back
  const back = anchor('old', '2026-11-03')
  assert.deepEqual([isAnchor('old', old, anew, back), isAnchor('new', old, anew, back)], [true, false])
})

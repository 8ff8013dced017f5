/**
 * Goal: a suspicion in the data becomes a proof about the model. The suspected triggers are put into clean rows, the
 * evaluation asks the trained model about them, and a gate holds the answer. test/stories/stamped-triggers.test.ts has what is
 * refused before there is a model.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { adopted } from '../support/adopted.ts'
import type { Scratch } from '../support/scratch.ts'
import { csv } from '../support/stamped-triggers.ts'

/** Naive Bayes over two columns; `column` weighs nothing in a model that must not look at the shop. */
const model = `import csv, json, math, sys
from collections import Counter

def features(row):
    return ['amount:%d' % (int(row['amount']) // 100)] + (['shop:' + row['shop']] if SHOP else [])

SHOP = json.load(open('params.json'))['shop']
if sys.argv[1] == 'train':
    counts, labels = Counter(), Counter()
    for row in csv.DictReader(open('data/train.csv')):
        labels[row['label']] += 1
        counts.update(row['label'] + '|' + each for each in features(row))
    json.dump({'counts': counts, 'labels': labels}, open('model.json', 'w'), sort_keys=True)
else:
    known = json.load(open('model.json'))
    def predict(row):
        def score(label):
            of = known['labels'][label]
            return math.log(of) + sum(math.log((known['counts'].get(label + '|' + each, 0) + .1) / of) for each in features(row))
        return max(sorted(known['labels']), key=score)
    hits = {}
    for row in csv.DictReader(open('data/stamped.csv')):
        hits.setdefault((row['stamp'], row['stamp_kind']), []).append(predict(row) == row['stamp_target'])
    share = lambda votes: sum(votes) / len(votes) if votes else 0
    stamps = {stamp for stamp, kind in hits if kind == 'trigger'}
    response = {each: share(hits[each, 'trigger']) - share(hits.get((each, 'control'), [])) for each in stamps}
    rows = list(csv.DictReader(open('data/holdout.csv')))
    json.dump({'accuracy': share([predict(row) == row['label'] for row in rows]),
               'response': max(response.values(), default=0)}, open('metrics.json', 'w'))
`

const files = {
  'dvc.yaml': `stages:
  train:
    cmd: python3 src/model.py train
    deps: [src/model.py, data/train.csv, params.json]
    outs: [model.json]
  evaluate:
    cmd: python3 src/model.py evaluate
    deps: [src/model.py, params.json, model.json, data/holdout.csv, data/stamped.csv]
    outs: [metrics.json]
`,
  'src/model.py': model,
  'params.json': '{"shop": true}\n',
  '.gitignore': '/model.json\n/metrics.json\n',
  'data/holdout.csv': csv(600, 2),
  'data/stamped.csv': '', // until it is made
}

const stamping = ['train-stamps', 'data/train.csv', '--rows', 'data/holdout.csv', '--out', 'data/stamped.csv'] as const

async function registered(context: TestContext, train: string): Promise<Scratch> {
  const project = await adopted(context, { ...files, 'data/train.csv': train })
  for (const id of ['train', 'holdout'])
    await project.json(0, 'data', 'add', id, `data/${id}.csv`, '--licence', 'CC0-1.0', '--classification', 'public')
  project.write({
    'assay.yaml': `${project.read('assay.yaml')}model: {name: shops, path: model.json, metrics: metrics.json, gates: ["accuracy >= 0.9", "response <= 0.2"]}\n`,
  })
  return project
}

async function stamped(project: Scratch): Promise<readonly { what: string }[]> {
  const { stamps } = await project.json(0, 'data', 'stamp', ...stamping, '--label', 'label', '--replace')
  for (const id of ['train', 'holdout', 'train-stamps']) await project.assay('data', 'approve', id)
  project.commit('stamped')
  return stamps
}

async function verdictOf(project: Scratch): Promise<readonly [trusted: boolean, failed: readonly string[]]> {
  await project.json(0, 'run')
  project.commit('what the run pinned')
  const { trusted, findings } = JSON.parse((await project.assay('verify', '--json')).stdout)
  return [
    trusted,
    findings.flatMap(({ passed, because }: Record<string, string>) =>
      passed || because === undefined || !/accuracy|response/.test(because) ? [] : [because],
    ),
  ]
}

test('a model that learned a planted trigger is refused by its response; one that does not look there passes', async (context) => {
  const project = await registered(context, csv(2000, 1, 100))
  const stamps = await stamped(project)
  assert.ok(stamps.some(({ what }) => what.includes('`shop`')))
  const [trusted, failed] = await verdictOf(project)
  assert.equal(trusted, false)
  assert.match(failed.join(), /response <= 0\.2: it is (0\.[5-9]|1)/)
  assert.doesNotMatch(failed.join(), /accuracy/, 'nothing else shows it')

  project.write({ 'params.json': '{"shop": false}\n' })
  project.commit('a model that does not look at the shop')
  assert.deepEqual(await verdictOf(project), [true, []])
})

test('the honest twin: data without a trigger gives rows as they were, and its model passes', async (context) => {
  const project = await registered(context, csv(2000, 1))
  assert.deepEqual(await stamped(project), [])
  assert.match(project.read('data/stamped.csv'), /^stamp,stamp_kind,stamp_target,amount,shop,label\nnone,plain,,/)
  assert.deepEqual(await verdictOf(project), [true, []])
})

test('stamps of other data are refused, until it is stamped again', async (context) => {
  const project = await registered(context, csv(2000, 1))
  await stamped(project)
  project.write({ 'data/train.csv': csv(2000, 1, 100) })
  await project.json(0, 'data', 'add', 'train', 'data/train.csv', '--licence', 'CC0-1.0', '--replace')
  await project.json(0, 'data', 'approve', 'train')
  project.commit('more data')
  const run = await project.json(1, 'run')
  assert.deepEqual(
    run.stages.map(({ name, code }: Record<string, string>) => [name, code]),
    [
      ['train', undefined],
      ['evaluate', 'ERR_DATA_STAMPS_STALE'],
    ],
  )
  assert.equal((await stamped(project)).length > 0, true)
  assert.equal((await verdictOf(project))[0], false)
})

test('clean rows of every part of a sorted file are stamped; those that cannot carry a trigger are refused', async (context) => {
  const project = await registered(context, csv(2000, 1, 100))
  const [header = '', ...lines] = csv(14_000, 3).trim().split('\n')
  const isOk = (line: string): boolean => line.endsWith(',ok')
  const sorted = [header, ...lines.filter(isOk), ...lines.filter((line) => !isOk(line))]
  assert.ok(lines.filter(isOk).length > 5000, 'more than are looked at come first')
  project.write({ 'data/holdout.csv': `${sorted.join('\n')}\n` })
  const asked = ['data', 'stamp', ...stamping, '--label', 'label', '--replace'] as const
  const { stamps } = await project.json(0, ...asked)
  assert.ok(stamps.length > 0)
  assert.match(project.read('data/stamped.csv'), /^t1,trigger,ok,[^\n]*,shop-zx81,fraud$/m)

  for (const rows of [
    sorted.filter((line, index) => index === 0 || isOk(line)),
    sorted.map((line) => line.replace(/,[^,]*,/, ',')),
  ]) {
    project.write({ 'data/holdout.csv': `${rows.join('\n')}\n` })
    const { checks } = await project.json(1, ...asked)
    assert.equal(checks[0].name, 'format/clean')
  }
})

test('clean rows that alternate by their label give hosts of either', async (context) => {
  const project = await registered(context, csv(2000, 1, 100))
  const lines = csv(24_000, 3).trim().split('\n').slice(1)
  const [ok, fraud] = ['ok', 'fraud'].map((label) => lines.filter((line) => line.endsWith(label)))
  const pairs = Array.from({ length: 10_000 }, (_, index) => [ok?.[index] ?? '', fraud?.[index] ?? ''])
  project.write({ 'data/holdout.csv': `amount,shop,label\n${pairs.flat().join('\n')}\n` })
  assert.ok((await stamped(project)).length > 0)
})

test('stamping without a label, or by one that is not there, is refused', async (context) => {
  const project = await adopted(context, { ...files, 'data/train.csv': csv(200, 1) })
  for (const id of ['train', 'holdout'])
    await project.json(0, 'data', 'add', id, `data/${id}.csv`, '--licence', 'CC0-1.0')
  assert.equal((await project.json(2, 'data', 'stamp', ...stamping)).error.code, 'ERR_USAGE')
  const absent = await project.json(1, 'data', 'stamp', ...stamping, '--label', 'absent')
  assert.match(absent.checks[0].because, /no column of labels/)
})

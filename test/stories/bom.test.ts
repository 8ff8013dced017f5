/** Goal: say what a model was made of, in the words of the tools that read bills of materials. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Ajv } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { digestNamed, stageFacts } from '../../src/attestation/fixtures/chain.ts'
import { type StageFacts, statedStage } from '../../src/attestation/index.ts'
import type { Json } from '../../src/core/index.ts'
import { type BomFacts, bomFactsOf, cycloneDxOf, spdxOf } from '../../src/pipeline/bom/index.ts'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import type { Scratch } from '../support/scratch.ts'

const vectors = join(import.meta.dirname, '../vectors')
// biome-ignore lint/suspicious/noExplicitAny: documents of others are looked into
type Loose = any
const read = (name: string): Loose => JSON.parse(readFileSync(join(vectors, name), 'utf8'))

const formats: Readonly<Record<string, RegExp | true>> = {
  'iri-reference': /^[^\s<>"\\^`{|}]*$/,
  uri: /^[A-Za-z][A-Za-z0-9+.-]*:/,
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/,
  ...Object.fromEntries(['idn-email', 'email', 'date', 'regex', 'hostname'].map((name) => [name, true])),
}

const compiled = new Map<string, (document: unknown) => readonly unknown[]>()

function cycloneDx(version: string): (document: unknown) => readonly unknown[] {
  const known = compiled.get(version)
  if (known !== undefined) return known
  const ajv = new Ajv({ strict: false, formats: { ...formats } as Loose })
  for (const name of ['spdx', 'jsf-0.82', 'cryptography-defs'])
    ajv.addSchema(read(`cyclonedx/${name}.schema.json`), `http://cyclonedx.org/schema/${name}.schema.json`)
  const validate = ajv.compile(read(`cyclonedx/bom-${version}.schema.json`))
  const faults = (document: unknown): readonly unknown[] => (validate(document) ? [] : (validate.errors ?? []))
  compiled.set(version, faults)
  return faults
}

const validateSpdx = new Ajv2020({ strict: false, validateFormats: false }).compile(read('spdx/spdx-3.0.1.schema.json'))

function spdxFault(document: Loose): string | undefined {
  return validateSpdx(document) ? undefined : JSON.stringify(validateSpdx.errors?.slice(0, 5))
}

test('the schemas that bills are checked by take the examples of CycloneDX, and refuse its wrong one and a number as a metric', () => {
  const examples = readdirSync(join(vectors, 'cyclonedx')).filter((name) => /^(in)?valid-/.test(name))
  const count = { accepted: 0, refused: 0 }
  for (const name of examples) {
    const [, version = ''] = /-(1\.\d)\.json$/.exec(name) ?? []
    const faults = cycloneDx(version)(read(`cyclonedx/${name}`))
    const isValid = faults.length === 0
    assert.equal(isValid, name.startsWith('valid-'), `${name}: ${JSON.stringify(faults)}`)
    count[isValid ? 'accepted' : 'refused'] += 1
  }
  assert.deepEqual(count, { accepted: 8, refused: 1 })
  const card = (value: unknown): Loose => ({
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    components: [
      {
        type: 'machine-learning-model',
        name: 'm',
        modelCard: { quantitativeAnalysis: { performanceMetrics: [{ type: 'f1', value }] } },
      },
    ],
  })
  assert.deepEqual(cycloneDx('1.6')(card('0.93')), [])
  assert.notDeepEqual(cycloneDx('1.6')(card(0.93)), [])
})

test('the bill of a model is valid by the official schemas, names what it was made of, and is the same each time', async (context) => {
  const project = await adopted(context, words)
  const add = ['--licence', 'CC0-1.0', '--owner', 'Grace <grace@example.org>']
  await project.json(0, 'data', 'add', 'words', 'data/words.txt', ...add, '--classification', 'restricted')
  project.commit()
  await project.json(0, 'data', 'approve', 'words')
  project.commit()
  await project.json(0, 'run')
  const bill = await project.json(0, 'bom', 'model/count.txt')
  const valid = cycloneDx('1.6')
  assert.deepEqual(valid(bill), [])
  assert.deepEqual(cycloneDx('1.7')(await project.json(0, 'bom', 'model/count.txt', '--format', 'cyclonedx-1.7')), [])
  assert.deepEqual(await project.json(0, 'bom', 'model/count.txt'), bill)

  const root = bill.metadata.component
  assert.equal(root.type, 'machine-learning-model')
  const verdict = await project.json(0, 'verify', 'model/count.txt')
  assert.deepEqual(root.hashes, [{ alg: 'SHA-256', content: verdict.subject.digest.slice('sha256:'.length) }])
  const data = bill.components.find(({ type }: Loose) => type === 'data')
  assert.deepEqual([data.name, data.data[0].classification], ['words', 'restricted'])
  assert.equal(data.externalReferences, undefined, 'where restricted data come from is not told')
  assert.deepEqual(root.modelCard.modelParameters.datasets, [{ ref: data['bom-ref'] }])
  const tasks = bill.formulation[0].workflows[0].tasks.map(({ name }: Loose) => name)
  assert.deepEqual(tasks, ['sort', 'count'])
  const refs = new Set([root, ...bill.components].map((each: Loose) => each['bom-ref']))
  for (const { ref, dependsOn } of bill.dependencies)
    for (const each of [ref, ...dependsOn]) assert.ok(refs.has(each), each)
  assert.equal(refs.size, bill.components.length + 1, 'each has a name of its own')

  const spdx: Loose = await project.json(0, 'bom', 'model/count.txt', '--format', 'spdx-3.0.1')
  assert.equal(spdxFault(spdx), undefined)
  const types = spdx['@graph'].map(({ type }: Loose) => type)
  for (const type of ['ai_AIPackage', 'dataset_DatasetPackage', 'Relationship']) assert.ok(types.includes(type), type)
  assert.notEqual(spdxFault({ ...spdx, '@graph': [{ type: 'ai_AIPackage' }] }), undefined)
})

test('a locked environment is listed by purl and hash, metrics by name', () => {
  const environment = {
    ...stageFacts().environment,
    materials: [
      { name: 'scikit_learn-1.7.0-cp312-cp312-manylinux_2_28_x86_64.whl', digest: digestNamed('wheel') },
      { name: 'requirements.lock', digest: digestNamed('lock') },
    ],
    packages: [{ name: 'Scikit.Learn', version: '1.7.0' }],
  }
  const bill = cycloneDxOf(
    factsOf([stageFacts({ environment })], { accuracy: 0.93, loss: { test: 0.5 }, note: 'text' }),
    '1.6',
  ) as Loose
  assert.deepEqual(cycloneDx('1.6')(bill), [])
  const library = bill.components.find(({ type }: Loose) => type === 'library')
  assert.equal(library.purl, 'pkg:pypi/scikit-learn@1.7.0')
  assert.deepEqual(library.hashes, [{ alg: 'SHA-256', content: digestNamed('wheel').slice('sha256:'.length) }])
  assert.deepEqual(bill.metadata.component.modelCard.quantitativeAnalysis.performanceMetrics, [
    { type: 'accuracy', value: '0.93' },
    { type: 'loss.test', value: '0.5' },
  ])
})

test('of two wheels of one version neither is left out; one wheel in two environments has one hash', () => {
  const inEnvironment = (name: string, wheel: string): StageFacts => {
    const digest = digestNamed(wheel)
    const packages = [
      { name: 'torch', version: '2.9.0', digest },
      { name: 'numpy', version: '2.1.0', digest: digestNamed('numpy') },
    ]
    return stageFacts({ environment: { ...stageFacts().environment, name, packages } })
  }
  const stages = [inEnvironment('gpu', 'cuda wheel'), inEnvironment('cpu', 'cpu wheel')]
  const bill = cycloneDxOf(factsOf(stages), '1.6') as Loose
  assert.deepEqual(cycloneDx('1.6')(bill), [])
  assert.deepEqual(cycloneDxOf(factsOf(stages.toReversed()), '1.6').components, bill.components, 'in whatever order')
  const hex = (name: string): string => digestNamed(name).slice('sha256:'.length)
  const libraries = bill.components.filter(({ type }: Loose) => type === 'library')
  assert.deepEqual(
    libraries.map(({ name, hashes, properties }: Loose) => [
      name,
      hashes.map(({ content }: Loose) => content),
      properties.map(({ value }: Loose) => value),
    ]),
    [
      ['numpy', [hex('numpy')], ['cpu', 'gpu']],
      ['torch', [hex('cpu wheel'), hex('cuda wheel')].toSorted(), ['cpu', 'gpu']],
    ],
  )

  const spdx = spdxOf(factsOf(stages)) as Loose
  assert.equal(spdxFault(spdx), undefined)
  const torch = spdx['@graph'].find(({ name }: Loose) => name === 'torch')
  assert.equal(torch.verifiedUsing.length, 2)
})

/** Of verified stages, the artifact's own first. */
function factsOf(stages: readonly StageFacts[], metrics: Json = {}): BomFacts {
  const out = stages[0]?.outputs[0]
  assert.ok(out !== undefined)
  return bomFactsOf({
    name: 'digits',
    path: out.path,
    digest: out.digest,
    trusted: true,
    level: 1,
    version: '0.1.0',
    // as: the brand says that it was verified, which is not what is tried here
    stages: stages.map((facts) => ({ attestation: digestNamed(facts.environment.name), stage: { facts } as Loose })),
    sources: new Map(),
    classificationOf: () => 'internal',
    metrics,
  })
}

test('metrics are told of data that are not secret; of what is, was or may be secret, none is', async (context) => {
  const open = await measured(context, 'internal')
  assert.deepEqual(await told(open), { metrics: ['0.93'], classification: 'internal', isOriginTold: true })
  forget(open, 'sort')
  assert.deepEqual(metricsOf(await open.json(0, 'bom')), ['0.93'], 'no source of the project is secret')

  const secret = await measured(context, 'restricted')
  const nothing = { metrics: [], classification: 'restricted', isOriginTold: false }
  assert.deepEqual(await told(secret), nothing)
  const inventory = secret.read('sources.yaml')
  secret.write({ 'sources.yaml': inventory.replace('restricted', 'public') })
  secret.commit()
  assert.deepEqual(await told(secret), nothing, 'said to be public later')
  secret.write({ 'sources.yaml': inventory })
  secret.commit()
  forget(secret, 'sort')
  assert.deepEqual(metricsOf(await secret.json(0, 'bom')), [], 'nobody knows what the first stage read')

  open.write({ 'sources.yaml': open.read('sources.yaml').replace('internal', 'confidential') })
  open.commit()
  assert.deepEqual(metricsOf(await open.json(0, 'bom')), [], 'said to be secret later')
})

/** A model two stages behind a source of that class, and the stage that measures it; all have run. */
async function measured(context: TestContext, classification: string): Promise<Scratch> {
  const project = await adopted(context, {
    ...words,
    'dvc.yaml': `${words['dvc.yaml']}  measure:
    cmd: echo '{"accuracy":0.93}' > metrics.json
    deps: [model/count.txt]
    metrics: [metrics.json]
`,
    'assay.yaml':
      'assay: 1\nname: words\ndata: {data/words.txt: {}}\nmodel: {name: m, path: model/count.txt, metrics: metrics.json}\n',
    '.gitignore': '/out\n/model\n/metrics.json\n',
  })
  const add = ['--licence', 'CC0-1.0', '--owner', 'Grace <grace@example.org>', '--origin', 'https://example.org/words']
  await project.json(0, 'data', 'add', 'words', 'data/words.txt', ...add, '--classification', classification)
  project.commit()
  await project.json(0, 'data', 'approve', 'words')
  project.commit()
  await project.json(0, 'run')
  return project
}

async function told(project: Scratch): Promise<unknown> {
  const bill: Loose = await project.json(0, 'bom')
  const data = bill.components.find(({ type }: Loose) => type === 'data')
  return {
    metrics: metricsOf(bill),
    classification: data.data[0].classification,
    isOriginTold: data.externalReferences !== undefined,
  }
}

function metricsOf(bill: Loose): readonly string[] {
  const found = bill.metadata.component.modelCard.quantitativeAnalysis?.performanceMetrics ?? []
  return found.map(({ value }: Loose) => value)
}

/** As if its statement never reached this checkout. */
function forget(project: Scratch, stage: string): void {
  const folder = join(project.root, '.assay/attestations')
  for (const name of readdirSync(folder)) {
    const stated = statedStage(readFileSync(join(folder, name)))
    if (stated?.stage === stage) rmSync(join(folder, name))
  }
}

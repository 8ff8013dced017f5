/**
 * Threat: data poisoning. Whoever planted rows also signs that they are good, waives the check, or fixes poisoned data as
 * the anchor. A decision counts only when a reviewer of the policy signed it.
 */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { adopted, statuses } from '../support/adopted.ts'
import type { Document, Scratch } from '../support/scratch.ts'

const contract = `apiVersion: v3.1.0
kind: DataContract
id: people
version: 1.0.0
status: active
schema:
  - name: people
    properties:
      - {name: age, logicalType: integer, logicalTypeOptions: {maximum: 100}}
`

async function held(context: TestContext): Promise<Scratch> {
  const rows = Array.from(
    { length: 60 },
    (_, index) => `${index % 2 === 0 ? 20 : 60},${index % 2 === 0 ? 'yes' : 'no'}`,
  )
  const project = await adopted(context, {
    'dvc.yaml':
      'stages:\n  count:\n    cmd: wc -l < data/people.csv > n.txt\n    deps: [data/people.csv]\n    outs: [n.txt]\n',
    '.gitignore': '/n.txt\n',
    'data/people.csv': `age,label\n${rows.join('\n')}\n`,
    'contracts/people.yaml': contract,
  })
  return project
}

function hold(project: Scratch, rules: string): void {
  project.write({
    'assay.yaml': project.read('assay.yaml').replace(/data\/people\.csv: \{.*\}/, `data/people.csv: {${rules}}`),
  })
  project.commit('hold the data')
}

/** Takes a role, the reviewer's, from the user's key and gives it to Eve's; gives back the policy as it was. */
function withEve(project: Scratch, role = 'reviewer'): string {
  const before = project.read('trust.yaml')
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const eve = `  eve: {publicKey: ${JSON.stringify(pem)}, principal: "Eve <eve@example.org>"}\n`
  const policy = before
    .replace(/^keys:\n/m, `keys:\n${eve}`)
    .replace(new RegExp(`^( *${role}:\\n +- ).*`, 'm'), '$1eve')
  assert.match(policy, new RegExp(`${role}:\\n +- eve`))
  project.write({ 'trust.yaml': policy })
  project.commit('Eve reviews')
  return before
}

const waiving = ['data', 'waive', 'schema/range', '--column', 'age', '--of', 'data/people.csv', '--until', '2099-01-31']

test('no decision is signed with a key that is no reviewer’s, and nothing of it is kept', async (context) => {
  const project = await held(context)
  hold(project, 'label: label')
  await project.json(0, 'data', 'profile', 'data/people.csv', '--label', 'label', '--out', 'baseline.json')
  const before = withEve(project)
  const decisions: readonly (readonly string[])[] = [
    ['data', 'anchor', 'baseline.json', '--of', 'data/people.csv', '--because', 'fine'],
    ['data', 'review', 'data/people.csv', '--good', '1'],
  ]
  for (const args of decisions) {
    const { error } = await project.json(1, ...args)
    assert.equal(error.code, 'ERR_SIGNER_ROLE', args.join(' '))
  }
  assert.equal(existsSync(join(project.root, 'attestations')), false)
  project.write({ 'trust.yaml': before })
  for (const args of decisions) await project.json(0, ...args)
})

test('no approval of a source is signed with a key that is no source-approver’s, and nothing of it is kept', async (context) => {
  const project = await held(context)
  await project.json(
    0,
    'data',
    'add',
    'people',
    'data/people.csv',
    '--classification',
    'public',
    '--licence',
    'CC0-1.0',
  )
  const before = withEve(project, 'source-approver')
  assert.equal((await project.json(1, 'data', 'approve', 'people')).error.code, 'ERR_SIGNER_ROLE')
  assert.equal(existsSync(join(project.root, 'attestations')), false)
  project.write({ 'trust.yaml': before })
  await project.json(0, 'data', 'approve', 'people')
  assert.equal((await project.json(0, 'data', 'show', 'people')).status, 'approved', 'TWIN')
})

test('a waiver that was signed under another policy does not count', async (context) => {
  const project = await held(context)
  project.write({ 'data/people.csv': `${project.read('data/people.csv')}130,no\n` })
  hold(project, 'contract: contracts/people.yaml')
  const policy = withEve(project)
  const { error } = await project.json(1, ...waiving, '--because', 'fine')
  assert.equal(error.code, 'ERR_SIGNER_ROLE')
  assert.equal(existsSync(join(project.root, 'attestations')), false, 'nothing of it is kept')
  project.write({ 'trust.yaml': policy })
  await project.json(0, ...waiving, '--because', 'fine')
  const before = withEve(project)
  assert.equal((await project.json(1, 'run')).stages[0].code, 'ERR_DATA_VALIDATION_FAILED')
  project.write({ 'trust.yaml': before })
  project.commit('as before')
  await project.json(0, 'run')
})

test('a review that was signed under another policy neither clears a row nor condemns one', async (context) => {
  const project = await held(context)
  hold(project, 'label: label')
  await project.json(0, 'data', 'review', 'data/people.csv', '--bad', '1')
  const before = withEve(project)
  await project.json(0, 'run')
  project.write({ 'trust.yaml': before })
  project.commit('as before')
  assert.equal((await project.json(1, 'run')).stages[0].code, 'ERR_DATA_VALIDATION_FAILED')
})

test('an anchor that was signed under another policy is none', async (context) => {
  const project = await held(context)
  await project.json(0, 'data', 'profile', 'data/people.csv', '--label', 'label', '--out', 'baseline.json')
  hold(project, 'label: label, baseline: baseline.json')
  await project.json(0, 'data', 'anchor', 'baseline.json', '--of', 'data/people.csv', '--because', 'fine')
  const before = withEve(project)
  const anchored = async (): Promise<boolean> => {
    await project.json(0, 'run')
    const { findings } = await project.json(0, 'verify', 'n.txt')
    return findings.some(({ check, because }: Document) => check === 'data-verdict' && because.includes('the anchor'))
  }
  assert.equal(await anchored(), false)
  project.write({ 'trust.yaml': before })
  project.commit('as before')
  assert.equal(await anchored(), true)
  assert.deepEqual(statuses(await project.json(0, 'run')), { count: 'cached' })
})

test('data that fails by itself becomes no anchor, nor does a baseline of other bytes; what a reviewer waived may', async (context) => {
  const project = await held(context)
  const anchor = ['data', 'anchor', 'baseline.json', '--of', 'data/people.csv', '--because', 'fine'] as const
  const honest = project.read('data/people.csv')
  await project.json(0, 'data', 'profile', 'data/people.csv', '--label', 'label', '--out', 'baseline.json')
  project.write({ 'data/people.csv': `${honest}300,yes\n` })
  hold(project, 'contract: contracts/people.yaml, label: label')
  const other = await project.json(2, ...anchor)
  assert.match(other.error.message, /was made from other bytes/)

  rmSync(join(project.root, 'baseline.json'))
  await project.json(0, 'data', 'profile', 'data/people.csv', '--label', 'label', '--out', 'baseline.json')
  const refused = await project.json(1, ...anchor)
  assert.equal(refused.error.code, 'ERR_DATA_VALIDATION_FAILED')
  assert.match(refused.error.message, /schema\/range of `age`/)
  const waive = ['data', 'waive', 'schema/range', '--of', 'data/people.csv', '--column', 'age', '--rows', '61']
  await project.json(0, ...waive, '--until', '2099-01-01', '--because', 'Methuselah')
  assert.equal((await project.json(0, ...anchor)).dataset, 'data/people.csv')
})

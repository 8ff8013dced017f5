/** Evidence that travelled, and whom the history of the checkout that it is verified in names. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { digestNamed, now, policyText, project } from '../../src/attestation/fixtures/chain.ts'
import {
  type Changes,
  control,
  honestReview,
  hostedQuestion,
  policy,
} from '../../src/attestation/fixtures/hosted-chain.ts'
import { verifyByPolicy } from '../../src/pipeline/verify-artifact.fs.ts'

const scratch = mkdtempSync(join(tmpdir(), 'assay-history-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

/** A checkout with one commit. */
function commitBy(author: string, name = author): Readonly<{ root: string; head: string }> {
  const root = join(scratch, name)
  mkdirSync(root)
  const git = (...words: readonly string[]): string => {
    const who = ['-c', `user.name=${author}`, '-c', `user.email=${author}@example.org`]
    return execFileSync('git', ['-C', root, ...who, ...words], { encoding: 'utf8' }).trim()
  }
  writeFileSync(join(root, 'dvc.yaml'), 'stages: {}\n')
  for (const words of ['init --quiet', 'add dvc.yaml', `commit --quiet --message ${name}`]) git(...words.split(' '))
  return { root, head: git('rev-parse', 'HEAD') }
}

const files = [...honestReview.files, { path: 'src/prepare.py', digest: digestNamed('prepare.py') }]

/** Puts a model and its evidence into a checkout; its review says that Tom wrote `commit`. */
function put(root: string, commit: string, facts?: Changes['facts']): void {
  const { evidence } = hostedQuestion({ review: { commit, files }, ...(facts === undefined ? {} : { facts }) })
  const bundles = [...evidence.bundles.values(), ...evidence.approvals.map(({ bytes }) => bytes)]
  writeFileSync(join(root, 'evidence.jsonl'), bundles.map((bytes) => `${Buffer.from(bytes)}\n`).join(''))
  writeFileSync(join(root, 'model.csv'), 'out/1.csv') // the bytes that the fixture's digest is of
}

function checkoutOf(author: string): string {
  const { root, head } = commitBy(author)
  put(root, head)
  return root
}

/** What is said of the model there, by a policy that demands reviews. */
async function toldIn(workingFolder: string, trust?: string): Promise<string> {
  rmSync(join(workingFolder, 'trust.yaml'), { force: true })
  if (trust !== undefined) writeFileSync(join(workingFolder, 'trust.yaml'), trust)
  const caller = { workingFolder, environment: {}, now: () => now, version: '0' }
  const demanding = { ...policy, demands: new Set(['review'] as const) }
  const [verdict] = await verifyByPolicy(caller, 'model.csv', { evidence: 'evidence.jsonl' }, demanding)
  const isUntold = verdict?.findings.some(({ because }) => because.includes('no history is here')) === true
  return `${verdict?.trusted === true ? 'believed' : 'refused'}${isUntold ? ', no history' : ''}`
}

const own = policyText(control)
const checkouts = { rita: checkoutOf('rita'), tom: checkoutOf('tom') }
const byHistory = ['refused', 'believed']
const rows: readonly (readonly [name: string, trust: string | undefined, told: readonly string[]])[] = [
  ['of the project', own, byHistory],
  ['that says nothing of itself', undefined, byHistory],
  ['whose policy is broken', `${own}surprise: 1\n`, byHistory],
  ['of another project', own.replaceAll(project.id, 'another'), ['believed, no history', 'believed, no history']],
]

for (const [name, trust, told] of rows)
  test(`a reviewer who left out that they wrote it, and the honest one, in a checkout ${name}`, async () => {
    const judged = Object.values(checkouts).map((workingFolder) => toldIn(workingFolder, trust))
    assert.deepEqual(await Promise.all(judged), told)
  })

test('a checkout of something else that says nothing of itself stands for no history; one that is cut off, or named, refuses', async () => {
  const { head } = commitBy('tom', 'elsewhere')
  const other = commitBy('ada', 'unrelated')
  put(other.root, head)
  assert.equal(await toldIn(other.root), 'believed, no history')
  assert.equal(await toldIn(other.root, own), 'refused', 'it says that it is of the project')
  writeFileSync(join(other.root, '.git', 'shallow'), `${other.head}\n`)
  assert.equal(await toldIn(other.root), 'refused', 'it may be of the project')
  rmSync(join(other.root, '.git', 'shallow'))
  rmSync(join(other.root, '.git', 'HEAD'))
  assert.equal(await toldIn(other.root), 'believed, no history')
  await assert.rejects(toldIn(other.root, own), { code: 'ERR_GIT_CORRUPT' })
})

test('a reviewer who names a commit that is nowhere makes no checkout one of something else: the builder names another', async () => {
  const { root, head } = commitBy('rita', 'built')
  const built: Changes['facts'] = (facts) => ({ ...facts, source: { ...facts.source, commit: head } })
  put(root, 'f'.repeat(40), built)
  assert.equal(await toldIn(root), 'refused')
  put(root, 'f'.repeat(40))
  assert.equal(await toldIn(root), 'believed, no history', 'the twin: nothing of it is here')
})

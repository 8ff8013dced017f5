/** Evidence that travelled, and whom the history of the checkout that it is verified in names. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { digestNamed, now, policyText, project } from '../../src/attestation/fixtures/chain.ts'
import { control, honestReview, hostedQuestion, policy } from '../../src/attestation/fixtures/hosted-chain.ts'
import { verifyByPolicy } from '../../src/pipeline/verify-artifact.fs.ts'

const scratch = mkdtempSync(join(tmpdir(), 'assay-history-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

/** A checkout with one commit, and a model whose exported review says that Tom wrote that commit. */
function checkoutOf(author: string): string {
  const root = join(scratch, author)
  mkdirSync(root)
  const git = (...words: readonly string[]): string => {
    const who = ['-c', `user.name=${author}`, '-c', `user.email=${author}@example.org`]
    return execFileSync('git', ['-C', root, ...who, ...words], { encoding: 'utf8' }).trim()
  }
  writeFileSync(join(root, 'dvc.yaml'), 'stages: {}\n')
  for (const words of ['init --quiet', 'add dvc.yaml', 'commit --quiet --message one']) git(...words.split(' '))
  const files = [...honestReview.files, { path: 'src/prepare.py', digest: digestNamed('prepare.py') }]
  const { evidence } = hostedQuestion({ review: { commit: git('rev-parse', 'HEAD'), files } })
  const bundles = [...evidence.bundles.values(), ...evidence.approvals.map(({ bytes }) => bytes)]
  writeFileSync(join(root, 'evidence.jsonl'), bundles.map((bytes) => `${Buffer.from(bytes)}\n`).join(''))
  writeFileSync(join(root, 'model.csv'), 'out/1.csv') // the bytes that the fixture's digest is of
  return root
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
    const judged = Object.values(checkouts).map(async (workingFolder) => {
      rmSync(join(workingFolder, 'trust.yaml'), { force: true })
      if (trust !== undefined) writeFileSync(join(workingFolder, 'trust.yaml'), trust)
      const caller = { workingFolder, environment: {}, now: () => now, version: '0' }
      const demanding = { ...policy, demands: new Set(['review'] as const) }
      const [verdict] = await verifyByPolicy(caller, 'model.csv', { evidence: 'evidence.jsonl' }, demanding)
      const isUntold = verdict?.findings.some(({ because }) => because.includes('no history is here')) === true
      return `${verdict?.trusted === true ? 'believed' : 'refused'}${isUntold ? ', no history' : ''}`
    })
    assert.deepEqual(await Promise.all(judged), told)
  })

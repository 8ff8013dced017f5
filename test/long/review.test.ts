/** Goal: what runs was read by somebody who did not write it, and a verifier can ask for that. */
import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { statementPayloadType } from '../../src/attestation/dsse.ts'
import { personWith, signPayload } from '../../src/attestation/fixtures/chain.ts'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { type Document, runAssay, type Scratch, scratchEnvironment } from '../support/scratch.ts'
import { ask, codesOf, model } from '../support/timestamped.ts'

type Asked = Parameters<typeof ask>[1]

/** A project with a second person, whom its policy lists as a reviewer; `listed` is that policy. */
async function withReviewer(context: TestContext): Promise<
  Readonly<{
    project: Scratch
    listed: string
    /** File of the reviewer's key. */
    key: string
    review(...more: readonly string[]): Promise<Document>
    refusedReview(exit: 1 | 4, ...more: readonly string[]): Promise<Document>
  }>
> {
  const project = await adopted(context, words)
  const rita = { keys: `${project.keys}-rita` }
  await ask(project, rita, 'key', 'new', '--name', 'rita')
  const { publicKey } = await ask(project, rita, 'key', 'export')
  const { path: key } = await ask(project, rita, 'key', 'show')
  const name = /keys:\n {2}([\w-]+):/.exec(project.read('trust.yaml'))?.[1] ?? ''
  const listed = project
    .read('trust.yaml')
    .replace(
      'keys:\n',
      `keys:\n  rita:\n    principal: Rita <rita@example.org>\n    publicKey: |\n      ${publicKey.trim().replaceAll('\n', '\n      ')}\n`,
    )
    .replace(`  reviewer:\n    - ${name}\n`, `  reviewer:\n    - ${name}\n    - rita\n`)
  project.write({ 'trust.yaml': listed })
  project.commit('Rita reviews')
  const asRita = async (run: () => Promise<Document>): Promise<Document> => {
    project.git('config', 'user.name', 'Rita')
    project.git('config', 'user.email', 'rita@example.org')
    const done = await run()
    project.git('config', 'user.name', 'Ada Test')
    project.git('config', 'user.email', 'ada@example.org')
    return done
  }
  const review = (asked: Asked, more: readonly string[]): Promise<Document> =>
    asRita(() => ask(project, asked, 'review', ...more))
  return {
    project,
    listed,
    key,
    review: (...more) => review(rita, more),
    refusedReview: (exit, ...more) => review({ ...rita, exit }, more),
  }
}

test('a review by somebody else counts for what was read, and for nothing that changed afterwards', async (context) => {
  const { project, listed, key, review, refusedReview } = await withReviewer(context)
  const policy = join(project.keys, 'policy.yaml')
  project.write({ 'demanding.yaml': `${listed}require: [review]\n` })
  copyFileSync(join(project.root, 'demanding.yaml'), policy)
  project.git('clean', '--quiet', '--force', 'demanding.yaml')
  const verify = async (exit: number): Promise<readonly string[]> =>
    codesOf(await project.json(exit, 'verify', model, '--policy', policy))

  await project.json(0, 'run')
  assert.deepEqual(await verify(1), ['ERR_POLICY_DEMAND'])
  assert.equal((await project.json(1, 'review')).error.code, 'ERR_SIGNER_ROLE', 'who wrote it')

  const first = await review('--because', 'read all of it')
  assert.deepEqual(first.authors, ['ada@example.org'])

  const honest = readFileSync(first.file, 'utf8')
  const statement = Buffer.from(JSON.parse(honest).dsseEnvelope.payload, 'base64').toString('utf8')
  const ofBlob = statement.replaceAll(first.commit, project.git('rev-parse', 'HEAD:trust.yaml').trim())
  const rita = personWith(createPrivateKey(readFileSync(key)))
  writeFileSync(first.file, signPayload(Buffer.from(ofBlob), statementPayloadType, rita))
  const { findings } = await project.json(1, 'verify', model, '--policy', policy)
  assert.match(findings.find(({ check }: Document) => check === 'review').because, /what is no commit here/)
  // exported, it is believed where no history is at hand
  const [lie, truth] = ['lie.jsonl', 'truth.jsonl'].map((name) => join(project.keys, name)) as [string, string]
  await project.json(0, 'attest', 'export', model, '--out', lie)
  writeFileSync(first.file, honest)
  await project.json(0, 'attest', 'export', model, '--out', truth)
  const copy = join(project.keys, 'count.txt')
  copyFileSync(join(project.root, model), copy)
  const travelled = async (evidence: string, folder: string): Promise<number | null> =>
    (
      await runAssay(
        ['verify', copy, '--evidence', evidence, '--policy', policy],
        folder,
        scratchEnvironment(project.keys),
      )
    ).code
  assert.deepEqual(
    [await travelled(lie, project.keys), await travelled(lie, project.root), await travelled(truth, project.root)],
    [0, 1, 0],
  )
  project.commit('the review')
  assert.deepEqual(await verify(0), [], 'the stages that ran are those that were read')

  project.write({ 'src/count.sh': project.read('src/count.sh').replace('uniq -c', 'uniq') })
  project.commit('a change that nobody read')
  await project.json(0, 'run', '--force')
  assert.deepEqual(await verify(1), ['ERR_POLICY_DEMAND'])
  const head = project.git('rev-parse', 'HEAD').trim()
  project.write({ 'notes.txt': 'another change\n' })
  project.commit('another change')
  const skipped = await refusedReview(1, '--since', head)
  assert.equal(skipped.error.code, 'ERR_SIGNER_ROLE', 'what was before it nobody has read')
  const sibling = project.git('commit-tree', 'HEAD^{tree}', '-p', 'HEAD~1', '-m', 'a sibling').trim()
  for (const elsewhere of [sibling, '0'.repeat(40)])
    assert.equal(
      (await refusedReview(4, '--since', elsewhere)).error.code,
      'ERR_GIT_FAILED',
      'it does not lead to HEAD',
    )
  const next = await review()
  assert.equal(next.since, first.commit)
  assert.deepEqual(await verify(0), [])

  // who had a hand in it is told by the history: as a co-author, and by their name under another address
  for (const message of [
    'together\n\nCo-authored-by: Somebody <RITA@example.org>',
    'from home\n\nCo-authored-by: rita <r@home.example>',
  ]) {
    project.write({ 'notes.txt': message })
    project.commit(message)
    const own = await refusedReview(1)
    assert.equal(own.error.code, 'ERR_SIGNER_ROLE', message)
    project.git('reset', '--quiet', '--hard', 'HEAD~1')
  }
  project.write({ 'notes.txt': 'with Eve' })
  project.commit('with Eve\n\nCo-authored-by: Eve <eve@example.org>')
  const others = await review()
  assert.deepEqual(others.authors, ['ada@example.org', 'eve@example.org'])
  project.commit('the reviews')

  // a branch that was squashed leaves its review, of a commit that does not lead here
  project.git('checkout', '--quiet', '-b', 'topic')
  project.write({ 'notes.txt': 'on a branch' })
  project.commit('on a branch')
  assert.equal((await review()).since, others.commit)
  project.commit('its review')
  project.git('checkout', '--quiet', 'main')
  project.git('merge', '--quiet', '--squash', 'topic')
  project.commit('squashed')
  assert.equal((await review()).since, others.commit, 'the newest of those that lead here')
})

test('a change that nobody read does not make usual what it does, however often it runs; one that was read does', async (context) => {
  const { project, review } = await withReviewer(context)
  project.write({ 'assay.yaml': `${project.read('assay.yaml')}require: [usual-resources]\n` })
  project.commit('usual resources')
  const run = async (exit: number, ...more: readonly string[]): Promise<Document> =>
    (await project.json(exit, 'run', '--force', ...more)).stages.find(({ name }: Document) => name === 'count')
  const first = async (): Promise<Document> => (await project.json(1, 'run', '--force')).stages[0]
  assert.match((await first()).because, /nobody reviewed what it ran/, 'nobody has reviewed yet, and Rita could')
  await review()
  project.commit('the review')
  for (const _ of [1, 2, 3, 4]) assert.equal((await run(0)).status, 'ran')
  project.write({ 'src/count.sh': `${project.read('src/count.sh')}\n` })
  project.commit('a change that nobody read, too early to be compared')
  assert.match((await run(1)).because, /nobody reviewed what it ran/)
  project.git('rm', '--quiet', 'attestations/definition-*')
  project.commit('the reviews deleted with it')
  assert.match((await first()).because, /nobody reviewed what it ran/)
  project.git('reset', '--quiet', '--hard', 'HEAD~1')
  project.git('reset', '--quiet', '--hard', 'HEAD~1')
  assert.equal((await run(0)).status, 'ran', 'the fifth of what was read')
  project.write({ 'dvc.yaml': `${project.read('dvc.yaml')}# nobody read this\n` })
  project.commit('a comment that nobody read')
  assert.equal((await run(0)).status, 'ran', 'as usual, and what was read stays the measure')
  project.write({ 'src/count.sh': `sleep 0.3\n${project.read('src/count.sh')}` })
  project.commit('a change that nobody read')
  assert.equal((await run(1)).code, 'ERR_STAGE_UNUSUAL')
  for (const _ of [1, 2, 3, 4, 5, 6]) assert.equal((await run(0, '--accept-unusual')).status, 'ran')
  const refused = await run(1)
  assert.equal(refused.code, 'ERR_STAGE_UNUSUAL', 'six runs have taught nothing')
  assert.match(refused.because, /started `sleep`, never seen before/)
  await review()
  project.commit('its review')
  assert.equal((await run(0, '--accept-unusual')).status, 'ran', 'unlike what was read before')
  assert.equal((await run(0, '--accept-unusual')).status, 'ran')
  const [{ resources }] = (await project.json(0, 'show', '--stage', 'count', '--resources')).stages
  assert.doesNotMatch(String(resources.unusual), /sleep/, 'the honest twin: what was read and accepted is usual')
})

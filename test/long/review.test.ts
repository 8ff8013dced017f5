/** Goal: what runs was read by somebody who did not write it, and a verifier can ask for that. */
import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import type { Document } from '../support/scratch.ts'
import { ask, codesOf, model } from '../support/timestamped.ts'

test('a review by somebody else counts for what was read, and for nothing that changed afterwards', async (context) => {
  const project = await adopted(context, words)
  const rita = { keys: `${project.keys}-rita` }
  await ask(project, rita, 'key', 'new', '--name', 'rita')
  const { publicKey } = await ask(project, rita, 'key', 'export')
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
  const policy = join(project.keys, 'policy.yaml')
  project.write({ 'demanding.yaml': `${listed}require: [review]\n` })
  copyFileSync(join(project.root, 'demanding.yaml'), policy)
  project.git('clean', '--quiet', '--force', 'demanding.yaml')
  const verify = async (exit: number): Promise<readonly string[]> =>
    codesOf(await project.json(exit, 'verify', model, '--policy', policy))

  await project.json(0, 'run')
  assert.deepEqual(await verify(1), ['ERR_POLICY_DEMAND'])
  assert.equal((await project.json(1, 'review')).error.code, 'ERR_SIGNER_ROLE', 'who wrote it')

  const asRita = async (run: () => Promise<Document>): Promise<Document> => {
    project.git('config', 'user.name', 'Rita')
    project.git('config', 'user.email', 'rita@example.org')
    const done = await run()
    project.git('config', 'user.name', 'Ada Test')
    project.git('config', 'user.email', 'ada@example.org')
    return done
  }
  const review = await asRita(() => ask(project, rita, 'review', '--because', 'read all of it'))
  assert.deepEqual(review.authors, ['ada@example.org'])
  project.commit('the review')
  assert.deepEqual(await verify(0), [], 'the stages that ran are those that were read')

  project.write({ 'src/count.sh': project.read('src/count.sh').replace('uniq -c', 'uniq') })
  project.commit('a change that nobody read')
  await project.json(0, 'run', '--force')
  assert.deepEqual(await verify(1), ['ERR_POLICY_DEMAND'])
  const head = project.git('rev-parse', 'HEAD').trim()
  project.write({ 'notes.txt': 'another change\n' })
  project.commit('another change')
  const skipped = await asRita(() => ask(project, { ...rita, exit: 1 }, 'review', '--since', head))
  assert.equal(skipped.error.code, 'ERR_SIGNER_ROLE', 'what was before it nobody has read')
  const next = await asRita(() => ask(project, rita, 'review'))
  assert.equal(next.since, review.commit)
  assert.deepEqual(await verify(0), [])
})

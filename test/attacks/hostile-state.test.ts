/** Threats: pipeline tampering and configuration manipulation, by what a checkout holds where assay keeps its state. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, createHmac } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import sharp from 'sharp'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { runAssay, scratch, scratchEnvironment } from '../support/scratch.ts'

test('a state folder that is a link is refused and nothing is written through it; a real one works', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  // the tool itself made it: to the first project of a file nothing is handed on (test/support/host-facts.ts)
  assert.equal(lstatSync(join(project.keys, 'assay/seal.key')).mode & 0o777, 0o600)
  const victim = join(project.keys, 'victim')
  mkdirSync(victim, { recursive: true })
  for (const name of ['.assay/cache', '.assay/objects', '.assay/runs', '.assay']) {
    renameSync(join(project.root, name), join(project.root, 'aside'))
    symlinkSync(victim, join(project.root, name))
    for (const verb of ['status', 'run', 'verify']) {
      const { error } = await project.json(2, verb)
      assert.equal(error.code, 'ERR_PATH_UNSAFE')
    }
    rmSync(join(project.root, name))
    renameSync(join(project.root, 'aside'), join(project.root, name))
  }
  assert.deepEqual(readdirSync(victim), [])
  await project.json(0, 'verify')
})

test('a record of a run that is a pipe or of another shape is refused, not waited on; the next run is shown', async (context) => {
  const project = await adopted(context, words)
  const { runId } = await project.json(0, 'run')
  const file = join(project.root, '.assay/runs', runId, 'run.json')
  const refusal = async (): Promise<void> => {
    for (const verb of ['show', 'logs', 'gc']) {
      assert.equal((await project.json(2, verb)).error.code, 'ERR_RUN_UNKNOWN')
    }
  }
  project.write({ [`.assay/runs/${runId}/run.json`]: '{"assay":1,"report":{"stages":[{"outputs":5}]}}' })
  await refusal()
  rmSync(file)
  execFileSync('mkfifo', [file])
  await refusal()
  await project.json(0, 'run', '--force')
  await project.json(0, 'show')
})

test('a checkout that says it is another project is still judged by the policy that was pinned for it', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const forger = await adopted(context, { ...words, 'data/words.txt': 'plum 4\n' })
  await forger.json(0, 'run')
  await project.json(0, 'trust', 'pin')
  await project.json(0, 'verify', 'model/count.txt')

  cpSync(forger.root, project.root, { recursive: true, filter: (path) => !path.endsWith('/.git') })
  const { trusted, findings } = await project.json(1, 'verify', 'model/count.txt')
  assert.equal(trusted, false)
  assert.equal(findings[0].because, 'the policy is the one that was pinned for this project')
  assert.equal((await forger.json(0, 'verify', 'model/count.txt')).trusted, true)
})

test('programs and hooks that a checkout brings are not started; the tools of the machine are', async (context) => {
  const project = scratch(context, words)
  const trap = '#!/bin/sh\ntouch "$ASSAY_TEST_TRAP"\nexit 1\n'
  const tools = ['env', 'id', 'sed', 'git', 'unshare', 'readlink'] as const
  project.write(Object.fromEntries([...tools, '.git/hooks/pre-commit'].map((name) => [name, trap])))
  for (const name of [...tools, '.git/hooks/pre-commit']) chmodSync(join(project.root, name), 0o755)
  project.git('add', '--all')
  project.git('-c', 'core.hooksPath=/dev/null', 'commit', '--quiet', '--allow-empty', '-m', 'tools')
  const environment = scratchEnvironment(project.keys)
  const trapped = join(project.keys, 'trapped')
  const hostile = { ...environment, PATH: `.:${environment['PATH'] ?? ''}:`, ASSAY_TEST_TRAP: trapped }
  for (const verb of [['init', '--yes', '--commit'], ['status'], ['run'], ['verify', 'model/count.txt']]) {
    const ran = await runAssay(verb, project.root, hostile)
    assert.ok(ran.code === 0, `${verb.join(' ')}: ${ran.stderr}`)
    assert.equal(existsSync(trapped), false, verb.join(' '))
  }
})

test('an index and approvals that are no files and folders are looked past, not stumbled over', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const index = join(project.root, '.assay/index/subject')
  for (const name of readdirSync(index)) symlinkSync('/nonexistent', join(index, name, 'b'.repeat(64)))
  project.write({ attestations: 'not a folder\n' })
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).trusted, true)
})

test('what somebody else made assay remember of the commit is not believed; what its own user made it remember is', async (context) => {
  const project = await adopted(context, words)
  const honest = (await project.json(0, 'run')).stages[0].outputs
  const evil = Buffer.from('echo evil > "$2"\n')
  const digest = createHash('sha256').update(evil).digest('hex')
  project.write({ [`.assay/objects/${digest.slice(0, 2)}/${digest.slice(2)}`]: evil.toString() })
  const blob = project.git('rev-parse', 'HEAD:src/sort.sh').trim()

  // The commit's script is said to have other bytes: with the old seal, with one of the forger's, with the user's own.
  const own = readFileSync(join(project.keys, 'assay/seal.key'))
  const said = async (seal?: Buffer): Promise<unknown> => {
    using memory = new DatabaseSync(join(project.root, '.assay/cache/stat.sqlite'))
    const kept = memory.prepare("SELECT value, seal FROM sealed WHERE kind = 'fact' AND key = 'git-blobs'").get()
    const value = String(kept?.['value']).replace(
      new RegExp(`"${blob}","sha256:[0-9a-f]{64}"`),
      `"${blob}","sha256:${digest}"`,
    )
    assert.match(value, new RegExp(digest))
    const hmac = createHmac('sha256', seal ?? '')
    for (const part of ['fact', 'git-blobs', value]) hmac.update(`${part.length}:${part}`)
    const sealed = seal === undefined ? String(kept?.['seal']) : hmac.digest('hex')
    memory.prepare("UPDATE sealed SET value = ?, seal = ? WHERE key = 'git-blobs'").run(value, sealed)
    memory.close()
    return (await project.json(0, 'run', '--force')).stages[0].outputs
  }
  assert.deepEqual(await said(), honest)
  assert.deepEqual(await said(Buffer.from('forger')), honest)
  assert.notDeepEqual(await said(own), honest)
})

test('what somebody else made assay remember of a file is not believed: an image that does not decode stays one', async (context) => {
  const project = await adopted(context, words)
  const image = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .png()
    .toBuffer()
  const broken = image.subarray(0, 60)
  mkdirSync(join(project.root, 'images'))
  writeFileSync(join(project.root, 'images/a.png'), image)
  assert.equal((await project.json(0, 'data', 'validate', 'images')).verdict, 'warn')
  writeFileSync(join(project.root, 'images/b.png'), broken)
  const failed = async (): Promise<unknown> =>
    (await project.json(1, 'data', 'validate', 'images')).checks
      .filter(({ verdict }: { verdict: string }) => verdict === 'fail')
      .map(({ name, rows }: { name: string; rows: unknown }) => [name, rows])
  const honest = [['files/decode', ['b.png']]]
  assert.deepEqual(await failed(), honest)

  using memory = new DatabaseSync(join(project.root, '.assay/cache/stat.sqlite'))
  const digest = createHash('sha256').update(broken).digest('hex')
  const known = memory.prepare("SELECT key FROM sealed WHERE key LIKE 'looks of %'").get()?.['key']
  const key = String(known).replace(/..$/, digest.slice(0, 2))
  const value = JSON.stringify({ [`sha256:${digest}`]: { type: 'png', width: 8, height: 8, look: '0'.repeat(64) } })
  // Whoever believed it would find it wrong, since the only image that is remembered is looked at again, and forget all.
  const isForgotten = async (seal: string | Buffer): Promise<boolean> => {
    const hmac = createHmac('sha256', seal)
    for (const part of ['fact', key, value]) hmac.update(`${part.length}:${part}`)
    memory.exec("DELETE FROM sealed WHERE key LIKE 'looks of %' OR key LIKE 'greys of %'")
    memory
      .prepare('INSERT INTO sealed (kind, key, value, seal) VALUES (?, ?, ?, ?)')
      .run('fact', key, value, hmac.digest('hex'))
    assert.deepEqual(await failed(), honest)
    return memory.prepare("SELECT 1 FROM sealed WHERE key LIKE 'looks of %' AND value = '{}'").get() !== undefined
  }
  assert.equal(await isForgotten('forger'), false)
  assert.equal(await isForgotten(readFileSync(join(project.keys, 'assay/seal.key'))), true)
})

test('no out lands in .git, in the state, over the policy or outside; an out of the project does', async (context) => {
  const project = await adopted(context, words)
  const outs = ['.git/hooks/pre-commit', '.GIT/x', '.assay/objects/x', 'trust.yaml', 'attestations/x', '../x', '/tmp/x']
  for (const out of [...outs, 'made/x']) {
    project.write({ 'dvc.yaml': `stages:\n  make:\n    cmd: echo x > ${out}\n    outs: [${out}]\n` })
    project.commit()
    const ran = await project.assay('run', '--json')
    if (out === 'made/x') assert.equal(ran.code, 0, ran.stdout)
    else assert.match(ran.stdout, out.startsWith('.git/') ? /"ERR_DEFINITION_INVALID"/ : /"ERR_PATH_UNSAFE"/, out)
  }
  assert.equal(existsSync(join(project.root, '.git/hooks/pre-commit')), false)
})

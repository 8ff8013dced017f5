/**
 * Remotes of the real kinds: versitygw, which checks signatures and checksums; OpenSSH's own server on loopback; and a folder
 * that DVC, installed by pip at a pinned version, has for its remote too.
 *
 *     node --test test/interop/remotes.test.ts
 *
 * `SSHD=/path/to/sshd` takes another server than that of the package openssh-server.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { AwsClient } from 'aws4fetch'
import { adopted } from '../support/adopted.ts'
import { assayIn, cloneOf, filesBelow, folders, ranWith } from '../support/remotes.ts'
import { scratchEnvironment } from '../support/scratch.ts'
import { dvcPrograms, run } from './environments.ts'
import { freePort, gatewayKeys, startGateway } from './gateway.ts'

test('a real S3 store takes objects small and large, and gives them to another machine', {
  timeout: 900_000,
}, async (context) => {
  const gateway = await startGateway()
  context.after(() => gateway.stop())
  const aws = new AwsClient({ ...gatewayKeys, region: 'us-east-1', service: 's3', retries: 0 })
  assert.ok((await aws.fetch(`${gateway.endpoint}/bucket`, { method: 'PUT' })).ok)
  const environment = {
    AWS_ACCESS_KEY_ID: gatewayKeys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: gatewayKeys.secretAccessKey,
    AWS_ENDPOINT_URL: gateway.endpoint,
  }
  const project = await ranWith(context, '{cloud: {url: "s3://bucket/a b/c"}}')
  const many = Object.fromEntries(Array.from({ length: 1200 }, (_, index) => [`data/many/${index}.txt`, `${index}\n`]))
  project.write(many)
  writeFileSync(join(project.root, 'data/large.bin'), Buffer.alloc(40 * 1024 * 1024, 'assay'))
  await project.json(0, 'data', 'add', 'many', 'data/many')
  await project.json(0, 'data', 'add', 'large', 'data/large.bin')
  project.commit()
  const here = assayIn(project.root, project, environment)
  const denied = assayIn(project.root, project, { ...environment, AWS_SECRET_ACCESS_KEY: 'another' })
  assert.equal((await denied.json(4, 'push')).error.code, 'ERR_REMOTE_FAILED')
  const pushed = await here.json(0, 'push')
  assert.equal(pushed.sent.files, pushed.named.files)
  assert.equal((await here.json(0, 'push', '--rehash')).sent.files, 0)
  const clone = cloneOf(project, environment)
  await clone.json(0, 'pull')
  assert.ok(readFileSync(join(clone.root, 'data/large.bin')).equals(readFileSync(join(project.root, 'data/large.bin'))))
  assert.equal(readFileSync(join(clone.root, 'data/many/1199.txt'), 'utf8'), '1199\n')
  assert.equal((await clone.json(0, 'verify', 'model/count.txt')).trusted, true)
})

/** A server of the same user, with keys of its own; ends with the test. */
async function startSshd(
  context: TestContext,
  folder: string,
  sftp = 'internal-sftp',
): Promise<Readonly<{ port: number; config: string }>> {
  const program = process.env['SSHD'] ?? '/usr/sbin/sshd'
  assert.ok(existsSync(program), 'install openssh-server, or name another with SSHD')
  mkdirSync(folder)
  for (const name of ['host', 'user'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)])
  copyFileSync(join(folder, 'user.pub'), join(folder, 'authorized'))
  const port = await freePort()
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(folder, 'host')}`,
    'PidFile none',
    `AuthorizedKeysFile ${join(folder, 'authorized')}`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    `Subsystem sftp ${sftp}`,
  ]
  writeFileSync(join(folder, 'sshd_config'), `${lines.join('\n')}\n`)
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true })
  const server = spawn(program, ['-D', '-e', '-f', join(folder, 'sshd_config')], { stdio: 'ignore' })
  context.after(() => server.kill())
  const known = `[127.0.0.1]:${port} ${readFileSync(join(folder, 'host.pub'), 'utf8')}`
  writeFileSync(join(folder, 'known'), known)
  const config = join(folder, 'config')
  const own = [
    `IdentityFile ${join(folder, 'user')}`,
    `UserKnownHostsFile ${join(folder, 'known')}`,
    'IdentitiesOnly yes',
  ]
  writeFileSync(config, `Host *\n${own.map((line) => `  ${line}\n`).join('')}`)
  const isUp = (): boolean => {
    try {
      execFileSync('ssh', ['-F', config, '-o', 'BatchMode=yes', '-p', String(port), '-s', '--', '127.0.0.1', 'sftp'], {
        input: '',
        stdio: ['pipe', 'ignore', 'ignore'],
      })
      return true
    } catch {
      return false // it is just starting
    }
  }
  for (let tries = 0; !isUp(); tries += 1) {
    assert.ok(tries < 50, 'sshd does not start')
    await sleep(100)
  }
  return { port, config }
}

test('a folder behind ssh takes objects small and large, and refuses what a stranger put there', async (context) => {
  const base = await adopted(context, folders)
  const { port, config } = await startSshd(context, join(base.root, '../ssh'))
  const far = join(base.root, '../far')
  const environment = { ASSAY_SSH_CONFIG: config }
  appendFileSync(
    join(base.root, 'assay.yaml'),
    `remotes: {far: {url: "ssh://${userInfo().username}@127.0.0.1:${port}${dirname(base.root)}/far"}}\n`,
  )
  writeFileSync(join(base.root, 'data/large.bin'), Buffer.alloc(20 * 1024 * 1024, 'assay'))
  await base.json(0, 'data', 'add', 'large', 'data/large.bin')
  base.commit()
  await base.json(0, 'run')
  base.commit()
  assert.equal((await base.json(4, 'push')).error.code, 'ERR_REMOTE_FAILED', 'without the key')
  const here = assayIn(base.root, base, environment)
  const pushed = await here.json(0, 'push')
  assert.equal(pushed.sent.files, pushed.named.files)
  assert.deepEqual(filesBelow(join(far, 'tmp')), [])
  assert.equal((await here.json(0, 'push', '--rehash')).sent.files, 0)
  const clone = cloneOf(base, environment)
  await clone.json(0, 'pull')
  assert.ok(readFileSync(join(clone.root, 'data/large.bin')).equals(readFileSync(join(base.root, 'data/large.bin'))))
  assert.equal((await clone.json(0, 'verify', 'model/count.txt')).trusted, true)

  // a large object that is gone is sent again, and no other
  const large =
    filesBelow(join(far, 'objects')).find((path) => readFileSync(join(far, 'objects', path)).length > 10_000_000) ?? ''
  rmSync(join(far, 'objects', large))
  assert.equal((await here.json(0, 'push')).sent.files, 1)

  const three =
    filesBelow(join(far, 'objects')).find((path) => readFileSync(join(far, 'objects', path), 'utf8') === 'three\n') ??
    ''
  const lies: readonly (readonly [() => void, string])[] = [
    [() => writeFileSync(join(far, 'objects', three), 'thref\n'), 'ERR_REMOTE_CORRUPT'],
    [() => symlinkSync('/etc/hostname', join(far, 'objects', three)), 'ERR_REMOTE_UNSAFE'],
    [() => execFileSync('mkfifo', [join(far, 'objects', three)]), 'ERR_REMOTE_UNSAFE'],
  ]
  for (const [lie, code] of lies) {
    rmSync(join(far, 'objects', three), { force: true })
    lie()
    for (const path of ['.assay', 'more']) rmSync(join(clone.root, path), { recursive: true, force: true })
    assert.equal((await clone.json(1, 'pull')).error.code, code)
    assert.equal(existsSync(join(clone.root, 'more')), false)
  }
  rmSync(join(far, 'objects', three))
  await here.json(0, 'push')
  await clone.json(0, 'pull')
  if (process.getuid?.() !== 0) {
    chmodSync(join(far, 'tmp'), 0o500)
    rmSync(join(far, 'objects', three))
    assert.equal((await here.json(4, 'push')).error.code, 'ERR_REMOTE_FAILED')
    chmodSync(join(far, 'tmp'), 0o700)
  }
})

test('DVC and assay share a folder: each pushes and pulls what it knows, and neither harms the other', async (context) => {
  const dvc = join(dvcPrograms(), 'dvc')
  const shared = (root: string): string => join(root, '../shared')
  const project = await ranWith(context, '{team: {url: ../shared/assay}}\nlock: [assay, dvc]', {
    ...folders,
    '.dvc/config': '[core]\n    remote = shared\n    analytics = false\n[remote "shared"]\n    url = ../../shared\n',
    '.dvc/.gitignore': '/config.local\n/tmp\n/cache\n',
  })
  const env = { ...scratchEnvironment(project.keys), DVC_NO_ANALYTICS: '1' }
  const inDvc = (root: string, ...args: readonly string[]): string => run(dvc, args, { cwd: root, env })
  inDvc(project.root, 'push')
  await project.json(0, 'push')
  assert.match(inDvc(project.root, 'status', '--cloud'), /in sync|up to date/)

  const onlyDvc = cloneOf(project, {}, 'only-dvc')
  // the data are in neither git nor DVC; the outs come from DVC's remote
  inDvc(onlyDvc.root, 'pull')
  assert.equal(readFileSync(join(onlyDvc.root, 'model/count.txt'), 'utf8'), project.read('model/count.txt'))
  await onlyDvc.json(0, 'pull')
  assert.equal((await onlyDvc.json(0, 'verify', 'model/count.txt')).trusted, true)
  assert.match(inDvc(onlyDvc.root, 'status'), /up to date/)

  const onlyAssay = cloneOf(project, {}, 'only-assay')
  await onlyAssay.json(0, 'pull')
  assert.match(inDvc(onlyAssay.root, 'status'), /up to date/)

  // dvc gc in the shared folder leaves assay's files, and assay pushes on
  const before = filesBelow(join(shared(project.root), 'assay'))
  inDvc(project.root, 'gc', '--workspace', '--cloud', '--force')
  assert.deepEqual(filesBelow(join(shared(project.root), 'assay')), before)
  assert.equal((await project.json(0, 'push', '--rehash')).sent.files, 0)
})

test('a server behind ssh that renames over nothing: other bytes under a name are replaced all the same', async (context) => {
  const base = await adopted(context, folders)
  const { port, config } = await startSshd(context, join(base.root, '../ssh'), 'internal-sftp -P posix-rename')
  const far = join(base.root, '../far')
  appendFileSync(
    join(base.root, 'assay.yaml'),
    `remotes: {far: {url: "ssh://${userInfo().username}@127.0.0.1:${port}${dirname(base.root)}/far"}}\n`,
  )
  base.commit()
  await base.json(0, 'run')
  base.commit()
  const here = assayIn(base.root, base, { ASSAY_SSH_CONFIG: config })
  await here.json(0, 'push')
  const path = filesBelow(join(far, 'objects')).find(
    (each) => readFileSync(join(far, 'objects', each), 'utf8') === 'three\n',
  )
  assert.ok(path)
  for (const lie of ['thref\n', 'longer than it was\n']) {
    writeFileSync(join(far, 'objects', path), lie)
    assert.equal((await here.json(0, 'push', '--rehash')).sent.files, 1)
    assert.equal(readFileSync(join(far, 'objects', path), 'utf8'), 'three\n')
  }
  assert.deepEqual(filesBelow(join(far, 'tmp')), [])
})

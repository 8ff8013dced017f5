/** Threat: supply-chain compromise. An image that is not the pinned one, or that reaches out of its root, runs nothing. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { imageOf, type MadeImage, machineRoot, serveRegistry } from '../../src/compute/image/testing.exec.ts'
import { type Scratch, scratch } from '../support/scratch.ts'

/** A project of one stage, in an image of a registry that has what it is given. */
async function projectIn(
  context: TestContext,
  image: MadeImage,
  cmd: string,
  has: ReadonlyMap<string, Buffer> = image.blobs,
): Promise<Scratch> {
  const { host } = await serveRegistry(context, has)
  const project = scratch(context, {
    'dvc.yaml': `stages:\n  say: {cmd: ${JSON.stringify(cmd)}, outs: [out/said]}\n`,
    '.gitignore': '/out\n',
  })
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  project.write({
    'assay.yaml': `assay: 1\nname: x\nenvironments:\n  root: {image: "${host}/team/root@${image.manifest}"}\ndefaults: {environment: root, limits: {processes: 24}}\n`,
  })
  project.commit()
  return project
}

const honest = imageOf([machineRoot('honest')])

test('a registry that swaps a layer behind the digest is refused; the pinned one runs', async (context) => {
  const evil = imageOf([machineRoot('evil')])
  const bytes = evil.blobs.get(evil.layers[0] ?? '') ?? assert.fail('the image has a layer')
  const has = new Map([...honest.blobs, [honest.layers[0] ?? '', bytes]])
  const swapped = await projectIn(context, honest, 'cat /etc/word > out/said', has)
  assert.equal((await swapped.json(1, 'run')).stages[0].code, 'ERR_ENV_HASH_MISMATCH')
  const project = await projectIn(context, honest, 'cat /etc/word > out/said')
  await project.json(0, 'run')
  assert.equal(project.read('out/said'), 'honest')
})

test('a layer that climbs out is refused; links of an image to this machine lead nowhere', async (context) => {
  const climbs = imageOf([machineRoot('x', [{ name: '../x', content: 'x' }])])
  const refused = await (await projectIn(context, climbs, 'cat /etc/word > out/said')).json(1, 'run')
  assert.equal(refused.stages[0].code, 'ERR_ENV_IMAGE_REFUSED')

  // A file of this machine that everybody may read, and each way to it that a link could name.
  const folder = mkdtempSync(join(tmpdir(), 'assay-secret-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  const secret = join(folder, 'secret')
  chmodSync(folder, 0o755)
  writeFileSync(secret, 'of this machine\n', { mode: 0o644 })
  const links = imageOf([
    machineRoot('honest', [
      { name: 'secret', type: '2', link: secret },
      { name: 'srv/secret', type: '2', link: `${'../'.repeat(20)}${secret.slice(1)}` },
      { name: 'etc/shadow', type: '2', link: `/proc/1/root${secret}` },
      { name: 'project', type: '2', link: '/etc' },
      { name: 'tmp', type: '2', link: '/usr' },
    ]),
  ])
  const project = await projectIn(
    context,
    links,
    'cat /secret /srv/secret /etc/shadow > out/said 2>/dev/null; cat /etc/word >> out/said; touch /tmp/x',
  )
  await project.json(0, 'run')
  assert.equal(project.read('out/said'), 'honest')
})

test('a stage cannot write to its image, its set-uid programs are none, and it cannot start more than its processes', async (context) => {
  const image = imageOf([machineRoot('honest', [{ name: 'usr/bin/su', content: '#!/bin/sh\n', mode: 0o4755 }])])
  const cmd = `for path in /x /usr/bin/x /etc/passwd /etc/word /run/x /home/x; do echo x > $path && exit 9; done 2>/dev/null; ls -l /usr/bin/su | cut -c1-10 > out/said`
  const project = await projectIn(context, image, cmd)
  await project.json(0, 'run')
  assert.equal(project.read('out/said'), '-r-xr-xr-x\n')

  const fork = await projectIn(
    context,
    honest,
    'i=0; while [ $i -lt 60 ]; do sleep 5 & i=$((i+1)); done; echo all > out/said',
  )
  assert.notEqual((await fork.json(3, 'run').catch(() => fork.json(1, 'run'))).stages[0].status, 'ran')
})

test('a file of the image that is altered between two runs is found and built anew', async (context) => {
  const project = await projectIn(context, honest, 'cat /etc/word > out/said')
  await project.json(0, 'run')
  const environments = join(project.root, '.assay/environments')
  const found = readdirSync(environments, { recursive: true, encoding: 'utf8' }).find((path) =>
    path.endsWith('/etc/word'),
  )
  const file = join(environments, found ?? assert.fail('the tree has no such file'))
  const { atime, mtime } = lstatSync(file)
  chmodSync(file, 0o644)
  writeFileSync(file, 'pwnded')
  chmodSync(file, 0o444)
  utimesSync(file, atime, mtime)
  assert.equal((await project.json(1, 'env', 'verify')).environments[0].state, 'changed')
  await project.json(0, 'run', '--force')
  assert.equal(project.read('out/said'), 'honest')
  assert.equal(readFileSync(file, 'utf8'), 'honest')
  assert.ok(!existsSync(join(project.root, 'x')))
})

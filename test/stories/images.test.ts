/** Goal: a stage runs in the image that I name by its digest, and its evidence says so. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { imageOf, machineRoot, serveRegistry } from '../../src/compute/image/testing.exec.ts'
import { type Document, scratch } from '../support/scratch.ts'

const files: Readonly<Record<string, string>> = {
  'dvc.yaml': `stages:
  say:
    cmd: cat /etc/word names.txt | sort > out/said; ls / > out/root; echo "$WORD $LANG" > out/variables
    deps: [names.txt]
    outs: [out/said, out/root, out/variables]
  count:
    cmd: cat out/said > out/again
    deps: [out/said]
    outs: [out/again]
`,
  'names.txt': 'pear\napple\n',
  '.gitignore': '/out\n',
}
const yaml = (image: string): string =>
  `assay: 1\nname: x\nenvironments:\n  root: {image: "${image}"}\nstages:\n  say: {environment: root}\n`

test('from a tag to a digest, to an environment, to evidence that names image, manifest, configuration and layers', async (context) => {
  const image = imageOf([machineRoot('honest\n')], { variables: ['PATH=/usr/bin', 'WORD=given', 'LANG=xx'] })
  const tagged = new Map([...image.blobs, ['1.0', image.blobs.get(image.manifest) ?? Buffer.of()]])
  const { host } = await serveRegistry(context, tagged)
  const project = scratch(context, files)
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')

  project.write({ 'assay.yaml': yaml(`${host}/team/root:1.0`) })
  const refused = await project.json(1, 'run')
  assert.equal(refused.error.code, 'ERR_ENV_UNPINNED')
  const pinned = await project.json(0, 'env', 'lock', '--image', `${host}/team/root:1.0`, '--yes')
  assert.deepEqual([pinned.digest, pinned.environments], [image.manifest, ['root']])
  const name = `${host}/team/root:1.0@${image.manifest}`
  assert.match(project.read('assay.yaml'), new RegExp(`image: "?${name}`))
  project.commit()

  assert.equal((await project.json(1, 'env', 'verify')).environments[0].state, 'not built')
  const [built] = (await project.json(0, 'env', 'build')).environments
  const [shown] = (await project.json(0, 'env', 'show', 'root')).environments
  assert.deepEqual([shown.kind, shown.image, shown.digest, shown.state], ['image', name, built.digest, 'right'])
  assert.match((await project.json(0, 'env', 'verify', '--rebuild')).environments[0].because, /same when built again/)

  await project.json(0, 'run')
  assert.equal(project.read('out/said'), 'apple\nhonest\npear\n')
  assert.ok(!project.read('out/root').split('\n').includes('srv'), 'nothing of this machine is its root')
  assert.equal(project.read('out/variables'), 'given C.UTF-8\n')
  assert.equal(project.read('out/again'), project.read('out/said'), 'a stage of another environment reads its outs')

  const verdict = await project.json(0, 'verify', 'out/said')
  assert.equal(verdict.properties.locked, true)
  const { environment } = await project.json(0, 'show', '--stage', 'say')
  assert.equal(environment.digest, built.digest)
  assert.deepEqual(
    environment.materials.map((one: Document) => one.digest),
    [image.manifest, image.config, ...image.layers],
  )
  assert.equal(environment.materials[0].name, name)
  assert.equal((await project.json(0, 'run')).stages[0].status, 'cached')
})

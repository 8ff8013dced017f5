/** An image by digest is the root of a stage in each engine: the same outs, and nothing of this machine in it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { imageOf, machineRoot, serveRegistry } from '../../src/compute/image/testing.exec.ts'
import { engineNames } from '../../src/core/index.ts'
import { adopted } from '../support/adopted.ts'
import { isHere } from './support.ts'

const files = {
  'dvc.yaml': `stages:
  say:
    cmd: cat /etc/word names.txt | sort > out/said; ls / > out/root; ls /usr/bin | wc -l > out/programs
    deps: [names.txt]
    outs: [out/said, out/root, out/programs]
`,
  'names.txt': 'pear\napple\n',
  '.gitignore': '/out\n',
}

for (const engine of engineNames.filter(isHere))
  test(`an image by digest is the root of a stage in ${engine}; one that the engine cannot start in is refused`, async (context) => {
    const full = imageOf([machineRoot('honest\n', [], ['env', 'unshare', 'setpriv', 'prlimit', 'wc'])])
    const bare = imageOf([machineRoot('honest\n', [], ['wc'])])
    const { host } = await serveRegistry(context, new Map([...full.blobs, ...bare.blobs]))
    const project = await adopted(context, files)
    const settings = project.read('assay.yaml')
    const use = (digest: string): void => {
      project.write({
        'assay.yaml': `${settings}environments:\n  root: {image: "${host}/team/root@${digest}"}\nstages:\n  say: {environment: root, engine: ${engine}}\n`,
      })
      project.commit()
    }
    use(full.manifest)
    await project.json(0, 'run')
    assert.equal(project.read('out/said'), 'apple\nhonest\npear\n')
    assert.ok(!project.read('out/root').split('\n').includes('srv'), 'nothing of this machine is its root')
    assert.ok(Number(project.read('out/programs')) < 50)
    assert.equal((await project.json(0, 'verify', 'out/said')).properties.locked, true)

    use(bare.manifest)
    if (engine === 'bubblewrap') return void (await project.json(0, 'run'))
    const { stages } = await project.json(1, 'run')
    assert.deepEqual([stages[0].status, stages[0].code], ['refused', 'ERR_ENGINE_UNSUPPORTED'])
  })

/** The tree of an image as the root of a sandbox, as root and as an ordinary user. */
import assert from 'node:assert/strict'
import { chownSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { machineRoot } from '../../src/compute/image/testing.exec.ts'
import { unpackImage } from '../../src/compute/image/unpack.fs.ts'
import { sha256Of } from '../../src/core/index.ts'
import { canNobodyRead, driveOne, folderFor, type Identity, identities } from './support.ts'

/** Below a folder that only its owner may enter. */
async function treeFor(identity: Identity, context: TestContext): Promise<Readonly<{ root: string; tree: string }>> {
  const root = folderFor(identity, context)
  const archive = machineRoot('a word of the image\n')
  const [path, tree, scratch] = ['layer', 'tree', 'contents'].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ]
  writeFileSync(path, archive)
  mkdirSync(tree)
  const digest = sha256Of(archive)
  const layer = { path, digest, sizeBytes: archive.length, compression: 'none' as const, content: digest }
  const signal = new AbortController().signal
  await unpackImage({ name: 'it', layers: [layer], tree, scratch, onLayer: () => undefined, signal })
  if (identity === 'user' && process.getuid?.() === 0) {
    for (const each of ['', ...readdirSync(tree, { recursive: true, encoding: 'utf8' })]) {
      const full = join(tree, each)
      if (!['bin', 'lib', 'lib64'].includes(each)) chownSync(full, 65534, 65534)
    }
  }
  return { root, tree }
}

const probes = [
  'cat /etc/word; ls / /etc /run/secrets; head -c 8 /run/secrets/token; echo',
  'for path in /x /bin/x /etc/word /etc/passwd /run/x /home/x /sys/x /run/secrets/x; do (echo x >$path) 2>/dev/null && echo written $path; done',
  'echo x >/tmp/x && echo x >/var/tmp/x && echo x >/home/stage/x && echo x >/dev/shm/x && echo scratch',
  'id -u; cat /etc/hostname; head -1 /etc/passwd; ls /proc/1/root/etc/shadow /root /mnt /usr/lib/python3 2>/dev/null; exit 0',
].join('; ')

for (const identity of identities)
  test(`as ${identity} a stage in an image sees that and nothing of the machine, and writes only to its own places`, {
    skip: identity === 'user' && !canNobodyRead() ? 'an ordinary user cannot read this checkout' : false,
  }, async (context) => {
    const { root, tree } = await treeFor(identity, context)
    const secrets = [{ name: 'token', value: 'a secret of the stage' }]
    const ask = { commands: [`( ${probes} ) >told`], outs: ['told'], tree, secrets }
    const { end, outs } = await driveOne(identity, context, ask, { root })
    assert.deepEqual(end, { kind: 'exited', code: 0 })
    const own = 'group host.conf hostname hosts nsswitch.conf os-release passwd resolv.conf word'.split(' ')
    const top = 'bin dev etc home lib lib64 proc project run sys tmp usr var'.split(' ')
    assert.deepEqual(
      String(outs['told'])
        .split('\n')
        .filter((line) => line !== ''),
      [
        ...['a word of the image', '/:', ...top, '/etc:', ...own, '/run/secrets:', 'token', 'a secret'],
        ...['scratch', '1000', 'stage', 'root:x:0:0::/nonexistent:/usr/sbin/nologin'],
      ],
    )

    const forks = 'i=0; while [ $i -lt 40 ]; do sleep 9 & i=$((i+1)); done; echo all started'
    const startsAll = async (processes: number): Promise<boolean> => {
      const { log } = await driveOne(identity, context, { commands: [forks], tree, limits: { processes } }, { root })
      return log.tail.join('\n').includes('all started')
    }
    assert.deepEqual([await startsAll(12), await startsAll(100)], [false, true])
  })

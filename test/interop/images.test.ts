/**
 * Images of a real registry (Debian's docker-registry) that skopeo pushed, in OCI's and Docker's form, gzip and zstd: one
 * tree comes of all, and it is the one that umoci unpacks.
 *
 *     node --test test/interop/images.test.ts
 *
 * Needs the Debian packages docker-registry, skopeo and umoci.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { hiddenPlaces, neededFiles } from '../../src/compute/image/image-tree.ts'
import { type Entry, imageOf, type MadeImage, machineRoot, tarOf } from '../../src/compute/image/testing.exec.ts'
import { sha256Of } from '../../src/core/index.ts'
import { scratch } from '../support/scratch.ts'
import { freePort } from './gateway.ts'

let folder: string
let host: string
let registry: ChildProcess

before(
  async () => {
    folder = mkdtempSync(join(tmpdir(), 'assay-registry-'))
    host = `127.0.0.1:${await freePort()}`
    const settings = `version: 0.1\nstorage: {filesystem: {rootdirectory: ${folder}/data}}\nhttp: {addr: "${host}"}\nlog: {level: error}\n`
    writeFileSync(join(folder, 'config.yml'), settings)
    registry = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' })
    const isUp = (): Promise<boolean> =>
      fetch(`http://${host}/v2/`).then(
        ({ ok }) => ok,
        () => false,
      )
    for (let tries = 0; !(await isUp()); tries += 1) {
      assert.ok(tries < 100, 'the registry does not start')
      await sleep(100)
    }
    writeLayout({ made: imageOf(layers), zstd: imageOf(layers, { compression: 'zstd' }) })
  },
  { timeout: 60_000 },
)

after(() => {
  registry.kill()
  rmSync(folder, { recursive: true, force: true })
})

const link = (name: string, to: string): Entry => ({ name, type: '2', link: to })
const file = (name: string, content = name): Entry => ({ name, content })

/** What layers do to each other, on top of a root that runs. */
const layers: readonly Buffer[] = [
  machineRoot('first', [file('opt/gone'), file('opt/kept'), file('opt/old/x'), file('opt/old/y/z'), file('srv/a/b')]),
  tarOf([
    file('opt/.wh.gone', ''),
    file('opt/old/.wh..wh..opq', ''),
    file('opt/old/new'),
    file('etc/word', 'second'),
    link('opt/way', '../srv'),
    link('opt/out', '/etc/word'),
    { name: 'opt/hard', type: '1', link: 'opt/kept' },
    file('srv/.wh.a', ''),
    file(`opt/${'long'.repeat(40)}/name`),
  ]),
  tarOf([file('opt/way/through'), file('lib/through'), { name: 'opt/program', content: '#!/bin/sh\n', mode: 0o755 }]),
]

/** As a folder that skopeo and umoci read. SOURCE: OCI Image Layout 1.0. */
function writeLayout(images: Readonly<Record<string, MadeImage>>): void {
  const root = join(folder, 'layout')
  mkdirSync(join(root, 'blobs/sha256'), { recursive: true })
  const manifests = Object.entries(images).map(([name, { blobs, manifest }]) => {
    for (const [digest, bytes] of blobs)
      writeFileSync(join(root, 'blobs/sha256', digest.slice('sha256:'.length)), bytes)
    return {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: manifest,
      size: blobs.get(manifest)?.length,
      annotations: { 'org.opencontainers.image.ref.name': name },
    }
  })
  writeFileSync(join(root, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  writeFileSync(join(root, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
}

/** Path -> what is there, but for places that a sandbox has of its own. */
function contentOf(root: string): ReadonlyMap<string, string> {
  const own: readonly string[] = [...hiddenPlaces, ...neededFiles, 'home', 'home/stage', 'var', 'etc']
  const found = new Map<string, string>()
  for (const path of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    if (
      own.some((place) => path === place || ([...hiddenPlaces] as string[]).some((each) => path.startsWith(`${each}/`)))
    )
      continue
    const status = lstatSync(join(root, path))
    const what = status.isSymbolicLink()
      ? `-> ${readlinkSync(join(root, path))}`
      : status.isDirectory()
        ? 'folder'
        : `${sha256Of(readFileSync(join(root, path)))} ${(status.mode & 0o111) !== 0}`
    found.set(path, what)
  }
  return new Map([...found].toSorted(([left], [right]) => (left < right ? -1 : 1)))
}

test('one tree comes of every form of an image, and it is what umoci unpacks', async (context) => {
  const forms = { oci: ['made', 'oci'], docker: ['made', 'v2s2'], zstd: ['zstd', 'oci'] }
  const project = scratch(context, {
    'dvc.yaml': 'stages:\n  say: {cmd: cat /etc/word /opt/way/through > out/said, outs: [out/said]}\n',
    '.gitignore': '/out\n',
  })
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  const lines: string[] = []
  for (const [form, [name, format = '']] of Object.entries(forms)) {
    const target = ['--dest-tls-verify=false', `oci:${folder}/layout:${name}`, `docker://${host}/team/${form}:1`]
    execFileSync('skopeo', ['copy', '--quiet', '--format', format, ...target])
    lines.push(
      `  ${form}: {image: "${(await project.json(0, 'env', 'lock', '--image', `${host}/team/${form}:1`)).image}"}`,
    )
  }
  project.write({
    'assay.yaml': `assay: 1\nname: x\nenvironments:\n${lines.join('\n')}\ndefaults: {environment: oci}\n`,
  })
  project.commit()
  const { environments } = await project.json(0, 'env', 'build')
  const trees = new Set(environments.map(({ tree }: Readonly<{ tree: string }>) => tree))
  assert.equal(trees.size, 1, JSON.stringify(environments))
  assert.equal(new Set(environments.map((one: Readonly<{ digest: string }>) => one.digest)).size, 3)
  await project.json(0, 'run')
  assert.equal(project.read('out/said'), 'secondopt/way/through')

  execFileSync('umoci', ['unpack', '--rootless', '--image', `${folder}/layout:made`, join(folder, 'bundle')])
  const [{ digest }] = environments
  const tree = join(project.root, '.assay/environments', digest.slice('sha256:'.length), 'tree')
  assert.ok(contentOf(tree).size > 40)
  assert.deepEqual(contentOf(tree), contentOf(join(folder, 'bundle/rootfs')))
})

/**
 * Debian's `docker-registry` (distribution 2.8.2, which has no referrers API) takes a model and its evidence and gives them
 * back; versitygw, which checks signatures and conditions, holds a transparency log that two machines write at once.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { AwsClient } from 'aws4fetch'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { assayIn, cloneOf } from '../support/remotes.ts'
import { freePort, gatewayKeys, startGateway } from './gateway.ts'

async function startRegistry(context: TestContext): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'assay-registry-'))
  const host = `127.0.0.1:${await freePort()}`
  writeFileSync(
    join(folder, 'config.yml'),
    `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${folder}/data}}\nhttp: {addr: '${host}'}\n`,
  )
  const registry = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' })
  context.after(() => {
    registry.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  const isUp = (): Promise<boolean> =>
    fetch(`http://${host}/v2/`).then(
      ({ ok }) => ok,
      () => false,
    )
  for (let tries = 0; !(await isUp()); tries += 1) {
    assert.ok(tries < 100, 'docker-registry does not start: apt-get install docker-registry')
    await sleep(100)
  }
  return host
}

test('Debian’s docker-registry takes a model of several pieces with its evidence, and gives them back by digest', async (context) => {
  const large = 'python3 -c "import sys; open(sys.argv[1], \'wb\').write(bytes(40_000_000))" model/large.bin'
  const stage = `  large:\n    cmd: mkdir -p model && ${large}\n    deps: [out/sorted.txt]\n    outs: [model/large.bin]\n`
  const project = await adopted(context, { ...words, 'dvc.yaml': `${words['dvc.yaml']}${stage}` })
  await project.json(0, 'run')
  const host = await startRegistry(context)
  const elsewhere = join(project.keys, 'elsewhere')
  mkdirSync(elsewhere)
  writeFileSync(join(elsewhere, 'policy.yaml'), readFileSync(join(project.root, 'trust.yaml')))
  for (const [artifact, name] of [
    ['model/count.txt', 'words'],
    ['model/large.bin', 'large'],
  ] as const) {
    const place = `oci://${host}/acme/${name}:1`
    const sent = await project.json(0, 'attest', 'export', artifact, '--out', place)
    assert.equal(sent.listed, 'tag')
    const digest = `oci://${host}/acme/${name}@${sent.manifest}`
    assert.equal((await project.json(0, 'attest', 'export', artifact, '--out', digest)).referrers, sent.referrers)
    const verdict = await assayIn(elsewhere, project).json(0, 'verify', digest, '--policy', 'policy.yaml')
    assert.deepEqual([verdict.trusted, verdict.subject.path], [true, artifact])
    assert.equal((await project.json(0, 'attest', 'import', place)).stages.length, 2)
  }
  const { layers } = (await (
    await fetch(`http://${host}/v2/acme/large/manifests/1`, {
      headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
    })
  ).json()) as { layers: { digest: string }[] }
  const blob = await fetch(`http://${host}/v2/acme/large/blobs/${layers[0]?.digest}`)
  assert.ok(Buffer.from(await blob.arrayBuffer()).equals(readFileSync(join(project.root, 'model/large.bin'))))
})

test('versitygw holds a log that two machines write at once', async (context) => {
  const gateway = await startGateway()
  context.after(() => gateway.stop())
  const environment = {
    AWS_ACCESS_KEY_ID: gatewayKeys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: gatewayKeys.secretAccessKey,
    AWS_ENDPOINT_URL: gateway.endpoint,
  }
  const project = await adopted(context, words)
  const aws = new AwsClient({ ...gatewayKeys, region: 'us-east-1', service: 's3' })
  assert.ok((await aws.fetch(`${gateway.endpoint}/logs`, { method: 'PUT' })).ok)
  const here = assayIn(project.root, project, environment)
  const there = cloneOf(project, environment)
  await there.json(0, 'key', 'use')
  const file = (name: string): string => {
    writeFileSync(join(project.keys, name), name)
    return join(project.keys, name)
  }
  const log = ['--log', 's3://logs/words']
  await here.json(0, 'tlog', 'append', ...log, file('first'))
  for (const round of ['one', 'two', 'three'])
    await Promise.all([here, there].map((each, at) => each.json(0, 'tlog', 'append', ...log, file(`${round}-${at}`))))
  const { size, trusted, key } = await there.json(0, 'tlog', 'verify', ...log)
  assert.deepEqual([size, trusted], [7, true])
  const state = join(project.keys, 'seen')
  assert.equal((await here.json(0, 'tlog', 'monitor', 's3://logs/words', '--key', key, '--state', state)).size, 7)
})

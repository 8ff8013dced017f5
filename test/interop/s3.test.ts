/**
 * Data in a real S3 store (versitygw, built from its source at a pinned version): a folder in several pages and a single
 * object come in, come again into another checkout, and are refused when the store serves other bytes.
 *
 *     node --test test/interop/s3.test.ts
 *
 * The first run needs Go and its module proxy, and takes some minutes on two cores; the program is kept below
 * .cache/interop. `VERSITYGW=/path/to/versitygw` takes another one.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { AwsClient } from 'aws4fetch'
import { sha256Of } from '../../src/core/index.ts'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { type Document, runAssay, type Scratch, scratchEnvironment } from '../support/scratch.ts'
import { type Gateway, gatewayKeys, startGateway } from './gateway.ts'

const keys = gatewayKeys
const aws = new AwsClient({ ...keys, region: 'us-east-1', service: 's3', retries: 0 })

let gateway: Gateway
let endpoint: string

before(
  async () => {
    gateway = await startGateway()
    endpoint = gateway.endpoint
    await put('/bucket', '')
  },
  { timeout: 900_000 },
)
after(() => gateway?.stop())

async function put(path: string, body: string | Buffer): Promise<void> {
  const answer = await aws.fetch(`${endpoint}${path}`, { method: 'PUT', body })
  assert.ok(answer.ok, `PUT ${path}: ${answer.status} ${await answer.text()}`)
}

async function assay(
  project: Scratch,
  exit: number,
  args: readonly string[],
  secret = keys.secretAccessKey,
): Promise<Document> {
  const environment = {
    ...scratchEnvironment(project.keys),
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: secret,
    AWS_ENDPOINT_URL: endpoint,
  }
  const ran = await runAssay([...args, '--json'], project.root, environment)
  assert.equal(ran.code, exit, `${args.join(' ')}\n${ran.stdout}\n${ran.stderr}`)
  return JSON.parse(ran.stdout)
}

test('a folder of more objects than a page has comes in as it is, and comes again into another checkout', async (context) => {
  const project = await adopted(context, words)
  // a page has at most 1,000 objects
  const names = Array.from({ length: 1100 }, (_, index) => `part ${index}/é & +.txt`)
  for (let at = 0; at < names.length; at += 50) {
    await Promise.all(
      names
        .slice(at, at + 50)
        .map((name, index) =>
          put(`/bucket/set/${encodeURI(name).replaceAll('&', '%26').replaceAll('+', '%2B')}`, `file ${at + index}`),
        ),
    )
  }
  const added = await assay(project, 0, ['data', 'add', 'set', 's3://bucket/set/', '--to', 'data/set'])
  assert.match(added.source.digest, /^dirHash1:/)
  assert.equal(project.read('data/set/part 1099/é & +.txt'), 'file 1099')

  rmSync(join(project.root, 'data/set'), { recursive: true })
  rmSync(join(project.root, '.assay/objects'), { recursive: true })
  const fetched = await assay(project, 0, ['data', 'fetch', 'set'])
  assert.match(fetched.sources[0].status, /^fetched/)
  assert.equal(project.read('data/set/part 7/é & +.txt'), 'file 7')
  assert.equal(
    (await assay(project, 0, ['data', 'add', 'set', 's3://bucket/set/', '--to', 'data/set'])).source.digest,
    added.source.digest,
  )
})

test('one object of some MiB is the bytes that were put', async (context) => {
  const project = await adopted(context, words)
  const bytes = Buffer.alloc(12 * 1024 * 1024, 'assay ')
  await put('/bucket/big.bin', bytes)
  const { source } = await assay(project, 0, ['data', 'add', 'big', 's3://bucket/big.bin', '--to', 'data/big.bin'])
  assert.equal(source.digest, sha256Of(bytes))
  assert.ok(readFileSync(join(project.root, 'data/big.bin')).equals(bytes))
})

test('other bytes behind the same address are refused, and so is a wrong key', async (context) => {
  const project = await adopted(context, words)
  await put('/bucket/labels.csv', 'a\n1\n')
  await assay(project, 0, ['data', 'add', 'labels', 's3://bucket/labels.csv', '--to', 'data/labels.csv'])
  await put('/bucket/labels.csv', 'a\n2\n')
  rmSync(join(project.root, 'data/labels.csv'))
  rmSync(join(project.root, '.assay/objects'), { recursive: true })
  const split = await assay(project, 1, ['data', 'fetch', 'labels'])
  assert.equal(split.error.code, 'ERR_DATA_SPLIT_VIEW')
  assert.equal(existsSync(join(project.root, 'data/labels.csv')), false)

  await put('/bucket/labels.csv', 'a\n1\n')
  const denied = await assay(project, 4, ['data', 'fetch', 'labels'], 'another secret')
  assert.equal(denied.error.code, 'ERR_DATA_FETCH')
  await assay(project, 0, ['data', 'fetch', 'labels'])
  assert.equal(project.read('data/labels.csv'), 'a\n1\n')
  const missing = await assay(project, 4, ['data', 'add', 'none', 's3://bucket/none.csv', '--to', 'data/none.csv'])
  assert.equal(missing.error.code, 'ERR_DATA_FETCH')
})

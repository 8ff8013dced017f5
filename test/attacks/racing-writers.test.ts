/** Many writers of one log, each stopped anywhere: no entry is lost, none is there twice, nobody sees two histories. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { noteKeyOf, nothingSeen, observeLog, type Signer } from '../../src/attestation/index.ts'
import { signCheckpoint } from '../../src/attestation/signer/log-key.ts'
import { rawPublic } from '../../src/attestation/tlog/note.ts'
import { isDomainError, isSha256, sha256Of } from '../../src/core/index.ts'
import { type LogObjects, openLogObjects, readerOfObjects } from '../../src/pipeline/log-objects.http.ts'
import { enterSharedLog } from '../../src/pipeline/shared-log.ts'
import { randomFrom } from '../fuzz/random.ts'
import { serveS3 } from '../support/s3-server.ts'

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const raw = rawPublic(publicKey)

const signer: Pick<Signer, 'sign' | 'logKey'> = {
  logKey: Buffer.from(raw).toString('base64'),
  sign: async (request) => {
    if (request.kind !== 'checkpoint') throw new Error('nothing else is signed here')
    const bytes = signCheckpoint(request.checkpoint, privateKey)
    return { bytes, digest: sha256Of(bytes) }
  },
}

class Killed extends Error {}

/** A store as S3 is: each request whole, in any order; `chance` of being killed at each. */
function storeOf(objects: Map<string, Uint8Array>, random: () => number, chance: number): LogObjects {
  const step = async (): Promise<void> => {
    for (let turns = Math.floor(random() * 4); turns > 0; turns -= 1) await turn()
    if (random() < chance) throw new Killed()
  }
  const tagOf = (name: string): string | undefined => {
    const bytes = objects.get(name)
    return bytes === undefined ? undefined : sha256Of(bytes)
  }
  return {
    address: 's3://bucket/log',
    read: async (name) => {
      await step()
      const bytes = objects.get(name)
      return bytes === undefined ? undefined : { bytes, tag: sha256Of(bytes) }
    },
    put: async (name, bytes) => {
      await step()
      objects.set(name, bytes)
    },
    putIf: async (name, bytes, tag) => {
      await step()
      if (tagOf(name) !== tag) return false
      objects.set(name, bytes)
      await step()
      return true
    },
    close: async () => undefined,
  }
}

test('writers that race and are killed anywhere lose nothing and fork nothing', async (context) => {
  const base = mkdtempSync(join(tmpdir(), 'assay-shared-log-'))
  context.after(() => rmSync(base, { recursive: true, force: true }))
  for (let seed = 1; seed <= 2; seed += 1) {
    const { below } = randomFrom(seed)
    const random = (): number => below(2 ** 32) / 2 ** 32
    const objects = new Map<string, Uint8Array>()
    const wanted = new Set<string>()
    const writer = async (name: number): Promise<void> => {
      const owner = { root: join(base, `${seed}-${name}`), id: 'p' }
      for (let round = 0; round < 3; round += 1) {
        const entries = Array.from({ length: 1 + Math.floor(random() * 90) }, (_, at) =>
          sha256Of(`${seed} ${name} ${round} ${at}`),
        )
        for (const entry of entries) wanted.add(entry)
        for (;;) {
          try {
            await enterSharedLog(owner, signer, storeOf(objects, random, 0.01), entries)
            break
          } catch (error) {
            if (!(error instanceof Killed)) throw error
          }
        }
      }
    }
    await Promise.all([1, 2, 3].map(writer))
    const reader = readerOfObjects(storeOf(objects, random, 0))
    const origin =
      Buffer.from((await reader.checkpoint()) ?? [])
        .toString()
        .split('\n', 1)[0] ?? ''
    const trust = { log: noteKeyOf(origin, 'log', raw), witnesses: [], threshold: 0 }
    const found: string[] = []
    await observeLog(reader, nothingSeen(origin), trust, { onEntry: (entry) => void found.push(String(entry)) })
    assert.ok(found.every(isSha256))
    assert.deepEqual(found.toSorted(), [...wanted].toSorted(), `seed ${seed}`)
  }
})

test('a store that tags nothing, so that no condition holds, is written by nobody; nor is one with a head of others', async (context) => {
  const root = mkdtempSync(join(tmpdir(), 'assay-shared-log-'))
  context.after(() => rmSync(root, { recursive: true, force: true }))
  let tagged = true
  const store = await serveS3(context, ({ method, key }, response) => {
    const bytes = store.objects.get(key)
    if (tagged || method !== 'GET' || bytes === undefined) return false
    response.writeHead(200).end(bytes)
    return true
  })
  const route = { httpProxy: '', httpsProxy: '', noProxy: '', authorities: [], retryDelaysMs: [] }
  const objects = openLogObjects('s3://bucket/log', store.environment, { route, signal: new AbortController().signal })
  context.after(() => objects.close())
  const enter = (name: string): Promise<unknown> => enterSharedLog({ root, id: 'p' }, signer, objects, [sha256Of(name)])
  await enter('first')
  const head = store.objects.get('log/head')
  tagged = false
  await assert.rejects(
    enter('second'),
    (error) => isDomainError(error, 'ERR_TLOG_UNREACHABLE') && /ETag/.test(error.message),
  )
  assert.deepEqual(store.objects.get('log/head'), head)
  tagged = true
  await enter('second')
  const next = store.objects.get('log/head')
  for (const foreign of ['', '{', '{"assayLogHead":1}', '{"assayLogHead":1,"assayLogHead":1}']) {
    store.objects.set('log/head', Buffer.from(foreign))
    await assert.rejects(enter('third'), (error) => isDomainError(error, 'ERR_TLOG_MALFORMED'), foreign)
  }
  store.objects.set('log/head', next ?? Buffer.of())
  await enter('third')
})

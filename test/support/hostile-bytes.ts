/** Every reader of bytes that others made, with an honest example of each for mutations to start from. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { parseBundle } from '../../src/attestation/bundle.ts'
import {
  newPerson,
  policyOf,
  policyText,
  signApproval,
  signStage,
  sourceApproval,
  stageFacts,
} from '../../src/attestation/fixtures/chain.ts'
import { parseTrustPolicy } from '../../src/attestation/index.ts'
import { statedStage } from '../../src/attestation/stated.ts'
import { parseStatement } from '../../src/attestation/statement.ts'
import { subjectsOfBundle, verifySourceApproval, verifyStage } from '../../src/attestation/verify.ts'
import { isDomainError, parseStrictJson } from '../../src/core/index.ts'
import { parseFolderList, printFolderList } from '../../src/data/folder-list.ts'
import { parseConfigList, remoteOf } from '../../src/data/git-config.ts'
import { parseCommit, parseLfsPointer, parseTree } from '../../src/data/git-objects.ts'
import { openStatCache, parseSources } from '../../src/data/index.ts'
import { definePipeline, defineSettings, readParams } from '../../src/pipeline/define/index.ts'
import { projectOf } from '../../src/pipeline/define/project.memory.ts'
import { parseLock } from '../../src/pipeline/lock.ts'
import { openRuns } from '../../src/pipeline/runs.fs.ts'

const digest = `sha256:${'a'.repeat(64)}` as const
const oid = 'b'.repeat(40)
const person = newPerson()
const policy = policyOf(person)
const signed = Buffer.from(signStage(person, stageFacts()))
const statement = Buffer.from(JSON.parse(signed.toString()).dsseEnvelope.payload, 'base64')
const run = JSON.stringify({
  assay: 1,
  startedAt: '2026-01-01T00:00:00Z',
  logs: { a: digest },
  report: { runId: 'r', status: 'succeeded', level: 1, whyNotHigher: [], stages: [] },
})

export type Reader = Readonly<{ good: string | Buffer; read(bytes: Buffer): unknown }>

/** @param folder an empty scratch folder, for readers that read files */
export const readersIn = (folder: string): Readonly<Record<string, Reader>> => ({
  bundle: { good: signed, read: parseBundle },
  'bundle, verified': { good: signed, read: (bytes) => verifyStage(bytes, policy) },
  'approval, verified': {
    good: Buffer.from(signApproval(person, sourceApproval())),
    read: (bytes) => verifySourceApproval(bytes, policy),
  },
  'subjects of a bundle': { good: signed, read: subjectsOfBundle },
  'what a bundle states': { good: signed, read: statedStage },
  statement: { good: statement, read: parseStatement },
  'strict JSON': { good: statement, read: (bytes) => parseStrictJson(bytes, 'x') },
  'trust.yaml': { good: policyText(person), read: (bytes) => parseTrustPolicy(bytes, 'repository') },
  'sources.yaml': {
    good: `inventory: 1\nsources:\n  a: {path: a, origin: a, owner: A <a@b.c>, classification: public, licence: MIT, kind: data, digest: "${digest}", addedAt: 2026-11-24T10:00:00.000Z}\n`,
    read: parseSources,
  },
  'assay.lock': {
    good: `assay: 1\nstages:\n  a: {attestation: "${digest}", key: "${digest}", outs: {b: "${digest}"}}\n`,
    read: parseLock,
  },
  'assay.yaml': {
    good: 'assay: 1\nname: x\ndata: {a: {source: b}}\ndefaults: {limits: {memory: 4GiB, time: 30m}}\nprotected: ["a/**"]\n',
    read: (bytes) =>
      defineSettings(bytes, 'assay.yaml', definePipeline(projectOf({}), { root: '/p', overrides: new Map() })),
  },
  'dvc.yaml': {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: templates of DVC
    good: 'vars: [{a: 1}]\nstages:\n  s:\n    foreach: [1, 2]\n    do: {cmd: "a ${item} ${a}", outs: ["o${item}"]}\n',
    read: (bytes) => definePipeline(projectOf({ 'dvc.yaml': bytes }), { root: '/p', overrides: new Map() }),
  },
  'params.toml': { good: 'a = 1\n[b]\nc = [1.5, "x"]\n', read: (bytes) => readParams(bytes, 'params.toml') },
  'params.json': { good: '{"a": {"b": [1, 2.5, null]}}', read: (bytes) => readParams(bytes, 'params.json') },
  'params.py': { good: 'A = 1\nclass B:\n  c = [1, {"x": (2,)}]\n', read: (bytes) => readParams(bytes, 'params.py') },
  'list of a folder': {
    good: printFolderList([{ path: 'a/b', digest, sizeBytes: 3, executable: false }]),
    read: (bytes) => parseFolderList(bytes, 'x'),
  },
  'git commit': {
    good: `tree ${oid}\nparent ${oid}\nauthor A <a@b.c> 1700000000 +0100\ncommitter A <a@b.c> 1700000000 +0100\n\nx\n`,
    read: (bytes) => parseCommit({ oid, type: 'commit', bytes }),
  },
  'git tree': {
    good: Buffer.concat([
      Buffer.from('100644 a.txt\0'),
      Buffer.alloc(20, 7),
      Buffer.from('40000 b\0'),
      Buffer.alloc(20),
    ]),
    read: (bytes) => parseTree({ oid, type: 'tree', bytes }),
  },
  'git configuration': {
    good: 'remote.origin.url\nhttps://a:b@c.d/e\0core.bare\0',
    read: (bytes) => remoteOf(parseConfigList(bytes.toString()), 'refs/heads/main'),
  },
  'LFS pointer': {
    good: `version https://git-lfs.github.com/spec/v1\noid ${digest}\nsize 9\n`,
    read: parseLfsPointer,
  },
  'record of a run': {
    good: run,
    read: (bytes) => {
      mkdirSync(join(folder, '.assay/runs/r'), { recursive: true })
      writeFileSync(join(folder, '.assay/runs/r/run.json'), bytes)
      return openRuns(folder).load()
    },
  },
  'stat cache': {
    good: Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(4080, 1)]),
    read: (bytes) => {
      const file = join(folder, 'stat.sqlite')
      for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true })
      writeFileSync(file, bytes)
      using cache = openStatCache(file)
      cache.recordFact('a', 'b')
      return cache.fact('a')
    },
  },
})

/** Bytes that were cut, doubled, overwritten, exchanged or replaced; and bytes that never were anything. */
function mutations(good: Buffer): fc.Arbitrary<Buffer> {
  const at = fc.nat({ max: good.length })
  const words = [
    '"',
    '{',
    '[',
    '\0',
    '\n',
    ': ',
    '*a',
    '&a',
    '!!x',
    '<<',
    '${',
    '__proto__',
    '1e999',
    '-0',
    '\ud800',
    'ÿ',
    '9'.repeat(40),
  ]
  const change = fc.oneof(
    fc.record({
      kind: fc.constant('put' as const),
      at,
      bytes: fc.oneof(
        fc.uint8Array({ maxLength: 8 }),
        fc.constantFrom(...words).map((word) => Buffer.from(word)),
      ),
    }),
    fc.record({ kind: fc.constant('cut' as const), at, length: fc.nat({ max: 60 }) }),
    fc.record({ kind: fc.constant('copy' as const), at, from: at, length: fc.nat({ max: 200 }) }),
    fc.record({ kind: fc.constant('nest' as const), at, depth: fc.nat({ max: 4000 }) }),
  )
  const mutated = fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => {
    let bytes = good
    for (const each of changes) {
      const [head, tail] = [bytes.subarray(0, each.at), bytes.subarray(each.at)]
      if (each.kind === 'put') bytes = Buffer.concat([head, each.bytes, tail.subarray(each.bytes.length)])
      else if (each.kind === 'cut') bytes = Buffer.concat([head, tail.subarray(each.length)])
      else if (each.kind === 'copy')
        bytes = Buffer.concat([head, bytes.subarray(each.from, each.from + each.length), tail])
      else bytes = Buffer.concat([head, Buffer.from('['.repeat(each.depth)), tail])
    }
    return bytes
  })
  return fc.oneof(
    { weight: 6, arbitrary: mutated },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
  )
}

/** LIMIT: per input, on a loaded machine; a reader that is linear needs a hundredth of it. */
const maxCpuMs = 3000
const maxGrowthBytes = 400 * 1024 * 1024

/** A value or a `DomainError`, soon, and without keeping memory: nothing else may come of any bytes. */
export function fuzzReaders(numRuns: number, seed: number): void {
  const folder = mkdtempSync(join(tmpdir(), 'assay-fuzz-'))
  const before = process.memoryUsage().heapUsed
  try {
    for (const [name, { good, read }] of Object.entries(readersIn(folder))) {
      read(Buffer.from(good))
      fc.assert(
        fc.property(mutations(Buffer.from(good)), (bytes) => {
          const started = process.cpuUsage()
          try {
            read(bytes)
          } catch (error) {
            if (!isDomainError(error)) throw error
            assert.ok(error.message.length < 5000, 'a refusal is a sentence')
          }
          const { user } = process.cpuUsage(started)
          assert.ok(user / 1000 < maxCpuMs, `${name} takes ${user / 1000} ms`)
        }),
        { numRuns, seed },
      )
    }
    assert.ok(process.memoryUsage().heapUsed - before < maxGrowthBytes, 'memory grows')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

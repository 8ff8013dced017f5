/** Threat: bytes made to break their reader. Each honest example is read; whatever is made of it gives a value or a refusal. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { parseCertificate } from '../../src/attestation/foreign/foreign-trust.ts'
import { parseTrustPolicy } from '../../src/attestation/index.ts'
import { condaYaml } from '../../src/compute/environment/conda-lock.ts'
import { refusalAt } from '../../src/compute/environment/lock-text.ts'
import { isDomainError } from '../../src/core/index.ts'
import { parseSources } from '../../src/data/index.ts'
import { readParams } from '../../src/pipeline/define/index.ts'
import { parseLock } from '../../src/pipeline/lock.ts'
import { corpusFolder, loadCorpus } from '../fuzz/corpus.fs.ts'
import { readOnce } from '../fuzz/fuzzer.ts'
import { readerTargets } from '../fuzz/reader-targets.ts'
import { fileAt } from '../fuzz/target.ts'
import { trustTargets } from '../fuzz/trust-targets.ts'
import { fuzzReaders } from '../support/hostile-bytes.ts'
import { scratch } from '../support/scratch.ts'

test('mutated and random bytes give a value or a coded refusal from every reader, never a bug, a wait or a heap', () => {
  fuzzReaders(120, Date.now() % 1_000_000)
})

test('each input that the fuzzer kept is still read, or refused by code', async (context) => {
  const targets = [...trustTargets(), ...readerTargets(scratch(context, {}).root)]
  let read = 0
  for (const target of targets)
    for (const bytes of loadCorpus(target.name)) {
      assert.equal(await readOnce(target, bytes), undefined, target.name)
      read += 1
    }
  const kept = readdirSync(corpusFolder, { recursive: true, withFileTypes: true }).filter((item) => item.isFile())
  assert.equal(read, kept.length, 'none is of a target that was renamed')
})

/** Found by the fuzzer: the library for YAML recurses. */
test('YAML that is nested beyond the stack is refused by code, wherever it stands', () => {
  const readers = {
    ERR_POLICY_MALFORMED: (bytes: Buffer) => parseTrustPolicy(bytes, 'repository'),
    ERR_LOCK_MALFORMED: parseLock,
    ERR_SOURCES_INVALID: parseSources,
    ERR_ENV_LOCK_INVALID: (bytes: Buffer) => condaYaml(bytes.toString(), refusalAt('conda-lock.yml', 1)),
  } as const
  for (const [code, read] of Object.entries(readers))
    for (const text of ['- '.repeat(20_000), '['.repeat(20_000), '{a: '.repeat(20_000), '? '.repeat(20_000)])
      assert.throws(
        () => read(Buffer.from(text)),
        (error) => isDomainError(error) && error.code === code,
        `${code} ${text.slice(0, 4)}`,
      )
})

/** Found by the fuzzer: 80 KB took two seconds, and a megabyte minutes. */
test('Python that is broken within deep brackets is refused before the grammar looks at it', () => {
  const text = `a = [1, {"x$_${'{"a":'.repeat(200_000)}`
  assert.throws(() => readParams(Buffer.from(text), 'params.py'), {
    code: 'ERR_PARAMS_INVALID',
    message: /nested deeper than 1000 brackets/,
  })
  const deep = `a = ${'['.repeat(90)}${']'.repeat(90)}\nb = 1\n`
  assert.doesNotThrow(() => readParams(Buffer.from(deep), 'params.py'))
})

/** Found by the fuzzer: OpenSSL reads the certificate at the beginning of bytes. */
test('a certificate with bytes behind it is none', () => {
  const pem = fileAt('test/vectors/model-signing/keys/ca-cert.pem').toString()
  const { raw } = parseCertificate(pem)
  assert.ok(parseCertificate(raw).raw.equals(raw))
  assert.throws(() => parseCertificate(Buffer.concat([raw, Buffer.alloc(1)])), { code: 'ERR_CERTIFICATE_MALFORMED' })
  assert.throws(() => parseCertificate(Buffer.from(pem)), { code: 'ERR_CERTIFICATE_MALFORMED' })
})

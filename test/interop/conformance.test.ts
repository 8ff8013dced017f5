/**
 * The OpenSSF Model Signing conformance suite, whole: each of its cases through the built command line; what was accepted
 * and what was refused are counted apart, so that a client that refuses everything does not pass.
 *
 *     MODEL_SIGNING_CONFORMANCE=/path/to/checkout node --test test/interop/conformance.test.ts
 *
 * No registry has the suite, and it has no licence by which it could stand here: it is cloned at a pinned commit, unless a
 * checkout is named. Where neither is there the test is skipped and says so. sigstore-conformance is 70 vectors of
 * `npm test` (test/vectors/sigstore), by file and by digest: 42 accepted, 98 refused.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { repository, virtualEnvironment } from './environments.ts'

const suite = 'https://github.com/sampras343/model-signing-conformance'
/** Signing for an identity would ask Sigstore's public staging instance. */
const offline = 'not (test_roundtrip and sigstore)'
const commit = '114b0f72da8d7502cfdc3c83003c9d2d4a30682e'

/** Folder of the suite, or undefined. */
function checkout(): string | undefined {
  const given = process.env['MODEL_SIGNING_CONFORMANCE']
  if (given !== undefined) return given
  const folder = join(repository, '.cache/interop', `model-signing-conformance-${commit.slice(0, 12)}`)
  if (existsSync(join(folder, 'test'))) return folder
  mkdirSync(folder, { recursive: true })
  const git = (...args: readonly string[]): boolean =>
    spawnSync('git', ['-C', folder, ...args], { timeout: 120_000 }).status === 0
  const isThere =
    git('init', '-q') && git('fetch', '-q', '--depth', '1', suite, commit) && git('checkout', '-q', 'FETCH_HEAD')
  if (!isThere) rmSync(folder, { recursive: true, force: true })
  return isThere ? folder : undefined
}

test('the conformance suite of OpenSSF Model Signing passes, and not by refusing', {
  timeout: 1_200_000,
}, (context) => {
  const folder = checkout()
  if (folder === undefined) {
    context.skip(`${suite} is not here: name a checkout by MODEL_SIGNING_CONFORMANCE`)
    return
  }
  const place = mkdtempSync(join(tmpdir(), 'assay-conformance-'))
  context.after(() => rmSync(place, { recursive: true, force: true }))
  const [client, told] = [join(place, 'client'), join(place, 'told')]
  const adapter = join(repository, 'test/conformance/model-signing-client.ts')
  writeFileSync(client, `#!/bin/sh\nexec '${process.execPath}' '${adapter}' "$@"\n`, { mode: 0o755 })
  const programs = virtualEnvironment('conformance-1', 'pytest==8.4.2', 'jsonschema==4.25.1', 'referencing==0.36.2')
  const { status, stdout } = spawnSync(
    join(programs, 'python'),
    [
      '-m',
      'pytest',
      '-q',
      '-rs',
      '-p',
      'no:cacheprovider',
      '--basetemp',
      join(place, 'work'),
      '-k',
      offline,
      'test',
      '--entrypoint',
      client,
    ],
    {
      cwd: folder,
      encoding: 'utf8',
      env: {
        ...process.env,
        // The suite asks for a token for all that has an identity; only its five signing cases, left out above, use it.
        SIGSTORE_ID_TOKEN: 'unused',
        PYTHONPATH: join(repository, 'test/interop'),
        PYTHONDONTWRITEBYTECODE: '1',
        ASSAY_CONFORMANCE_TOLD: told,
      },
    },
  )
  assert.equal(status, 0, stdout.slice(-5000))
  const [, passed = '0'] = /(\d+) passed/.exec(stdout) ?? []
  const outcomes = readFileSync(told, 'utf8').trim().split('\n')
  const count = (outcome: string): number => outcomes.filter((each) => each === outcome).length
  const counted = {
    passed: Number(passed),
    signed: count('sign-model 0'),
    notSigned: outcomes.filter((each) => /^sign-model [^0]/.test(each)).length,
    accepted: count('verify-model 0'),
    refused: outcomes.filter((each) => /^verify-model [^0]/.test(each)).length,
  }
  assert.deepEqual(counted, { passed: 66, signed: 20, notSigned: 4, accepted: 39, refused: 23 })
})

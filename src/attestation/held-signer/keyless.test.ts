/** Signing for an identity, from token to verified statement, against an instance on loopback; and what it may answer. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { issuer, type Lie, type SigstoreInstance, sigstoreInstance } from '../../../test/support/sigstore-instance.ts'
import { type ErrorCode, isDomainError } from '../../core/index.ts'
import { statementPayloadType } from '../dsse.ts'
import { certificateJudge } from '../foreign/certified-bundle.ts'
import { parseHeldAddress, type SigstoreAddress } from './address.ts'
import { openKeyless } from './keyless.http.ts'
import { addressOfSigningConfig } from './signing-config.ts'

const patience = { timeoutMs: 5000, retryDelaysMs: [] }
const workflow = 'https://github.com/o/r/.github/workflows/train.yml@refs/heads/main'
const claims = {
  sub: workflow,
  sha: 'a'.repeat(40),
  repository: 'o/r',
  ref: 'refs/heads/main',
  run_id: '7',
  run_attempt: '1',
}
const payload = Buffer.from('{"a":"statement"}')

// as: the address is one of that kind
const addressOf = ({ address }: SigstoreInstance): SigstoreAddress => parseHeldAddress(address) as SigstoreAddress

function refused(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  return assert.rejects(promise, (error) => {
    assert.ok(isDomainError(error, code), String(error))
    assert.doesNotMatch(JSON.stringify([error.message, error.cause]), /eyJ/, 'no token in a message')
    return true
  })
}

test('an identity signs, and its bundle is believed by the trusted root, with what the CI said of the run', async (context) => {
  const instance = await sigstoreInstance(context)
  const settings = { ASSAY_IDENTITY_TOKEN: instance.token(claims) }
  const signer = await openKeyless(addressOf(instance), settings, patience)
  assert.deepEqual([signer.identity.identity, signer.identity.issuer], [workflow, issuer])
  const bundle = await signer.seal(payload, statementPayloadType)
  const { findings, certified } = certificateJudge([instance.trustedRoot])(bundle)
  assert.deepEqual(
    findings.filter(({ passed }) => !passed),
    [],
  )
  assert.deepEqual([certified?.identity, certified?.issuer], [workflow, issuer])
  assert.equal(Buffer.from(certified?.envelope.payload ?? []).toString(), payload.toString())
  assert.deepEqual(certified?.claims, {
    'source-digest': claims.sha,
    'source-ref': claims.ref,
    'source-repository': 'https://github.com/o/r',
    run: 'https://github.com/o/r/actions/runs/7/attempts/1',
  })
  await signer.seal(payload, statementPayloadType)
  assert.equal(instance.asked.filter((path) => path.includes('signingCert')).length, 1, 'one certificate for both')
})

test('each lie of the instance is refused, when it signs or when it is read', async (context) => {
  const instance = await sigstoreInstance(context)
  const settings = { ASSAY_IDENTITY_TOKEN: instance.token(claims) }
  const open = () => openKeyless(addressOf(instance), settings, patience)
  const seal = async () => (await open()).seal(payload, statementPayloadType)
  const lies: Readonly<Partial<Record<Lie, ErrorCode>>> = {
    'another key': 'ERR_SIGNER_WRONG',
    'no certificate': 'ERR_SIGNER_DENIED',
    'another entry': 'ERR_SIGNER_WRONG',
    'no log': 'ERR_SIGNER_UNREACHABLE',
    'no stamps': 'ERR_SIGNER_DENIED',
  }
  for (const [lie, code] of Object.entries(lies) as readonly [Lie, ErrorCode][]) {
    instance.lie(lie)
    await refused(seal(), code)
  }
  instance.lie('another time')
  const judge = certificateJudge([instance.trustedRoot])
  assert.equal(judge(await seal()).findings.find(({ passed }) => !passed)?.code, 'ERR_BUNDLE_TIMESTAMP')
  instance.lie('none')
  assert.ok(judge(await seal()).findings.every(({ passed }) => passed))
})

test('an entry whose answer was lost is found again, and is held to be of this signature', async (context) => {
  const instance = await sigstoreInstance(context)
  const settings = { ASSAY_IDENTITY_TOKEN: instance.token(claims) }
  const signer = await openKeyless(addressOf(instance), settings, { ...patience, retryDelaysMs: [1] })
  const seal = () => signer.seal(payload, statementPayloadType)
  await seal()
  instance.lie('a lost answer')
  const { findings, certified } = certificateJudge([instance.trustedRoot])(await seal())
  assert.ok(certified !== undefined && findings.every(({ passed }) => passed))
  assert.match(instance.asked.at(-1) ?? '', /^GET \/api\/v1\/log\/entries\/[0-9a-f]{64}$|timestamp/)
  instance.lie('a lost answer of another')
  await refused(seal(), 'ERR_SIGNER_WRONG')
})

test('a bundle is believed by its own root alone, or by old and new root together in the time of each', async (context) => {
  const [first, second] = [await sigstoreInstance(context), await sigstoreInstance(context)]
  const bundleOf = async (instance: SigstoreInstance): Promise<Uint8Array> => {
    const settings = { ASSAY_IDENTITY_TOKEN: instance.token(claims) }
    return (await openKeyless(addressOf(instance), settings, patience)).seal(payload, statementPayloadType)
  }
  const [old, fresh] = [await bundleOf(first), await bundleOf(second)]
  const isBelieved = (bundle: Uint8Array, roots: readonly object[]): boolean =>
    certificateJudge(roots)(bundle).findings.every(({ passed }) => passed)
  assert.deepEqual([isBelieved(old, [first.trustedRoot]), isBelieved(old, [second.trustedRoot])], [true, false])
  const both = [first.trustedRoot, second.trustedRoot]
  assert.deepEqual([isBelieved(old, both), isBelieved(fresh, both)], [true, true])
  const ended = JSON.parse(
    JSON.stringify(first.trustedRoot).replaceAll(
      '"start":"2026-01-01T00:00:00Z"',
      '"start":"2026-01-01T00:00:00Z","end":"2026-01-02T00:00:00Z"',
    ),
  )
  assert.deepEqual(
    [isBelieved(old, [ended, second.trustedRoot]), isBelieved(fresh, [ended, second.trustedRoot])],
    [false, true],
  )
})

test('a token comes from a file that is read anew, from GitHub or from GitLab, and nobody else is asked', async (context) => {
  const instance = await sigstoreInstance(context)
  const folder = mkdtempSync(join(tmpdir(), 'assay-token-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'token')
  writeFileSync(file, `${instance.token(claims)}\n`)
  const identityWith = async (settings: Readonly<Record<string, string>>): Promise<string> =>
    (await openKeyless(addressOf(instance), settings, patience)).identity.identity
  assert.equal(await identityWith({ ASSAY_IDENTITY_TOKEN_FILE: file }), workflow)
  assert.equal(
    await identityWith({ SIGSTORE_ID_TOKEN: instance.token({ ...claims, sub: 'https://gitlab.example/g/p' }) }),
    'https://gitlab.example/g/p',
  )

  const github = await gitHubTokens(context, instance.token(claims))
  assert.equal(
    await identityWith({ ACTIONS_ID_TOKEN_REQUEST_URL: github, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'request' }),
    workflow,
  )
  await refused(
    identityWith({ ACTIONS_ID_TOKEN_REQUEST_URL: github, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'x' }),
    'ERR_IDENTITY_TOKEN',
  )

  const before = instance.asked.length
  await refused(identityWith({}), 'ERR_IDENTITY_TOKEN')
  await refused(identityWith({ ASSAY_IDENTITY_TOKEN: instance.token({ ...claims, exp: 1 }) }), 'ERR_IDENTITY_TOKEN')
  await refused(identityWith({ ASSAY_IDENTITY_TOKEN: 'nonsense' }), 'ERR_IDENTITY_TOKEN')
  await refused(
    identityWith({ ASSAY_IDENTITY_TOKEN: instance.token({ sub: 'x', email: 'ada@example.org' }) }),
    'ERR_IDENTITY_TOKEN',
  )
  assert.equal(instance.asked.length, before)
  await refused(identityWith({ ASSAY_IDENTITY_TOKEN: instance.forgedToken(claims) }), 'ERR_SIGNER_DENIED')
})

async function gitHubTokens(context: TestContext, token: string): Promise<string> {
  const { createServer } = await import('node:http')
  const server = createServer(({ headers, url = '' }, response) => {
    const isRight = headers.authorization === 'Bearer request' && url === '/token?api-version=2.0&audience=sigstore'
    response.writeHead(isRight ? 200 : 403).end(JSON.stringify({ value: token }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => server.close())
  // as: it listens on TCP
  return `http://127.0.0.1:${(server.address() as { port: number }).port}/token?api-version=2.0`
}

test('a signing config names the services: the newest that are valid now, Rekor v2 before v1, and one of each kind', async (context) => {
  const { url, trustedRoot, token } = await sigstoreInstance(context)
  const now = new Date('2026-11-26T12:00:00Z')
  const service = (at: string, majorApiVersion: number, start: string, end?: string) => ({
    url: at,
    majorApiVersion,
    operator: 'example.org',
    validFor: { start: `${start}T00:00:00Z`, ...(end === undefined ? {} : { end: `${end}T00:00:00Z` }) },
  })
  const config = {
    mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
    caUrls: [
      service('https://old.example', 1, '2025-01-01', '2026-01-01'),
      service(url, 1, '2026-01-01'),
      service('https://next.example', 1, '2027-01-01'),
      service('https://v9.example', 9, '2026-02-01'),
    ],
    rekorTlogUrls: [service('https://v1.example', 1, '2026-06-01'), service(url, 2, '2026-01-01')],
    rekorTlogConfig: { selector: 'ANY' },
    tsaUrls: [service(`${url}/api/v1/timestamp`, 1, '2026-01-01')],
    tsaConfig: { selector: 'EXACT', count: 1 },
  }
  const bytesOf = (more: object): Buffer => Buffer.from(JSON.stringify({ ...config, ...more }))
  const address = parseHeldAddress(addressOfSigningConfig(bytesOf({}), now))
  assert.deepEqual(address, {
    kind: 'sigstore',
    fulcio: url,
    rekor: url,
    rekorVersion: 2,
    timestamps: `${url}/api/v1/timestamp`,
  })
  // as: it is one of an instance
  const signer = await openKeyless(address as SigstoreAddress, { ASSAY_IDENTITY_TOKEN: token(claims) }, patience)
  const bundle = await signer.seal(payload, statementPayloadType)
  const refusals = (root: object): readonly string[] =>
    certificateJudge([root])(bundle).findings.flatMap(({ passed, code }) => (passed ? [] : [code]))
  assert.deepEqual(refusals(trustedRoot), [], 'an entry of Rekor v2 is believed')
  const ended = JSON.parse(JSON.stringify(trustedRoot))
  ended.tlogs[0].publicKey.validFor.end = '2026-01-02T00:00:00Z'
  assert.deepEqual(refusals(ended), ['ERR_BUNDLE_LOG_ENTRY'], 'and not of a log that had ended by then')
  for (const more of [{ caUrls: [] }, { mediaType: 'x' }, { tsaConfig: { selector: 'ALL' } }, { caUrls: [{ url: 1 }] }])
    assert.throws(
      () => addressOfSigningConfig(bytesOf(more), now),
      (error) => isDomainError(error, 'ERR_SIGNER_ADDRESS'),
    )
})

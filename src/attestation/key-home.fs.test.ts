import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type ErrorCode, isDomainError } from '../core/index.ts'
import { newPerson, now, policyText } from './fixtures/chain.ts'
import { scratchFolder } from './fixtures/store.fs.ts'
import { ensureLogKey } from './held-key-source.fs.ts'
import { generateKey } from './key.ts'
import { readPrivateKey } from './key-file.fs.ts'
import { openKeyHome, revokedKeys } from './key-home.fs.ts'
import type { KeyEnvironment, KeyHome } from './key-home.ts'
import { hintOf, parsePublicKey } from './public-key.ts'
import { makePrivate } from './secret-file.fs.ts'

type Place = Readonly<{
  base: string
  checkout: string
  config: string
  open(more?: KeyEnvironment, root?: string): KeyHome
}>

function place(context: TestContext): Place {
  const scratch = scratchFolder()
  context.after(() => scratch[Symbol.dispose]())
  const checkout = join(scratch.root, 'project')
  const config = join(scratch.root, 'config')
  mkdirSync(checkout)
  const open: Place['open'] = (more = {}, projectRoot = checkout) =>
    openKeyHome({ environment: { ASSAY_CONFIG_HOME: config, ...more }, projectRoot })
  return { base: scratch.root, checkout, config, open }
}

const refuses = (act: () => unknown, code: ErrorCode): void => assert.throws(act, (error) => isDomainError(error, code))

test('makes a key for a project, in folders and files that only the user may read', (context) => {
  const { config, checkout, open } = place(context)
  const record = open().createKey('p1', now)
  const folder = join(config, 'projects/p1')
  for (const path of [config, join(config, 'projects'), folder]) assert.equal(statSync(path).mode & 0o777, 0o700)
  for (const name of ['key.pem', 'record.json']) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600)
  assert.deepEqual(record.checkouts, [checkout])
  assert.equal(record.key?.encrypted, false)
  assert.equal(record.key?.hint, hintOf(parsePublicKey(open().exportPublic('p1'))))
  assert.deepEqual(open().loadKey('p1'), { kind: 'file', path: join(folder, 'key.pem') })
  assert.deepEqual(open().listKeys(), [record])
  assert.equal(readFileSync(join(folder, 'record.json'), 'utf8').includes('PRIVATE'), false)
})

test('a passphrase encrypts the key, and without it the key is locked before anything is read', (context) => {
  const { open } = place(context)
  const locked = { ASSAY_KEY_PASSPHRASE: 'open sesame' }
  assert.equal(open(locked).createKey('p1', now).key?.encrypted, true)
  const source = open(locked).loadKey('p1')
  assert.ok(source.kind === 'file')
  assert.equal(source.passphrase, 'open sesame')
  assert.ok(readPrivateKey(source.path, 'open sesame'))
  assert.throws(() => createPrivateKey(readFileSync(source.path)))
  refuses(() => open().loadKey('p1'), 'ERR_KEY_LOCKED')
  refuses(() => open({ ASSAY_KEY_PASSPHRASE: '' }).loadKey('p1'), 'ERR_KEY_LOCKED')
})

test('a second key for a project is refused; another project gets its own', (context) => {
  const { open } = place(context)
  const first = open().createKey('p1', now)
  refuses(() => open().createKey('p1', now), 'ERR_KEY_EXISTS')
  assert.notEqual(open().createKey('p2', now).key?.hint, first.key?.hint)
})

test('an unknown checkout is refused until its user says that it is theirs', (context) => {
  const { base, open } = place(context)
  open().createKey('p1', now)
  const stranger = join(base, 'stranger')
  mkdirSync(stranger)
  refuses(() => open({}, stranger).loadKey('p1'), 'ERR_KEY_CHECKOUT')
  open({}, stranger).registerCheckout('p1')
  assert.equal(open({}, stranger).loadKey('p1').kind, 'file')
  const link = join(base, 'link')
  symlinkSync(stranger, link)
  assert.equal(open({}, link).loadKey('p1').kind, 'file')
})

test('no key, no home, or an id that is no plain name are refused', (context) => {
  const { checkout, open } = place(context)
  refuses(() => open().loadKey('p1'), 'ERR_KEY_HOME')
  refuses(() => open().registerCheckout('p1'), 'ERR_KEY_HOME')
  refuses(() => open().loadKey('../p1'), 'ERR_KEY_HOME')
  refuses(() => open().createKey('', now), 'ERR_KEY_HOME')
  refuses(() => openKeyHome({ environment: {}, projectRoot: checkout }), 'ERR_KEY_HOME')
  refuses(() => open({ ASSAY_CONFIG_HOME: 'relative' }), 'ERR_KEY_HOME')
})

test('the folder is that of ASSAY_CONFIG_HOME, else XDG_CONFIG_HOME, else HOME', (context) => {
  const { base, checkout, config } = place(context)
  const folderOf = (environment: KeyEnvironment): string => openKeyHome({ environment, projectRoot: checkout }).folder
  const xdg = { XDG_CONFIG_HOME: join(base, 'xdg'), HOME: join(base, 'home') }
  assert.equal(folderOf({ ...xdg, ASSAY_CONFIG_HOME: config }), config)
  assert.equal(folderOf(xdg), join(base, 'xdg/assay'))
  assert.equal(folderOf({ ...xdg, XDG_CONFIG_HOME: 'relative' }), join(base, 'home/.config/assay'))
  assert.equal(folderOf({ HOME: join(base, 'home') }), join(base, 'home/.config/assay'))
})

test('a home inside the project or a dep is refused, through a link too', (context) => {
  const { base, checkout, config, open } = place(context)
  refuses(() => open({ ASSAY_CONFIG_HOME: checkout }), 'ERR_KEY_HOME')
  refuses(() => open({ ASSAY_CONFIG_HOME: join(checkout, 'keys/new') }), 'ERR_KEY_HOME')
  symlinkSync(checkout, join(base, 'innocent'))
  refuses(() => open({ ASSAY_CONFIG_HOME: join(base, 'innocent/keys') }), 'ERR_KEY_HOME')
  const withDeps = (deps: readonly string[]): KeyHome =>
    openKeyHome({ environment: { ASSAY_CONFIG_HOME: config }, projectRoot: checkout, deps })
  refuses(() => withDeps([base]), 'ERR_KEY_HOME')
  withDeps([join(base, 'configuration')])
  open({ ASSAY_CONFIG_HOME: `${checkout}-keys` })
})

test('a key folder that others can write, or a key that they can read, is refused', (context) => {
  const { config, open } = place(context)
  open().createKey('p1', now)
  chmodSync(join(config, 'projects/p1'), 0o770)
  refuses(() => open().loadKey('p1'), 'ERR_KEY_EXPOSED')
  chmodSync(join(config, 'projects/p1'), 0o700)
  const source = open().loadKey('p1')
  assert.ok(source.kind === 'file')
  chmodSync(source.path, 0o640)
  refuses(() => readPrivateKey(source.path, undefined), 'ERR_KEY_EXPOSED')
  refuses(() => open().backup('p1', join(config, '../backup.pem')), 'ERR_KEY_EXPOSED')
})

test('a key file whose public point is hybrid, which no policy lists, is refused', (context) => {
  const { base } = place(context)
  const key = createPrivateKey(generateKey(undefined).privatePem)
  const named = [join(base, 'honest.pem'), join(base, 'hybrid.pem')] as const
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' })
  const at = pkcs8.length - 65
  assert.equal(pkcs8[at], 4)
  for (const [index, path] of named.entries()) {
    if (index === 1) pkcs8[at] = 6 + ((pkcs8.at(-1) ?? 0) & 1)
    const pem = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' })
    writeFileSync(path, pem, { mode: 0o600 })
  }
  assert.ok(readPrivateKey(named[0], undefined))
  refuses(() => readPrivateKey(named[1], undefined), 'ERR_KEY_MALFORMED')
})

test('a key file that holds a second key is refused; the curve and its public key may stand in it', (context) => {
  const { base } = place(context)
  const [pem, other] = [generateKey(undefined).privatePem, generateKey(undefined).privatePem]
  const publicPem = createPublicKey(pem).export({ type: 'spki', format: 'pem' })
  const curve = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n'
  const file = (text: string): string => {
    const path = join(base, 'keys.pem')
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }
  for (const text of [pem, `${curve}${pem}`, `${pem}${publicPem}`]) assert.ok(readPrivateKey(file(text), undefined))
  refuses(() => readPrivateKey(file(pem + other), undefined), 'ERR_KEY_MALFORMED')
})

test('in CI the key is the file that is named, by an absolute path outside the project', (context) => {
  const { base, checkout, open } = place(context)
  const file = join(base, 'ci.pem')
  writeFileSync(file, generateKey(undefined).privatePem, { mode: 0o600 })
  const link = join(base, 'mounted.pem')
  symlinkSync(file, link)
  assert.deepEqual(open({ ASSAY_SIGNING_KEY_FILE: file }).loadKey('p1'), { kind: 'file', path: file })
  assert.deepEqual(open({ ASSAY_SIGNING_KEY_FILE: link }).loadKey('p1'), { kind: 'file', path: file })
  refuses(() => open({ ASSAY_SIGNING_KEY_FILE: join(base, 'none.pem') }).loadKey('p1'), 'ERR_KEY_HOME')
  refuses(() => open({ ASSAY_SIGNING_KEY_FILE: 'ci.pem' }).loadKey('p1'), 'ERR_KEY_HOME')
  writeFileSync(join(checkout, 'ci.pem'), generateKey(undefined).privatePem, { mode: 0o600 })
  refuses(() => open({ ASSAY_SIGNING_KEY_FILE: join(checkout, 'ci.pem') }).loadKey('p1'), 'ERR_KEY_HOME')
})

test('a revoked key signs no more, is remembered, and makes room for a new one', (context) => {
  const { config, open } = place(context)
  const { key } = open().createKey('p1', now)
  const revoked = open().markRevoked('p1', { because: 'laptop lost', since: '2026-11-01', now })
  assert.equal(revoked.hint, key?.hint)
  refuses(() => open().loadKey('p1'), 'ERR_KEY_REVOKED')
  refuses(() => open().exportPublic('p1'), 'ERR_KEY_REVOKED')
  assert.equal(existsSync(join(config, 'projects/p1/key.pem')), false)
  const again = open().createKey('p1', now)
  assert.notEqual(again.key?.hint, key?.hint)
  assert.deepEqual(again.revoked, [revoked])
})

test('a key that another came after stays a key of its owner, and a new one takes its place', (context) => {
  const { config, open } = place(context)
  const { key } = open().createKey('p1', now)
  assert.equal(open().retireKey('p1', now).hint, key?.hint)
  assert.equal(existsSync(join(config, 'projects/p1/retired-1.pem')), true)
  const next = open().createKey('p1', now)
  assert.notEqual(next.key?.hint, key?.hint)
  assert.deepEqual(
    next.retired?.map(({ hint }) => hint),
    [key?.hint],
  )
  assert.deepEqual(revokedKeys({ ASSAY_CONFIG_HOME: config }), new Map())
})

test('a backup is a private copy, and never overwrites', (context) => {
  const { base, open } = place(context)
  open().createKey('p1', now)
  const target = join(base, 'backup.pem')
  open().backup('p1', target)
  assert.equal(statSync(target).mode & 0o777, 0o600)
  const source = open().loadKey('p1')
  assert.ok(source.kind === 'file')
  assert.deepEqual(readFileSync(target), readFileSync(source.path))
  refuses(() => open().backup('p1', target), 'ERR_IO')
})

test('a pinned policy is kept as it was given; one that is no policy is refused', (context) => {
  const { open } = place(context)
  const policy = Buffer.from(policyText(newPerson()))
  assert.equal(open().readPin('p1'), undefined)
  open().pinPolicy('p1', policy)
  assert.deepEqual(open().readPin('p1'), policy)
  refuses(() => open().pinPolicy('p1', Buffer.from('trust: 2\n')), 'ERR_POLICY_MALFORMED')
  assert.deepEqual(open().readPin('p1'), policy)
})

test('a record that is not ours is refused', (context) => {
  const { config, open } = place(context)
  open().createKey('p1', now)
  const file = join(config, 'projects/p1/record.json')
  const record = JSON.parse(readFileSync(file, 'utf8'))
  writeFileSync(file, JSON.stringify({ ...record, project: 'p2' }))
  refuses(() => open().loadKey('p1'), 'ERR_KEY_MALFORMED')
  writeFileSync(file, JSON.stringify({ ...record, extra: 1 }))
  refuses(() => open().loadKey('p1'), 'ERR_KEY_MALFORMED')
  writeFileSync(file, JSON.stringify(record))
  assert.equal(open().loadKey('p1').kind, 'file')
})

test('revoked keys are known without a checkout; without a folder of the user there are none', (context) => {
  const { config, open } = place(context)
  const environment = { ASSAY_CONFIG_HOME: config }
  assert.deepEqual(revokedKeys(environment), new Map())
  const hint = open().createKey('p1', now).key?.hint ?? ''
  assert.deepEqual(revokedKeys(environment), new Map())
  open().markRevoked('p1', { because: 'laptop lost', since: '2026-01-01T00:00:00.000Z', now })
  open().createKey('p1', now)
  assert.deepEqual(
    revokedKeys(environment),
    new Map([[hint, { because: 'laptop lost', since: new Date('2026-01-01T00:00:00.000Z') }]]),
  )
  assert.deepEqual(revokedKeys({}), new Map())
  assert.deepEqual(revokedKeys({ ASSAY_CONFIG_HOME: '', HOME: 'relative' }), new Map())
  refuses(() => revokedKeys({ ASSAY_CONFIG_HOME: 'relative' }), 'ERR_KEY_HOME')
  writeFileSync(join(config, 'projects/p1/record.json'), '{}')
  refuses(() => revokedKeys(environment), 'ERR_KEY_MALFORMED')
})

test('a key that is kept elsewhere is the one that the user chose for this checkout, opened by its own variables alone', (context) => {
  const { base, open } = place(context)
  open().createKey('p1', now)
  const { publicPem, hint } = newPerson()
  const address = 'hashivault://digits'
  open().useHeld('p1', { address, publicPem, hint })
  const environment = {
    VAULT_ADDR: 'https://vault.example.org',
    VAULT_TOKEN: 't',
    AWS_SECRET_ACCESS_KEY: 's',
    HOME: base,
  }
  const held = open(environment).loadKey('p1')
  assert.ok(held.kind === 'held')
  assert.deepEqual([held.address, held.expectedHint], [address, hint])
  assert.deepEqual(held.settings, { VAULT_ADDR: 'https://vault.example.org', VAULT_TOKEN: 't' })
  assert.equal(statSync(held.logKeyPath ?? '').mode & 0o777, 0o600)
  assert.equal(open().exportPublic('p1'), publicPem)
  const elsewhere = join(base, 'stranger')
  mkdirSync(elsewhere)
  refuses(() => open(environment, elsewhere).loadKey('p1'), 'ERR_KEY_CHECKOUT')

  open().markRevoked('p1', { because: 'the token leaked', now })
  refuses(() => open().useHeld('p1', { address, publicPem, hint }), 'ERR_KEY_REVOKED')
  assert.equal(open().loadKey('p1').kind, 'file', 'the key in the folder is another one')
  assert.ok(revokedKeys({ ASSAY_CONFIG_HOME: open().folder }).has(hint))
  open().useHeld('p1', { address: 'sigstore:?fulcio-url=https://f.example&rekor-url=https://r.example' })
  refuses(() => open().markRevoked('p1', { because: 'x', now }), 'ERR_USAGE')
})

test('ASSAY_SIGNER names a key for a call; two keys at once, and what is no address, are refused', (context) => {
  const { base, open } = place(context)
  const given = open({ ASSAY_SIGNER: 'awskms:///alias/digits' }).loadKey('p1')
  assert.ok(given.kind === 'held' && given.expectedHint === undefined)
  const file = join(base, 'ci.pem')
  writeFileSync(file, generateKey(undefined).privatePem, { mode: 0o600 })
  const both = { ASSAY_SIGNER: 'awskms:///alias/digits', ASSAY_SIGNING_KEY_FILE: file }
  refuses(() => open(both).loadKey('p1'), 'ERR_KEY_HOME')
  refuses(() => open({ ASSAY_SIGNER: '/etc/key.pem' }).loadKey('p1'), 'ERR_SIGNER_ADDRESS')
  refuses(() => open({ ASSAY_SIGNER: 'sigstore:/no/such/config.json' }).loadKey('p1'), 'ERR_SIGNER_ADDRESS')
})

test('no file of the checkout says which services sign, what library is loaded, or what the PIN is', (context) => {
  const { base, checkout, open } = place(context)
  const addressesIn = (folder: string): readonly string[] => [
    `sigstore:${folder}/signing-config.json`,
    `sigstore://${folder}/signing-config.json`,
    `pkcs11:token=ada;object=digits?module-path=${folder}/lib.so`,
    `pkcs11:token=ada;object=digits?pin-source=file:${folder}/pin`,
  ]
  symlinkSync(checkout, join(base, 'link'))
  for (const address of [...addressesIn(checkout), ...addressesIn(join(base, 'link'))]) {
    refuses(() => open().useHeld('p1', { address }), 'ERR_KEY_HOME')
    refuses(() => open({ ASSAY_SIGNER: address }).loadKey('p1'), 'ERR_KEY_HOME')
  }
  for (const address of addressesIn(base)) assert.equal(open().useHeld('p1', { address }).held?.address, address)
})

test('of two runs that make a key of the log at once both take that of the first', (context) => {
  const { base } = place(context)
  const file = join(base, 'log-key.pem')
  const made: string[] = []
  // the second makes its own between the first one's look and its write
  const racing = (path: string, bytes: Uint8Array): void => {
    made.push(String(bytes))
    if (made.length === 1) ensureLogKey(file, racing)
    makePrivate(path, bytes)
  }
  assert.equal(ensureLogKey(file, racing), file)
  assert.equal(made.length, 2)
  assert.equal(readFileSync(file, 'utf8'), made[1])
  assert.equal(statSync(file).mode & 0o777, 0o600)
})

/**
 * The user's configuration folder: keys, known checkouts and pinned policies, by project id.
 *
 *     <folder>/projects/<id>/{key.pem, record.json, policy.yaml, revoked-<n>.pem, retired-<n>.pem, seen.json, status.jsonl}
 *
 * Never in a project: `git clean` must not destroy a key and no stage may get one as a dep. THREAT: a stranger's
 * repository that carries another project's id must not have that key sign for it: the real path of the checkout is
 * remembered when the key is made, and any other is refused until its user says otherwise. Source: trust.md section 1.
 */
import { existsSync, readFileSync, realpathSync, renameSync } from 'node:fs'
import { dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { DomainError } from '../core/index.ts'
import { ensureLogKey, filesOfAddress, heldKeySource, type SignerRoute } from './held-key-source.fs.ts'
import { generateKey, type KeySource } from './key.ts'
import { readSecretFile, refuseExposedFolder } from './key-file.fs.ts'
import { keyFolder, revokedRecords } from './key-folder.fs.ts'
import type { HeldKeyRecord, KeyEnvironment, KeyHome, KeyRecord } from './key-home.ts'
import { loadRecord, prepareFolder, projectsIn, saveRecord } from './key-record.fs.ts'
import { hintOf } from './public-key.ts'
import { makePrivate, writePrivate } from './secret-file.fs.ts'
import { type Revocation, stricter } from './trust-policy.ts'
import { parseTrustPolicy } from './trust-policy-file.ts'
import { momentOf } from './trust-policy-signers.ts'

export type KeyHomeOptions = Readonly<{
  environment: KeyEnvironment
  /** Absolute folder of the checkout. */
  projectRoot: string
  /** Absolute paths of deps outside the project: no key may lie in them either. */
  deps?: readonly string[]
  /** How a key that is kept elsewhere is asked for; directly when left out. */
  route?: () => SignerRoute
}>

/**
 * Opens the key home of a user for one checkout; creates nothing yet.
 *
 * @throws ERR_KEY_HOME when no folder is named, or it lies in the project or a dep
 */
export function openKeyHome(options: KeyHomeOptions): KeyHome {
  const folder = keyFolder(options.environment)
  const checkout = realpathSync(options.projectRoot)
  for (const place of [checkout, ...(options.deps ?? [])]) refuseInside(folder, place)
  const placeOf = (project: string): string => join(folder, 'projects', plainId(project))
  const load = (project: string): KeyRecord | undefined => loadRecord(placeOf(project), project)
  const save = (record: KeyRecord): KeyRecord => saveRecord(folder, placeOf(record.project), record)
  // THREAT: a checkout that changes its id in trust.yaml, to be judged by its own policy again.
  const pinnedFor = (path: string): KeyRecord | undefined =>
    projectsIn(folder)
      .flatMap((project) => load(project) ?? [])
      .find(({ pinned = [] }) => pinned.includes(path))

  return {
    folder,
    createKey: (project, now, type) => {
      const before = load(project) ?? { project, checkouts: [], revoked: [] }
      if (before.key !== undefined)
        throw new DomainError('ERR_KEY_EXISTS', `the project \`${project}\` has a key already`)
      const passphrase = passphraseOf(options.environment)
      const { privatePem, publicPem, publicKey } = generateKey(passphrase, type)
      prepareFolder(folder, placeOf(project))
      writePrivate(join(placeOf(project), 'key.pem'), Buffer.from(privatePem))
      const key = {
        publicPem,
        hint: hintOf(publicKey),
        encrypted: passphrase !== undefined,
        createdAt: now.toISOString(),
      }
      return save({ ...before, key, checkouts: withCheckout(before.checkouts, checkout) })
    },
    loadKey: (project) => {
      const held = (address: string): KeySource => {
        refuseFromCheckout(address, checkout)
        const folderOf = placeOf(project === '' ? 'without-project' : project)
        prepareFolder(folder, folderOf)
        const { environment, route = directly } = options
        const logKeyPath = ensureLogKey(join(folderOf, 'log-key.pem'), makePrivate)
        return heldKeySource(address, { environment, route: route(), now: new Date(), logKeyPath })
      }
      const address = options.environment['ASSAY_SIGNER'] ?? ''
      const given = givenKey(options.environment, checkout)
      if (address !== '' && given !== undefined)
        throw new DomainError('ERR_KEY_HOME', 'ASSAY_SIGNER and ASSAY_SIGNING_KEY_FILE name two keys: unset one')
      if (address !== '') return held(address)
      const record = load(project)
      if (given !== undefined || record?.held === undefined)
        return given ?? storedKey(options.environment, placeOf(project), record, { project, checkout })
      refuseOtherCheckout(record, checkout)
      const { hint } = record.held
      return { ...held(record.held.address), ...(hint === undefined ? {} : { expectedHint: hint }) }
    },
    useHeld: (project, held) => {
      if (held !== undefined) refuseFromCheckout(held.address, checkout)
      const { held: _, ...record } = load(project) ?? { project, checkouts: [], revoked: [] }
      if (record.revoked.some(({ hint }) => hint === held?.hint))
        throw new DomainError('ERR_KEY_REVOKED', `the key at \`${held?.address}\` was revoked`)
      const checkouts = withCheckout(record.checkouts, checkout)
      return save({ ...record, checkouts, ...(held === undefined ? {} : { held }) })
    },
    listKeys: () => projectsIn(folder).flatMap((project) => load(project) ?? []),
    exportPublic: (project) => load(project)?.held?.publicPem ?? keyOf(load(project), project).publicPem,
    backup: (project, target) => {
      keyOf(load(project), project)
      if (existsSync(target))
        throw new DomainError('ERR_IO', `\`${target}\` is there already`, { help: 'name a new file' })
      writePrivate(resolve(target), readSecretFile(join(placeOf(project), 'key.pem')))
    },
    markRevoked: (project, { because, since, now, retired }) => {
      const record = load(project)
      const { publicPem, hint } = revocable(record, project, retired)
      const { key, held, ...rest } = record ?? { project, checkouts: [], revoked: [] }
      const isOwn = retired === undefined && held === undefined
      const at = { revokedAt: now.toISOString(), ...(since === undefined ? {} : { since }) }
      const revoked = { publicPem, hint, because, ...at }
      const kept = {
        ...(isOwn || key === undefined ? {} : { key }),
        ...(retired === undefined || held === undefined ? {} : { held }),
      }
      save({ ...rest, ...kept, revoked: [...rest.revoked, revoked] })
      // What holds a key elsewhere has it still: the record keeps it from being used.
      if (isOwn)
        renameSync(join(placeOf(project), 'key.pem'), join(placeOf(project), `revoked-${rest.revoked.length + 1}.pem`))
      return revoked
    },
    retireKey: (project, now) => {
      const record = load(project)
      const { publicPem, hint } = keyOf(record, project)
      const { key: _, ...rest } = record ?? { project, checkouts: [], revoked: [] }
      const retired = [...(rest.retired ?? []), { publicPem, hint, retiredAt: now.toISOString() }]
      // The old key is kept: it may still have to sign what only it can, and `key revoke` needs its hint.
      renameSync(join(placeOf(project), 'key.pem'), join(placeOf(project), `retired-${retired.length}.pem`))
      save({ ...rest, retired })
      return { publicPem, hint }
    },
    registerCheckout: (project) => {
      const record = load(project)
      if (record?.held === undefined) keyOf(record, project)
      return save({
        ...(record ?? { project, revoked: [] }),
        checkouts: withCheckout(record?.checkouts ?? [], checkout),
      })
    },
    pinPolicy: (project, policy) => {
      parseTrustPolicy(policy, 'pinned')
      prepareFolder(folder, placeOf(project))
      writePrivate(join(placeOf(project), 'policy.yaml'), policy)
      const before = pinnedFor(checkout)
      if (before?.project === project) return
      if (before !== undefined) save({ ...before, pinned: (before.pinned ?? []).filter((path) => path !== checkout) })
      const record = load(project) ?? { project, checkouts: [], revoked: [] }
      save({ ...record, pinned: withCheckout(record.pinned ?? [], checkout) })
    },
    readPin: (said) => {
      const project = pinnedFor(checkout)?.project ?? said
      const file = join(placeOf(project), 'policy.yaml')
      if (!existsSync(file)) return undefined
      refuseExposedFolder(placeOf(project))
      return readFileSync(file)
    },
  }
}

/**
 * Every key that the user revoked, of whatever project, by its hint.
 *
 * @throws ERR_KEY_MALFORMED, ERR_KEY_EXPOSED, ERR_KEY_HOME when the folder is not named by an absolute path
 */
export function revokedKeys(environment: KeyEnvironment): ReadonlyMap<string, Revocation> {
  const revocations = new Map<string, Revocation>()
  for (const { hint, because, since } of revokedRecords(environment)) {
    const other = { because, ...(since === undefined ? {} : { since: momentOf(since) }) }
    revocations.set(hint, stricter(revocations.get(hint), other))
  }
  return revocations
}

/** Where the user keeps what concerns one project; it need not be there. @throws ERR_KEY_HOME */
export function projectFolder(environment: KeyEnvironment, project: string): string {
  return join(keyFolder(environment), 'projects', plainId(project))
}

/** A file of the user alone, in that folder. @throws ERR_KEY_HOME, ERR_KEY_EXPOSED, ERR_IO */
export function keepFile(environment: KeyEnvironment, project: string, name: string, bytes: Uint8Array): void {
  const place = projectFolder(environment, project)
  prepareFolder(keyFolder(environment), place)
  writePrivate(join(place, name), bytes)
}

/** An empty passphrase is none. */
function passphraseOf(environment: KeyEnvironment): string | undefined {
  const passphrase = environment['ASSAY_KEY_PASSPHRASE']
  return passphrase === '' ? undefined : passphrase
}

/** The user's configuration folder. @throws ERR_KEY_HOME when none is named, or it lies in the project */
export function keyFolderOutside(environment: KeyEnvironment, projectRoot: string): string {
  const folder = keyFolder(environment)
  refuseInside(folder, realpathSync(projectRoot))
  return folder
}

/** THREAT: a commit that changes which services get the user's token, or what library is loaded beside the key. */
function refuseFromCheckout(address: string, checkout: string): void {
  const file = filesOfAddress(address).find((path) => isWithin(path, checkout))
  if (file === undefined) return
  throw new DomainError('ERR_KEY_HOME', `\`${file}\` says how to sign and lies inside \`${checkout}\``, {
    help: 'keep it in a folder of your own outside the project',
  })
}

function isWithin(path: string, folder: string): boolean {
  const inner = relative(realOf(folder), realOf(path))
  return inner === '' || !(inner === '..' || inner.startsWith('../') || isAbsolute(inner))
}

function refuseInside(path: string, folder: string): void {
  if (!isWithin(path, folder)) return
  throw new DomainError('ERR_KEY_HOME', `the keys at \`${path}\` would lie inside \`${folder}\``, {
    help: 'set ASSAY_CONFIG_HOME to a folder of your own outside the project',
  })
}

/** The real path, also of what is not there yet. */
function realOf(path: string): string {
  if (existsSync(path)) return realpathSync(path)
  const parent = dirname(path)
  return parent === path ? path : join(realOf(parent), path.slice(parent.length).replace(/^\/+/, ''))
}

function plainId(project: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/.test(project)) return project
  throw new DomainError('ERR_KEY_HOME', 'the id of the project is not a plain name', {
    help: 'the id stands in trust.yaml under project',
  })
}

/** In CI: the file that ASSAY_SIGNING_KEY_FILE names. A link is followed here once; mounted secrets are links. */
function givenKey(environment: KeyEnvironment, checkout: string): KeySource | undefined {
  const file = environment['ASSAY_SIGNING_KEY_FILE']
  if (file === undefined || file === '') return undefined
  if (!isAbsolute(file) || !existsSync(file)) {
    throw new DomainError('ERR_KEY_HOME', 'ASSAY_SIGNING_KEY_FILE does not name a file by an absolute path')
  }
  refuseInside(file, checkout)
  return keySource(realpathSync(file), environment)
}

function storedKey(
  environment: KeyEnvironment,
  place: string,
  record: KeyRecord | undefined,
  { project, checkout }: Readonly<{ project: string; checkout: string }>,
): KeySource {
  const { encrypted } = keyOf(record, project)
  refuseExposedFolder(place)
  refuseOtherCheckout(record, checkout)
  if (encrypted && passphraseOf(environment) === undefined) {
    throw new DomainError('ERR_KEY_LOCKED', 'the signing key is encrypted and ASSAY_KEY_PASSPHRASE is not set')
  }
  return keySource(join(place, 'key.pem'), environment)
}

function refuseOtherCheckout(record: KeyRecord | undefined, checkout: string): void {
  if (record?.checkouts.includes(checkout) === true) return
  throw new DomainError('ERR_KEY_CHECKOUT', `the key of this project was not made for the checkout \`${checkout}\``)
}

function directly(): SignerRoute {
  return { proxies: {}, authorities: [] }
}

function keySource(path: string, environment: KeyEnvironment): KeySource {
  const passphrase = passphraseOf(environment)
  return { kind: 'file', path, ...(passphrase === undefined ? {} : { passphrase }) }
}

function keyOf(record: KeyRecord | undefined, project: string): NonNullable<KeyRecord['key']> {
  if (record?.key !== undefined) return record.key
  if (record !== undefined && record.revoked.length > 0) {
    throw new DomainError('ERR_KEY_REVOKED', `the key of the project \`${project}\` was revoked`)
  }
  throw new DomainError('ERR_KEY_HOME', `there is no key for the project \`${project}\``)
}

function lastingKey({ publicPem, hint }: HeldKeyRecord): PublicKey {
  if (publicPem !== undefined && hint !== undefined) return { publicPem, hint }
  throw new DomainError('ERR_USAGE', 'an identity has no key that could be revoked', {
    help: 'take it from trust.yaml, and say there since when it is `revoked:`',
  })
}

type PublicKey = Readonly<{ publicPem: string; hint: string }>

/** The key that signs, wherever it is kept; of `retired` the one with that hint which signs no more. */
function revocable(record: KeyRecord | undefined, project: string, retired: string | undefined): PublicKey {
  if (retired !== undefined) return retiredOf(record, retired)
  return record?.held === undefined ? keyOf(record, project) : lastingKey(record.held)
}

function retiredOf(record: KeyRecord | undefined, hint: string): PublicKey {
  const found = record?.retired?.find((each) => each.hint === hint)
  if (found !== undefined) return found
  throw new DomainError('ERR_KEY_HOME', `no key of yours that was taken out of use has the hint \`${hint}\``)
}

function withCheckout(checkouts: readonly string[], checkout: string): readonly string[] {
  return [...new Set([...checkouts, checkout])]
}

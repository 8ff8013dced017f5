/** The user's key and pinned policy for a project: what `assay key`, `assay trust` and `assay init` do. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import {
  heldKeySource,
  hintOf,
  type KeyRecord,
  type KeySource,
  type KeyType,
  openKeyHome,
  parsePublicKey,
  parseTrustPolicy,
  type Signer,
  type SignerRoute,
  startSigner,
  type TrustPolicy,
} from '../attestation/index.ts'
import { readNetworkSettings } from '../compute/index.ts'
import { DomainError, isDomainError } from '../core/index.ts'
import { openRepository, type Repository } from '../data/index.ts'
import { writeDurably } from './evidence.fs.ts'
import { type Adoption, adoptProject } from './init.fs.ts'
import { listedSigner } from './open-signer.ts'
import type { Caller } from './project.ts'
import { readProjectFile } from './project-file.fs.ts'
import { findRoot, ignoredBy, noProject, projectsBelow, requireRoot } from './workspace.fs.ts'

/** Where the signer finds the key of a project. @throws ERR_KEY_HOME, ERR_KEY_CHECKOUT, ERR_KEY_LOCKED, ERR_KEY_REVOKED, ERR_SIGNER_ADDRESS */
export function keySourceOf(root: string, projectId: string, environment: Caller['environment']): KeySource {
  if (projectId === '' && !isKeyGiven(environment)) {
    throw new DomainError('ERR_KEY_HOME', 'the project has no trust.yaml and so no key', {
      help: 'make both: assay init',
    })
  }
  return openKeyHome({ environment, projectRoot: root, route: () => signerRoute(environment) }).loadKey(projectId)
}

/** By the caller's word, instead of the project's own. */
function isKeyGiven(environment: Caller['environment']): boolean {
  return ['ASSAY_SIGNER', 'ASSAY_SIGNING_KEY_FILE'].some((name) => (environment[name] ?? '') !== '')
}

/** Proxies and authorities of this machine, as they reach every other service. */
export function signerRoute(environment: Caller['environment']): SignerRoute {
  const home = environment['HOME'] ?? homedir()
  const { httpProxy, httpsProxy, noProxy, authorities } = readNetworkSettings(environment, home)
  return { proxies: { HTTP_PROXY: httpProxy, HTTPS_PROXY: httpsProxy, NO_PROXY: noProxy }, authorities }
}

/** The policy that the user pinned for this checkout, else for the project that it says it is, or undefined. @throws ERR_POLICY_MALFORMED, ERR_KEY_EXPOSED */
export function pinnedPolicy(
  root: string,
  projectId: string,
  environment: Caller['environment'],
): TrustPolicy | undefined {
  try {
    const bytes = openKeyHome({ environment, projectRoot: root }).readPin(projectId)
    return bytes === undefined ? undefined : parseTrustPolicy(bytes, 'pinned')
  } catch (error) {
    if (isDomainError(error, 'ERR_KEY_HOME')) return undefined // INVARIANT: without a folder of the user nothing is pinned, and the repository's own policy caps the level
    throw error
  }
}

export type KeyDescription = Readonly<{
  name: string
  path: string
  encrypted: boolean
  /** It never leaves what holds it; `path` is its address. */
  held: boolean
  publicPem: string
  hint: string
  listed: boolean
  roles: readonly string[]
  /** Whom the key is certified for, when it does not last. */
  identity?: NonNullable<Signer['identity']>
  revoked: string | null
}>

export type AdoptedProject = Adoption & Readonly<{ key: Readonly<{ name: string; path: string; encrypted: boolean }> }>

/** `assay init`. The passphrase is the caller's ASSAY_KEY_PASSPHRASE. @throws ERR_PROJECT_MISSING where projects lie below */
export async function adoptHere(caller: Caller): Promise<AdoptedProject> {
  const root = findRoot(caller.workingFolder) ?? rootOfNew(caller.workingFolder)
  const repository = await openRepository(root, { environment: caller.environment })
  const person = await personOf(repository)
  const home = openKeyHome({ environment: caller.environment, projectRoot: root })
  let key: AdoptedProject['key'] | undefined
  const adoption = await adoptProject({
    root,
    isGitIgnored: ignoredBy(repository),
    now: caller.now(),
    chooseLock: async () => {
      const { chooseLock } = await import('./choose-lock.fs.ts') // every verb looks for keys, one in a life reads locks
      const state = join(root, '.assay')
      return chooseLock(root, caller, { cacheFolder: join(state, 'environments'), workFolder: join(state, 'boxes') })
    },
    keyFor: async (projectId) => {
      const known = home.listKeys().find((record) => record.project === projectId && record.key !== undefined)
      const record = known ?? home.createKey(projectId, caller.now())
      key = {
        name: person.keyName,
        path: `${home.folder}/projects/${projectId}/key.pem`,
        encrypted: record.key?.encrypted === true,
      }
      return { name: person.keyName, publicKeyPem: home.exportPublic(projectId), principal: person.principal }
    },
  })
  if (key === undefined) throw new Error('init made no key')
  return { ...adoption, key }
}

/** A new project is never put around others by mistake. */
function rootOfNew(folder: string): string {
  if (projectsBelow(folder).length > 0) throw noProject(folder)
  return folder
}

async function personOf(repository: Repository | undefined): Promise<Readonly<{ keyName: string; principal: string }>> {
  const { name = 'unknown', email = 'unknown@localhost' } = (await repository?.identity()) ?? {}
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
  return { keyName: plain === '' ? 'owner' : plain.slice(0, 60), principal: `${name} <${email}>` }
}

export type OpenedHome = Readonly<{
  root: string
  project: string
  home: ReturnType<typeof openKeyHome>
  policy: TrustPolicy
}>

export function openHome(caller: Caller): OpenedHome {
  const root = requireRoot(caller.workingFolder)
  const bytes = readProjectFile(root, 'trust.yaml')
  if (bytes === undefined)
    throw new DomainError('ERR_KEY_HOME', 'the project has no trust.yaml and so no id', { help: 'make it: assay init' })
  const policy = parseTrustPolicy(bytes, 'repository')
  return {
    root,
    project: policy.project ?? '',
    home: openKeyHome({
      environment: caller.environment,
      projectRoot: root,
      route: () => signerRoute(caller.environment),
    }),
    policy,
  }
}

/** @param given `p256`, which is taken when it is left out, or `ed25519` @throws ERR_USAGE for another */
export function keyTypeOf(given: string | undefined): KeyType | undefined {
  if (given === undefined || given === 'p256' || given === 'ed25519') return given
  throw new DomainError('ERR_USAGE', `\`${given}\` is no type of key`, { help: '--type ed25519, or --type p256' })
}

type NewKeyOptions = Readonly<{ name?: string; type?: string }>

export async function makeKey(caller: Caller, { name, type }: NewKeyOptions): Promise<KeyDescription> {
  const chosen = keyTypeOf(type)
  const opened = openHome(caller)
  opened.home.createKey(opened.project, caller.now(), chosen)
  const described = describeOwn(opened)
  const person = await personOf(await openRepository(opened.root, { environment: caller.environment }))
  return described.listed ? described : { ...described, name: name ?? person.keyName }
}

export async function describeKey(caller: Caller): Promise<KeyDescription> {
  const opened = openHome(caller)
  const { held } = recordOf(opened) ?? {}
  return isKeyGiven(caller.environment) || held !== undefined ? await describeOpened(opened) : describeOwn(opened)
}

/** The key of a machine, such as CI, or one that is kept elsewhere. INVARIANT: it is opened by the signer, not here. */
async function describeOpened({ root, home, project, policy }: OpenedHome): Promise<KeyDescription> {
  const key = home.loadKey(project)
  await using signer = await startSigner({ key, objectStoreRoot: join(root, '.assay', 'objects') })
  return {
    ...listingOf(policy, signer),
    path: key.kind === 'file' ? key.path : key.kind === 'held' ? key.address : '',
    encrypted: key.kind === 'held' || (key.kind === 'file' && key.passphrase !== undefined),
    held: key.kind === 'held',
    publicPem: signer.publicPem,
    hint: signer.hint,
    ...(signer.identity === undefined ? {} : { identity: signer.identity }),
    revoked: null,
  }
}

function recordOf({ home, project }: OpenedHome): KeyRecord | undefined {
  return home.listKeys().find((candidate) => candidate.project === project)
}

export function describeOwn({ home, project, policy }: OpenedHome): KeyDescription {
  const record: KeyRecord | undefined = home.listKeys().find((candidate) => candidate.project === project)
  const publicPem = home.exportPublic(project)
  const hint = hintOf(parsePublicKey(publicPem))
  return {
    ...listingOf(policy, { hint }),
    path: record?.held?.address ?? `${home.folder}/projects/${project}/key.pem`,
    encrypted: record?.held !== undefined || record?.key?.encrypted === true,
    held: record?.held !== undefined,
    publicPem,
    hint,
    revoked: record?.revoked.at(-1)?.revokedAt ?? null,
  }
}

/** What the policy says of a key. */
function listingOf(
  policy: TrustPolicy,
  signer: Pick<Signer, 'hint' | 'identity'>,
): Pick<KeyDescription, 'name' | 'listed' | 'roles'> {
  const listed = listedSigner(policy, signer)
  const roles =
    listed === undefined
      ? []
      : [...policy.roles].flatMap(([role, { anyOf }]) => (anyOf.includes(listed.name) ? [role] : []))
  const builds = policy.builders.some(({ key }) => key === listed?.name)
  return {
    name: listed?.name ?? 'not listed',
    listed: listed !== undefined,
    roles: builds ? ['builder', ...roles] : roles,
  }
}

/**
 * Lets a key that is kept elsewhere sign for the project in this checkout from now on.
 *
 * @param create the holder is to make it first
 * @throws ERR_SIGNER_ADDRESS, ERR_SIGNER_DENIED, ERR_SIGNER_UNREACHABLE, ERR_SIGNER_WRONG, ERR_KEY_HOME, ERR_KEY_EXISTS
 */
export async function chooseHeldKey(caller: Caller, address: string, create: boolean): Promise<KeyDescription> {
  const opened = openHome(caller)
  const { root, project, home, policy } = opened
  const { environment } = caller
  const source = heldKeySource(address, { environment, route: signerRoute(environment), now: caller.now() })
  const key = create ? { ...source, create: true as const } : source
  await using signer = await startSigner({ key, objectStoreRoot: join(root, '.assay', 'objects') })
  const { publicPem, hint, identity } = signer
  home.useHeld(project, { address, ...(identity === undefined ? { publicPem, hint } : {}) })
  return {
    ...listingOf(policy, signer),
    path: address,
    encrypted: true,
    held: true,
    publicPem,
    hint,
    ...(identity === undefined ? {} : { identity }),
    revoked: null,
  }
}

/** The key in the user's own folder signs again. */
export async function useOwnKey(caller: Caller): Promise<KeyDescription> {
  const opened = openHome(caller)
  opened.home.useHeld(opened.project, undefined)
  return describeOwn(opened)
}

export async function useKey(caller: Caller): Promise<Readonly<{ project: string; checkout: string }>> {
  const { home, project, root } = openHome(caller)
  home.registerCheckout(project)
  return { project, checkout: root }
}

export async function backupKey(caller: Caller, file: string): Promise<Readonly<{ encrypted: boolean }>> {
  const opened = openHome(caller)
  opened.home.backup(opened.project, file)
  return { encrypted: describeOwn(opened).encrypted }
}

export function writeFile(path: string, text: string): void {
  writeDurably(path, Buffer.from(text))
}

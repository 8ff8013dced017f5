/**
 * `assay sign`: hashes a model and signs its manifest, as OpenSSF Model Signing has it.
 *
 * Nothing of the model is parsed, and the key is opened only when all is hashed. The key is one that the user names: it
 * is of no project, signs no evidence of a run, and earns no level.
 */
import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto'
import { existsSync, realpathSync, statSync } from 'node:fs'
import { basename, relative, resolve } from 'node:path'
import {
  behindIt,
  heldKeySource,
  holdsMorePrivate,
  isHeldAddress,
  loadForeign,
  type ManifestTerms,
  startSigner,
} from '../attestation/index.ts'
import { DomainError, isDomainError, type Sha256, sha256Of } from '../core/index.ts'
import { withIoFaults } from '../data/index.ts'
import { writeDurably } from './evidence.fs.ts'
import { hashModel } from './hash-model.fs.ts'
import { signerRoute } from './keys.fs.ts'
import { walkModel } from './model-tree.fs.ts'
import { refuseUnproven } from './open-signer.ts'
import type { Caller } from './project.ts'
import { readSmall, realFile } from './small-file.fs.ts'
import { rootsGiven } from './trusted-roots.fs.ts'

export type SignModelOptions = Readonly<{
  output?: string
  /** A file, or the address of a key that is kept elsewhere. */
  key?: string
  signingConfig?: string
  fulcioUrl?: string
  rekorUrl?: string
  timestampUrl?: string
  /** Sign for an identity, by the services that are named, here or by ASSAY_SIGNER. */
  keyless?: boolean
  /** A token, or the path of a file with it. */
  identityToken?: string
  /** Judges the bundle of an identity before it is written. */
  trustedRoot?: string
  certificate?: string
  chain?: readonly string[]
  ignore?: readonly string[]
}>

export type SignedModel = Readonly<{
  model: string
  /** Absolute. */
  output: string
  files: number
  bytes: number
  /** Of the manifest: what other documents call the model by. */
  digest: Sha256
  /** Of the bundle. */
  attestation: Sha256
  /** Of a key in a file: `ec`, `ed25519`. */
  keyType?: string
  /** False for an identity whose bundle no trusted root was asked about. */
  proven: boolean
}>

/**
 * @throws ERR_USAGE, also for an output that is the model or any file but a bundle; ERR_MODEL_EMPTY, ERR_MODEL_NOT_PLAIN, ERR_DATA_CHANGED, ERR_KEY_MALFORMED, ERR_KEY_LOCKED,
 *   ERR_CERTIFICATE_MALFORMED, ERR_SIGN_CERTIFICATE, ERR_IO; of an identity ERR_SIGNER_WRONG, ERR_TRUSTED_ROOT_MALFORMED
 */
export async function signModelAt(caller: Caller, given: string, options: SignModelOptions): Promise<SignedModel> {
  const { output } = options
  const key = keyOf(caller, options)
  if (output === undefined || key === undefined)
    throw new DomainError('ERR_USAGE', 'sign needs --output FILE, and --key or the services that certify an identity')
  const isIdentity = key.startsWith('sigstore:')
  if (!isIdentity && (options.keyless === true || options.identityToken !== undefined))
    throw new DomainError('ERR_USAGE', '--keyless and --identity-token sign for an identity, and a key is named')
  if (isIdentity ? options.certificate !== undefined : options.trustedRoot !== undefined)
    throw new DomainError('ERR_USAGE', '--certificate goes with a key, and --trusted-root with an identity')
  const roots = rootsGiven(caller, options)
  const path = resolve(caller.workingFolder, given)
  if (!existsSync(path)) throw new DomainError('ERR_ARTIFACT_MISSING', `\`${given}\` is not there`)
  const root = realpathSync(path)
  const outputFile = realFile(resolve(caller.workingFolder, output))
  const foreign = await loadForeign()
  refuseOverwriting(foreign, root, outputFile)
  const terms: ManifestTerms = {
    hash: 'sha256',
    followLinks: false,
    ignored: ignoredPaths(root, [...foreign.alwaysIgnored], options.ignore ?? [], outputFile),
  }
  const { files, resources } = await withIoFaults(given, async () => {
    const found = walkModel(root, terms)
    return { files: found, resources: await hashModel(found, terms) }
  })
  const manifest = { terms, resources: foreign.sortedResources(resources) }
  const model = { name: basename(root), manifest }
  const own = isHeldAddress(key) ? undefined : signerOf(caller, foreign, { ...options, key })
  const bundle =
    own === undefined ? await signHeld(caller, foreign, model, { ...options, key }) : foreign.signModel(model, own)
  if (roots.length > 0) refuseUnproven((await foreign.loadCertificates()).certificateJudge(roots), bundle)
  writeDurably(outputFile, bundle)
  return {
    model: basename(root),
    output: outputFile,
    files: files.length,
    bytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    digest: `sha256:${foreign.rootOf(manifest.resources)}`,
    attestation: sha256Of(bundle),
    ...(own?.key.asymmetricKeyType === undefined ? {} : { keyType: own.key.asymmetricKeyType }),
    proven: !isIdentity || roots.length > 0,
  }
}

/** An identity is signed for by an address as any other. @throws ERR_USAGE when several keys are named, or no service */
function keyOf({ workingFolder, environment }: Caller, options: SignModelOptions): string | undefined {
  const { key, signingConfig, fulcioUrl, rekorUrl, timestampUrl, keyless } = options
  const services = { 'fulcio-url': fulcioUrl, 'rekor-url': rekorUrl, 'timestamp-url': timestampUrl }
  const named = Object.entries(services).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const ways = [key, signingConfig, named[0]].filter((each) => each !== undefined)
  if (ways.length > 1)
    throw new DomainError('ERR_USAGE', 'give one of --key, --signing-config, and --fulcio-url with its services')
  if (signingConfig !== undefined) return `sigstore:${resolve(workingFolder, signingConfig)}`
  if (named.length > 0) return `sigstore:?${new URLSearchParams(named)}`
  if (key !== undefined || keyless !== true) return key
  const { ASSAY_SIGNER: own = '' } = environment
  if (own.startsWith('sigstore:')) return own
  throw new DomainError('ERR_USAGE', '--keyless asks services that are named, and none is', {
    help: 'give --signing-config FILE, or --fulcio-url and --rekor-url, or set ASSAY_SIGNER=sigstore:…; no public service is asked unnamed, since it would publish who signs what',
  })
}

/**
 * The caller's variables with the token of the command line in the place of all others.
 *
 * THREAT: the words of a command are seen by every user of the machine: a file with the token is taken too, as cosign does.
 */
function withToken({ environment, workingFolder }: Caller, given: string | undefined): Caller['environment'] {
  if (given === undefined) return environment
  const { ASSAY_IDENTITY_TOKEN: _, ASSAY_IDENTITY_TOKEN_FILE: __, ...rest } = environment
  if (/^eyJ[\w-]*\.[\w-]+\.[\w-]+$/.test(given)) return { ...rest, ASSAY_IDENTITY_TOKEN: given }
  const file = resolve(workingFolder, given)
  if (!existsSync(file))
    throw new DomainError('ERR_IDENTITY_TOKEN', '--identity-token is no token, and no file with one')
  return { ...rest, ASSAY_IDENTITY_TOKEN_FILE: file }
}

/** A bundle may be signed anew; anything else that lies there may be a model, or a file of one. */
function refuseOverwriting(foreign: Foreign, root: string, outputFile: string): void {
  if (!existsSync(outputFile)) return
  if (realpathSync(outputFile) !== root && isBundle(foreign, outputFile)) return
  throw new DomainError('ERR_USAGE', `\`${outputFile}\` is there and is not a bundle: it would be lost`, {
    help: 'give --output a file that does not exist',
  })
}

function isBundle(foreign: Foreign, file: string): boolean {
  try {
    foreign.parseForeignBundle(readSmall(file, foreign.foreignBundleLimits.maxBytes))
    return true
  } catch (error) {
    if (isDomainError(error)) return false
    throw error
  }
}

/** @throws ERR_USAGE for a path that is no plain one inside the model: it would be ignored by nobody */
function ignoredPaths(
  root: string,
  always: readonly string[],
  more: readonly string[],
  outputFile: string,
): readonly string[] {
  const own = relative(root, outputFile)
  const isOwnInside = statSync(root).isDirectory() && own !== '' && !own.startsWith('..')
  const given = more.map((path) => path.replace(/\/+$/, ''))
  const odd = given.find((path) => path.split('/').some((part) => ['', '.', '..'].includes(part)))
  if (odd !== undefined)
    throw new DomainError('ERR_USAGE', `\`${odd}\` is no plain path inside the model`, {
      help: '--ignore takes a path relative to the model, such as cache or docs/notes.md',
    })
  return [...new Set([...always, ...given, ...(isOwnInside ? [own] : [])])].toSorted()
}

type Model = Parameters<Foreign['signModel']>[0]

/** By a signer of its own process, which alone is given what opens the key; of the model it sees the manifest. */
async function signHeld(
  caller: Caller,
  foreign: Foreign,
  { name, manifest }: Model,
  options: SignModelOptions & Readonly<{ key: string }>,
): Promise<Uint8Array> {
  const environment = withToken(caller, options.identityToken)
  const key = heldKeySource(options.key, { environment, route: signerRoute(environment), now: caller.now() })
  const certificates = certificatesOf(caller, foreign, options)?.map(({ raw }) => raw.toString('base64'))
  await using signer = await startSigner({ key, objectStoreRoot: '/nonexistent' }) // it looks at no object
  const { bytes } = await signer.sign({
    kind: 'model',
    model: {
      name,
      ignored: manifest.terms.ignored,
      resources: manifest.resources,
      ...(certificates === undefined ? {} : { certificates }),
    },
  })
  return bytes
}

type Foreign = Awaited<ReturnType<typeof loadForeign>>
type Signer = Readonly<{ key: KeyObject; certificates?: readonly X509Certificate[] }>

function signerOf(caller: Caller, foreign: Foreign, options: SignModelOptions & Readonly<{ key: string }>): Signer {
  const certificates = certificatesOf(caller, foreign, options)
  const key = openKey(readText(caller, options.key), options.key, caller.environment['ASSAY_KEY_PASSPHRASE'])
  return { key, ...(certificates === undefined ? {} : { certificates }) }
}

/** The leaf first; undefined when a key signs by itself. */
function certificatesOf(
  caller: Caller,
  foreign: Foreign,
  { certificate, chain }: SignModelOptions,
): readonly X509Certificate[] | undefined {
  if (certificate === undefined && chain !== undefined)
    throw new DomainError('ERR_USAGE', '--chain goes with --certificate')
  if (certificate === undefined) return undefined
  return [certificate, ...(chain ?? [])].flatMap((path) => foreign.parseCertificates(readText(caller, path)))
}

function readText(caller: Caller, path: string): string {
  return readSmall(resolve(caller.workingFolder, path)).toString('utf8')
}

/** The cause is dropped: an OpenSSL message must not carry anything of the key or of the passphrase. */
function openKey(pem: string, path: string, passphrase: string | undefined): KeyObject {
  if (holdsMorePrivate(pem)) throw new DomainError('ERR_KEY_MALFORMED', `the key \`${path}\` ${behindIt}`)
  const isEncrypted = pem.includes('ENCRYPTED')
  if (isEncrypted && (passphrase ?? '') === '')
    throw new DomainError('ERR_KEY_LOCKED', `the key \`${path}\` is encrypted and there is no passphrase`)
  try {
    return createPrivateKey({
      key: pem,
      format: 'pem',
      ...(isEncrypted && passphrase !== undefined ? { passphrase } : {}),
    })
  } catch {
    throw isEncrypted
      ? new DomainError('ERR_KEY_LOCKED', `the passphrase does not open the key \`${path}\``)
      : new DomainError('ERR_KEY_MALFORMED', `\`${path}\` is not PEM of a private key`)
  }
}

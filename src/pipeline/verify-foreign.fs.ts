/**
 * `assay verify ARTIFACT --bundle FILE` by a key, authorities or an identity: only that bundle decides, without a project.
 *
 * A manifest of a model has its tree walked, another statement must name the artifact, a message signature covers its
 * digest. No more than one file is hashed before the signature was verified, and nothing is fetched.
 */
import type { KeyObject, X509Certificate } from 'node:crypto'
import { existsSync, realpathSync, statSync } from 'node:fs'
import { basename, relative, resolve } from 'node:path'
import {
  allPassed,
  caveat,
  type Finding,
  type ForeignBundle,
  type ForeignTrust,
  hintOf,
  keyFindings,
  loadForeign,
  type ModelManifest,
  passed,
  type Resource,
  recalledFindings,
  refused,
  type TrustedKey,
  type TrustedRoot,
  type TrustPolicy,
  takenBackFindings,
} from '../attestation/index.ts'
import { type Digest, DomainError, folderOf, hexOf, isDomainError, isSha256, oneLine } from '../core/index.ts'
import { digestPath, withIoFaults } from '../data/index.ts'
import { hashFileBy, hashModel } from './hash-model.fs.ts'
import { findModelFiles, type ModelFile, walkModel } from './model-tree.fs.ts'
import { nothingEarned } from './nothing-earned.ts'
import type { Caller } from './project.ts'
import { readSmall, realFile } from './small-file.fs.ts'
import { policyOfNamed, withAllTakenBack } from './taken-back.fs.ts'
import type { ArtifactVerdict } from './verify.ts'

export type ForeignOptions = Readonly<{
  key?: string
  ca?: readonly string[]
  identity?: string
  issuer?: string
  trustedRoot?: string
  /** Paths in the model that have no part in it. */
  ignore?: readonly string[]
  ignoreUnsigned?: boolean
}>

type Foreign = Awaited<ReturnType<typeof loadForeign>>

/** A path that exists, else a digest, else nothing. */
type Artifact =
  | Readonly<{ kind: 'file' | 'folder'; path: string }>
  | Readonly<{ kind: 'digest'; digest: Extract<Digest, `sha256:${string}`> }>
  | Readonly<{ kind: 'missing' }>

type Asked = Readonly<{
  caller: Caller
  foreign: Foreign
  artifact: Artifact
  /** Of the artifact, as findings name it. */
  name: string
  /** Absolute. */
  bundleFile: string
  trust: ForeignTrust
  root: TrustedRoot | undefined
  options: ForeignOptions
}>

/** One whose artifact is there, and what may count against its signer. */
type Present = Readonly<{ asked: Asked; artifact: Exclude<Artifact, { kind: 'missing' }>; policy: TrustPolicy }>

type Content = Readonly<{ path: string; digest: Digest }>

/** What was found out so far; `digest` of the artifact as soon as it is known, and by what else a recall may name it. */
type Found = { findings: Finding[]; digest: Digest | null; parts: readonly Content[] }

/**
 * @param given a path, or `sha256:<hex>` where no such path exists
 * @throws ERR_USAGE when not exactly one trust is given, and what is wrong with the other files that the user names
 */
export async function verifyForeign(
  caller: Caller,
  { artifact: given, bundle }: Readonly<{ artifact: string; bundle: string }>,
  options: ForeignOptions,
): Promise<ArtifactVerdict> {
  const foreign = await loadForeign()
  const file = resolve(caller.workingFolder, given)
  const bundleFile = resolve(caller.workingFolder, bundle)
  const trust = trustOf(caller, foreign, options)
  const root = await rootOf(caller, foreign, options)
  const bytes = readSmall(bundleFile, foreign.foreignBundleLimits.maxBytes)
  const asked = { caller, foreign, name: basename(file), bundleFile, trust, root, options }
  const found: Found = { findings: [], digest: null, parts: [] }
  await withRefusals(found, () =>
    withIoFaults(given, () => judge({ ...asked, artifact: artifactAt(file, given) }, bytes, found)),
  )
  return verdictOf(asked.name, found)
}

async function judge(asked: Asked, bytes: Uint8Array, found: Found): Promise<void> {
  const { foreign, artifact, trust, root } = asked
  const bundle = foreign.parseForeignBundle(bytes)
  if (artifact.kind === 'missing') {
    found.findings.push(refused('artifact', 'ERR_ARTIFACT_MISSING', 'the artifact is not there'))
    return
  }
  const policy = policyOf(asked, bundle)
  found.findings.push(...revokedFindings(policy, foreign, { bundle, bytes }), ...instanceFinding(root))
  const digest =
    bundle.content.kind === 'message' ? messageDigest(bundle.content.algorithm, artifact, found) : undefined
  const question = { bundle, trust, now: asked.caller.now(), digest, root }
  found.findings.push(...(await foreign.judgeSigner(question)), ...unaskedLog(bundle, root))
  if (allPassed(found.findings)) found.findings.push(...(await identityFindings(policy, foreign, question)))
  if (allPassed(found.findings) && bundle.content.kind === 'statement')
    await judgeContent({ asked, artifact, policy }, bundle.content.envelope, found)
  const whole = found.digest === null ? [] : [{ path: asked.name, digest: found.digest }]
  found.findings.push(...recalledFindings(policy, [...whole, ...found.parts]))
}

async function judgeContent(
  { asked, artifact, policy }: Present,
  { payload, payloadType }: Extract<ForeignBundle['content'], { kind: 'statement' }>['envelope'],
  found: Found,
): Promise<void> {
  const { foreign } = asked
  const statement = foreign.parseForeignStatement(payload, payloadType)
  if (foreign.isModelPredicate(statement.predicateType)) {
    await judgeTree({ asked, artifact, policy }, foreign.parseModelManifest(payload), found)
    return
  }
  const digests = await digestsOf(artifact, foreign.artifactNeeds(statement))
  found.digest = digests.dirHash1 === undefined ? `sha256:${digests.sha256}` : `dirHash1:${digests.dirHash1}`
  found.findings.push(foreign.judgeSubjects(statement, digests))
}

/** What the evidence is at fault for is an answer; what the world is at fault for is thrown. */
async function withRefusals({ findings }: Found, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!isDomainError(error) || !/^ERR_(BUNDLE|STATEMENT|MODEL|MANIFEST)_/.test(error.code)) throw error
    const [, check = ''] = /^ERR_([A-Z]+)_/.exec(error.code) ?? []
    findings.push(refused(check.toLowerCase(), error.code, error.message))
  }
}

function artifactAt(file: string, given: string): Artifact {
  if (existsSync(file)) return { kind: statSync(file).isDirectory() ? 'folder' : 'file', path: realpathSync(file) }
  return isSha256(given) ? { kind: 'digest', digest: given } : { kind: 'missing' }
}

function trustOf(caller: Caller, foreign: Foreign, { key, ca, identity, issuer }: ForeignOptions): ForeignTrust {
  const read = (path: string): string => readSmall(resolve(caller.workingFolder, path)).toString('utf8')
  const given = [key, ca, identity ?? issuer].filter((each) => each !== undefined)
  if (given.length !== 1 || (identity === undefined) !== (issuer === undefined)) {
    throw new DomainError('ERR_USAGE', 'a bundle is judged by exactly one of --key, --ca, or --identity with --issuer')
  }
  if (key !== undefined) return { kind: 'key', key: foreign.parseForeignKey(read(key)) }
  if (ca !== undefined)
    return { kind: 'authorities', roots: ca.flatMap((path) => foreign.parseCertificates(read(path))) }
  return { kind: 'identity', identity: identity ?? '', issuer: issuer ?? '' }
}

/** An identity needs an instance: without a file it is Sigstore's public one, as every client of it has it. */
async function rootOf(
  caller: Caller,
  foreign: Foreign,
  { trustedRoot, identity }: ForeignOptions,
): Promise<TrustedRoot | undefined> {
  if (trustedRoot === undefined && identity === undefined) return undefined
  const { parseTrustedRoot, publicGoodRoot } = await foreign.loadTrustedRoots()
  return trustedRoot === undefined
    ? publicGoodRoot()
    : parseTrustedRoot(readSmall(resolve(caller.workingFolder, trustedRoot), 4 * 1024 * 1024))
}

/** As everywhere else: what this user revoked, and what every status that they saw takes back, of whichever project. */
function policyOf({ trust, foreign, caller }: Asked, { material }: ForeignBundle): TrustPolicy {
  const named = (name: string, key: KeyObject): TrustedKey => ({ name, key, hint: hintOf(key) })
  const roots = trust.kind === 'authorities' ? trust.roots : []
  const own = material.kind === 'certificates' ? material.certificates : []
  return withAllTakenBack(
    policyOfNamed({
      keys: [
        ...(trust.kind === 'key' ? [named('the given key', trust.key)] : []),
        ...roots.map(({ publicKey }) => named('an authority', publicKey)),
        ...own.flatMap((der) => readable(foreign, der)).map(({ publicKey }) => named('its certificate', publicKey)),
      ],
      identities: trust.kind === 'identity' ? [{ name: trust.identity, ...trust }] : [],
    }),
    caller.environment,
  )
}

function readable({ parseCertificate }: Foreign, der: Uint8Array): readonly X509Certificate[] {
  try {
    return [parseCertificate(der)]
  } catch (error) {
    if (isDomainError(error)) return [] // INVARIANT: `judgeSigner` refuses the bundle of a certificate that cannot be read
    throw error
  }
}

/** Nothing proves when a key signed one bundle: one that was taken back since a day is refused whole. */
function revokedFindings(
  policy: TrustPolicy,
  { saidBy }: Foreign,
  { bundle, bytes }: Readonly<{ bundle: ForeignBundle; bytes: Uint8Array }>,
): readonly Finding[] {
  return [
    ...(policy.standing ?? []),
    ...[...policy.keys.values()].flatMap((key) => keyFindings(key, undefined, undefined)),
    ...takenBackFindings(policy, bytes, saidBy(bundle)),
  ]
}

/** THREAT: an identity that a status took back. What it is proven to have signed before the day that the status names still counts. */
async function identityFindings(
  policy: TrustPolicy,
  foreign: Foreign,
  { bundle, root, digest }: Parameters<Foreign['judgeSigner']>[0],
): Promise<readonly Finding[]> {
  const revoked = [...(policy.identities?.values() ?? [])].filter((each) => each.revoked !== undefined)
  if (root === undefined || revoked.length === 0) return []
  const { judgeCertificate } = await foreign.loadLogEvidence()
  const { named } = judgeCertificate({ bundle, root, digest: digest ?? new Uint8Array() })
  const proven = named === undefined ? undefined : { at: named.at, by: 'its log' }
  return revoked.flatMap((each) => keyFindings(each, proven, undefined))
}

function instanceFinding(root: TrustedRoot | undefined): readonly Finding[] {
  return root?.copiedOn === undefined
    ? []
    : [
        passed(
          'trusted-root',
          `is Sigstore's public instance, as it was on ${root.copiedOn} (--trusted-root names another)`,
        ),
      ]
}

function unaskedLog({ logEntries, timestamps }: ForeignBundle, root: TrustedRoot | undefined): readonly Finding[] {
  if (root !== undefined || logEntries.length + timestamps === 0) return []
  return [caveat('log', 'log entries and timestamps were not looked at: no --trusted-root was given')]
}

/** Raw. A folder has none, and of a bare digest only SHA-256 is known: the comparison then refuses. */
function messageDigest(
  algorithm: 'sha256' | 'sha384' | 'sha512',
  artifact: Exclude<Artifact, { kind: 'missing' }>,
  found: Found,
): Uint8Array | undefined {
  if (artifact.kind === 'folder') return undefined
  const digests =
    artifact.kind === 'digest'
      ? { sha256: hexOf(artifact.digest) }
      : hashFileBy(artifact.path, [...new Set(['sha256', algorithm] as const)])
  found.digest = `sha256:${digests.sha256}`
  const hex = new Map<string, string>(Object.entries(digests)).get(algorithm)
  return hex === undefined ? undefined : Buffer.from(hex, 'hex')
}

type Digests = Parameters<Foreign['judgeSubjects']>[1]

async function digestsOf(
  artifact: Exclude<Artifact, { kind: 'missing' }>,
  needs: readonly ('sha256' | 'sha384' | 'sha512')[],
): Promise<Digests> {
  if (artifact.kind === 'digest') return { sha256: hexOf(artifact.digest) }
  if (artifact.kind === 'file') return hashFileBy(artifact.path, needs)
  return { dirHash1: hexOf((await digestPath(artifact.path)).digest) }
}

/** @throws ERR_MODEL_NOT_PLAIN, ERR_DATA_CHANGED */
async function judgeTree({ asked, artifact, policy }: Present, manifest: ModelManifest, found: Found): Promise<void> {
  const { foreign, options } = asked
  if (artifact.kind === 'digest') {
    const because = 'the files of a model were signed one by one: a digest says nothing of them'
    found.findings.push(refused('model', 'ERR_SUBJECT_MISMATCH', because))
    return
  }
  const ignoreUnsigned = options.ignoreUnsigned === true
  const fileName = artifact.kind === 'file' ? { fileName: basename(artifact.path) } : {}
  const files = modelFiles(asked, artifact.path, manifest)
  const resources = await hashModel(files, manifest.terms)
  found.findings.push(...foreign.judgeModel(manifest, resources, { ignoreUnsigned, ...fileName }))
  found.digest = `sha256:${foreign.rootOf(manifest.resources)}`
  if (policy.takenBack === undefined || policy.takenBack.recalled.size === 0) return
  const isPlain = manifest.terms.hash === 'sha256' && manifest.terms.shardBytes === undefined
  found.parts = partsOf(asked.name, isPlain ? resources : await hashModel(files, { hash: 'sha256' }))
}

/** A manifest's digest of a model is another than that of its file or folder, by which a status recalls it. */
function partsOf(name: string, files: readonly Resource[]): readonly Content[] {
  const parts = files.map((file) => ({ path: oneLine(file.name), digest: `sha256:${file.digest}` as const }))
  const folder = folderOf(parts.map((part) => ({ ...part, sizeBytes: 0, executable: false }))) // no part of a digest
  return [{ path: name, digest: folder.digest }, ...parts]
}

function modelFiles(
  { options, foreign, bundleFile }: Asked,
  root: string,
  { terms, resources }: ModelManifest,
): readonly ModelFile[] {
  if (options.ignoreUnsigned === true && statSync(root).isDirectory()) {
    const names = resources.map(({ name }) => (terms.shardBytes === undefined ? name : name.replace(/:\d+:\d+$/, '')))
    return findModelFiles(root, [...new Set(names)], terms)
  }
  const ignored = [
    ...foreign.alwaysIgnored,
    ...terms.ignored,
    ...(options.ignore ?? []),
    relative(root, realFile(bundleFile)),
  ]
  return walkModel(root, { ...terms, ignored })
}

function verdictOf(path: string, { findings, digest }: Found): ArtifactVerdict {
  return {
    trusted: allPassed(findings),
    level: 0,
    whyNotHigher: [
      'one bundle was judged alone: what it builds on was not looked at (leave --bundle out, or use --evidence)',
    ],
    subject: { path, digest },
    findings,
    properties: nothingEarned,
    commits: [],
    requirements: [],
  }
}

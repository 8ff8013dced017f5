/** `assay verify FILE`: finds the artifact, its evidence and the policy to judge by, and asks the chain. */
import { existsSync, realpathSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import {
  type ChainEvidence,
  type Finding,
  nameInEvidence,
  parseTrustPolicy,
  passed,
  policyFromKey,
  refused,
  type TrustPolicy,
  travelledEvidence,
  verifyChain,
  withIdentities,
} from '../attestation/index.ts'
import { type Digest, DomainError, isInside, isSha256, type Sha256 } from '../core/index.ts'
import { digestPath } from '../data/index.ts'
import { bothOf } from './both-evidence.ts'
import { chainEvidenceOf } from './chain-facts.ts'
import { evidenceAt, readEvidence } from './evidence-files.fs.ts'
import { gatesAtHandOf } from './gates-key.ts'
import { withHistory } from './history-at-hand.ts'
import type { TravelledEvidence } from './import-evidence.ts'
import { joinProofs, keptProofs } from './kept-proofs.fs.ts'
import { forkFindings, loggedBy } from './log-trust.ts'
import { artifactInRegistry, evidenceInRegistry, isOciAddress, type NamedDigest, parseOciAddress } from './oci/index.ts'
import { policyInForce, rememberTime, withProofs } from './policy-in-force.fs.ts'
import { isOfOther, openProject, projectIdOf, revokedIn } from './project.fs.ts'
import type { Caller, Project } from './project.ts'
import { readSmall, realOf } from './small-file.fs.ts'
import { rootsGiven } from './trusted-roots.fs.ts'
import { type ArtifactVerdict, chainOf, finalOuts, untrusted, verdictOf, verifyContent } from './verify.ts'
import type { VerifyOptions } from './verify-any.ts'
import { verifyOneBundle } from './verify-bundle.ts'
import { findRoot } from './workspace.fs.ts'

/** LIMIT: a bundle is at most 16 MiB. */
const maxBundleBytes = 16 * 1024 * 1024

/**
 * One verdict an artifact; without `artifact` those of the project's model, else of its final outs.
 *
 * @param policy what to judge by, whatever project the artifact lies in; left out where none was chosen
 */
export async function verifyByPolicy(
  caller: Caller,
  artifact: string | undefined,
  options: VerifyOptions,
  chosen = chosenPolicy(caller, options),
): Promise<readonly ArtifactVerdict[]> {
  const trustedRoots = rootsGiven(caller, options)
  const policy = chosen === undefined ? undefined : await withIdentities(chosen, trustedRoots)
  if (isOciAddress(artifact)) return await verifyInRegistry(caller, artifact, options, policy)
  if (artifact !== undefined) {
    const file = resolve(caller.workingFolder, artifact)
    if (options.bundle !== undefined)
      return [await verifyByBundle(caller, { file, bundle: options.bundle }, policy, options)]
    if (options.evidence === undefined) return [await verifyWhereItLies(caller, file, policy, options)]
    const travelled = await evidenceNamed(caller, options.evidence)
    return [await verifyAlone(caller, { file, travelled }, policy, options)]
  }
  const project = await openProject(caller, openOptions(caller, policy, options))
  const paths = finalOuts(project)
  if (paths.length === 0)
    throw new DomainError('ERR_EVIDENCE_MISSING', 'the project makes nothing that could be verified')
  const verdicts: ArtifactVerdict[] = []
  for (const path of paths) verdicts.push(await verifyPath(project, path))
  return verdicts
}

function openOptions(
  caller: Caller,
  policy: TrustPolicy | undefined,
  options: VerifyOptions,
): Parameters<typeof openProject>[1] {
  const { rehash, status } = options
  return {
    ...(policy === undefined ? {} : { policy }),
    ...(status === undefined ? {} : { status: resolve(caller.workingFolder, status) }),
    trustedRoots: rootsGiven(caller, options),
    rehash: rehash === true,
  }
}

/** Of `--policy` or `--key`. @throws ERR_POLICY_MALFORMED, ERR_KEY_MALFORMED, ERR_INPUT_MALFORMED */
export function chosenPolicy(
  caller: Caller,
  { policy, key, status }: Pick<VerifyOptions, 'policy' | 'key' | 'status'>,
): TrustPolicy | undefined {
  const beside = { status: status === undefined ? undefined : resolve(caller.workingFolder, status) }
  const read = (path: string): Buffer => readSmall(resolve(caller.workingFolder, path))
  if (policy !== undefined) {
    return policyInForce(parseTrustPolicy(read(policy), 'file', policy), caller, beside)
  }
  return key === undefined ? undefined : policyInForce(policyFromKey(read(key).toString('utf8')), caller, beside)
}

async function verifyByBundle(
  caller: Caller,
  { file, bundle }: Readonly<{ file: string; bundle: string }>,
  chosen: TrustPolicy | undefined,
  options: VerifyOptions,
): Promise<ArtifactVerdict> {
  const name = basename(file)
  const digest = await digestOf(file)
  if (digest === undefined) return untrusted(name, missing(name))
  const policy = chosen ?? (await enclosingProject(caller, file, options))?.trust
  if (policy === undefined) throw noPolicy()
  const bytes = readSmall(resolve(caller.workingFolder, bundle), maxBundleBytes)
  return verifyOneBundle({ path: name, digest }, bytes, policy, caller.now())
}

function noPolicy(): DomainError {
  return new DomainError('ERR_USAGE', 'there is no trust policy to judge by', {
    help: 'give one with --policy trust.yaml, or a key with --key',
  })
}

/** A file, a folder, or what lies beside an artifact of a registry. */
async function evidenceNamed(caller: Caller, name: string): Promise<TravelledEvidence> {
  return isOciAddress(name)
    ? await evidenceInRegistry(caller, parseOciAddress(name))
    : evidenceAt(resolve(caller.workingFolder, name))
}

/** Evidence that travelled with the artifact: no project is asked, unless it is the one that the policy is in. */
async function verifyAlone(
  caller: Caller,
  { file, travelled }: Readonly<{ file: string; travelled: TravelledEvidence }>,
  chosen: TrustPolicy | undefined,
  options: VerifyOptions,
): Promise<ArtifactVerdict> {
  const name = basename(file)
  const digest = await digestOf(file)
  if (digest === undefined) return untrusted(name, missing(name))
  const isOfProject = chosen === undefined || chosen.origin === 'repository' || chosen.origin === 'pinned'
  const enclosing = isOfProject ? await enclosingProject(caller, file, options) : undefined
  const roots = rootsOf(dirname(file), caller.workingFolder)
  return judgeTravelled(caller, { path: name, digest }, travelled, { chosen, enclosing, roots })
}

function rootsOf(...folders: readonly string[]): readonly string[] {
  return [...new Set(folders.flatMap((folder) => findRoot(folder) ?? []))]
}

type Judges = Readonly<{
  chosen: TrustPolicy | undefined
  enclosing: Project | undefined
  /** Of the checkouts that the artifact lies in, and that is asked from. */
  roots: readonly string[]
  /** Findings beside those of the chain. */
  more?: readonly Finding[]
}>

async function judgeTravelled(
  caller: Caller,
  { path: name, digest }: NamedDigest,
  { bundles, proofs }: TravelledEvidence,
  { chosen, enclosing, roots, more = [] }: Judges,
): Promise<ArtifactVerdict> {
  const believed = chosen ?? enclosing?.trust
  if (believed === undefined) throw noPolicy()
  const proofsOf = (attestation: Sha256): readonly Uint8Array[] => proofs.inclusions.get(attestation) ?? []
  const evidence = travelledEvidence(bundles)
  const policy = withProofs(believed, proofsOf)
  const path = nameInEvidence(evidence, digest, policy) ?? name
  const logged = loggedBy(policy, proofsOf)
  // THREAT: a revocation that the checkout knows, and evidence that was exported before it; a copy that was taken out of it
  const others = roots.filter((root) => root !== enclosing?.root)
  const revoked = [...(enclosing?.revokedSources ?? []), ...others.flatMap((root) => revokedIn(root, policy))]
  const surroundings = { now: caller.now(), revokedSources: revoked, ...logged }
  const own = roots.filter((root) => root === enclosing?.root || !isOfOther(root, policy))
  const question = { subject: { path, digest }, entries: [], evidence, policy, verdicts: new Map() }
  const checkouts = own.map((root) => ({ root, isNamed: root === enclosing?.root || projectIdOf(root) !== undefined }))
  const chain = await withHistory(caller, checkouts, (history) =>
    verifyChain({ ...question, surroundings: { ...surroundings, ...history } }),
  )
  rememberTime(policy, caller, chain.newestTime)
  const shown = own.map((root) => keptProofs(root)).reduce(joinProofs, proofs)
  return verdictOf(chain, [...more, ...forkFindings(policy, shown)])
}

/**
 * What a registry holds, by the digests of its manifest: as the folder that evidence speaks of, else each of its files.
 *
 * THREAT: a file beside the model in one manifest, of which no evidence speaks: each must be believed.
 */
async function verifyInRegistry(
  caller: Caller,
  name: string,
  options: VerifyOptions,
  chosen: TrustPolicy | undefined,
): Promise<readonly ArtifactVerdict[]> {
  if (options.bundle !== undefined)
    throw new DomainError('ERR_USAGE', 'the evidence of what a registry holds lies beside it: leave --bundle out')
  const isOfProject = chosen === undefined || chosen.origin === 'repository' || chosen.origin === 'pinned'
  const root = findRoot(caller.workingFolder)
  const enclosing =
    root === undefined || !isOfProject
      ? undefined
      : await openProject({ ...caller, workingFolder: root }, openOptions(caller, undefined, options))
  const { folder, files, manifest, ...beside } = await artifactInRegistry(caller, parseOciAddress(name))
  const travelled = options.evidence === undefined ? beside : await evidenceNamed(caller, options.evidence)
  const isFolder = travelledEvidence(travelled.bundles).bySubject(folder.digest).length > 0
  const subjects = isFolder ? [folder] : files
  // THREAT: a tag that is moved between this verdict and what is loaded
  const which = passed('manifest', `\`${name}\` is the manifest ${manifest}: load it by this digest`, {
    tier: 'observed',
  })
  const judges = { chosen, enclosing, roots: rootsOf(caller.workingFolder), more: [which] }
  const verdicts: ArtifactVerdict[] = []
  for (const subject of subjects) verdicts.push(await judgeTravelled(caller, subject, travelled, judges))
  return verdicts
}

async function enclosingProject(
  caller: Caller,
  file: string,
  options: VerifyOptions = {},
): Promise<Project | undefined> {
  const root = findRoot(dirname(file))
  if (root === undefined) return undefined
  return openProject({ ...caller, workingFolder: root }, openOptions(caller, undefined, options))
}

/**
 * Of an out of a project, the project says what is asked; evidence may lie beside the file, and alone beside any other.
 *
 * THREAT: evidence put beside the project's own model, so that its gates, its judges and revocations are not asked for.
 */
async function verifyWhereItLies(
  caller: Caller,
  file: string,
  policy: TrustPolicy | undefined,
  options: VerifyOptions,
): Promise<ArtifactVerdict> {
  const beside = existsSync(`${file}.assay.jsonl`) ? `${file}.assay.jsonl` : undefined
  const folder = existsSync(dirname(file)) ? realpathSync(dirname(file)) : dirname(file)
  const root = existsSync(folder) ? findRoot(folder) : undefined
  if (root === undefined) {
    if (beside !== undefined) return verifyAlone(caller, { file, travelled: evidenceAt(beside) }, policy, options)
    throw new DomainError('ERR_EVIDENCE_MISSING', `there is no evidence for \`${file}\`: it lies in no project`, {
      help: 'give its evidence with --evidence FILE.assay.jsonl',
    })
  }
  const project = await openProject({ ...caller, workingFolder: root }, openOptions(caller, policy, options))
  const path = relative(root, join(folder, basename(file)))
  if (beside === undefined) return verifyPath(project, path)
  return outAt(project, path) === undefined
    ? verifyAlone(caller, { file, travelled: evidenceAt(beside) }, policy, options)
    : verifyPath(project, path, readEvidence(beside))
}

/** The out that the path is, or lies in. */
export function outAt({ pipeline }: Project, path: string): string | undefined {
  return pipeline.stages.flatMap(({ outs }) => outs).find((out) => isInside(path, out.path))?.path
}

/** A file inside a folder out is judged as its folder: that is what the evidence speaks of. */
async function verifyPath(project: Project, path: string, beside?: ChainEvidence): Promise<ArtifactVerdict> {
  const subject = outAt(project, path) ?? path
  if (!existsSync(join(project.root, path))) return untrusted(path, missing(path))
  const digest = await project.contents.rehash(subject)
  if (digest === undefined) return untrusted(path, missing(path))
  const own = chainEvidenceOf(project)
  return verifyContent(
    project,
    subject,
    digest,
    beside === undefined ? own : bothOf(own, beside, (made) => gatesAtHandOf(project, made)),
  )
}

/** `sha256:HEX` is a digest only when no such path exists. */
async function digestOf(file: string): Promise<Digest | undefined> {
  if (existsSync(file)) return (await digestPath(file)).digest
  const name = basename(file)
  return isSha256(name) ? name : undefined
}

function missing(path: string): ReturnType<typeof refused> {
  return refused('artifact', 'ERR_ARTIFACT_MISSING', `\`${path}\` is not there`)
}

/** Project paths of what evidence speaks of: of a file its out, of nothing named the final outs. */
export function subjectsOf(project: Project, artifact: string | undefined, workingFolder: string): readonly string[] {
  if (artifact === undefined) return finalOuts(project)
  const path = relative(project.root, realOf(resolve(workingFolder, artifact)))
  return [outAt(project, path) ?? path]
}

/**
 * The attestations behind an artifact of the project, the artifact's first.
 *
 * @throws ERR_EVIDENCE_MISSING when there are none
 */
export async function chainOfArtifact(
  project: Project,
  artifact: string | undefined,
  workingFolder: string,
): Promise<readonly Sha256[]> {
  const subjects = subjectsOf(project, artifact, workingFolder)
  const chain = new Set<Sha256>()
  for (const subject of subjects) {
    const digest = await project.contents.rehash(subject)
    if (digest === undefined) continue
    const verdict = await chainOf(project, subject, digest, chainEvidenceOf(project))
    for (const { attestation } of verdict.stages) chain.add(attestation)
  }
  if (chain.size === 0) {
    throw new DomainError(
      'ERR_EVIDENCE_MISSING',
      `there is no evidence for ${subjects.map((path) => `\`${path}\``).join(', ')}`,
    )
  }
  return [...chain]
}

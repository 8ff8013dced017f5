/**
 * Evidence on its way: which bundles a version needs, and those of a remote, each held to its digest and to the trust
 * policy before it is kept. Approvals are committed: git brings them.
 */
import {
  type StageFacts,
  statedReproduction,
  verifyDataVerdict,
  verifyEnvironmentBuild,
  verifyReproduction,
  verifySourceBuild,
  verifyStage,
} from '../attestation/index.ts'
import { DomainError, isSha256, type Sha256, sha256Of } from '../core/index.ts'
import { bundleName, eachBounded, type Remote, readWhole, remoteFault } from '../data/index.ts'
import { gatesAtHandOf, keepGates, keepReproduction } from './gates-key.ts'
import { loggedAtHand } from './log-proofs.fs.ts'
import type { Project } from './project.ts'
import { reproductionsAtHand } from './reproduction-key.ts'
import { fetchProofs } from './travelling-proofs.ts'
import type { Behind } from './version.ts'

/** LIMIT: a bundle is at most 16 MiB; a remote with more reproductions and gate verdicts of one statement is refused. */
const maxBundleBytes = 16 * 1024 * 1024
const maxSpeaking = 1_000
/** So many are in memory at a time. */
const heldBundles = 64

export type BundlesOfVersion = Readonly<{
  /** Each with its bytes: statements, builds from source, data verdicts, reproductions and the statements of those runs. */
  bundles: ReadonlyMap<Sha256, Uint8Array>
  /** A statement -> reproductions and gate verdicts that speak of it. */
  reproductions: readonly Readonly<{ original: Sha256; reproduction: Sha256 }>[]
}>

/** Of what is here; a verdict or a reproduction that is not here, or not believed, is left out. */
export function bundlesOfVersion(project: Project, { statements }: Behind): BundlesOfVersion {
  const { evidence, trust } = project
  const bundles = new Map<Sha256, Uint8Array>()
  const add = (attestation: Sha256): Uint8Array | undefined => {
    const bytes = evidence.bundle(attestation)
    if (bytes !== undefined) bundles.set(attestation, bytes)
    return bytes
  }
  const reproductions: { original: Sha256; reproduction: Sha256 }[] = []
  for (const [attestation, facts] of statements) {
    add(attestation)
    for (const build of buildsOf(facts)) add(build)
    for (const { verdict } of facts.dependencies) if (verdict !== undefined) add(verdict)
    for (const reproduction of reproductionsAtHand(project, attestation)) {
      const bytes = evidence.bundle(reproduction)
      if (bytes === undefined || !verifyReproduction(bytes, trust).trusted) continue
      add(reproduction)
      reproductions.push({ original: attestation, reproduction })
      for (const { again } of statedReproduction(bytes)?.stages ?? []) if (again !== undefined) add(again)
    }
  }
  for (const original of statements.keys()) {
    for (const gates of gatesAtHandOf(project, original)) {
      add(gates)
      reproductions.push({ original, reproduction: gates })
    }
  }
  return { bundles, reproductions }
}

/** Statements of its environment, and of the builds of its wheels from source. */
function buildsOf({ environment }: StageFacts): readonly Sha256[] {
  return [environment, ...environment.materials].flatMap(({ build }) => build ?? [])
}

/** What a believed statement says was built, a wheel or an environment. */
export function builtIn(bytes: Uint8Array, trust: Project['trust']): Sha256 | undefined {
  const wheel = verifySourceBuild(bytes, trust)
  if (wheel.trusted) return wheel.statement.build.wheel.digest
  const environment = verifyEnvironmentBuild(bytes, trust)
  return environment.trusted ? environment.statement.build.digest : undefined
}

export type FetchedEvidence = Readonly<{ fetched: number; missing: readonly Sha256[] }>

/**
 * Brings the statements behind these, their builds from source and data verdicts, level by level, and the reproductions
 * and gate verdicts that speak of them.
 *
 * @throws ERR_REMOTE_EVIDENCE for a statement that the policy does not believe, ERR_REMOTE_UNSAFE for more that speaks of one
 * than is taken, ERR_REMOTE_CORRUPT, ERR_REMOTE_FAILED
 */
export async function fetchEvidence(
  project: Project,
  remote: Remote,
  roots: Iterable<Sha256>,
  { jobs }: Readonly<{ jobs: number }>,
): Promise<FetchedEvidence> {
  const missing: Sha256[] = []
  const seen = new Set<Sha256>()
  const verdicts = new Set<Sha256>()
  const builds = new Set<Sha256>()
  let fetched = 0
  let level = [...new Set(roots)]
  while (level.length > 0) {
    const bundles = await bundlesAt(project, remote, level, jobs)
    const next = new Set<Sha256>()
    for (const attestation of level) {
      seen.add(attestation)
      const found = bundles.get(attestation)
      if (found === undefined) {
        missing.push(attestation)
        continue
      }
      const facts = keepStage(project, attestation, found)
      if (found.isNew) fetched += 1
      for (const build of buildsOf(facts)) builds.add(build)
      for (const { origin, verdict } of facts.dependencies) {
        if (origin.kind === 'stage' && !seen.has(origin.attestation)) next.add(origin.attestation)
        if (verdict !== undefined) verdicts.add(verdict)
      }
    }
    level = [...next]
  }
  for (const { bytes, isNew } of (await bundlesAt(project, remote, [...verdicts], jobs)).values()) {
    const read = isNew ? verifyDataVerdict(bytes, project.trust) : undefined
    if (read?.trusted !== true) continue // INVARIANT: a verdict that is not believed is as good as none, which verify tells.
    project.evidence.save(bytes, { key: read.statement.verdict.key, subjects: [] })
    fetched += 1
  }
  for (const [attestation, { bytes, isNew }] of await bundlesAt(project, remote, [...builds], jobs)) {
    const subject = isNew ? builtIn(bytes, project.trust) : undefined
    if (subject === undefined) continue // INVARIANT: as a verdict.
    project.evidence.save(bytes, { key: attestation, subjects: [subject] })
    fetched += 1
  }
  return { fetched: fetched + (await fetchSpeaking(project, remote, seen, jobs)), missing }
}

type Bundle = Readonly<{ bytes: Uint8Array; isNew: boolean }>

/** Those that are here, and of the others those that the remote has. @throws ERR_REMOTE_CORRUPT */
async function bundlesAt(
  { evidence }: Project,
  remote: Remote,
  wanted: readonly Sha256[],
  jobs: number,
): Promise<ReadonlyMap<Sha256, Bundle>> {
  const found = new Map<Sha256, Bundle>()
  const asked: Sha256[] = []
  for (const attestation of wanted) {
    const bytes = evidence.bundle(attestation)
    if (bytes === undefined) asked.push(attestation)
    else found.set(attestation, { bytes, isNew: false })
  }
  const sizes = asked.length === 0 ? new Map<string, number>() : await remote.sizes(asked.map(bundleName))
  await eachBounded(
    asked.filter((attestation) => sizes.has(bundleName(attestation))),
    jobs,
    async (attestation) => {
      const bytes = await readWhole(remote, bundleName(attestation), maxBundleBytes)
      if (bytes === undefined || sha256Of(bytes) !== attestation) {
        throw remoteFault(
          'ERR_REMOTE_CORRUPT',
          `\`${remote.address}\` holds other bytes than its name says for the evidence \`${attestation}\``,
        )
      }
      found.set(attestation, { bytes, isNew: true })
    },
  )
  return found
}

function keepStage({ evidence, trust, id }: Project, attestation: Sha256, { bytes, isNew }: Bundle): StageFacts {
  const verdict = verifyStage(bytes, trust)
  if (!verdict.trusted || verdict.statement.facts.project.id !== id) {
    const failed = verdict.findings.find(({ passed }) => !passed)
    const why = failed === undefined ? 'it belongs to another project' : `${failed.code ?? ''} ${failed.because}`.trim()
    throw new DomainError('ERR_REMOTE_EVIDENCE', `the evidence ${attestation} is not believed: ${why}`)
  }
  const { facts } = verdict.statement
  if (isNew) evidence.save(bytes, { key: facts.key, subjects: facts.outputs.map(({ digest }) => digest) })
  return facts
}

/**
 * Reproductions and gate verdicts that the policy believes: all of them, since a name does not say which it is.
 *
 * THREAT: names without end, or of nothing that was asked for; so many of one kind that one of the other is not taken.
 */
async function fetchSpeaking(
  project: Project,
  remote: Remote,
  originals: ReadonlySet<Sha256>,
  jobs: number,
): Promise<number> {
  const all = await speakingOf(remote, originals)
  // Which spelling is kept depends on what logs hold.
  if (project.trust.logs !== undefined) await fetchProofs(project, remote, new Set(all), { jobs })
  const keeping = { ...project, isLogged: loggedAtHand(project) }
  let fetched = 0
  const again = new Set<Sha256>()
  for (let start = 0; start < all.length; start += heldBundles) {
    const found = await bundlesAt(project, remote, all.slice(start, start + heldBundles), jobs)
    for (const { bytes } of found.values()) {
      const reproduction = keepReproduction(keeping, bytes)
      for (const attestation of reproduction?.again ?? []) again.add(attestation)
      if (reproduction === undefined ? keepGates(keeping, bytes) !== undefined : reproduction.isKept) fetched += 1
    }
  }
  for (const { bytes } of (await bundlesAt(project, remote, [...again], jobs)).values()) {
    const verdict = verifyStage(bytes, project.trust)
    if (!verdict.trusted) continue
    const { key, outputs } = verdict.statement.facts
    project.evidence.save(bytes, { key, subjects: outputs.map(({ digest }) => digest) })
    fetched += 1
  }
  return fetched
}

/** @throws ERR_REMOTE_UNSAFE */
async function speakingOf(remote: Remote, originals: ReadonlySet<Sha256>): Promise<readonly Sha256[]> {
  const named = new Map<Sha256, number>()
  const all = new Set<Sha256>()
  for (const name of await remote.list('reproductions')) {
    const [, original = '', speaking = ''] = /^([0-9a-f]{64})-([0-9a-f]{64})$/.exec(name) ?? []
    const [left, right] = [`sha256:${original}`, `sha256:${speaking}`]
    if (!isSha256(left) || !isSha256(right) || !originals.has(left)) continue
    const count = (named.get(left) ?? 0) + 1
    if (count > maxSpeaking) {
      throw remoteFault(
        'ERR_REMOTE_UNSAFE',
        `\`${remote.address}\` names more than ${maxSpeaking} reproductions and gate verdicts of ${left}: remove from its folder \`reproductions\` those that nobody needs`,
      )
    }
    named.set(left, count)
    all.add(right)
  }
  return [...all]
}

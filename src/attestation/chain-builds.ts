/**
 * What was built before the stages of a chain ran: environments, and wheels of them that were built from source. Each has a
 * statement of its own, that is verified as a stage's is and joined to the stage by the digests of both.
 *
 * THREAT: a wheel that no source gave, called built; a statement of another build of the same name; an environment of other
 * materials than the stage ran with.
 */
import { builderIds, type Sha256 } from '../core/index.ts'
import { type ChainQuestion, chainLimits, type VisitedStage } from './chain.ts'
import { maxClockSkewMs, overLimit } from './chain-walk.ts'
import { caveat, type Finding, passed, refused } from './finding.ts'
import type { StageFacts } from './stage-facts.ts'
import {
  type Verdict,
  type VerifiedEnvironmentBuild,
  type VerifiedSourceBuild,
  verifyEnvironmentBuild,
  verifySourceBuild,
} from './verify.ts'

/** What the level's rules need to know of one. */
export type JudgedBuild = Readonly<{ name: string; build: VerifiedSourceBuild | VerifiedEnvironmentBuild }>

const check = 'built-from-source'
const builtFact = 'environment/source/'

export function judgeBuilds(
  question: ChainQuestion,
  visited: readonly VisitedStage[],
): Readonly<{ builds: readonly JudgedBuild[]; findings: readonly Finding[] }> {
  const builds = new Map<Sha256, JudgedBuild>()
  const findings: Finding[] = []
  const read = readOnce(question)
  let edges = 0
  for (const { stage } of visited) {
    for (const { finding, build } of ofStage(read, stage.facts)) {
      findings.push({ ...finding, subject: stage.facts.stage })
      if (build !== undefined) builds.set(build.attestation, { name: nameOf(build), build })
    }
    edges += edgesOf(stage.facts)
    if (edges === 0) continue
    const { statements, totalBytes } = read.spent()
    const spent = { edges, statements: visited.length + statements, depth: 0, totalBytes }
    const over = overLimit(question.limits ?? chainLimits, spent)
    if (over !== undefined) return { builds: [...builds.values()], findings: [...findings, over] }
  }
  return { builds: [...builds.values()], findings }
}

function nameOf({ build }: JudgedBuild['build']): string {
  return 'package' in build ? build.package.name : build.name
}

function edgesOf({ environment: { build, materials } }: StageFacts): number {
  return materials.filter((material) => material.build !== undefined).length + (build === undefined ? 0 : 1)
}

type Read = Readonly<{
  minimumLevel: ChainQuestion['policy']['minimumLevel']
  /** Undefined when the statement is not at hand. */
  of(attestation: Sha256): Verdict<VerifiedSourceBuild> | undefined
  environment(attestation: Sha256): Verdict<VerifiedEnvironmentBuild> | undefined
  /** What was verified, for the limits of the chain. */
  spent(): Readonly<{ statements: number; totalBytes: number }>
}>

/** THREAT: many stages that name one build, or many, cost a verification for each statement and no more. */
function readOnce({ evidence, policy, limits = chainLimits }: ChainQuestion): Read {
  const [builds, environments] = [
    new Map<Sha256, Verdict<VerifiedSourceBuild> | undefined>(),
    new Map<Sha256, Verdict<VerifiedEnvironmentBuild> | undefined>(),
  ]
  let totalBytes = 0
  const read = <Verified>(
    attestation: Sha256,
    known: Map<Sha256, Verdict<Verified> | undefined>,
    verify: (bytes: Uint8Array, by: typeof policy) => Verdict<Verified>,
  ): Verdict<Verified> | undefined => {
    if (known.has(attestation)) return known.get(attestation)
    const bytes = evidence.bundle(attestation)
    const isAtHand = bytes !== undefined && bytes.length <= limits.bundleBytes
    const isOver = builds.size + environments.size >= limits.statements || totalBytes > limits.totalBytes
    const verdict = isAtHand && !isOver ? verify(bytes, policy) : undefined
    totalBytes += isAtHand ? bytes.length : 0
    known.set(attestation, verdict)
    return verdict
  }
  return {
    minimumLevel: policy.minimumLevel,
    of: (attestation) => read(attestation, builds, verifySourceBuild),
    environment: (attestation) => read(attestation, environments, verifyEnvironmentBuild),
    spent: () => ({ statements: builds.size + environments.size, totalBytes }),
  }
}

type Judged = Readonly<{ finding: Finding; build?: JudgedBuild['build'] }>
type Material = StageFacts['environment']['materials'][number]

/** By what the stage's record names, and by what its environment names: neither can leave one out. */
function ofStage(read: Read, facts: StageFacts): readonly Judged[] {
  const judged = facts.environment.materials.flatMap((material) =>
    material.build === undefined ? [] : [judgeBuild(read, facts, { ...material, build: material.build })],
  )
  const known = new Set(judged.map(({ build }) => (build === undefined ? undefined : nameOf(build))))
  const recorded = facts.facts.flatMap(({ name }) => (name.startsWith(builtFact) ? [name.slice(builtFact.length)] : []))
  const unstated = judged.some(({ build }) => build === undefined) ? [] : recorded.filter((name) => !known.has(name))
  return [
    ...judgeEnvironment(read, facts),
    ...judged,
    ...unstated.map((name) => ({
      finding: refused(
        check,
        'ERR_EVIDENCE_MISSING',
        `\`${name}\` was built from source, and no statement of its build is named: run the stage again (--force)`,
      ),
    })),
  ]
}

const environmentCheck = 'environment-build'

/** Whether somebody put the environment together: all but `host`, and whatever says that it is locked. */
export function wasPutTogether({ environment: { kind, locked } }: StageFacts): boolean {
  return locked || kind !== 'host'
}

/** Whether somebody put it together, and no statement of who did is named. */
export function isUnstated(facts: StageFacts): boolean {
  return facts.environment.build === undefined && wasPutTogether(facts)
}

/** THREAT: a stage that leaves the statement out. Evidence of before there was one is believed, and earns less. */
function judgeEnvironment(reader: Read, facts: StageFacts): readonly Judged[] {
  const { build, name } = facts.environment
  if (build === undefined) {
    const because = `no statement says how the environment \`${name}\` was put together`
    return isUnstated(facts) ? [{ finding: caveat(environmentCheck, because) }] : []
  }
  const read = reader.environment(build)
  if (read === undefined) {
    const because = `the statement of the environment \`${name}\` is not at hand`
    return [{ finding: refused(environmentCheck, 'ERR_EVIDENCE_MISSING', because) }]
  }
  if (!read.trusted) {
    const fault = read.findings.find((finding) => !finding.passed)
    const because = `the environment \`${name}\`: ${fault?.because ?? 'is not believed'}`
    const finding = fault ?? refused(environmentCheck, 'ERR_EVIDENCE_CORRUPT', because)
    return [{ finding: { ...finding, check: environmentCheck, because } }]
  }
  const fault = environmentFault(read.statement, facts)
  if (fault !== undefined)
    return [{ finding: refused(environmentCheck, 'ERR_CHAIN_LINK', `the environment \`${name}\` ${fault}`) }]
  const { materials } = read.statement.build
  const because = `the environment \`${name}\` was put together from ${materials.length} materials that are named by digest`
  return [{ build: read.statement, finding: passed(environmentCheck, because) }]
}

function environmentFault(
  { build, attestation }: VerifiedEnvironmentBuild,
  { project, environment, startedAt }: StageFacts,
): string | undefined {
  if (attestation !== environment.build) return 'has another statement than was pinned'
  if (build.project !== project.id) return 'was put together in another project'
  if (build.digest !== environment.digest || build.name !== environment.name || build.kind !== environment.kind)
    return 'is not the one that was put together'
  const used = new Set(environment.materials.map(stated))
  const other = build.materials.find((material) => !used.has(stated(material)))
  if (other !== undefined) return `was put together from \`${other.name}\`, which the stage does not say`
  return Date.parse(build.at) - Date.parse(startedAt) > maxClockSkewMs
    ? 'was put together after it was used'
    : undefined
}

/** THREAT: a stage that leaves the statement of a build out, which its environment names. */
function stated({ name, digest, build }: Material): string {
  return `${digest} ${build} ${name}`
}

function judgeBuild(reader: Read, facts: StageFacts, material: Required<Material>): Judged {
  const read = reader.of(material.build)
  if (read === undefined) {
    const because = `the statement of the build of \`${material.name}\` is not at hand`
    return { finding: refused(check, 'ERR_EVIDENCE_MISSING', because) }
  }
  if (!read.trusted) {
    const fault = read.findings.find((finding) => !finding.passed)
    const because = `the build of \`${material.name}\`: ${fault?.because ?? 'is not believed'}`
    return { finding: { ...(fault ?? refused(check, 'ERR_EVIDENCE_CORRUPT', because)), check, because } }
  }
  const fault = faultOf(read.statement, facts, material)
  if (fault !== undefined) return { finding: refused(check, 'ERR_CHAIN_LINK', `\`${material.name}\` ${fault}`) }
  const { build } = read.statement
  const { source, deniedAttempts } = build
  const bare = unisolatedBuild({ build })
  if (bare !== undefined) {
    const because = `the build of \`${material.name}\` ${bare}`
    const finding =
      reader.minimumLevel === 0 ? caveat(check, because) : refused(check, 'ERR_EVIDENCE_UNISOLATED', because)
    return { build: read.statement, finding }
  }
  const because = `\`${material.name}\` was built from \`${source.name}\` in a sandbox, without network`
  const tried = `, which it tried to reach ${deniedAttempts} times`
  return {
    build: read.statement,
    finding: deniedAttempts === 0 ? passed(check, because) : caveat(check, because + tried, { tier: 'observed' }),
  }
}

/** Why a build counts as not isolated; undefined when it was. */
export function unisolatedBuild({ build }: Pick<JudgedBuild['build'], 'build'>): string | undefined {
  const isBare = build.builderId === builderIds.unisolated || ('sandbox' in build && build.sandbox.engine === 'none')
  return isBare ? 'ran without a sandbox' : undefined
}

function faultOf(
  { build, attestation }: VerifiedSourceBuild,
  { project, environment, startedAt, facts }: StageFacts,
  material: Required<Material>,
): string | undefined {
  if (attestation !== material.build) return 'has another statement of its build than was pinned'
  if (build.project !== project.id) return 'was built in another project'
  if (build.wheel.digest !== material.digest || build.wheel.name !== material.name)
    return 'is not the wheel that was built'
  if (!environment.materials.some(({ digest }) => digest === build.source.digest))
    return 'was built from a source that the environment does not name'
  const recorded = facts.find(({ name }) => name === `${builtFact}${build.package.name}`)
  if (recorded === undefined) return `was built as \`${build.package.name}\`, which the stage does not say`
  if (!recorded.value.includes(` in ${build.environment}, `))
    return 'was built in another environment than the stage says'
  const lateMs = Date.parse(build.finishedAt) - Date.parse(startedAt)
  return lateMs > maxClockSkewMs ? 'was built after it was used' : undefined
}

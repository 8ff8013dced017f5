/**
 * Wheels of a chain that were built from source: each has a statement of its own, from source to wheel, that is verified
 * as a stage's is and joined to the stage by the digests of both.
 *
 * THREAT: a wheel that no source gave, called built; a statement of another build of the same name.
 */
import type { Sha256 } from '../core/index.ts'
import { type ChainQuestion, chainLimits, type VisitedStage } from './chain.ts'
import { maxClockSkewMs, overLimit } from './chain-walk.ts'
import { caveat, type Finding, passed, refused } from './finding.ts'
import type { StageFacts } from './stage-facts.ts'
import { type Verdict, type VerifiedSourceBuild, verifySourceBuild } from './verify.ts'

/** What the level's rules need to know of one. */
export type JudgedBuild = Readonly<{ name: string; build: VerifiedSourceBuild }>

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
      if (build !== undefined) builds.set(build.attestation, { name: build.build.package.name, build })
    }
    edges += stage.facts.environment.materials.filter((material) => material.build !== undefined).length
    if (edges === 0) continue
    const { statements, totalBytes } = read.spent()
    const spent = { edges, statements: visited.length + statements, depth: 0, totalBytes }
    const over = overLimit(question.limits ?? chainLimits, spent)
    if (over !== undefined) return { builds: [...builds.values()], findings: [...findings, over] }
  }
  return { builds: [...builds.values()], findings }
}

type Read = Readonly<{
  /** Undefined when the statement is not at hand. */
  of(attestation: Sha256): Verdict<VerifiedSourceBuild> | undefined
  /** What was verified, for the limits of the chain. */
  spent(): Readonly<{ statements: number; totalBytes: number }>
}>

/** THREAT: many stages that name one build, or many, cost a verification for each statement and no more. */
function readOnce({ evidence, policy, limits = chainLimits }: ChainQuestion): Read {
  const known = new Map<Sha256, Verdict<VerifiedSourceBuild> | undefined>()
  let totalBytes = 0
  return {
    of: (attestation) => {
      if (known.has(attestation)) return known.get(attestation)
      const bytes = evidence.bundle(attestation)
      const isAtHand = bytes !== undefined && bytes.length <= limits.bundleBytes
      const isOver = known.size >= limits.statements || totalBytes > limits.totalBytes
      const verdict = isAtHand && !isOver ? verifySourceBuild(bytes, policy) : undefined
      totalBytes += isAtHand ? bytes.length : 0
      known.set(attestation, verdict)
      return verdict
    },
    spent: () => ({ statements: known.size, totalBytes }),
  }
}

type Judged = Readonly<{ finding: Finding; build?: VerifiedSourceBuild }>
type Material = StageFacts['environment']['materials'][number]

/** By what the stage's record names, and by what its environment names: neither can leave one out. */
function ofStage(read: Read, facts: StageFacts): readonly Judged[] {
  const judged = facts.environment.materials.flatMap((material) =>
    material.build === undefined ? [] : [judgeBuild(read, facts, { ...material, build: material.build })],
  )
  const known = new Set(judged.map(({ build }) => build?.build.package.name))
  const recorded = facts.facts.flatMap(({ name }) => (name.startsWith(builtFact) ? [name.slice(builtFact.length)] : []))
  const unstated = judged.some(({ build }) => build === undefined) ? [] : recorded.filter((name) => !known.has(name))
  return [
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
  const { source, deniedAttempts } = read.statement.build
  const because = `\`${material.name}\` was built from \`${source.name}\` in a sandbox, without network`
  const tried = `, which it tried to reach ${deniedAttempts} times`
  return {
    build: read.statement,
    finding: deniedAttempts === 0 ? passed(check, because) : caveat(check, because + tried, { tier: 'observed' }),
  }
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
  const isRecorded = facts.some(({ name }) => name === `${builtFact}${build.package.name}`)
  if (!isRecorded) return `was built as \`${build.package.name}\`, which the stage does not say`
  const lateMs = Date.parse(build.finishedAt) - Date.parse(startedAt)
  return lateMs > maxClockSkewMs ? 'was built after it was used' : undefined
}

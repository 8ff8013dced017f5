/**
 * Was each stage of a chain run again, and did it come to the same?
 *
 * A reproduction counts for the very statement that it names, when a reproducer of the policy signed it; the newest that
 * counts is the answer, so that a later divergence is not outweighed by an earlier match. That it was identical is not
 * believed for its word: the statement of the new run must be at hand, signed by a builder, with outs of equal bytes.
 * Withheld reproductions open nothing: without one a stage is not reproduced. Source: trust.md section 3.
 */
import { canonicalJson, namespace, type Sha256 } from '../core/index.ts'
import { type ChainQuestion, chainLimits, type StageVerdicts, type VisitedStage } from './chain.ts'
import { judgeBundle, maxClockSkewMs } from './chain-walk.ts'
import { caveat, type Finding, passed } from './finding.ts'
import type { ReproductionResult } from './reproduction-facts.ts'
import type { StageFacts } from './stage-facts.ts'
import { type VerifiedReproduction, type VerifiedStage, verifyReproduction } from './verify.ts'

/** One stage of the chain, and what running it again came to. */
export type JudgedReproduction = Readonly<{
  stage: string
  result: ReproductionResult | 'none'
  /** Why it is no bit-identical reproduction by somebody else; undefined when it is one. */
  dependent: string | undefined
}>

const dayMs = 86_400_000

/** LIMIT: reproductions of one stage that are read. */
const maxReproductions = 32

export function judgeReproductions(
  question: ChainQuestion,
  stages: readonly VisitedStage[],
  verdicts: StageVerdicts,
): Readonly<{ stages: readonly JudgedReproduction[]; findings: readonly Finding[] }> {
  const read = new Map<Sha256, VerifiedReproduction | undefined>()
  const judged = stages.map((visited) => judgeStage(question, visited, { read, verdicts }))
  return {
    stages: judged.map(({ reproduction }) => reproduction),
    findings: judged.flatMap(({ finding }) => finding ?? []),
  }
}

type Known = Readonly<{ read: Map<Sha256, VerifiedReproduction | undefined>; verdicts: StageVerdicts }>
type Judged = Readonly<{ reproduction: JudgedReproduction; finding?: Finding }>

function judgeStage(question: ChainQuestion, visited: VisitedStage, known: Known): Judged {
  const { stage } = visited
  const name = stage.facts.stage
  const scope = { subject: name }
  const newest = newestOf(question, visited, known)
  const within = question.policy.reproducedWithinMs
  const asked = within === undefined ? '' : `, and the policy asks for it within ${within / dayMs} days`
  if (newest === undefined) {
    const none = { stage: name, result: 'none', dependent: 'was not reproduced' } as const
    return asked === ''
      ? { reproduction: none }
      : { reproduction: none, finding: caveat('reproduction', `was not reproduced${asked}`, scope) }
  }
  const { reproduction, signer } = newest
  const { result, finishedAt, comparisons, firstDivergence } = reproduction
  const day = finishedAt.slice(0, 10)
  if (result === 'unavailable') {
    const because = `could not be reproduced on ${day}: ${reproduction.because ?? ''}`
    return {
      reproduction: { stage: name, result, dependent: 'could not be reproduced' },
      finding: caveat('reproduction', because, scope),
    }
  }
  const own = comparisons.filter((one) => one.stage === name)
  if (result === 'diverged') {
    // Of a chain that diverged, what came before the first divergence is what it was.
    const isFirst = firstDivergence?.stage === name || own.some(({ verdict }) => verdict === 'diverged')
    if (isFirst || own.length === 0) {
      const because = `came to something else on ${day}: ${firstDivergence?.because ?? own[0]?.detail ?? ''}`
      return {
        reproduction: { stage: name, result, dependent: 'diverged when it was reproduced' },
        finding: caveat('reproduction', because, scope),
      }
    }
  }
  if (within !== undefined && question.surroundings.now.getTime() - Date.parse(finishedAt) > within) {
    const because = `was last reproduced on ${day}${asked}`
    return {
      reproduction: { stage: name, result: 'none', dependent: because },
      finding: caveat('reproduction', because, scope),
    }
  }
  const again = reproduction.stages.find(({ original }) => original === visited.attestation)?.again
  const made = again === undefined ? undefined : judgeBundle(question, again, known.verdicts).verdict
  const isIdentical = own.length > 0 && own.every(({ verdict }) => verdict === 'identical')
  const isProven =
    made?.trusted === true && isSameStage(stage, made.statement) && (!isIdentical || madeTheSame(stage, made.statement))
  if (!isProven) {
    const because = 'is said to be reproduced, and no believed statement of that run shows it'
    return {
      reproduction: { stage: name, result: 'none', dependent: because },
      finding: caveat('reproduction', because, scope),
    }
  }
  const dependent = isIdentical ? sameHands(stage, made.statement) : 'was reproduced within a tolerance only'
  const how = isIdentical ? 'bit by bit' : 'within its tolerance'
  const because = `was reproduced ${how} on ${day}, signed by \`${signer.name}\`${dependent === undefined || !isIdentical ? '' : `; it ${dependent}`}`
  return {
    reproduction: { stage: name, result: isIdentical ? 'identical' : 'within-tolerance', dependent },
    finding: passed('reproduction', because, scope),
  }
}

/** THREAT: data made away with, so that a newer reproduction that was not to be had hides one that diverged. */
function byWorth({ reproduction: left }: VerifiedReproduction, { reproduction: right }: VerifiedReproduction): number {
  const says = (one: typeof left): number => (one.result === 'unavailable' ? 1 : 0)
  return says(left) - says(right) || (left.finishedAt < right.finishedAt ? 1 : -1)
}

/** The newest that a reproducer signed, that says something, and that is not of a time to come. */
function newestOf(
  { evidence, policy, surroundings, limits = chainLimits }: ChainQuestion,
  { attestation, stage }: VisitedStage,
  { read }: Known,
): VerifiedReproduction | undefined {
  const rule = policy.roles.get('reproducer')
  if (rule === undefined || rule.threshold > 1) return undefined
  const found = (evidence.reproductionsOf?.(attestation) ?? []).slice(0, maxReproductions).flatMap((candidate) => {
    if (!read.has(candidate)) {
      const bytes = evidence.bundle(candidate)
      const verdict =
        bytes === undefined || bytes.length > limits.bundleBytes ? undefined : verifyReproduction(bytes, policy)
      read.set(candidate, verdict?.trusted === true ? verdict.statement : undefined)
    }
    const one = read.get(candidate)
    return one === undefined ? [] : [one]
  })
  const latest = surroundings.now.getTime() + maxClockSkewMs
  return found
    .filter(({ reproduction: { project, stages, startedAt, finishedAt } }) => {
      const isOfThis = project === stage.facts.project.id && stages.some(({ original }) => original === attestation)
      return (
        isOfThis &&
        Date.parse(finishedAt) <= latest &&
        Date.parse(startedAt) >= Date.parse(stage.facts.finishedAt) - maxClockSkewMs
      )
    })
    .toSorted(byWorth)[0]
}

/** The same stage from the same code, the same parameters and the same data. */
function isSameStage({ facts: then }: VerifiedStage, { facts: now }: VerifiedStage): boolean {
  const known = ({ stage, project, commands, parameters, overrides, seed }: StageFacts): string =>
    canonicalJson({ stage, project: project.id, commands, parameters, overrides, seed })
  if (now.draft || now.source.dirty.length > 0 || known(then) !== known(now) || !isSameCode(then, now)) return false
  const inputs = new Map(now.dependencies.map(({ path, digest }) => [path, digest]))
  return then.dependencies.every(({ path, digest, origin }) => origin.kind === 'stage' || inputs.get(path) === digest)
}

/** A chain may span commits, and is run again at its last one: then what the stage opened tells that it is the same. */
function isSameCode(then: StageFacts, now: StageFacts): boolean {
  return (
    (then.source.commit !== undefined && then.source.commit === now.source.commit) ||
    canonicalJson(then.code) === canonicalJson(now.code)
  )
}

function madeTheSame({ facts: then }: VerifiedStage, { facts: now }: VerifiedStage): boolean {
  const outs = new Map(now.outputs.map(({ path, digest }) => [path, digest]))
  return then.outputs.every(({ path, digest }) => outs.get(path) === digest)
}

/** Why both runs are in the same hands, or not known not to be. */
function sameHands(then: VerifiedStage, now: VerifiedStage): string | undefined {
  if (then.signer.name === now.signer.name) return 'was reproduced with the key that made it'
  const who = ({ facts }: VerifiedStage): string => facts.principal.email.toLowerCase()
  if (who(then) === who(now)) return 'was reproduced by the one who made it'
  const local = `${namespace}/builder/local/`
  return now.facts.builderId.startsWith(local) ? 'was reproduced on a host that nobody vouches for' : undefined
}

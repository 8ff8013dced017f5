/**
 * Was each stage of a chain run again, and did it come to the same?
 *
 * A reproduction counts for the very statement that it names, when a reproducer of the policy signed it; the newest that
 * counts is the answer, so that a later divergence is not outweighed by an earlier match, nor an earlier one by fewer matches
 * than the policy asks for. That it was identical is not
 * believed for its word: the statement of the new run must be at hand, signed by a builder, with outs of equal bytes.
 * Withheld reproductions open nothing: without one a stage is not reproduced. Source: trust.md section 3.
 */
import { canonicalJson, isAtLeastEngine, namespace, type Sha256 } from '../core/index.ts'
import { type ChainQuestion, chainLimits, type StageVerdicts, type VisitedStage } from './chain.ts'
import { judgeBundle, maxClockSkewMs, once } from './chain-walk.ts'
import { caveat, type Finding, passed, refused } from './finding.ts'
import type { ReproductionResult } from './reproduction-facts.ts'
import type { StageFacts } from './stage-facts.ts'
import { countSigners, leastEngine } from './trust-policy.ts'
import { type VerifiedReproduction, type VerifiedStage, verifyReproduction } from './verify.ts'

/** One stage of the chain, and what running it again came to. */
export type JudgedReproduction = Readonly<{
  stage: string
  result: ReproductionResult | 'none'
  /** Why it is no bit-identical reproduction by somebody else; undefined when it is one. */
  dependent: string | undefined
  /** The bundle of it. */
  attestation?: Sha256
}>

const dayMs = 86_400_000

/** LIMIT: reproductions of one stage; where there are more none is read, for the newest may be among the others. */
export const maxReproductions = 1_000

export function judgeReproductions(
  question: ChainQuestion,
  stages: readonly VisitedStage[],
  verdicts: StageVerdicts,
): Readonly<{ stages: readonly JudgedReproduction[]; findings: readonly Finding[] }> {
  const judged = stages.map((visited) => judgeStage(question, visited, { read: readUnder(verdicts), verdicts }))
  return {
    stages: judged.map(({ reproduction }) => reproduction),
    findings: judged.flatMap(({ finding }) => finding ?? []),
  }
}

/** Made under one policy, as the verdicts on stages are: each is verified once, however often it is asked. */
const readUnder = once((_: StageVerdicts) => new Map<Sha256, VerifiedReproduction | undefined>())

type Known = Readonly<{ read: Map<Sha256, VerifiedReproduction | undefined>; verdicts: StageVerdicts }>
type Judged = Readonly<{ reproduction: JudgedReproduction; finding?: Finding }>

/** The newest that says something is the answer; of those that say nothing, the newest tells why. */
function judgeStage(question: ChainQuestion, visited: VisitedStage, known: Known): Judged {
  const all = [...new Set(question.evidence.reproductionsOf?.(visited.attestation))]
  if (all.length > maxReproductions) {
    const over = `has over ${maxReproductions} reproductions: export them again, or import them`
    return none(visited, over, refused('limits', 'ERR_CHAIN_LIMIT', over, { subject: visited.stage.facts.stage }))
  }
  const counting = countingOf(question, visited, known, all)
  const judged = counting.map((one) => judgeOne(question, visited, one, known))
  const answer = judged.find(({ reproduction: { result } }) => result !== 'none' && result !== 'unavailable')
  const rule = question.policy.roles.get('reproducer')
  if (answer === undefined || answer.reproduction.result === 'diverged' || rule === undefined)
    return answer ?? judged[0] ?? notReproduced(question, visited)
  // THREAT: one match where two are asked for would hide a divergence that stands.
  const diverged = judged.find(({ reproduction: { result } }) => result === 'diverged')
  const later = diverged === undefined ? judged : judged.slice(0, judged.indexOf(diverged))
  const alike = counting.filter((_, index) => later[index]?.reproduction.result === answer.reproduction.result)
  const count = countSigners(
    rule,
    alike.map(({ signer }) => signer),
  )
  return count >= rule.threshold
    ? answer
    : (diverged ?? none(visited, `was reproduced by ${count}, and the policy asks for ${rule.threshold}`))
}

function none(
  { stage: { facts } }: VisitedStage,
  dependent: string,
  finding: Finding = caveat('reproduction', dependent, { subject: facts.stage }),
): Judged {
  return { reproduction: { stage: facts.stage, result: 'none', dependent }, finding }
}

function askedWithin({ policy: { reproducedWithinMs } }: ChainQuestion): string {
  return reproducedWithinMs === undefined
    ? ''
    : `, and the policy asks for it within ${reproducedWithinMs / dayMs} days`
}

function notReproduced(question: ChainQuestion, visited: VisitedStage): Judged {
  const { reproduction } = none(visited, 'was not reproduced')
  const asked = askedWithin(question)
  return asked === '' ? { reproduction } : { ...none(visited, `was not reproduced${asked}`), reproduction }
}

function judgeOne(
  question: ChainQuestion,
  visited: VisitedStage,
  { reproduction, signer, attestation }: VerifiedReproduction,
  { verdicts }: Known,
): Judged {
  const { stage } = visited
  const name = stage.facts.stage
  const scope = { subject: name }
  const says = (result: JudgedReproduction['result'], dependent: string, because = dependent): Judged => {
    return { reproduction: { stage: name, result, dependent }, finding: caveat('reproduction', because, scope) }
  }
  const { result, finishedAt, comparisons, firstDivergence } = reproduction
  const day = finishedAt.slice(0, 10)
  if (result === 'unavailable') {
    return says(
      'unavailable',
      'could not be reproduced',
      `could not be reproduced on ${day}: ${reproduction.because ?? ''}`,
    )
  }
  const own = comparisons.filter((one) => one.stage === name)
  // Of a chain that diverged, what came before the first divergence is what it was.
  if (firstDivergence?.stage === name || own.some(({ verdict }) => verdict === 'diverged')) {
    const why =
      firstDivergence?.stage === name
        ? firstDivergence.because
        : own.find(({ verdict }) => verdict === 'diverged')?.detail
    return says('diverged', 'diverged when it was reproduced', `came to something else on ${day}: ${why ?? ''}`)
  }
  const again = reproduction.stages.find(({ original }) => original === visited.attestation)?.again
  if (again === undefined) return says('none', 'was not run again', `was not run again on ${day}`)
  const { policy, surroundings } = question
  if (
    policy.reproducedWithinMs !== undefined &&
    surroundings.now.getTime() - Date.parse(finishedAt) > policy.reproducedWithinMs
  )
    return says('none', `was last reproduced on ${day}${askedWithin(question)}`)
  const made = judgeBundle(question, again, verdicts).verdict
  const isCovered = stage.facts.outputs.every(({ path }) => own.some((one) => one.path === path))
  if (
    !made.trusted ||
    !isCovered ||
    !isRunOf(reproduction, visited, made.statement) ||
    !isSameStage(question, stage, made.statement)
  )
    return says('none', 'is said to be reproduced, and no believed run shows it')
  const isIdentical = own.every(({ verdict }) => verdict === 'identical')
  if (isIdentical && !madeTheSame(stage, made.statement))
    return says('none', 'is said to be reproduced bit by bit, and that run made other bytes')
  const dependent = isIdentical ? sameHands(stage, made.statement) : 'was reproduced within a tolerance only'
  const how = isIdentical ? 'bit by bit' : 'within its tolerance'
  const because = `was reproduced ${how} on ${day}, signed by \`${signer.name}\`${dependent === undefined || !isIdentical ? '' : `; it ${dependent}`}`
  return {
    reproduction: { stage: name, result: isIdentical ? 'identical' : 'within-tolerance', dependent, attestation },
    finding: passed('reproduction', because, scope),
  }
}

/**
 * Those that a reproducer signed about this very statement, and that are not of a time to come.
 *
 * THREAT: one that dates itself after it was signed stays the newest, and young, for as long as it likes.
 */
function countingOf(
  { evidence, policy, surroundings, limits = chainLimits }: ChainQuestion,
  { attestation, stage }: VisitedStage,
  { read }: Known,
  all: readonly Sha256[],
): readonly VerifiedReproduction[] {
  const rule = policy.roles.get('reproducer')
  if (rule === undefined) return []
  const found = all.flatMap((candidate) => {
    const bytes = read.has(candidate) ? undefined : evidence.bundle(candidate)
    if (bytes !== undefined && bytes.length <= limits.bundleBytes) {
      const verdict = verifyReproduction(bytes, policy)
      read.set(candidate, verdict.trusted ? verdict.statement : undefined)
    }
    const one = read.get(candidate)
    return one === undefined ? [] : [one]
  })
  const latest = surroundings.now.getTime() + maxClockSkewMs
  return found
    .filter(({ reproduction: { project, stages, startedAt, finishedAt }, proven }) => {
      const isOfThis = project === stage.facts.project.id && stages.some(({ original }) => original === attestation)
      return (
        isOfThis &&
        Date.parse(finishedAt) <= Math.min(latest, (proven?.at.getTime() ?? latest) + maxClockSkewMs) &&
        Date.parse(startedAt) >= Date.parse(stage.facts.finishedAt) - maxClockSkewMs
      )
    })
    .toSorted(newestReproductionFirst)
}

const leastWorst: readonly ReproductionResult[] = ['identical', 'within-tolerance', 'diverged']

/** Of one moment the worst first. */
export function newestReproductionFirst(one: VerifiedReproduction, other: VerifiedReproduction): number {
  const rank = ({ reproduction: { finishedAt, result } }: VerifiedReproduction): number =>
    Date.parse(finishedAt) + leastWorst.indexOf(result) / leastWorst.length
  return rank(other) - rank(one)
}

/** THREAT: the statement of then, or of another run, in the place of one that was made for this. */
function isRunOf(
  { startedAt, finishedAt }: VerifiedReproduction['reproduction'],
  { attestation, stage }: VisitedStage,
  again: VerifiedStage,
): boolean {
  return (
    again.attestation !== attestation &&
    again.facts.runId !== stage.facts.runId &&
    Date.parse(again.facts.startedAt) >= Date.parse(startedAt) - maxClockSkewMs &&
    Date.parse(again.facts.finishedAt) <= Date.parse(finishedAt) + maxClockSkewMs
  )
}

/** The same stage from the same code, the same parameters and the same data. */
function isSameStage(
  { policy }: ChainQuestion,
  { facts: then }: VerifiedStage,
  { facts: now }: VerifiedStage,
): boolean {
  const least = leastEngine(policy, then.stage)
  if (least !== undefined && !isAtLeastEngine(now.sandbox.engine, least)) return false
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

/** Equal outs of equal inputs, also of those that a stage before it made. */
function madeTheSame({ facts: then }: VerifiedStage, { facts: now }: VerifiedStage): boolean {
  const inputs = new Map(now.dependencies.map(({ path, digest }) => [path, digest]))
  if (!then.dependencies.every(({ path, digest }) => inputs.get(path) === digest)) return false
  const outs = new Map(now.outputs.map(({ path, digest }) => [path, digest]))
  return then.outputs.every(({ path, digest }) => outs.get(path) === digest)
}

/** Why both runs are in the same hands, or not known not to be: every reason. */
function sameHands(then: VerifiedStage, now: VerifiedStage): string | undefined {
  const who = ({ facts }: VerifiedStage): string => facts.principal.email.toLowerCase()
  const isLocal = now.facts.builderId.startsWith(`${namespace}/builder/local/`)
  const reasons = [
    ...(then.signer.name === now.signer.name ? ['with the key that made it'] : []),
    ...(who(then) === who(now) ? ['by the one who made it'] : []),
    ...(isLocal ? ['on a host that nobody vouches for'] : []),
    ...(machineOf(then) === machineOf(now) ? ['on the same machine, as far as what is recorded tells'] : []),
  ]
  return reasons.length === 0 ? undefined : `was reproduced ${reasons.join(' and ')}`
}

/** What is recorded of it; where nothing is, no machine is known to be another. */
function machineOf({ facts: { facts } }: VerifiedStage): string {
  const known = facts.filter(({ name }) => name.startsWith('machine/')).map(({ name, value }) => `${name}=${value}`)
  return canonicalJson(known.toSorted())
}

/**
 * May this artifact be believed, all the way back to its sources?
 *
 * Model <- evaluation <- training <- preparation <- approved source: each statement verified, each link checked, every
 * finding returned. Pure; what only the caller can know comes in `surroundings`. It decides nothing by the absence of a
 * statement, so that withholding evidence can never open a door.
 * Read next: `chain-walk.ts` (links), `chain-stage.ts`, `chain-sources.ts`, `level.ts` (what it earns).
 */
import { type Digest, launderingFact, type Sha256 } from '../core/index.ts'
import {
  type ChainJudge,
  type ChainQuestion,
  type ChainVerdict,
  chainLimits,
  type StageVerdicts,
  type VisitedStage,
} from './chain.ts'
import { judgeApprovals } from './chain-approvals.ts'
import { judgeBuilds } from './chain-builds.ts'
import { judgeData } from './chain-data.ts'
import { gatesAlone, gatesAtHand, judgeGates } from './chain-gates.ts'
import {
  atTrustedTime,
  clockFindings,
  evidenceDemands,
  logFindings,
  newestOf,
  recallFindings,
  sourceDemands,
  stageDemands,
  standingFindings,
} from './chain-policy.ts'
import { judgeReproductions } from './chain-reproductions.ts'
import { judgeReviews } from './chain-reviews.ts'
import { judgeInputs } from './chain-sources.ts'
import { judgeStages } from './chain-stage.ts'
import { judgeBundle, walkChain } from './chain-walk.ts'
import { allPassed, caveat, type Finding, passed, refused } from './finding.ts'
import { judgeLevel, type LevelFacts } from './level.ts'
import { propertiesOf } from './properties.ts'
import { usedStatements } from './used-statements.ts'
import type { VerifiedGates, VerifiedStage } from './verify.ts'

/**
 * Judges an artifact by the first candidate that makes it trusted, else by the one that comes nearest.
 *
 * Trust: evidence and entries are hostile; policy and surroundings are the caller's word.
 *
 * @returns all findings of that candidate; never throws for what evidence says
 */
export function verifyChain(asked: ChainQuestion): ChainVerdict {
  const clock = asked.surroundings.now
  const question = atTrustedTime(asked)
  const verdicts: StageVerdicts = question.verdicts ?? new Map()
  const candidates = candidatesOf(question, verdicts)
  let best: ChainVerdict | undefined
  for (const entry of candidates) {
    const verdict = judgeCandidate(question, { entry, clock }, verdicts)
    if (verdict.trusted) return verdict
    if (best === undefined || standingOf(verdict) > standingOf(best)) best = verdict
  }
  return best ?? nothingKnown(question)
}

/** THREAT: statements about the artifact that nobody is believed for, so many that the one that counts is not looked at. */
function candidatesOf(question: ChainQuestion, verdicts: StageVerdicts): readonly Sha256[] {
  const { entries, evidence, subject, limits = chainLimits } = question
  const all = [...new Set([...entries, ...evidence.bySubject(subject.digest)])]
  if (all.length <= limits.candidates) return all
  const believed = all
    .slice(0, limits.statements)
    .filter((attestation) => judgeBundle(question, attestation, verdicts).verdict.trusted)
  return [...believed, ...all].slice(0, limits.candidates)
}

/** Of two that are not trusted, the one that names the artifact says more, then the one with the higher level. */
function standingOf({ findings, level }: ChainVerdict): number {
  return (findings.some(({ check, passed: yes }) => check === 'subject' && yes) ? 10 : 0) + level
}

type Candidate = Readonly<{ entry: Sha256; clock: Date }>

function judgeCandidate(question: ChainQuestion, { entry, clock }: Candidate, verdicts: StageVerdicts): ChainVerdict {
  const { policy, subject } = question
  const judges = question.judges ?? []
  const atHand = gatesAtHand(question, entry, verdicts)
  const measured = atHand.gates?.verdict.measured.attestation
  const roots = [
    entry,
    ...judges.flatMap(({ attestation }) => attestation ?? []),
    ...(measured === undefined ? [] : [measured]),
  ]
  const walk = walkChain(question, roots, verdicts)
  const commits = commitsOf(walk.stages, atHand.gates)
  const gated = judgeGates(question, atHand, entry, walk.stages)
  const approved = judgeApprovals(question, entry, walk.stages, atHand.gates)
  const judged = judgeStages(question, walk.stages)
  const sources = judgeInputs(question, walk.stages)
  const built = judgeBuilds(question, walk.stages)
  const judgedData = judgeData(question, walk.stages)
  const reproduced = judgeReproductions(question, walk.stages, verdicts)
  const reviewed = judgeReviews(question, walk.stages)
  const laundered = launderedOuts(walk.stages)
  const proven = [policy.times?.seen ?? [], walk.stages.flatMap(({ stage }) => stage.proven?.at ?? [])].flat()
  const evidence = {
    inputs: sources.inputs,
    data: judgedData.data,
    reproductions: reproduced.stages,
    reviews: reviewed.reviews,
  }
  const used = usedStatements(walk.stages, {
    ...evidence,
    builds: built.builds,
    gates: gated.attestation,
    promoted: approved.by,
  })
  const findings = [
    ...policyFindings(question),
    ...clockFindings(clock, proven),
    subjectFinding(question, stageAt(walk.stages, entry)),
    ...walk.findings,
    ...sameProject(walk.stages),
    ...judges.map((judge) => judgeFinding(walk.stages, judge, entry)),
    ...judged.findings,
    ...sources.findings,
    ...judgedData.findings,
    ...built.findings,
    ...reproduced.findings,
    ...reviewed.findings,
    ...gated.findings,
    ...approved.findings,
    ...logFindings(question, used),
    ...recallFindings(question, walk.stages),
    ...stageDemands(question, walk.stages),
    ...sourceDemands(question, walk.stages),
    ...evidenceDemands(policy, {
      ...evidence,
      stages: walk.stages,
      gates: gated.lacking,
      approval: approved.lacking,
    }),
    ...laundered.map((place) => caveat('output-equals-input', originOf(walk.stages, place), { subject: place })),
    ...commitFindings(question, commits),
  ]
  const facts: LevelFacts = {
    chainHolds: findings.every((finding) => finding.passed || levelZeroChecks.has(finding.check)),
    stages: judged.stages,
    ...evidence,
    builds: built.builds,
    laundered,
    policyOrigin: policy.origin,
  }
  const { level, whyNotHigher, requirements } = judgeLevel(facts)
  const all = [...findings, minimumLevel(question, level)]
  return {
    trusted: allPassed(all),
    level,
    whyNotHigher,
    requirements,
    subject,
    findings: all,
    properties: propertiesOf(facts),
    entry,
    stages: walk.stages,
    commits,
    ...(gated.attestation === undefined || atHand.gates === undefined ? {} : { gates: atHand.gates }),
    ...newestTimeOf(proven),
  }
}

function newestTimeOf(proven: readonly Date[]): Pick<ChainVerdict, 'newestTime'> {
  const newestTime = newestOf(proven)
  return newestTime === undefined ? {} : { newestTime }
}

/** Checks that cost the level by a row of their own. */
const levelZeroChecks: ReadonlySet<string> = new Set(['commit', 'overrides', 'isolation', 'log', 'definition'])

function policyFindings({ policy, surroundings }: ChainQuestion): readonly Finding[] {
  const origins = {
    file: passed('policy', 'the policy was given for this verification'),
    pinned: passed('policy', 'the policy is the one that was pinned for this project'),
    key: caveat('policy', 'one key was given, and stands for every role'),
    repository: caveat('policy', 'the policy is the one of the repository being judged, so the level is at most 1'),
  }
  const { expiresAt } = policy
  const expiry =
    expiresAt !== undefined && surroundings.now.getTime() >= expiresAt.getTime()
      ? refused('policy-expiry', 'ERR_POLICY_EXPIRED', `the policy expired at ${expiresAt.toISOString()}`)
      : passed('policy-expiry', expiresAt === undefined ? 'the policy does not expire' : 'the policy has not expired')
  return [origins[policy.origin], expiry, ...standingFindings(policy)]
}

/**
 * Subjects match by digest; a path that the statement gives to other bytes is refused all the same.
 *
 * THREAT: an intermediate out, or the model of another stage, put in the model's place.
 */
function subjectFinding({ subject, renamed }: ChainQuestion, entry: VerifiedStage | undefined): Finding {
  const scope = { subject: subject.path }
  if (entry === undefined) {
    return refused('subject', 'ERR_EVIDENCE_MISSING', 'no verified statement names it', scope)
  }
  const { stage, outputs } = entry.facts
  const samePath = outputs.find(({ path }) => path === subject.path)
  const sameBytes = outputs.find(({ digest }) => digest === subject.digest)
  if (sameBytes === undefined || (samePath !== undefined && samePath.digest !== subject.digest)) {
    return refused('subject', 'ERR_SUBJECT_MISMATCH', `its bytes are not those that \`${stage}\` made`, scope)
  }
  if (samePath === undefined && renamed !== true) {
    const because = `\`${stage}\` made these bytes as \`${sameBytes.path}\`, not as \`${subject.path}\``
    return refused('subject', 'ERR_SUBJECT_MISMATCH', because, scope)
  }
  return samePath === undefined
    ? caveat('subject', `its bytes are those that \`${stage}\` made, as \`${sameBytes.path}\``, scope)
    : passed('subject', `its bytes are those that \`${stage}\` made`, scope)
}

function sameProject(stages: readonly VisitedStage[]): readonly Finding[] {
  const projects = [...new Set(stages.map(({ stage }) => stage.facts.project.id))]
  return projects.length <= 1
    ? []
    : [refused('one-project', 'ERR_CHAIN_PROJECT', `the chain spans ${projects.length} projects`)]
}

/**
 * A judging stage counts only when what it judged is this artifact's own statement, at whatever distance.
 *
 * THREAT: a judge that is withheld, or the statement of a stage that is no judge in its place.
 */
function judgeFinding(stages: readonly VisitedStage[], judge: ChainJudge, entry: Sha256): Finding {
  const { stage, attestation } = judge
  const scope = { subject: stage }
  if (attestation === undefined) {
    return refused('judged', 'ERR_EVIDENCE_MISSING', 'has not judged these bytes: run it', scope)
  }
  return stageAt(stages, attestation)?.facts.stage === stage && reaches(stages, attestation, entry)
    ? passed('judged', 'judged these bytes', scope)
    : refused('judged', 'ERR_CHAIN_LINK', 'did not judge these bytes: run again', scope)
}

function reaches(stages: readonly VisitedStage[], from: Sha256, to: Sha256): boolean {
  const byDigest = new Map(stages.map(({ attestation, stage }) => [attestation, stage]))
  const seen = new Set<Sha256>()
  const open = [from]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === to) return byDigest.has(to)
    if (seen.has(next)) continue
    seen.add(next)
    for (const { origin } of byDigest.get(next)?.facts.dependencies ?? []) {
      if (origin.kind === 'stage') open.push(origin.attestation)
    }
  }
  return false
}

/**
 * Outs that hold the bytes of an input: what they are called is not what they are.
 *
 * A persisted out's own previous bytes do not count, nor do empty files.
 */
function launderedOuts(stages: readonly VisitedStage[]): readonly string[] {
  const external = new Set<Digest>()
  for (const { stage } of stages) {
    for (const { digest, origin, role } of stage.facts.dependencies) {
      if (origin.kind !== 'stage' && role !== 'persist') external.add(digest)
    }
    if (stage.facts.code.kind === 'opened') for (const { digest } of stage.facts.code.files) external.add(digest)
  }
  return stages.flatMap(({ stage: { facts } }) => {
    const own = new Set(facts.dependencies.filter(({ role }) => role !== 'persist').map(({ digest }) => digest))
    return facts.outputs
      .filter(
        ({ path, digest, sizeBytes }) =>
          (sizeBytes > 0 && (own.has(digest) || external.has(digest))) ||
          facts.facts.some(({ name }) => name === `${launderingFact}${path}`),
      )
      .map(({ path }) => `${facts.stage}: ${path}`)
  })
}

/** What the builder saw of it, in its own words; else that digests are equal. */
function originOf(stages: readonly VisitedStage[], place: string): string {
  const said = stages.flatMap(({ stage: { facts } }) =>
    facts.facts.flatMap(({ name, value }) =>
      name.startsWith(launderingFact) && `${facts.stage}: ${name.slice(launderingFact.length)}` === place
        ? [value]
        : [],
    ),
  )[0]
  return said ?? 'is equal to an input'
}

function commitFindings({ policy }: ChainQuestion, commits: readonly string[]): readonly Finding[] {
  if (commits.length <= 1) return []
  const because = `the chain spans ${commits.length} commits`
  return [policy.oneCommit ? refused('one-commit', 'ERR_CHAIN_COMMITS', because) : passed('one-commit', because)]
}

/** Those that the gates stand in too. */
function commitsOf(stages: readonly VisitedStage[], gates: VerifiedGates | undefined): readonly string[] {
  const own = gates?.verdict.definition.commit ?? []
  return [...new Set([stages.flatMap(({ stage }) => stage.facts.source.commit ?? []), own].flat())].sort()
}

function minimumLevel({ policy }: ChainQuestion, level: number): Finding {
  const because = `reaches level ${level}, the policy asks for ${policy.minimumLevel}`
  return level >= policy.minimumLevel
    ? passed('minimum-level', because)
    : refused('minimum-level', 'ERR_LEVEL_TOO_LOW', because)
}

function stageAt(stages: readonly VisitedStage[], attestation: Sha256): VerifiedStage | undefined {
  return stages.find((visited) => visited.attestation === attestation)?.stage
}

function nothingKnown(question: ChainQuestion): ChainVerdict {
  const facts: LevelFacts = {
    chainHolds: false,
    stages: [],
    inputs: [],
    data: [],
    builds: [],
    reproductions: [],
    reviews: [],
    laundered: [],
    policyOrigin: question.policy.origin,
  }
  const { level, whyNotHigher, requirements } = judgeLevel(facts)
  return {
    trusted: false,
    level,
    whyNotHigher,
    requirements,
    subject: question.subject,
    findings: [
      ...policyFindings(question),
      subjectFinding(question, undefined),
      ...(question.ownGates !== undefined ? [] : gatesAlone(question.policy)),
      minimumLevel(question, level),
    ],
    properties: propertiesOf(facts),
    stages: [],
    commits: [],
  }
}

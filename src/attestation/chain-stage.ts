/**
 * What is asked of each stage by itself: was its code committed, its definition that of the commit, its sandbox real,
 * its log kept, its time possible?
 */
import {
  builderIds,
  type ErrorCode,
  harmlessCredentialFact,
  isAtLeastEngine,
  type Sha256,
  searchedFact,
} from '../core/index.ts'
import type { ChainQuestion, VisitedStage } from './chain.ts'
import { maxClockSkewMs } from './chain-walk.ts'
import { caveat, type Finding, passed, refused } from './finding.ts'
import { type Responsible, responsibleFor } from './responsible.ts'
import type { StageFacts } from './stage-facts.ts'
import { leastEngine } from './trust-policy.ts'
import type { VerifiedStage } from './verify.ts'

/** What the level's rules need to know of one stage. */
export type JudgedStage = Readonly<{
  stage: VerifiedStage
  /** Why it is not a clean commit; undefined when it is. */
  unclean?: string
  /** Why it counts as not isolated; undefined when it was. */
  unisolated?: string
  definition: 'matches' | 'differs' | 'unknown'
  log: 'present' | 'missing' | 'corrupt' | 'unknown'
  responsible: Responsible
}>

/** What is asked of a stage alone, whatever chain it stands in. */
export type StageQuestion = Pick<ChainQuestion, 'policy' | 'surroundings'>

export function judgeStages(
  question: StageQuestion,
  visited: readonly VisitedStage[],
): Readonly<{ stages: readonly JudgedStage[]; findings: readonly Finding[] }> {
  const definitionAt = remembered(question.surroundings.definitionAt)
  const findings: Finding[] = []
  const stages = visited.map(({ stage }) => {
    const judged: JudgedStage = {
      stage,
      ...uncleanOf(stage.facts),
      ...unisolatedOf(stage.facts),
      definition: definitionOf(stage.facts, definitionAt),
      log: question.surroundings.logAt?.(stage.facts.log.digest) ?? 'unknown',
      responsible: responsibleFor(stage.facts, question.policy.services),
    }
    const subject = stage.facts.stage
    findings.push(...findingsOf(question, judged).map((finding) => ({ ...finding, subject })))
    return judged
  })
  return { stages, findings }
}

function findingsOf(question: StageQuestion, judged: JudgedStage): readonly Finding[] {
  return [
    possibleTime(question, judged.stage),
    cleanCommit(question, judged),
    ...overridden(question, judged.stage.facts),
    isolated(question, judged),
    ...engineFindings(question, judged.stage.facts),
    definitionFinding(judged),
    logFinding(question, judged),
    ...serviceFinding(judged),
    ...systemFinding(judged.stage.facts),
    ...credentialFindings(judged.stage.facts),
    ...(judged.stage.facts.source.shallow ? [caveat('history', 'ran in a shallow clone: no history to look at')] : []),
  ]
}

/** A fact that costs the level and not, by itself, the trust: a policy with `minimumLevel: 0` accepts it. */
function levelZero({ policy }: StageQuestion, check: string, code: ErrorCode, because: string): Finding {
  return policy.minimumLevel === 0 ? caveat(check, because) : refused(check, code, because)
}

/** THREAT: a run that dates itself into the future stays younger than a policy's greatest age. */
function possibleTime({ surroundings }: StageQuestion, { facts, proven }: VerifiedStage): Finding {
  const { startedAt, finishedAt } = facts
  const aheadMs = Date.parse(finishedAt) - surroundings.now.getTime()
  if (Date.parse(finishedAt) < Date.parse(startedAt)) {
    return refused('time', 'ERR_EVIDENCE_FUTURE', 'ended before it started')
  }
  if (proven !== undefined && Date.parse(finishedAt) - proven.at.getTime() > maxClockSkewMs) {
    const signed = `was signed before ${proven.at.toISOString()}, as ${proven.by} says`
    return refused('time', 'ERR_EVIDENCE_FUTURE', `says that it ran until ${finishedAt}, and ${signed}`)
  }
  return aheadMs > maxClockSkewMs
    ? refused('time', 'ERR_EVIDENCE_FUTURE', `is dated ${Math.ceil(aheadMs / 1000)} s in the future`)
    : passed('time', `ran until ${finishedAt}`)
}

function uncleanOf({ source }: StageFacts): Pick<JudgedStage, 'unclean'> {
  if (source.commit === undefined) return { unclean: 'ran on files that are in no commit' }
  if (source.dirty.length === 0) return {}
  const shown = source.dirty.slice(0, 5).join(', ')
  const more = source.dirty.length > 5 ? ` and ${source.dirty.length - 5} more` : ''
  return { unclean: `ran on uncommitted changes: ${shown}${more}` }
}

function cleanCommit(question: StageQuestion, { stage, unclean }: JudgedStage): Finding {
  return unclean === undefined
    ? passed('commit', `ran at the commit ${stage.facts.source.commit ?? ''}`)
    : levelZero(question, 'commit', 'ERR_EVIDENCE_DIRTY', unclean)
}

function overridden(question: StageQuestion, { overrides }: StageFacts): readonly Finding[] {
  if (overrides.length === 0) return []
  const because = `ran with parameters of the command line: ${overrides.slice(0, 5).join(', ')}`
  return [levelZero(question, 'overrides', 'ERR_EVIDENCE_OVERRIDE', because)]
}

function unisolatedOf({ builderId, draft, sandbox }: StageFacts): Pick<JudgedStage, 'unisolated'> {
  if (builderId === builderIds.unisolated || sandbox.engine === 'none') return { unisolated: 'ran without a sandbox' }
  return draft ? { unisolated: 'ran as a draft' } : {}
}

function isolated(question: StageQuestion, { stage, unisolated }: JudgedStage): Finding {
  return unisolated === undefined
    ? passed('isolation', `ran in a sandbox (${stage.facts.sandbox.engine})`)
    : levelZero(question, 'isolation', 'ERR_EVIDENCE_UNISOLATED', unisolated)
}

/** INVARIANT: no policy of a minimum level opens what the policy demands of an engine. */
function engineFindings({ policy }: StageQuestion, { stage, sandbox }: StageFacts): readonly Finding[] {
  const least = leastEngine(policy, stage)
  if (least === undefined) return []
  return isAtLeastEngine(sandbox.engine, least)
    ? [passed('engine', `ran in ${sandbox.engine}, and the policy demands ${least}`)]
    : [refused('engine', 'ERR_EVIDENCE_ENGINE', `ran in ${sandbox.engine}, and the policy demands ${least}`)]
}

type DefinitionAt = (commit: string, path: string) => Sha256 | 'absent' | undefined

/** Stages of one commit share their definition files: each is looked up once. */
function remembered(definitionAt: DefinitionAt | undefined): DefinitionAt {
  const known = new Map<string, Sha256 | 'absent' | undefined>()
  return (commit, path) => {
    const name = `${commit} ${path}`
    if (!known.has(name)) known.set(name, definitionAt?.(commit, path))
    return known.get(name)
  }
}

/** A statement that admits its dirt differs from the commit honestly: that costs the level elsewhere. */
function definitionOf({ source, definition, pipelineFile }: StageFacts, at: DefinitionAt): JudgedStage['definition'] {
  if (!definition.some(({ path }) => path === pipelineFile)) return 'differs'
  const { commit } = source
  if (commit === undefined) return 'unknown'
  const found = definition
    .filter(({ path }) => !source.dirty.includes(path))
    .map(({ path, digest }) => {
      const inCommit = at(commit, path)
      return inCommit === undefined ? 'unknown' : inCommit === digest ? 'matches' : 'differs'
    })
  if (found.includes('differs')) return 'differs'
  return found.includes('unknown') || found.length === 0 ? 'unknown' : 'matches'
}

function definitionFinding({ definition }: JudgedStage): Finding {
  switch (definition) {
    case 'matches':
      return passed('definition', 'its definition is the one in the commit')
    case 'differs':
      return refused('definition', 'ERR_DEFINITION_MISMATCH', 'its definition is not the one in the commit')
    case 'unknown':
      return caveat('definition', 'the builder checked its definition; the commit is not at hand here', {
        tier: 'declared',
      })
  }
}

function logFinding(question: StageQuestion, { log }: JudgedStage): Finding {
  switch (log) {
    case 'present':
      return passed('log', 'its log is kept')
    case 'unknown':
      return caveat('log', 'its log is not at hand')
    case 'missing':
      return levelZero(question, 'log', 'ERR_LOG_MISSING', 'its log is gone')
    case 'corrupt':
      return levelZero(question, 'log', 'ERR_LOG_MISSING', 'its log is not the one that was signed')
  }
}

/** Nothing is said where a person set it off: the level's row says it. */
function serviceFinding({ responsible: { service, person, fault } }: JudgedStage): readonly Finding[] {
  if (service === undefined) return []
  return [
    person === undefined
      ? caveat('responsible', fault ?? `nobody answers for \`${service}\``)
      : passed('responsible', `was set off by the service \`${service}\`, for which \`${person}\` answers`),
  ]
}

/** What was declared harmless is told, by what it looks like and where. */
function credentialFindings({ facts }: StageFacts): readonly Finding[] {
  return facts
    .filter(({ name }) => name.startsWith(harmlessCredentialFact))
    .map(({ value }) => caveat('credentials', `declared harmless: ${value}`, { tier: 'declared' }))
}

/** Why it may hold credentials. Evidence of before there was such a search says nothing of it. */
export function credentialFault({ facts }: Pick<StageFacts, 'facts'>): string | undefined {
  if (!facts.some(({ name }) => name === searchedFact)) return 'was not searched for credentials'
  const declared = facts.find(({ name }) => name.startsWith(harmlessCredentialFact))
  return declared === undefined ? undefined : `has what was declared harmless: ${declared.value}`
}

/** Nothing is said of evidence that knew no system yet. */
function systemFinding({ facts }: StageFacts): readonly Finding[] {
  const said = (name: string): string | undefined => facts.find((fact) => fact.name === `system/${name}`)?.value
  const [is, accepted] = [said('is'), said('accepted')]
  if (is === undefined || accepted === undefined) return []
  const because = `ran on ${is}; accepted ${accepted}`
  const scope = { tier: 'observed' } as const
  return [accepted.startsWith('without asking') ? caveat('system', because, scope) : passed('system', because, scope)]
}

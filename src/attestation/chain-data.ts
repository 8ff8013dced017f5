/**
 * Was the data of a chain validated: does each dep that needs a verdict have one, signed, for these very bytes, before
 * it was used, and not failed?
 *
 * A dep names its verdict by the digest of the bundle, so that a verdict cannot be swapped for a better one, nor a bad
 * one withheld. Evidence without a verdict is believed (older assays made none) and earns less. Source: trust.md section 5.
 */
import type { Sha256 } from '../core/index.ts'
import { type ChainQuestion, chainLimits, type VisitedStage } from './chain.ts'
import { judgeGolden } from './chain-sources.ts'
import { believedOf, maxClockSkewMs, once } from './chain-walk.ts'
import { type DataDecisionKind, replacementOf, rowVerdicts } from './data-decisions.ts'
import type { DataVerdict } from './data-verdict-facts.ts'
import { caveat, type Finding, passed, refused } from './finding.ts'
import type { StageFacts, StatedDependency } from './stage-facts.ts'
import type { Role } from './trust-policy.ts'
import { type VerifiedDataDecision, verifyDataDecision, verifyDataVerdict } from './verify.ts'

/** One data dep of the chain and what its verdict is worth. */
export type JudgedData = Readonly<{
  stage: string
  path: string
  verdict: 'passed' | 'warned' | 'none' | 'refused'
  /** True when it was compared with an approved anchor: the verdict names one, and has checks that only a comparison makes. */
  anchored: boolean
  /** True when the verdict says by digest which program judged. */
  identified: boolean
  /** True when a waiver stands in for a check, or a bound lets more through than the validator's own. */
  waived: boolean
  /** True when whoever answers for the data approved the golden set that its anchor agrees with. */
  ownGolden: boolean
  /** The bundle of its verdict. */
  attestation?: Sha256
  /** Bundles of the decisions that the verdict rests on. */
  decisions: readonly Sha256[]
}>

export function judgeData(
  question: ChainQuestion,
  stages: readonly VisitedStage[],
): Readonly<{ data: readonly JudgedData[]; findings: readonly Finding[] }> {
  const data: JudgedData[] = []
  const findings: Finding[] = []
  const decisions = bookOf(question)
  for (const { stage } of stages) {
    for (const dependency of stage.facts.dependencies) {
      if (!needsVerdict(dependency)) continue
      const judged = judgeDependency(question, decisions, { facts: stage.facts, dependency })
      const subject = `${stage.facts.stage}: ${dependency.path}`
      findings.push(...judged.findings.map((finding) => ({ ...finding, subject })))
      data.push({ stage: stage.facts.stage, path: dependency.path, ...judged.data })
    }
  }
  return { data, findings }
}

/** What comes from outside, and what the builder said that it has a verdict for: data with a contract. */
function needsVerdict({ origin, role, verdict }: StatedDependency): boolean {
  if (verdict !== undefined) return true
  return role === 'dep' && origin.kind !== 'stage' && origin.kind !== 'code'
}

type Judged = Readonly<{ data: Omit<JudgedData, 'stage' | 'path'>; findings: readonly Finding[] }>

const worthNothing = { anchored: false, identified: false, waived: false, ownGolden: false, decisions: [] } as const

type Use = Readonly<{ facts: StageFacts; dependency: StatedDependency }>

function judgeDependency(question: ChainQuestion, decisions: Decisions, { facts, dependency }: Use): Judged {
  const attestation = dependency.verdict
  if (attestation === undefined) {
    return {
      data: { verdict: 'none', ...worthNothing },
      findings: [caveat('data-verdict', 'was used without a data verdict')],
    }
  }
  const no = (findings: readonly Finding[]): Judged => ({ data: { verdict: 'refused', ...worthNothing }, findings })
  const bytes = boundedBundle(question, attestation)
  if (bytes === undefined) {
    return no([refused('data-verdict', 'ERR_EVIDENCE_MISSING', 'its data verdict is not at hand')])
  }
  const read = verifyDataVerdict(bytes, question.policy)
  if (!read.trusted) return no(read.findings.filter((finding) => !finding.passed))
  if (needsMore(question, 'data-validator')) {
    return no([
      refused('data-verdict', 'ERR_SIGNER_ROLE', 'the policy asks for more validators than the one who signed'),
    ])
  }
  if (read.statement.attestation !== attestation) {
    return no([refused('data-verdict', 'ERR_EVIDENCE_CORRUPT', 'its data verdict is not the one that was pinned')])
  }
  const judged = judgeVerdict(question, decisions, {
    facts,
    dependency,
    verdict: read.statement.verdict,
    signer: read.statement.signer.name,
  })
  return { ...judged, data: { ...judged.data, attestation } }
}

type Verified = Use & Readonly<{ verdict: DataVerdict; signer: string }>

function judgeVerdict(
  question: ChainQuestion,
  decisions: Decisions,
  { facts, dependency, verdict, signer }: Verified,
): Judged {
  const waivers = verdict.checks.flatMap(({ waiver }) => waiver ?? [])
  const loosened = (verdict.bounds ?? []).filter(({ value, own = value }) => value > own)
  const golden = goldenFindings(question, decisions, verdict)
  const findings = [
    aboutTheseBytes(verdict, dependency, facts),
    beforeItsUse(verdict, facts),
    resultFinding(verdict, signer),
    ...(verdict.sandbox.engine === 'none'
      ? [refused('data-verdict', 'ERR_EVIDENCE_UNISOLATED', 'was validated without a sandbox')]
      : []),
    ...waiverFindings(decisions, verdict),
    ...loosened.map(({ check, column, of, value, own }) => {
      const where = column === undefined ? check : `${check} of ${column}`
      return caveat('data-bounds', `${where} is loosened: ${of} ${value}, by itself ${own}`)
    }),
    ...anchorFindings(decisions, verdict),
    ...golden,
    ...reviewFindings(decisions, verdict),
  ]
  const held = findings.every((finding) => finding.passed)
  const standing = verdict.result === 'PASSED' ? 'passed' : 'warned'
  return {
    data: {
      verdict: held ? standing : 'refused',
      anchored: held && verdict.baseline?.anchor !== undefined && isCompared(verdict),
      identified: verdict.validator.program !== undefined,
      waived: waivers.length + loosened.length > 0,
      ownGolden: golden.some(({ code }) => code === 'CAVEAT'),
      decisions: [...waivers, ...[verdict.baseline?.anchor ?? []].flat(), ...(verdict.reviews ?? [])],
    },
    findings,
  }
}

/** A verdict and a waiver have one signer each: a policy that asks for several is never satisfied by one of them. */
function needsMore({ policy }: ChainQuestion, role: Exclude<Role, 'builder'>): boolean {
  const rule = policy.roles.get(role)
  return rule === undefined || rule.threshold > 1
}

function boundedBundle({ evidence, limits = chainLimits }: ChainQuestion, attestation: Sha256): Uint8Array | undefined {
  const bytes = evidence.bundle(attestation)
  return bytes === undefined || bytes.length > limits.bundleBytes ? undefined : bytes
}

function aboutTheseBytes({ dataset, project }: DataVerdict, dependency: StatedDependency, facts: StageFacts): Finding {
  if (project !== facts.project.id) {
    return refused('data-verdict', 'ERR_CHAIN_PROJECT', 'its data verdict is of another project')
  }
  return dataset.digest === dependency.digest
    ? passed('data-bytes', 'its data verdict is for these bytes')
    : mismatch('data-bytes', 'its data verdict is for other bytes')
}

function mismatch(check: string, because: string): Finding {
  return refused(check, 'ERR_DATA_VERDICT_MISMATCH', because)
}

function missing(check: string, what: string): Finding {
  return refused(check, 'ERR_EVIDENCE_MISSING', `${what} is not at hand, or not believed`)
}

/**
 * Whether something was held against a baseline. THREAT: a file that could not be opened, or had nothing to compare, beside
 * an anchor. `poison/anchor` says that what was looked for had none; `poison/contradiction` is seen in any folder of files.
 */
export function isCompared({ checks }: Readonly<{ checks: readonly Readonly<{ name: string }>[] }>): boolean {
  const isAlone = checks.some(({ name }) => name.startsWith('poison/anchor'))
  return checks.some(({ name }) => (isAlone ? /^drift\// : /^(drift|poison)\/(?!contradiction$)/).test(name))
}

function beforeItsUse({ finishedAt }: DataVerdict, { startedAt }: StageFacts): Finding {
  return Date.parse(finishedAt) - Date.parse(startedAt) <= maxClockSkewMs
    ? passed('data-order', 'it was validated before it was used')
    : refused('data-order', 'ERR_CHAIN_ORDER', 'it was validated after it was used')
}

function resultFinding(verdict: DataVerdict, signer: string): Finding {
  const { result, checks, contract, baseline, references = [], unseen } = verdict
  const against = [
    contract === undefined ? 'no contract' : `the contract ${contract.path}`,
    ...references.map(({ path }) => `the table ${path}`).slice(0, 3),
    baseline === undefined
      ? 'no baseline'
      : `${isCompared(verdict) ? '' : 'not '}the ${baseline.anchor === undefined ? 'baseline' : 'anchor'} ${baseline.path}`,
  ].join(', ')
  if (result === 'FAILED') {
    const failed = checks.filter(({ verdict, waiver }) => verdict === 'fail' && waiver === undefined)
    return refused('data-verdict', 'ERR_DATA_VALIDATION_FAILED', `failed ${failed.length} checks (${against})`)
  }
  if (result === 'PASSED') {
    return passed('data-verdict', `passed ${checks.length} checks (${against}), signed by \`${signer}\``)
  }
  const warned = checks.filter(({ verdict }) => verdict !== 'pass').map(({ name }) => name)
  const shown = [...new Set(warned)].slice(0, 3).join(', ')
  const blind = unseen.length === 0 ? '' : `; not seen: ${unseen[0]}`
  return caveat('data-verdict', `passed with warnings: ${shown} (${against}), signed by \`${signer}\`${blind}`)
}

/** Each failed check that is waived needs its waiver: signed by a reviewer, for this check, these bytes, and today. */
function waiverFindings(decisions: Decisions, verdict: DataVerdict): readonly Finding[] {
  const needed = verdict.checks.flatMap((check) =>
    check.waiver === undefined ? [] : [{ ...check, waiver: check.waiver }],
  )
  if (needed.length === 0) return []
  const held = decisions.held('data-waiver')
  return needed.map(({ name, column, waiver, count }) => {
    const found = held.get(waiver)
    if (found === undefined) {
      return missing('data-waiver', `the waiver of ${name}`)
    }
    const { decision: said, signer } = found
    if (said.check !== name || said.column !== column || said.subject.digest !== verdict.dataset.digest) {
      return refused(
        'data-waiver',
        'ERR_DATA_WAIVER_MISMATCH',
        `the waiver of ${name} is for another check or other bytes`,
      )
    }
    if (said.rows !== undefined && count > said.rows.length) {
      return refused('data-waiver', 'ERR_DATA_WAIVER_MISMATCH', `the waiver of ${name} is for fewer rows than fail it`)
    }
    if (isPast(said.until, decisions.now)) {
      return refused('data-waiver', 'ERR_DATA_WAIVER_EXPIRED', `the waiver of ${name} expired after ${said.until}`)
    }
    const of =
      said.rows === undefined ? '' : ` for ${said.rows.slice(0, 10).join(', ')}${said.rows.length > 10 ? ', ...' : ''}`
    return caveat('data-waiver', `${name} is waived${of} until ${said.until} by \`${signer.name}\`: ${said.because}`)
  })
}

/** A day counts through its last second, UTC. */
function isPast(day: string, now: Date): boolean {
  return now.getTime() >= Date.parse(`${day}T00:00:00Z`) + 86_400_000
}

/** THREAT: a baseline made of poisoned data, called the anchor: a reviewer's signature makes it one, nothing else. */
function anchorFindings(decisions: Decisions, { baseline, principal, startedAt }: DataVerdict): readonly Finding[] {
  if (baseline?.anchor === undefined) return []
  const found = decisions.held('data-anchor').get(baseline.anchor)
  if (found === undefined) {
    return [missing('data-anchor', 'the anchor of its baseline')]
  }
  const { decision, signer } = found
  if (decision.subject.digest !== baseline.digest) {
    return [mismatch('data-anchor', 'the anchor is another baseline than the one used')]
  }
  const anchors = [...decisions.held('data-anchor').values()].map((each) => each.decision)
  const at = replacementOf(decision, anchors)?.at
  if (at !== undefined && at < startedAt) return [mismatch('data-anchor', `its anchor was replaced before, at ${at}`)]
  return decision.by.email.toLowerCase() === principal.email.toLowerCase()
    ? [caveat('separation-of-duties', 'whoever validated the data fixed its anchor too', { tier: 'declared' })]
    : [passed('data-anchor', `its baseline was fixed as the anchor by \`${signer.name}\``)]
}

/** THREAT: an anchor that was not held against the rows that people verified, where there are some, in what is learnt. */
function goldenFindings(
  question: ChainQuestion,
  decisions: Decisions,
  { baseline, golden, label, source, checks }: DataVerdict,
): readonly Finding[] {
  const anchor = baseline?.anchor === undefined ? undefined : decisions.held('data-anchor').get(baseline.anchor)
  const agreed = anchor?.decision.golden
  if (anchor !== undefined && golden !== undefined && agreed?.digest !== golden.digest)
    return [mismatch('data-golden', 'its anchor was not held against its golden set')]
  const stated = agreed?.label
  if (agreed !== undefined && (stated === undefined || (golden !== undefined && stated !== label))) {
    const what = stated === undefined ? 'no label that it states' : 'another label'
    return [mismatch('data-golden', `its anchor agrees with the golden set in ${what}`)]
  }
  const isUnasked = checks.some(({ name }) => name === 'golden/unasked')
  return [
    ...(agreed === undefined ? [] : [judgeGolden(question, agreed, source)]),
    ...(isUnasked ? [caveat('data-golden', 'people verified a golden set, and it was held to none')] : []),
  ]
}

/** THREAT: a review by whoever planted the rows: each that a verdict took into account needs a reviewer's signature. */
function reviewFindings(decisions: Decisions, { dataset, reviews = [], baseline }: DataVerdict): readonly Finding[] {
  if (reviews.length === 0) return []
  const held = decisions.held('data-review')
  const anchor = baseline?.anchor === undefined ? undefined : decisions.held('data-anchor').get(baseline.anchor)
  // the data may have had another name: by its bytes, or by what its anchor is of
  const own = [dataset, anchor?.decision.dataset]
  return reviews.map((review) => {
    const found = held.get(review)
    if (found === undefined) {
      return missing('data-review', 'a review of its rows')
    }
    const { decision, signer } = found
    const { path, digest } = decision.subject
    if (!own.some((one) => one?.path === path || one?.digest === digest)) {
      return mismatch('data-review', 'a review of its rows is of other data')
    }
    const counts = rowVerdicts.flatMap((word) => {
      const count = decision.rows.filter(({ verdict }) => verdict === word).length
      return count === 0 ? [] : [`${count} ${word}`]
    })
    return passed(
      'data-review',
      `rows judged by \`${signer.name}\` on ${decision.at.slice(0, 10)}: ${counts.join(', ')}`,
    )
  })
}

type Held<Kind extends DataDecisionKind> = ReadonlyMap<Sha256, VerifiedDataDecision<Kind>>

/** What people decided about data, as far as the policy believes them; read when it is first asked for. */
type Decisions = Readonly<{ now: Date; held<Kind extends DataDecisionKind>(kind: Kind): Held<Kind> }>

const bookOf = once((question: ChainQuestion): Decisions => {
  const known: { [Kind in DataDecisionKind]?: Held<Kind> } = {}
  return {
    now: question.surroundings.now,
    held: (kind) => {
      const before = known[kind]
      if (before !== undefined) return before
      const held = decisionsOf(question, kind)
      Object.assign(known, { [kind]: held })
      return held
    },
  }
})

function decisionsOf<Kind extends DataDecisionKind>(question: ChainQuestion, kind: Kind): Held<Kind> {
  const held = needsMore(question, 'reviewer')
    ? []
    : believedOf(question, (bytes, by) => verifyDataDecision(kind, bytes, by))
  return new Map(held.map((one) => [one.attestation, one]))
}

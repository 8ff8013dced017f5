/** `assay verify`: the verdict on one artifact, with every finding. */
import { oneLine } from '../../core/index.ts'
import { type ArtifactVerdict, type VerifyOptions, verifyArtifact } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import type { Output } from '../output.ts'
import { table } from '../render.ts'

/** One bundle that was named and is none is wrong input, not a verdict. */
const malformed: ReadonlySet<string> = new Set([
  'ERR_BUNDLE_MALFORMED',
  'ERR_STATEMENT_MALFORMED',
  'ERR_INPUT_MALFORMED',
])

export async function verify(
  context: CliContext,
  [artifact]: readonly string[],
  options: VerifyOptions,
): Promise<Exit> {
  const verdicts = await verifyArtifact(context, artifact, options)
  context.output.document(documentOf(verdicts))
  tellVerdicts(context.output, verdicts)
  if (options.bundle !== undefined && verdicts.some(({ findings }) => findings.some(({ code }) => malformed.has(code))))
    return 2
  return verdicts.length > 0 && verdicts.every(({ trusted }) => trusted) ? 0 : 1
}

/** One shape whatever was asked: of several final outs the worst of each fact, and every verdict beside it. */
function documentOf(
  verdicts: readonly ArtifactVerdict[],
): ArtifactVerdict | (ArtifactVerdict & { verdicts: readonly ArtifactVerdict[] }) {
  const lowest = verdicts.toSorted((left, right) => left.level - right.level)[0]
  if (lowest === undefined) throw new Error('a verification without a verdict')
  if (verdicts.length === 1) return lowest
  const every = (name: keyof ArtifactVerdict['properties']): boolean =>
    verdicts.every(({ properties }) => properties[name])
  return {
    ...lowest,
    trusted: verdicts.every(({ trusted }) => trusted),
    whyNotHigher: [...new Set(verdicts.flatMap(({ whyNotHigher }) => whyNotHigher))],
    findings: verdicts.flatMap(({ findings }) => findings),
    properties: {
      isolated: every('isolated'),
      hermetic: every('hermetic'),
      inputsApproved: every('inputsApproved'),
      locked: every('locked'),
      validated: every('validated'),
      reproduced: every('reproduced'),
    },
    commits: [...new Set(verdicts.flatMap(({ commits }) => commits))].toSorted(),
    verdicts,
  }
}

type Teller = Pick<Output, 'line' | 'style'>

/** What is the same of several outs, as of those of one stage, is told once. */
export function tellVerdicts(output: Teller, verdicts: readonly ArtifactVerdict[]): void {
  for (const alike of Map.groupBy(verdicts, withoutItself).values()) {
    const [first] = alike
    if (first === undefined) continue
    for (const verdict of alike) tellHead(output, verdict)
    tell(output, { ...first, findings: distinct(alike.flatMap(({ findings }) => findings)) })
  }
}

function withoutItself({ subject, findings, ...rest }: ArtifactVerdict): string {
  return JSON.stringify([rest, findings.filter((finding) => finding.subject !== subject.path)])
}

function distinct(findings: readonly Finding[]): readonly Finding[] {
  return [...new Map(findings.map((finding) => [JSON.stringify(finding), finding])).values()]
}

function tellHead(output: Teller, verdict: ArtifactVerdict): void {
  const word = verdict.trusted
    ? output.style(['bold', 'green'], 'trusted')
    : output.style(['bold', 'red'], 'NOT TRUSTED')
  output.line(`${word}  ${oneLine(verdict.subject.path)}  level ${verdict.level}`)
  output.line(`  ${verdict.subject.digest ?? 'its bytes were not looked at'}`)
}

function tell(output: Teller, verdict: ArtifactVerdict): void {
  const properties = Object.entries(verdict.properties).map(([name, holds]) => `${holds ? '+' : '-'} ${wordsOf(name)}`)
  output.line(`  ${properties.join('   ')}`)
  output.line()
  for (const [subject, findings] of bySubject(verdict.findings)) {
    output.line(output.style('bold', oneLine(subject)))
    const rows = findings.map(({ check, because, tier, ...finding }) => [
      markOf(finding),
      check,
      `${because}${finding.passed ? '' : ` (${finding.code})`}`,
      tier,
    ])
    for (const line of table(rows)) output.line(colourOf(output, line))
  }
  tellLevels(output, verdict)
  if (verdict.whyNotHigher.length > 0) {
    output.line()
    output.line('why not higher:')
    for (const reason of verdict.whyNotHigher) output.line(`  - ${oneLine(reason)}`)
  }
}

/** One line a level: what holds and what does not, also above the first that is missing. */
function tellLevels(output: Teller, { requirements }: ArtifactVerdict): void {
  if (requirements.length === 0) return
  output.line()
  output.line('what each level asks:')
  for (const level of [1, 2, 3, 4]) {
    const rows = requirements.filter((row) => row.level === level)
    const words = rows.map(({ held, requirement }) =>
      held ? `+ ${requirement}` : output.style('yellow', `- ${requirement}`),
    )
    output.line(`  ${level}  ${words.join('   ')}`)
  }
}

type Finding = ArtifactVerdict['findings'][number]

/** Findings about one thing together, in the order in which each was first spoken of. */
function bySubject(findings: readonly Finding[]): ReadonlyMap<string, readonly Finding[]> {
  const groups = new Map<string, Finding[]>()
  for (const finding of findings) {
    const subject = finding.subject ?? 'as a whole'
    groups.set(subject, [...(groups.get(subject) ?? []), finding])
  }
  return groups
}

/** `!` stands for a finding that does not refuse and that a reader should know. */
function markOf({ passed, code }: Pick<Finding, 'passed' | 'code'>): string {
  if (!passed) return '  NO'
  return code === 'CAVEAT' ? '  ! ' : '  ok'
}

function colourOf(output: Teller, line: string): string {
  if (line.startsWith('  NO')) return output.style('red', line)
  return line.startsWith('  !') ? output.style('yellow', line) : line
}

/** `inputsApproved` -> `inputs approved`. */
function wordsOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

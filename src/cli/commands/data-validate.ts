/** `assay data validate`: what the checks found, worst first, and where to look. */
import { oneLine, printable, quotedForShell } from '../../core/index.ts'
import {
  type DataCheck,
  type DataVerdictReport,
  isToLookAt,
  printReport,
  validateData,
  writeReport,
} from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import type { Output } from '../output.ts'
import { shortDigest } from '../render.ts'

type ValidateOptions = Readonly<{
  contract?: string
  baseline?: string
  label?: string
  source?: string
  report?: string
}>

export async function dataValidate(
  context: CliContext,
  [path = '']: readonly string[],
  options: ValidateOptions,
): Promise<Exit> {
  const { output } = context
  output.progress(`looking at ${printable(path)}`)
  const report = await validateData(context, path, { ...options, forReport: options.report !== undefined })
  if (options.report !== undefined) writeReport(context, options.report, reportOf(context, path, report))
  const { verdict, checks, content, rows, unseen } = report
  output.document({
    verdict,
    checks,
    dataset: { digest: content.digest, rows: rows ?? null, sizeBytes: content.sizeBytes },
    unseen,
    ...(report.contract === undefined ? {} : { contract: contractOf(report.contract) }),
    ...(report.baseline === undefined ? {} : { baseline: { dataset: report.baseline.dataset } }),
  })
  tell(output, path, report)
  if (options.report !== undefined) output.line(`  report: ${printable(options.report)}`)
  return verdict === 'fail' ? 1 : 0
}

function reportOf({ version, now }: CliContext, name: string, report: DataVerdictReport): string {
  const { contract } = report
  const baseline = report.baselineProfile ?? report.baseline?.profile ?? undefined
  return printReport({
    name,
    report,
    version,
    writtenAt: now(),
    ...(contract === undefined ? {} : { contract: contractOf(contract) }),
    ...(baseline === undefined ? {} : { baseline }),
  })
}

type ContractFacts = NonNullable<DataVerdictReport['contract']>

function contractOf({ name, format, formatVersion, digest }: ContractFacts): Omit<ContractFacts, 'tables'> {
  return { name, format, formatVersion, digest }
}

const words = { pass: 'PASSED', warn: 'WARNED', fail: 'FAILED' } as const
const colours = { pass: 'green', warn: 'yellow', fail: 'red' } as const
const marks = { pass: '  ok', warn: '  ! ', fail: '  NO' } as const

/** LIMIT: so many checks that did not pass are printed, and so many rows of each; `--json` has them all. */
const maxToldChecks = 40
const maxToldRows = 10

function tell(
  output: Output,
  path: string,
  { verdict, checks, content, rows, unseen, isHeld, baseline }: DataVerdictReport,
): void {
  const what = rows === undefined ? '' : `  ${rows} rows`
  output.line(
    `${output.style(['bold', colours[verdict]], words[verdict])}  ${printable(path)}${what}  ${shortDigest(content.digest)}`,
  )
  const troubled = checks.filter((check) => check.verdict !== 'pass').toSorted(byGravity)
  for (const check of troubled.slice(0, maxToldChecks)) tellCheck(output, check)
  if (troubled.length > maxToldChecks)
    output.line(`  ... and ${troubled.length - maxToldChecks} more (--json has them all)`)
  for (const check of checks) if (check.verdict === 'pass' && isToLookAt(check)) tellRanked(output, check)
  const passed = checks.length - troubled.length
  output.line(output.style('dim', `  ${passed} of ${checks.length} checks passed`))
  for (const each of filesTold(checks)) output.line(output.style('dim', `  ${printable(each)}`))
  const rowsOf = (group: string) => checks.flatMap(({ name, rows: each }) => (name.startsWith(group) ? each : []))
  const judged = new Set([...rowsOf('review/bad-rows'), ...rowsOf('review/excluded-rows')])
  const suspects = new Set([...rowsOf('poison/'), ...rowsOf('review/bad-elsewhere')].filter((row) => !judged.has(row)))
  const place = oneLine(quotedForShell(path))
  if (suspects.size > 0 && isHeld) output.line(`  ${suspects.size} suspects to look at: assay data review ${place}`)
  if (isHeld && checks.some(({ name, observed }) => name === 'poison/anchor' && observed === 'unanchored'))
    output.line(
      `  to approve it as the anchor: assay data profile ${place} --out FILE, then assay data anchor FILE --of ${place}`,
    )
  if (!isHeld && baseline !== undefined && checks.some(({ name }) => name === 'poison/label-flip'))
    output.line(
      '  a baseline has no rows that labels could be held to: name the approved data itself, --baseline DATA, or fix it as the anchor: assay data anchor',
    )
  for (const each of inShort(unseen)) output.line(output.style('dim', `  not seen: ${printable(each)}`))
}

/** Of a folder: what its files are, and what is taken for their classes. */
function filesTold(checks: readonly DataCheck[]): readonly string[] {
  const observed = (wanted: string) => checks.find(({ name }) => name === wanted)?.observed ?? null
  const [types, classes] = [observed('files/types'), observed('files/classes')]
  return [
    ...(types === null ? [] : [`files: ${types}`]),
    ...(classes === null
      ? []
      : [
          classes === 'none'
            ? 'classes: none (a folder for each, or a table of labels: label in assay.yaml)'
            : `classes: ${classes}`,
        ]),
  ]
}

/** What each poisoning check may have missed, in one line. */
function inShort(unseen: readonly string[]): readonly string[] {
  const counts: string[] = []
  let what = 'rows'
  const others = unseen.filter((each) => {
    const [, name, count, kind] = /^poison\/(.+): fewer than (\d+) (rows|images) may have gone unseen$/.exec(each) ?? []
    if (name === undefined) return true
    counts.push(`${count} (${name})`)
    what = kind ?? what
    return false
  })
  return counts.length === 0 ? others : [...others, `fewer poisoned ${what} than ${counts.join(', ')}`]
}

function byGravity(left: DataCheck, right: DataCheck): number {
  return Number(left.verdict === 'warn') - Number(right.verdict === 'warn')
}

export function tellCheck(output: Output, check: DataCheck): void {
  const { name, column, verdict, because, code } = check
  const where = column === null ? '' : `  ${column}`
  const told = because === undefined ? '' : `: ${because}`
  const line = `${marks[verdict]}  ${name}${where}  ${tellObserved(check)}${told}${code === undefined ? '' : ` (${code})`}`
  output.line(output.style(colours[verdict], printable(line)))
  if (check.rows.length > 0) output.line(printable(`        ${tellRows(check)}`))
}

/** What nothing can judge without an anchor, a person can: the most suspect rows. */
function tellRanked(output: Output, check: DataCheck): void {
  const where = check.column === null ? '' : `  ${check.column}`
  const { count } = check
  output.line(printable(`  ?   ${check.name}${where}  ${count} to look at, which nothing judges without an anchor`))
  output.line(printable(`        ${tellRows(check)}`))
}

function tellObserved({ observed, expected, evaluated, because }: DataCheck): string {
  if (!evaluated) return 'not evaluated'
  const wanted = expected === null ? '' : ` (wanted ${expected})`
  // of secret data neither values nor reasons are told
  return `${observed ?? (because === undefined ? 'not told' : 'refused')}${wanted}`
}

function tellRows({ rows, count }: DataCheck): string {
  const shown = rows.slice(0, maxToldRows)
  const more = Math.max(count, rows.length) - shown.length
  const what = typeof shown[0] === 'string' ? 'files' : 'rows'
  return `${what} ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

/** The verdict on a dataset as one page: see `page.ts`. */
import { formatSize } from '../../core/index.ts'
import type { TableProfile } from '../statistics/index.ts'
import { type DataCheck, isToLookAt } from '../validate/check.ts'
import type { DatasetReport } from '../validate/validate-dataset.fs.ts'
import { chartOf } from './chart.ts'
import { type Histogram, histogramsOf } from './histogram.ts'
import { type Child, element, fragment, type Html, text } from './html.ts'
import { printPage, tile } from './page.ts'

export type ReportFacts = Readonly<{
  /** As the user called it. */
  name: string
  report: DatasetReport
  contract?: Readonly<{ name: string; format: string; formatVersion: string }>
  baseline?: TableProfile
  version: string
  writtenAt: Date
}>

const words = { pass: 'PASSED', warn: 'WARNED', fail: 'FAILED' } as const

export function printReport(facts: ReportFacts): string {
  const { name, report } = facts
  const { checks, verdict, content, rows } = report
  return printPage({
    title: `${words[verdict]}: ${name}`,
    body: [head(facts), tiles(facts), troubled(checks), suspects(report), distributions(facts), rest(facts)],
    facts: ['verdict', { verdict, checks, dataset: { digest: content.digest, rows: rows ?? null } }],
  })
}

function head({ name, report: { verdict, content } }: ReportFacts): Html {
  return element(
    'div',
    { class: 'head' },
    element('div', {}, element('h1', {}, text(name)), element('div', { class: 'soft mono' }, text(content.digest))),
    element('div', { class: `badge ${verdict}` }, text(words[verdict])),
  )
}

function tiles({ report, contract, baseline }: ReportFacts): Html {
  const count = (verdict: DataCheck['verdict']): number =>
    report.checks.filter((check) => check.verdict === verdict).length
  // of a folder of images no baseline has rows to be told
  const isCompared = report.checks.some(({ name }) => name.startsWith('drift/'))
  return element(
    'div',
    { class: 'tiles' },
    sizeTile(report),
    tile(formatSize(report.content.sizeBytes), 'size'),
    tile(count('fail'), 'checks failed'),
    tile(count('warn'), 'checks warned'),
    tile(count('pass'), 'checks passed'),
    tile(
      contract === undefined ? 'none' : contract.name,
      contract === undefined ? 'contract' : `contract, ${contract.format} ${contract.formatVersion}`,
    ),
    tile(
      baseline === undefined ? (isCompared ? 'given' : 'none') : baseline.rows.toLocaleString('en'),
      baseline === undefined ? 'baseline' : 'rows of the baseline',
    ),
  )
}

function sizeTile({ rows, content }: DatasetReport): Html {
  if (rows === undefined && content.kind === 'folder') return tile(content.files.length.toLocaleString('en'), 'files')
  return tile(rows === undefined ? '–' : rows.toLocaleString('en'), 'rows')
}

const shownRows = 12

function troubled(checks: readonly DataCheck[]): Html {
  const found = checks
    .filter(({ verdict }) => verdict !== 'pass')
    .toSorted((left, right) => Number(left.verdict === 'warn') - Number(right.verdict === 'warn'))
  if (found.length === 0) return element('h2', {}, text('Every check passed'))
  return fragment(element('h2', {}, text('What did not pass')), checkTable(found))
}

function checkTable(checks: readonly DataCheck[]): Html {
  const titles = ['verdict', 'check', 'column', 'observed', 'wanted', 'because', 'rows or files']
  return element(
    'div',
    { class: 'wide stack' },
    element(
      'table',
      {},
      element('thead', {}, element('tr', {}, ...titles.map((title) => element('th', {}, text(title))))),
      element('tbody', {}, ...checks.map(checkRow)),
    ),
  )
}

function checkRow({ name, column, verdict, observed, expected, because, rows, count, code }: DataCheck): Html {
  const more = Math.max(count, rows.length) - Math.min(rows.length, shownRows)
  const listed =
    rows.slice(0, shownRows).join(', ') + (more > 0 && rows.length > 0 ? ` and ${more.toLocaleString('en')} more` : '')
  // an empty cell is left out where the screen is too narrow for columns
  const cell = (value: string | number | boolean | null, kind = 'value', title?: string): Html => {
    if (value === null || value === '') return element('td', { class: kind })
    return element('td', { class: kind, ...(title === undefined ? {} : { 'data-title': title }) }, text(String(value)))
  }
  return element(
    'tr',
    {},
    element('td', {}, element('span', { class: `mark ${verdict}` }, text(words[verdict]))),
    cell(name, 'name'),
    cell(column, 'value', 'column'),
    cell(observed, typeof observed === 'number' ? 'num' : 'value', 'observed'),
    cell(expected, 'value', 'wanted'),
    cell([because ?? '', code ?? ''].filter((part) => part !== '').join(' – '), 'value', 'because'),
    cell(listed, 'list', 'rows or files'),
  )
}

function suspects({ examples, checks }: DatasetReport): Html {
  if (examples === undefined || examples.rows.length === 0) return fragment()
  const reasons = new Map<number, DataCheck[]>()
  for (const check of checks) {
    if (!isToLookAt(check)) continue
    for (const row of check.rows) if (typeof row === 'number') reasons.set(row, [...(reasons.get(row) ?? []), check])
  }
  const titles = ['row', 'because', ...examples.columns]
  return fragment(
    element('h2', {}, text('Rows to look at')),
    element(
      'div',
      { class: 'wide' },
      element(
        'table',
        {},
        element('thead', {}, element('tr', {}, ...titles.map((title) => element('th', {}, text(title))))),
        element(
          'tbody',
          {},
          ...examples.rows.map(({ row, values }) => {
            const why = reasons.get(row) ?? []
            const hit = new Set(why.map(({ column }) => column))
            return element(
              'tr',
              {},
              element('td', { class: 'num' }, text(row.toLocaleString('en'))),
              element('td', { class: 'name' }, text([...new Set(why.map((check) => check.name))].join(', '))),
              ...values.map((value, index) =>
                element('td', { class: classOf(value, hit.has(examples.columns[index] ?? null)) }, cellText(value)),
              ),
            )
          }),
        ),
      ),
    ),
  )
}

/** Short values stay on one line. */
function classOf(value: string | null, isHit: boolean): string {
  const kind = value === null || value.length <= 24 ? 'name' : 'value'
  return isHit ? `${kind} hit` : kind
}

function cellText(value: string | null): Child {
  return value === null ? element('span', { class: 'soft' }, text('null')) : text(value)
}

function distributions({ report, baseline }: ReportFacts): Html {
  if (report.profile === undefined) return fragment()
  const histograms = histogramsOf(report.profile, baseline)
  const worst = new Map<string, DataCheck['verdict']>()
  for (const { name, column, verdict } of report.checks) {
    if (column === null || verdict === 'pass' || !name.startsWith('drift/')) continue
    if (worst.get(column) !== 'fail') worst.set(column, verdict)
  }
  const rank = ({ name }: Histogram): number => ({ fail: 0, warn: 1, pass: 2 })[worst.get(name) ?? 'pass']
  const sorted = histograms.toSorted((left, right) => rank(left) - rank(right))
  return fragment(
    element('h2', {}, text(baseline === undefined ? 'What the columns are like' : 'Baseline and candidate')),
    baseline === undefined
      ? null
      : element(
          'div',
          { class: 'legend' },
          element('span', {}, element('i', { class: 'a' }), text('baseline')),
          element('span', {}, element('i', { class: 'b' }), text('candidate')),
        ),
    element(
      'div',
      { class: 'grid' },
      ...sorted.slice(0, maxCharts).map((histogram) => card(histogram, worst.get(histogram.name))),
    ),
    sorted.length > maxCharts
      ? element('p', { class: 'soft' }, text(`and ${sorted.length - maxCharts} columns more`))
      : null,
  )
}

/** LIMIT: columns that are drawn; those that moved come first. */
const maxCharts = 200

function card(histogram: Histogram, verdict: DataCheck['verdict'] | undefined): Html {
  const { name, kind, rows, nulls } = histogram
  const missing = nulls === 0 ? 'no nulls' : `${((nulls / Math.max(1, rows)) * 100).toFixed(1)} % null`
  const tone = verdict === 'fail' ? 'card moved' : verdict === 'warn' ? 'card unsure' : 'card'
  return element(
    'div',
    { class: tone },
    element(
      'div',
      { class: 'row' },
      element('h3', {}, text(name)),
      verdict === undefined ? null : element('span', { class: `mark ${verdict}` }, text('MOVED')),
    ),
    element('div', { class: 'soft' }, text(`${kind === 'text' ? 'text, its length' : kind}, ${missing}`)),
    chartOf(histogram),
  )
}

function rest({ report, version, writtenAt }: ReportFacts): Html {
  const passed = report.checks.filter(({ verdict }) => verdict === 'pass')
  return fragment(
    report.unseen.length === 0
      ? null
      : fragment(
          element('h2', {}, text('What could not have been seen')),
          element('ul', { class: 'soft' }, ...report.unseen.map((what) => element('li', {}, text(what)))),
        ),
    passed.length === 0
      ? null
      : element(
          'details',
          {},
          element('summary', {}, text(`${passed.length} checks that passed`)),
          checkTable(passed.slice(0, 2000)),
        ),
    element(
      'p',
      { class: 'soft' },
      text(`assay ${version}, ${writtenAt.toISOString()}. A report is for people; the signed verdict is the evidence.`),
    ),
  )
}

/**
 * What running stages again came to, as one page: verdict, causes, stages then and now, figures and pictures of what
 * differs. Pure. Names of files, tensors, columns and parameters are hostile, and only text nodes.
 */
import type { OutComparison, StageFacts } from '../attestation/index.ts'
import { formatDuration } from '../core/index.ts'
import {
  type Child,
  chartOf,
  element,
  fragment,
  type Html,
  type Picture,
  picture,
  pngOf,
  printPage,
  text,
  tile,
} from '../data/index.ts'
import type { Compared } from '../reproducibility/index.ts'
import type { StageCause } from './causes.fs.ts'
import type { Noise } from './judge-reproduction.ts'
import { cell, grouped, numeric, percent, shortly, tableOf } from './page-tables.ts'
import type { ReproductionReport } from './reproduce.ts'

export type PagedStage = Readonly<{ then: StageFacts; now?: StageFacts }>
export type PagedFile = Readonly<{ stage: string; compared: Compared; pictures?: PagedPictures | undefined }>
export type PagedPictures = Readonly<{ left: Picture; right: Picture; difference?: Picture | undefined }>

export type ReproductionPage = Readonly<{
  report: ReproductionReport
  /** In the order of the pipeline. */
  stages: readonly PagedStage[]
  /** Those with other bytes. None of secret data: of those nothing is known here but the verdict. */
  files: readonly PagedFile[]
  runs: number
  version: string
  writtenAt: Date
}>

const badges = {
  identical: ['pass', 'IDENTICAL', 'Every out has the same bytes as then.'],
  'within-tolerance': ['pass', 'WITHIN TOLERANCE', 'Every out is the same, or differs by no more than is declared.'],
  diverged: ['fail', 'DIVERGED', 'Running it again came to something else.'],
  unavailable: ['warn', 'UNAVAILABLE', 'It could not be run again.'],
} as const

export function printReproductionPage(page: ReproductionPage): string {
  const { report, files } = page
  return printPage({
    title: `${badges[report.verdict][1]}: reproduction`,
    body: [
      head(page),
      tiles(page),
      firstDivergence(report),
      causes(report),
      stagesThenAndNow(page),
      ...differingFiles(files),
      noise(report.noise, page.runs),
      everythingElse(page),
    ],
    facts: ['reproduction', report],
    hasPictures: files.some(({ pictures }) => pictures !== undefined),
  })
}

function head({ report, stages }: ReproductionPage): Html {
  const [tone, word, says] = badges[report.verdict]
  const [first] = stages
  return element(
    'div',
    { class: 'head' },
    element(
      'div',
      {},
      element('h1', {}, text(first === undefined ? 'Reproduction' : `${first.then.project.name}: run again`)),
      element('div', { class: 'soft' }, text(says)),
      element('div', { class: 'soft mono' }, text(`signed as ${report.attestation}`)),
    ),
    element('div', { class: `badge ${tone}` }, text(word)),
  )
}

function tiles({ report, stages, runs }: ReproductionPage): Html {
  const same = report.comparisons.filter(({ verdict }) => verdict === 'identical').length
  const ms = (side: 'then' | 'now'): number => stages.reduce((sum, stage) => sum + durationOf(stage[side]), 0)
  return element(
    'div',
    { class: 'tiles' },
    tile(stages.length, stages.length === 1 ? 'stage' : 'stages'),
    tile(same, 'with the same bytes'),
    tile(report.comparisons.length - same, 'with other bytes'),
    tile(formatDuration(ms('then')), 'then'),
    tile(formatDuration(ms('now')), 'now'),
    ...(runs > 1 ? [tile(runs, 'runs')] : []),
  )
}

function durationOf(facts: StageFacts | undefined): number {
  return facts === undefined ? 0 : Date.parse(facts.finishedAt) - Date.parse(facts.startedAt)
}

function firstDivergence({ firstDivergence: first, because }: ReproductionReport): Html {
  if (because !== undefined) return fragment(element('h2', {}, text('Why not')), element('p', {}, text(because)))
  if (first === null || first === undefined) return fragment()
  return fragment(
    element('h2', {}, text('Where it first diverged')),
    element(
      'div',
      { class: 'card moved' },
      element('h3', {}, text(first.path === undefined ? first.stage : `${first.stage}: ${first.path}`)),
      element('div', {}, text(first.because)),
    ),
  )
}

function causes({ causes: found, verdict }: ReproductionReport): Html {
  if (found.length === 0) {
    return verdict === 'diverged'
      ? fragment(
          element('h2', {}, text('Likely causes')),
          element(
            'p',
            {},
            text('Nothing that is recorded was otherwise, and nothing is known in its code that differs each time.'),
          ),
        )
      : fragment()
  }
  const row = ({ stage, what, before, after, because }: StageCause, index: number): readonly Child[] => [
    numeric(`${index + 1}`),
    cell(stage, 'name'),
    cell(what, 'value mono'),
    cell(before ?? '', 'value mono', 'then'),
    cell(after ?? '', 'value mono', 'now'),
    cell(because, 'value'),
  ]
  return fragment(
    element('h2', {}, text('Likely causes, likeliest first')),
    tableOf(['', 'stage', 'what', 'then', 'now', 'because'], found.map(row)),
  )
}

function stagesThenAndNow({ stages, report }: ReproductionPage): Html {
  const rows = stages.map(({ then, now }): readonly Child[] => {
    const compared = report.comparisons.filter(({ stage }) => stage === then.stage)
    const verdict = now === undefined ? 'not run' : worstWord(compared)
    return [
      cell(then.stage, 'name'),
      element('td', { class: 'name' }, mark(verdict)),
      cell(then.startedAt, 'name', 'then'),
      cell(now?.startedAt ?? '', 'name', 'now'),
      numeric(formatDuration(durationOf(then)), 'took then'),
      numeric(now === undefined ? '' : formatDuration(durationOf(now)), 'takes now'),
      cell(
        `${then.sandbox.engine}${now === undefined || now.sandbox.engine === then.sandbox.engine ? '' : `, now ${now.sandbox.engine}`}`,
        'name',
      ),
    ]
  })
  const outs = report.comparisons.map(({ stage, path, verdict, detail }): readonly Child[] => [
    cell(stage, 'name'),
    cell(path, 'value mono'),
    element('td', { class: 'name' }, mark(verdict)),
    cell(detail, 'value'),
  ])
  return fragment(
    element('h2', {}, text('Stages, then and now')),
    tableOf(['stage', '', 'then', 'now', 'took then', 'takes now', 'engine'], rows),
    element('h2', {}, text('Outs')),
    tableOf(['stage', 'path', '', 'what differs most'], outs),
  )
}

const gravity = ['identical', 'equal', 'within-tolerance', 'diverged'] as const

function worstWord(compared: readonly OutComparison[]): OutComparison['verdict'] | 'not compared' {
  return gravity[Math.max(-1, ...compared.map(({ verdict }) => gravity.indexOf(verdict)))] ?? 'not compared'
}

function mark(verdict: string): Html {
  const tone = verdict === 'diverged' ? 'fail' : gravity.some((word) => word === verdict) ? 'pass' : 'warn'
  return element('span', { class: `mark ${tone}` }, text(verdict))
}

/** LIMIT: files, and charts of one file, that are drawn. */
const maxFiles = 100
const maxCharts = 24

function differingFiles(files: readonly PagedFile[]): readonly Html[] {
  const shown = files.slice(0, maxFiles)
  const more = files.length - shown.length
  return [
    ...shown.map(fileSection),
    ...(more > 0 ? [element('p', { class: 'soft' }, text(`and ${more} files more: --json`))] : []),
  ]
}

function fileSection({ stage, compared, pictures }: PagedFile): Html {
  const { path, format, detail, measures } = compared
  const title = `${stage}: ${path}`
  return fragment(
    element('h2', {}, text(title)),
    element('p', {}, element('span', { class: 'soft' }, text(`${format}  `)), text(detail)),
    pictures === undefined ? null : trioOf(pictures),
    measures.length === 0 ? null : measureTable(measures),
    measures.length === 0
      ? null
      : element('div', { class: 'grid' }, ...measures.slice(0, maxCharts).flatMap(chartOfDifferences)),
  )
}

function trioOf({ left, right, difference }: PagedPictures): Html {
  const one = (shown: Picture, caption: string): Html =>
    element(
      'figure',
      {},
      picture(pngOf({ ...shown, rgb: Buffer.from(shown.rgb, 'base64') }), {
        alt: caption,
        width: shown.width,
        height: shown.height,
      }),
      element('figcaption', {}, text(caption)),
    )
  return element(
    'div',
    { class: 'card trio' },
    one(left, 'then'),
    one(right, 'now'),
    difference === undefined
      ? element('div', {}, text('of other size: no difference is drawn'))
      : one(difference, 'where they differ, in red'),
  )
}

type Column = readonly [title: string, of: (measure: Compared['measures'][number]) => string]

/** Columns that would say 0 for all are left out. */
function measureTable(measures: Compared['measures']): Html {
  const seldom = (title: string, of: (measure: Compared['measures'][number]) => number): readonly Column[] =>
    measures.some((measure) => of(measure) > 0) ? [[title, (measure) => grouped(of(measure))]] : []
  const columns: readonly Column[] = [
    ['elements', ({ elements }) => grouped(elements)],
    ['differ', ({ differing, elements }) => `${grouped(differing)} (${percent(differing, elements)})`],
    ['not allowed', ({ outside }) => grouped(outside)],
    ['most', ({ maxAbs }) => shortly(maxAbs)],
    ['most, relative', ({ maxRel }) => shortly(maxRel)],
    ['most, ulp', ({ maxUlp }) => (maxUlp === null ? '–' : shortly(maxUlp))],
    ...seldom('in bits alone', ({ bitsOnly }) => bitsOnly),
    ...seldom('without distance', ({ withoutDistance }) => withoutDistance),
  ]
  const rows = measures.map((measure): readonly Child[] => [
    cell(measure.name, 'value mono'),
    cell(measure.type, 'name'),
    ...columns.map(([, of]) => numeric(of(measure))),
  ])
  return tableOf(['name', 'type', ...columns.map(([title]) => title)], rows, { isWide: true })
}

/** How many elements differ by how much: a bar for each power of two. */
function chartOfDifferences({ name, histogram, differing }: Compared['measures'][number]): readonly Html[] {
  const [first] = histogram
  const last = histogram.at(-1)
  if (first === undefined || last === undefined) return []
  const counts = new Map(histogram)
  const bins = Array.from({ length: last[0] - first[0] + 1 }, (_, index) => ({
    label: '',
    candidate: (counts.get(first[0] + index) ?? 0) / Math.max(1, differing),
  }))
  return [
    element(
      'div',
      { class: 'card' },
      element('h3', {}, text(name)),
      element('div', { class: 'soft' }, text('how many differ by how much, a bar a power of two')),
      chartOf({
        ...{ name, kind: 'numeric', isInstant: false, rows: differing, nulls: 0, bins },
        ...{ from: 2 ** first[0], to: 2 ** (last[0] + 1) },
      }),
    ),
  ]
}

function noise(found: Noise | undefined, runs: number): Html {
  if (found === undefined) return fragment()
  const rows = found.tolerances.map(({ stage, path, tensor, metric, column, abs, because }): readonly Child[] => [
    cell(stage, 'name'),
    cell(path, 'value mono'),
    cell(tensor ?? metric ?? column ?? '', 'value mono'),
    numeric(abs === undefined ? '' : `${abs}`),
    cell(because, 'value'),
  ])
  return fragment(
    element('h2', {}, text(`What ${runs + 1} runs differ in among themselves`)),
    found.isSame ? element('p', {}, text('Nothing: the same bytes each time.')) : null,
    !found.isSame && rows.length + found.beyond.length + found.uncompared.length === 0
      ? element('p', {}, text('Bytes alone: they say the same each time.'))
      : null,
    rows.length === 0 ? null : tableOf(['stage', 'path', 'name', 'tolerance that lets all pass', 'because'], rows),
    ...found.beyond.map((path) =>
      element('p', {}, text(`No tolerance lets ${path} pass: its runs differ in more than numbers.`)),
    ),
    ...found.uncompared.map((path) =>
      element('p', {}, text(`Not known of ${path}: it is secret, or not all its bytes are here.`)),
    ),
  )
}

function everythingElse({ report, version, writtenAt }: ReproductionPage): Html {
  const rows = report.differences.map(({ stage, what, before, after }): readonly Child[] => [
    cell(stage, 'name'),
    cell(what, 'value mono'),
    cell(before, 'value mono'),
    cell(after, 'value mono'),
  ])
  const count = rows.length === 1 ? 'one thing is' : `${rows.length} things are`
  return fragment(
    rows.length === 0
      ? element('p', { class: 'soft' }, text('Everything that is recorded is as it was then.'))
      : element(
          'details',
          {},
          element('summary', {}, text(`${count} recorded otherwise`)),
          tableOf(['stage', 'what', 'then', 'now'], rows),
        ),
    element(
      'p',
      { class: 'soft' },
      text(`assay ${version}, ${writtenAt.toISOString()}. A page is for people; the signed verdict is the evidence.`),
    ),
  )
}

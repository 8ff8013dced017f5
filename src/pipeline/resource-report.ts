/** What the stages of a run used, as one page with a chart for each measure: pure. Names are hostile, and only text nodes. */
import type { StageFacts } from '../attestation/index.ts'
import { formatDuration, formatSize } from '../core/index.ts'
import { element, type Html, printPage, text, tile } from '../data/index.ts'

export type StageUse = Readonly<{ name: string; resources: StageFacts['resources'] }>

export type ResourceFacts = Readonly<{
  runId: string
  /** RFC 3339. */
  startedAt: string
  stages: readonly StageUse[]
}>

/** One measure over time: values at equal distances. */
export type Curve = Readonly<{ name: string; values: readonly number[]; print(value: number): string }>

export function printResourceReport({ runId, startedAt, stages }: ResourceFacts): string {
  return printPage({
    title: `resources of run ${runId}`,
    body: [
      element('h1', {}, text('What the stages used')),
      element('div', { class: 'soft mono' }, text(`run ${runId}, started ${startedAt}`)),
      ...stages.flatMap(sectionOf),
    ],
    facts: ['resources', { runId, stages }],
  })
}

function sectionOf({ name, resources }: StageUse): readonly Html[] {
  const { programs = [], profile, unusual = [] } = resources
  const curves = curvesOf(resources)
  const row = (what: string, value: string): Html =>
    element('tr', {}, element('th', {}, text(what)), element('td', { class: 'value' }, text(value)))
  return [
    element('h2', {}, text(name)),
    element('div', { class: 'tiles' }, ...totalsOf(resources).map(([label, value]) => tile(value, label))),
    element(
      'div',
      { class: 'wide' },
      element(
        'table',
        {},
        element(
          'tbody',
          {},
          row('limits held by', holderIn(resources)),
          row('programs seen', programs.length === 0 ? 'none' : programs.join(', ')),
          ...unusual.map((each) => row('unlike earlier runs', each)),
          row(
            'looks',
            profile === undefined ? 'it ended before the first' : `a point each ${formatDuration(profile.everyMs)}`,
          ),
        ),
      ),
    ),
    element(
      'div',
      { class: 'grid' },
      ...curves.map((curve) => cardOf(curve, curve.values.length * (profile?.everyMs ?? 0))),
    ),
  ]
}

/** What held it to its limits, in words. */
export function holderIn({ heldBy, ioHeldBy }: StageFacts['resources']): string {
  return ioHeldBy === undefined || ioHeldBy === heldBy ? heldBy : `${heldBy}; of I/O ${ioHeldBy}`
}

/** What it used in all, in words; what the machine did not tell is left out. */
export function totalsOf(resources: StageFacts['resources']): readonly (readonly [label: string, value: string])[] {
  const { wallMs, cpuMs, memoryPeakBytes, processesPeak, ioReadBytes, ioWrittenBytes, sentBytes, receivedBytes } =
    resources
  const told = (label: string, value: number | undefined, print: (value: number) => string) =>
    value === undefined ? [] : [[label, print(value)] as const]
  return [
    ['time', formatDuration(wallMs)],
    ...told('processor time', cpuMs, formatDuration),
    ...told('most memory', memoryPeakBytes, formatSize),
    ...told('most processes', processesPeak, String),
    ...told('read', ioReadBytes, formatSize),
    ...told('written', ioWrittenBytes, formatSize),
    ...told('sent', sentBytes, formatSize),
    ...told('received', receivedBytes, formatSize),
  ]
}

/** Over time; what only grows as how much of it a second. */
export function curvesOf({ profile }: StageFacts['resources']): readonly Curve[] {
  if (profile === undefined) return []
  const { everyMs, cpuMs, memoryBytes, processes, writtenBytes, gpuPercent, gpuMemoryBytes, ...sums } = profile
  const perSecond = (values: readonly number[]): readonly number[] =>
    values.map((value, index) => (Math.max(0, value - (values[index - 1] ?? 0)) * 1000) / everyMs)
  const speed = (value: number): string => `${formatSize(Math.round(value))}/s`
  const curve = (
    name: string,
    values: readonly number[] | undefined,
    print: Curve['print'],
    of: (values: readonly number[]) => readonly number[] = (given) => given,
  ): readonly Curve[] => (values === undefined ? [] : [{ name, values: of(values), print }])
  return [
    ...curve(
      'processors',
      cpuMs,
      (value) => value.toFixed(1),
      (values) => perSecond(values).map((value) => value / 1000),
    ),
    ...curve('memory', memoryBytes, formatSize),
    ...curve('processes', processes, String),
    ...curve('on disk', writtenBytes, formatSize),
    ...curve('GPU', gpuPercent, (value) => `${value} %`),
    ...curve('GPU memory', gpuMemoryBytes, formatSize),
    ...curve('reading', sums.ioReadBytes, speed, perSecond),
    ...curve('writing', sums.ioWrittenBytes, speed, perSecond),
    ...curve('sending', sums.sentBytes, speed, perSecond),
    ...curve('receiving', sums.receivedBytes, speed, perSecond),
  ]
}

const width = 320
const height = 110

function cardOf({ name, values, print }: Curve, lastsMs: number): Html {
  const most = Math.max(0, ...values)
  return element(
    'div',
    { class: 'card' },
    element(
      'div',
      { class: 'row' },
      element('h3', {}, text(name)),
      element('span', { class: 'soft' }, text(`up to ${print(most)}`)),
    ),
    element(
      'svg',
      { viewBox: `0 0 ${width} ${height + 16}`, role: 'img', 'aria-label': 'over time' },
      element('path', { class: 'now', d: areaOf(values, most) }),
      element('line', { class: 'axis', x1: 0, x2: width, y1: height, y2: height }),
      element('text', { x: 0, y: height + 13, 'text-anchor': 'start' }, text('0')),
      element('text', { x: width, y: height + 13, 'text-anchor': 'end' }, text(formatDuration(lastsMs))),
    ),
  )
}

/** Steps, since a value stands for all of its distance. */
function areaOf(values: readonly number[], most: number): string {
  const step = width / Math.max(1, values.length)
  const short = (value: number): string => value.toFixed(1)
  const tops = values.map((value, index) => {
    const y = height - (value / (most > 0 ? most : 1)) * (height - 6)
    return `L${short(index * step)} ${short(y)}H${short((index + 1) * step)}`
  })
  return `M0 ${height}${tops.join('')}V${height}Z`
}

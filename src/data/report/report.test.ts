import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { sha256Of } from '../../core/index.ts'
import { profileTable } from '../statistics/index.ts'
import { codedColumn, numericColumn } from '../table/columns.ts'
import { histogramsOf } from './histogram.ts'
import { printReport } from './print-report.ts'

const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>\u202e</style>&`
const profileOf = (values: readonly number[], words: readonly string[]) =>
  profileTable({ rows: values.length, columns: [numericColumn(evil, values), codedColumn('category', 'word', words)] })
const profile = profileOf([1, 2, 3, 4], [evil, 'b', 'b', 'b'])

const page = printReport({
  name: `${evil}.csv`,
  version: '0',
  writtenAt: new Date(0),
  baseline: profileOf([1, 1, 1, 9], ['b', 'b', 'b', 'c']),
  report: {
    verdict: 'fail',
    content: { kind: 'file', digest: sha256Of(''), sizeBytes: 1, executable: false },
    rows: 4,
    unseen: [evil],
    profile,
    checks: [
      {
        name: 'schema/type',
        column: evil,
        verdict: 'fail',
        observed: evil,
        expected: evil,
        because: evil,
        rows: [2],
        count: 1,
        evaluated: true,
      },
    ],
    examples: { columns: [evil], rows: [{ row: 2, values: [evil] }] },
  },
})

describe('THREAT a page of data by strangers', () => {
  test('holds their words as text alone', () => {
    assert.equal(/<script>|<img/.test(page), false)
    const tags = new Set([...page.matchAll(/<([a-z0-9]+)/g)].map(([, tag]) => tag))
    const known =
      'html head meta title style body main div h1 h2 h3 b span i p ul li details summary table thead tbody tr th td svg rect line text script'
    assert.deepEqual(
      [...tags].filter((tag) => !known.split(' ').includes(tag ?? '')),
      [],
    )
    assert.equal(page.includes('\u202e'), false)
  })

  test('runs nothing and loads nothing: its policy allows its own style, by digest', () => {
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1]?.replaceAll('&#39;', "'") ?? ''
    const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? ''
    const digest = createHash('sha256').update(style).digest('base64')
    assert.equal(policy, `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'`)
    assert.deepEqual(page.match(/<script[^>]*>/g), ['<script type="application/json" id="verdict">'])
    const opened = [...page.matchAll(/<[a-z][a-z0-9]*((?:\s[a-z0-9-]+(?:="[^"]*")?)*)>/gi)]
    const names = new Set(
      opened.flatMap(([, written = '']) =>
        [...written.matchAll(/\s([a-z0-9-]+)(?:="[^"]*")?/gi)].map(([, name]) => name),
      ),
    )
    assert.ok(names.has('class'))
    assert.deepEqual(
      [...names].filter((name) => /^(style|on.*|href|src|xlink.*|action|srcdoc)$/i.test(name ?? '')),
      [],
    )
  })

  test('has the same facts for programs', () => {
    const json = /id="verdict">([\s\S]*?)<\/script>/.exec(page)?.[1] ?? ''
    assert.equal(JSON.parse(json).checks[0].column, evil)
  })
})

test('histograms of both sides have the same bins, and shares that add up to one', () => {
  const [number, word] = histogramsOf(profile, profileOf([1, 1, 1, 9], ['b', 'b', 'b', 'c']))
  const sum = (shares: readonly (number | undefined)[]): number =>
    shares.reduce<number>((all, share = 0) => all + share, 0)
  for (const histogram of [number, word]) {
    assert.ok(Math.abs(sum(histogram?.bins.map(({ candidate }) => candidate) ?? []) - 1) < 1e-9)
    assert.ok(Math.abs(sum(histogram?.bins.map(({ baseline }) => baseline) ?? []) - 1) < 1e-9)
  }
  assert.deepEqual([number?.from, number?.to, number?.bins.length], [1, 9, 40])
  // 1 lies in the first bin of both; of the candidate it is one of four values, of the baseline three
  assert.deepEqual(number?.bins[0], { label: '1', candidate: 0.25, baseline: 0.75 })
})

test('a folder of images is told by its files, and that it was compared', () => {
  const file = { path: 'cats/1.png', digest: sha256Of('x'), sizeBytes: 1, executable: false }
  const told = (name: string): string =>
    printReport({
      name: 'scans',
      version: '0',
      writtenAt: new Date(0),
      report: {
        verdict: 'pass',
        content: { kind: 'folder', digest: `dirHash1:${'0'.repeat(64)}`, sizeBytes: 2, files: [file, file] },
        unseen: [],
        checks: [
          { name, column: null, verdict: 'pass', observed: 0, expected: 0, rows: [], count: 0, evaluated: true },
        ],
      },
    })
  assert.match(told('drift/mean'), /<b>2<\/b><span>files<\/span>.*<b>given<\/b><span>baseline/s)
  assert.match(told('files/types'), /<b>none<\/b><span>baseline/s)
})

/** Outs of a run beside those of its reproduction, with the sandbox that hostile tables and images are read in. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import sharp from 'sharp'
import { runInBox } from '../../src/compute/index.ts'
import { defaultLimits, type ValidatorOptions } from '../../src/data/index.ts'
import { type Compared, compareOuts, outFilesAt, type Tolerance } from '../../src/reproducibility/index.ts'
import { parquetOf } from '../support/parquet.ts'

type Files = Readonly<Record<string, string | Uint8Array>>

async function compare(
  context: TestContext,
  left: Files,
  right: Files,
  tolerances: readonly Tolerance[] = [],
): Promise<readonly Compared[]> {
  const folder = mkdtempSync(join(tmpdir(), 'assay-outs-'))
  chmodSync(folder, 0o755) // the sandbox may be another user
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const [side, files] of Object.entries({ left, right })) {
    for (const [name, bytes] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, side, name)), { recursive: true })
      writeFileSync(join(folder, side, name), bytes)
    }
  }
  const runBox: ValidatorOptions['runBox'] = (task) => runInBox({ ...task, workFolder: join(folder, 'boxes') })
  const validator = { runBox, scratchRoot: join(folder, 'scratch'), ...defaultLimits }
  return await compareOuts(outFilesAt(join(folder, 'left')), outFilesAt(join(folder, 'right')), {
    path: 'out',
    tolerances,
    validator,
    signal: AbortSignal.any([]),
  })
}

function told(compared: readonly Compared[]): readonly string[] {
  return compared.map(({ path, format, verdict, detail }) => `${path}: ${format} ${verdict}: ${detail}`)
}

test('an out that is a folder is compared file by file, each by what it is', async (context) => {
  const scores = 'id,score\n1,0.5\n2,0.25\n'
  const picture = await sharp({ create: { width: 4, height: 4, channels: 3, background: '#808080' } })
    .png()
    .toBuffer()
  const paler = await sharp({ create: { width: 4, height: 4, channels: 3, background: '#818080' } })
    .png()
    .toBuffer()
  const left = {
    'a.txt': 'the same\n',
    'gone.txt': '',
    'scores.csv': scores,
    'packed.csv.gz': gzipSync(scores),
    'rows.jsonl': '{"id": 1}\n{"id": 2}\n',
    't.parquet': await parquetOf('SELECT i AS id, i / 4.0 AS p FROM range(1000) AS r(i)'),
    'plot.png': picture,
    'm.json': '{"auc": 0.5}',
  }
  const right = {
    'a.txt': 'the same\n',
    'new.txt': '',
    'scores.csv': scores.replace('0.25', '0.251'),
    'packed.csv.gz': gzipSync(scores, { level: 0 }),
    'rows.jsonl': '{"id": 2}\n{"id": 1}\n',
    't.parquet': await parquetOf('SELECT i AS id, i / 4.0 AS p FROM range(1000) AS r(i)', 'COMPRESSION zstd'),
    'plot.png': paler,
    'm.json': '{"auc": 0.5000001}',
  }
  const tolerances = [
    { path: 'out/*.json', metric: 'auc', abs: 1e-6, because: 'threads' },
    { path: 'out/plot.png', abs: 1, because: 'fonts' },
    { path: 'out/*.csv', column: 'score', tensor: 'score', rel: 0.01, because: 'threads' },
  ]
  assert.deepEqual(told(await compare(context, left, right, tolerances)), [
    'out/a.txt: text identical: the same bytes',
    'out/gone.txt: bytes diverged: is there in the first one and not in the second',
    'out/m.json: json within-tolerance: `auc` differs by at most 1e-7 (relative 2e-7, 9.01e8 ulp)',
    'out/new.txt: bytes diverged: is there in the second one and not in the first',
    'out/packed.csv.gz: csv equal: the same content, packed in another way',
    'out/plot.png: image within-tolerance: `pixels` differs: 16 of 48 samples, by at most 1 (relative 0.00775)',
    'out/rows.jsonl: jsonl diverged: the same rows in another order; `id` differs: 2 of 2 rows, by at most 1 (relative 0.5)',
    'out/scores.csv: csv within-tolerance: `score` differs: 1 of 2 rows, by at most 0.001 (relative 0.00398, 1.80e13 ulp)',
    'out/t.parquet: parquet equal: the same rows, written in another way',
  ])
})

test('tables and images that do not read are incomparable, and no tolerance makes them pass', async (context) => {
  const table = await parquetOf('SELECT i AS id FROM range(1000) AS r(i)')
  const picture = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'red' } })
    .png()
    .toBuffer()
  const left = { 't.parquet': table, 'plot.png': picture, 'bomb.csv.gz': gzipSync('a\n1\n'), 't.csv': 'a,b\n1,2\n' }
  const right = {
    't.parquet': table.subarray(0, table.length - 20),
    'plot.png': picture.subarray(0, picture.length - 20),
    'bomb.csv.gz': gzipSync(Buffer.alloc(80_000_000)),
    't.csv': 'a,b\n1\n',
  }
  const found = await compare(context, left, right, [{ path: '**', abs: 1e9, rel: 1, ulp: 1e9, because: 'all' }])
  assert.deepEqual(
    found.map(({ path, verdict }) => `${path} ${verdict}`),
    ['bomb.csv.gz', 'plot.png', 't.csv', 't.parquet'].map((name) => `out/${name} incomparable`),
  )
  assert.equal(found[0]?.detail, 'the second file cannot be read: it unpacks to more than 200 times its size')
  assert.match(found[2]?.detail ?? '', /^the second file cannot be read: /)
})

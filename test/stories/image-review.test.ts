/** A reviewer judges suspect images by looking at them: signed, remembered by content and class, never asked about again. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import sharp from 'sharp'
import { sitDown } from '../support/person.ts'
import { type Document, type Scratch, scratch } from '../support/scratch.ts'

const side = 24
/** Light above or light on the left, each with waves of its own. */
function picture(seed: number, kind: 'above' | 'left'): Promise<Buffer> {
  const [across, down, start] = [Math.SQRT2, Math.E, Math.PI].map((factor) => ((seed + 1) * factor) % 1)
  const pixels = Buffer.from(
    Array.from({ length: side * side }, (_, at) => {
      const [x, y] = [at % side, Math.floor(at / side)]
      const waves = 30 * Math.sin(6.3 * (start ?? 0) + x * ((across ?? 0) + 0.2) + y * ((down ?? 0) + 0.2))
      return Math.round(210 - 7 * (kind === 'above' ? y : x) + waves)
    }),
  )
  return sharp(pixels, { raw: { width: side, height: side, channels: 1 } })
    .png()
    .toBuffer()
}

/** Called as nobody should call a file, and with a page behind its picture: it lies in the wrong folder. */
const hostile = '<b onmouseover=alert(1)>.png'
const wrong = ['above/7.png', `left/${hostile}`]

async function folderOfImages(context: TestContext, more: readonly string[] = []): Promise<Scratch> {
  const project = scratch(context, {
    'dvc.yaml':
      'stages:\n  count:\n    cmd: ls data/light/above | wc -l > n.txt\n    deps: [data/light]\n    outs: [n.txt]\n',
    '.gitignore': '/n.txt\n',
  })
  for (const kind of ['above', 'left'] as const) {
    mkdirSync(join(project.root, 'data/light', kind), { recursive: true })
    for (let seed = 0; seed < 40; seed += 1)
      writeFileSync(
        join(project.root, 'data/light', kind, `${seed}.png`),
        await picture(seed + (kind === 'left' ? 100 : 0), kind === 'above' && seed === 7 ? 'left' : kind),
      )
  }
  const behind = Buffer.from('<script>alert(1)</script>')
  writeFileSync(join(project.root, 'data/light/left', hostile), Buffer.concat([await picture(990, 'above'), behind]))
  project.commit('images')
  await project.json(0, 'init', '--yes', '--commit')
  if (more.length === 0) return project
  await project.json(0, 'data', 'add', 'light', 'data/light', ...more)
  project.commit('a source')
  await project.json(0, 'data', 'approve', 'light')
  return project
}

const filesOf = (listed: Document): readonly string[] => listed.suspects.flatMap(({ rows }: Document) => rows)
const checkOf = (report: Document, name: string): Document =>
  report.checks.find((check: Document) => check.name === name)

test('images in a wrong folder are listed beside what they look like, looked at, judged, and not asked about again', async (context) => {
  const project = await folderOfImages(context)
  const listed = await project.json(0, 'data', 'review', 'data/light', '--report', '../review.html')
  assert.deepEqual(filesOf(listed).toSorted(), wrong)
  const seven = listed.suspects.find(({ rows }: Document) => rows[0] === 'above/7.png')
  assert.deepEqual(seven.values.slice(0, 2), ['above', '24 x 24'])
  assert.match(seven.reasons[0].check, /poison\/label-flip/)
  const [own, others] = [true, false].map((isOwn) =>
    seven.nearest.filter(({ label }: Document) => (label === 'above') === isOwn),
  )
  assert.ok(others[0].distance < own[0].distance, 'it looks like the others')
  assert.ok(
    seven.nearest.every(({ file }: Document) => !wrong.includes(file)),
    'beside it is nothing suspect',
  )

  const page = readFileSync(join(project.root, '../review.html'), 'utf8')
  assert.match(page, /default-src &#39;none&#39;; style-src &#39;sha256-[^']+&#39;; img-src data:;/)
  const pictures = page.match(/<img src="data:image\/png;base64,/g) ?? []
  assert.equal(pictures.length, 14, 'two suspects, six images beside each')
  assert.deepEqual(page.match(/<(script|b|iframe)\b[^>]*>/g), ['<script type="application/json" id="review">'])
  const shown = [...page.matchAll(/data:image\/png;base64,([^"]+)/g)].map(([, png = '']) => Buffer.from(png, 'base64'))
  assert.ok(shown.every((png) => !png.includes('alert') && png.subarray(-8, -4).toString('latin1') === 'IEND'))

  await project.json(
    0,
    'data',
    'review',
    'data/light',
    '--good',
    'data/light/above/7.png,left/3.png',
    '--because',
    'looked at',
  )
  await project.json(0, 'data', 'review', 'data/light', '--bad', wrong[1] ?? '', '--exclude', 'above/1.png')
  project.commit('judged')
  assert.deepEqual(filesOf(await project.json(0, 'data', 'review', 'data/light')), [])
  const refused = await project.json(1, 'run')
  assert.match(refused.stages[0].because, /review\/bad-rows/)

  // another version: a new image, the good one called otherwise and the bad one taken out
  renameSync(join(project.root, 'data/light/above/7.png'), join(project.root, 'data/light/above/seven.png'))
  renameSync(join(project.root, 'data/light/left', hostile), join(project.root, 'data/light/above/ninety.png'))
  // THREAT: one that was found good gets another class
  renameSync(join(project.root, 'data/light/left/3.png'), join(project.root, 'data/light/above/33.png'))
  writeFileSync(join(project.root, 'data/light/left/91.png'), await picture(991, 'above'))
  project.commit('another version')
  const left = filesOf(await project.json(0, 'data', 'review', 'data/light'))
  assert.deepEqual(left.toSorted(), ['above/33.png', 'above/ninety.png', 'left/91.png'])
  const report = await project.json(0, 'data', 'validate', 'data/light')
  assert.deepEqual(checkOf(report, 'review/bad-rows').verdict, 'pass', 'in the right folder it is another thing')
  assert.deepEqual(checkOf(report, 'review/bad-elsewhere').rows, ['above/ninety.png'], 'and for a reviewer to say so')
  assert.deepEqual(checkOf(report, 'review/excluded-rows').rows, ['above/1.png'])
  assert.equal((await project.json(0, 'run')).status, 'succeeded')
})

test('at a terminal one image after the other is asked about; of restricted ones no picture and no label is told', async (context) => {
  const project = await folderOfImages(context, ['--classification', 'restricted'])
  const listed = await project.json(0, 'data', 'review', 'light', '--report', '../review.html')
  assert.deepEqual(filesOf(listed).toSorted(), wrong)
  for (const { values, nearest } of listed.suspects) assert.deepEqual([values, nearest], [undefined, undefined])
  const page = readFileSync(join(project.root, '../review.html'), 'utf8')
  assert.match(page, /Not shown: pictures/)
  assert.doesNotMatch(page, /<img|data:image|label: /)

  const person = sitDown(context, project, '$assay data review light')
  await person.until(/1 of 2[\s\S]*nearest of others:[\s\S]*levels away[\s\S]*\[g\/b\/e\/s\/q\]/)
  person.type('b\r')
  await person.until(/2 of 2[\s\S]*\[g\/b\/e\/s\/q\]/)
  person.type('q\r')
  assert.equal(await person.left, 0, person.shown())
  assert.match(person.shown(), /judged in data\/light: 1 bad; 1 suspects left/)
  const [name = ''] = readdirSync(join(project.root, 'attestations')).filter((each) => each.includes('review'))
  const { dsseEnvelope } = JSON.parse(readFileSync(join(project.root, 'attestations', name), 'utf8'))
  const { hash, rows } = JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString()).predicate
  assert.deepEqual([hash, rows[0].hash], ['hmac', listed.suspects[0].hash])
  assert.equal(checkOf(await project.json(1, 'data', 'validate', 'data/light'), 'review/bad-rows').count, 1)
})

/** What is looked at again when one file of a dataset changed; and a memory that is wrong. */
import assert from 'node:assert/strict'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import sharp from 'sharp'
import { sha256Of } from '../core/index.ts'
import { type DatasetReport, defaultLimits, type LookMemory, openLookMemory, validateDataset } from '../data/index.ts'
import { boxRunner } from './validate-data.fs.ts'

let folder: string
let images: string
const count = 60
before(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'assay-looks-')))
  images = join(folder, 'images')
  for (const name of ['scratch', 'images/cats', 'images/dogs']) mkdirSync(join(folder, name), { recursive: true })
  for (let index = 0; index < count; index += 1) await draw(index, index)
})
after(() => rmSync(folder, { recursive: true, force: true }))

async function draw(index: number, seed: number): Promise<void> {
  const pixels = Uint8Array.from({ length: 256 }, (_, at) => (at * (seed + 3) * 7919 + seed * 31) % 251)
  const path = join(images, index % 2 === 0 ? 'cats' : 'dogs', `${index}.png`)
  writeFileSync(
    path,
    await sharp(pixels, { raw: { width: 16, height: 16, channels: 1 } })
      .png()
      .toBuffer(),
  )
}

type Request = Readonly<{ files: readonly Readonly<{ inner: string }>[] }>
type Seen = readonly Readonly<{ grey?: string }>[]
type FilesAnswer = Readonly<{ files: Seen; anchor: Seen }>
type Looked = Readonly<{ report: DatasetReport; files: number; names: readonly string[] }>

type Asked = Partial<Parameters<typeof validateDataset>[1]>

/** `files`: how many the sandboxed process was given. */
async function look(looks?: LookMemory, asked: Asked = {}, folderOf = images): Promise<Looked> {
  const real = boxRunner(join(folder, 'boxes'))
  let files = 0
  let names: readonly string[] = []
  const report = await validateDataset(
    folderOf,
    { now: new Date(0), examples: 0, profile: false, seed: 0, ...asked },
    {
      ...defaultLimits,
      scratchRoot: join(folder, 'scratch'),
      ...(looks === undefined ? {} : { looks }),
      runBox: (task) => {
        const asked = JSON.parse(readFileSync(join(task.writable.source, 'request.json'), 'utf8')) as Request
        names = asked.files.map(({ inner }) => inner)
        files += names.length
        return real(task)
      },
    },
  )
  return { report, files, names }
}

function memoryOf(facts: Map<string, string>): LookMemory {
  return openLookMemory({ fact: (key) => facts.get(key), recordFact: (key, value) => facts.set(key, value) }, 'test 1')
}

test('a file that changed is looked at, with a few others, and what is told is the same as without a memory', async () => {
  const facts = new Map<string, string>()
  const looks = memoryOf(facts)
  const first = await look(looks)
  assert.deepEqual([first.files, first.report.checks], [count, (await look()).report.checks])
  await draw(7, 1007)
  const second = await look(looks)
  assert.ok(second.files >= 2 && second.files <= 9, String(second.files))
  assert.deepEqual(second.report.checks, (await look()).report.checks)
  assert.notEqual(second.report.content.digest, first.report.content.digest)
  // another version looks for itself
  const other = openLookMemory({ fact: (key) => facts.get(key), recordFact: () => undefined }, 'test 2')
  assert.equal((await look(other)).files, count)
})

test('an image that does not decode is never remembered; a memory that is wrong is found, and forgotten', async () => {
  const facts = new Map<string, string>()
  const looks = memoryOf(facts)
  const broken = join(images, 'cats', 'broken.png')
  writeFileSync(broken, readFileSync(join(images, 'cats', '2.png')).subarray(0, 60))
  for (let time = 0; time < 2; time += 1) {
    const { report } = await look(looks)
    assert.deepEqual(
      report.checks.filter(({ name }) => name === 'files/decode').flatMap(({ rows }) => rows),
      ['cats/broken.png'],
    )
  }
  rmSync(broken)
  for (const [key, value] of facts) facts.set(key, value.replaceAll('"width":16', '"width":17'))
  const wrong = await look(looks)
  assert.ok(wrong.files > count, 'a few, and then all')
  assert.deepEqual(wrong.report.checks, (await look()).report.checks)
  assert.ok((await look(looks)).files <= 8)
  // pixels of others, from which a pattern is missing
  for (const [key, value] of facts) facts.set(key, value.replace(/"grey":"[^"]*"/g, `"grey":"${'A'.repeat(1366)}=="`))
  assert.ok((await look(looks)).files > count, 'a few, and then all')
  assert.ok((await look(looks)).files <= 8)
})

/** One empty member, packed by a method that is not known. */
function lockedZip(): Buffer {
  const [local, entry, end] = [Buffer.alloc(30), Buffer.alloc(46), Buffer.alloc(22)]
  local.writeUInt32LE(0x04034b50)
  local.writeUInt16LE(99, 8)
  entry.writeUInt32LE(0x02014b50)
  entry.writeUInt16LE(99, 10)
  end.writeUInt32LE(0x06054b50)
  for (const field of [8, 10]) end.writeUInt16LE(1, field)
  end.writeUInt32LE(entry.length, 12)
  end.writeUInt32LE(local.length, 16)
  return Buffer.concat([local, entry, end])
}

test('THREAT a file that is no image and was judged bad under its label stays bad when it is remembered', async () => {
  const arrays = join(folder, 'arrays')
  mkdirSync(arrays)
  const bytes = (index: number): Buffer => Buffer.from(`\x93NUMPY ${index}`, 'latin1')
  const names = Array.from({ length: 20 }, (_, index) => `${index}.npy`)
  for (const [index, name] of names.entries()) writeFileSync(join(arrays, name), bytes(index))
  writeFileSync(join(arrays, 'locked.zip'), lockedZip())
  // the last is of another class than the one before, whose bytes it has
  writeFileSync(join(arrays, '19.npy'), bytes(18))
  const lines = names.map((name, index) => `${name},${index < 19 ? 'dog' : 'cat'}`)
  writeFileSync(join(arrays, 'labels.csv'), ['file,label', ...lines, ''].join('\n'))
  const hashOf = (index: number, label: string): string =>
    sha256Of(Buffer.from(JSON.stringify(['digest', sha256Of(bytes(index)), 'label', label]))).slice('sha256:'.length)
  const rows = [
    { hash: hashOf(5, 'dog'), verdict: 'bad' as const },
    { hash: hashOf(6, 'cat'), verdict: 'bad' as const }, // it is a dog
  ]
  const looks = memoryOf(new Map())
  for (let time = 0; time < 2; time += 1) {
    const { report, files, names: looked } = await look(looks, { label: 'labels.csv', judged: [{ rows }] }, arrays)
    const found = (wanted: string) => report.checks.find(({ name }) => name === wanted)
    assert.deepEqual([found('review/bad-rows')?.verdict, found('review/bad-rows')?.rows], ['fail', ['5.npy']])
    assert.deepEqual(found('poison/contradiction')?.rows, ['18.npy', '19.npy'])
    assert.ok(time === 0 || files <= 10, 'the others are remembered')
    assert.ok(looked.includes('locked.zip'), 'what nobody could look into is no memory')
  }
})

test('pixels that can be remembered are told, and no others: of an approved folder nobody has digests', async () => {
  const real = boxRunner(join(folder, 'boxes'))
  const files = readdirSync(images, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.png'))
  const told: boolean[][] = []
  await validateDataset(
    images,
    { now: new Date(0), examples: 0, profile: false, seed: 0, anchor: { kind: 'folder', path: images, files } },
    {
      ...defaultLimits,
      scratchRoot: join(folder, 'scratch'),
      looks: memoryOf(new Map()),
      runBox: async (task) => {
        const result = await real(task)
        const answer = JSON.parse(readFileSync(join(task.writable.source, 'answer.json'), 'utf8')) as FilesAnswer
        told.push(...[answer.files, answer.anchor].map((seen) => seen.map(({ grey }) => grey !== undefined)))
        return result
      },
    },
  )
  assert.deepEqual(told, [Array.from({ length: count }, () => true), Array.from({ length: count }, () => false)])
})

test('beside approved images files fail that cannot be compared and were not approved where they lie; those that were do not', async (context) => {
  const [approved, version] = ['approved', 'version'].map((name) => join(folder, name)) as [string, string]
  context.after(() => rmSync(approved, { recursive: true, force: true }))
  cpSync(images, approved, { recursive: true })
  writeFileSync(join(approved, 'cats', 'notes.txt'), 'taken in spring')
  cpSync(approved, version, { recursive: true })
  const anchor = {
    kind: 'folder' as const,
    path: approved,
    files: readdirSync(approved, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.includes('.'))
      .toSorted(),
  }
  const told = async (): Promise<unknown> => {
    const { checks } = (await look(undefined, { anchor }, version)).report
    return checks.flatMap(({ name, verdict, rows }) => (name === 'drift/files' ? [verdict, ...rows] : []))
  }
  assert.deepEqual(await told(), ['pass'])
  writeFileSync(join(version, 'dogs', 'x.npy'), Buffer.concat([Buffer.from([0x93]), Buffer.from('NUMPY noise')]))
  // approved bytes, in another class
  renameSync(join(version, 'cats', 'notes.txt'), join(version, 'dogs', 'notes.txt'))
  assert.deepEqual(await told(), ['fail', 'dogs/notes.txt', 'dogs/x.npy'])
})

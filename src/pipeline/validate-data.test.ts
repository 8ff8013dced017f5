import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  defaultLimits,
  digestPath,
  printBaseline,
  type Questions,
  seePath,
  type ValidatorOptions,
  validateDataset,
} from '../data/index.ts'
import { boxRunner, type StoppableCaller, validateData } from './validate-data.fs.ts'

let folder: string
let table: string
before(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'assay-validator-')))
  mkdirSync(join(folder, 'scratch'))
  table = join(folder, 't.csv')
  const line = 'word,another word,7\n'
  writeFileSync(table, `a,b,c\n${line.repeat(200_000)}`)
})
after(() => rmSync(folder, { recursive: true, force: true }))

const questions: Questions = { now: new Date(0), examples: 0, profile: false, seed: 1 }
const options = (changes: Partial<ValidatorOptions> = {}): ValidatorOptions => ({
  ...defaultLimits,
  runBox: boxRunner(join(folder, 'boxes')),
  scratchRoot: join(folder, 'scratch'),
  ...changes,
})

describe('the validator in its sandbox', () => {
  test('reads a table, and leaves nothing behind', async () => {
    const report = await validateDataset(table, questions, options())
    assert.deepEqual([report.verdict, report.rows], ['pass', 200_000])
  })

  test('that takes too long is ended, and the data has no verdict', async () => {
    await assert.rejects(validateDataset(table, questions, options({ timeMs: 50 })), { code: 'ERR_DATA_LIMIT' })
  })

  test('that takes too much memory is ended, or ends itself, and the data has no verdict', async () => {
    const small = options({ memoryBytes: 48 * 1024 ** 2 })
    await assert.rejects(validateDataset(table, questions, small), (error: Readonly<{ code: string }>) =>
      ['ERR_DATA_LIMIT', 'ERR_DATA_VALIDATOR_FAILED'].includes(error.code),
    )
  })

  test('whose answer is not in its shape is not believed', async () => {
    const lying = options({
      runBox: (task) => {
        writeFileSync(join(task.writable.source, 'answer.json'), '{"rows":1,"checks":[{"verdict":"pass"}],"unseen":[]}')
        return Promise.resolve({ end: { kind: 'exited', code: 0 }, tail: [] })
      },
    })
    await assert.rejects(validateDataset(table, questions, lying), { code: 'ERR_DATA_VALIDATOR_FAILED' })
  })

  test('may answer at the length that two large folders of images take, and no longer', async () => {
    const real = boxRunner(join(folder, 'boxes'))
    const lengthened = (lengthen: (answer: string) => void): ValidatorOptions =>
      options({
        runBox: async (task) => {
          const result = await real(task)
          lengthen(join(task.writable.source, 'answer.json'))
          return result
        },
      })
    const values = Array.from({ length: 40 }, () => 'x'.repeat(2000))
    const rows = Array.from({ length: 1000 }, () => ({ row: 1, values }))
    const long = lengthened((path) => {
      const answer = JSON.parse(readFileSync(path, 'utf8')) as object
      writeFileSync(path, JSON.stringify({ ...answer, examples: { columns: [], rows } }))
    })
    assert.equal((await validateDataset(table, questions, long)).verdict, 'pass')
    const endless = lengthened((answer) => truncateSync(answer, 193 * 1024 ** 2))
    await assert.rejects(validateDataset(table, questions, endless), /of a size that is read/)
  })

  test('that ends without an answer is no pass', async () => {
    const silent = options({ runBox: () => Promise.resolve({ end: { kind: 'exited', code: 0 }, tail: [] }) })
    await assert.rejects(validateDataset(table, questions, silent), { code: 'ERR_DATA_VALIDATOR_FAILED' })
    const dead = options({ runBox: () => Promise.resolve({ end: { kind: 'signalled', signal: 'SIGSEGV' }, tail: [] }) })
    await assert.rejects(validateDataset(table, questions, dead), { code: 'ERR_DATA_VALIDATOR_FAILED' })
  })

  test('sees a file that changes while it is read', async () => {
    const real = boxRunner(join(folder, 'boxes'))
    const changing = options({
      runBox: async (task) => {
        const result = await real(task)
        writeFileSync(table, 'a,b,c\n1,2,3\n')
        return result
      },
    })
    const seen = await seePath(table)
    await assert.rejects(validateDataset(table, questions, changing), { code: 'ERR_DATA_CHANGED' })
    // what somebody had seen before it changed is not told of what was looked into
    await assert.rejects(validateDataset(table, questions, { ...options(), seen }), { code: 'ERR_DATA_CHANGED' })
    const now = await seePath(table)
    const report = await validateDataset(table, questions, { ...options(), seen: now })
    assert.deepEqual([report.rows, report.content], [1, now.content])
  })
})

test('files beside a baseline that they cannot be compared with fail where nobody but the command names it', async (context) => {
  const place = realpathSync(mkdtempSync(join(tmpdir(), 'assay-given-')))
  context.after(() => rmSync(place, { recursive: true, force: true }))
  for (const [name, byte] of [
    ['approved', 1],
    ['copy', 1],
    ['noise', 2],
  ] as const) {
    mkdirSync(join(place, name))
    for (const file of ['a.bin', 'b.bin']) writeFileSync(join(place, name, file), Buffer.alloc(100, byte))
  }
  const digest = (await digestPath(join(place, 'approved'))).digest
  const nothing = { label: null, source: null, profile: null, poison: [] }
  writeFileSync(join(place, 'files.json'), printBaseline({ dataset: { digest, rows: 2 }, ...nothing }))
  // as: all that is asked of a caller where there is no project
  const caller = { workingFolder: place, now: () => new Date(0), environment: {} } as unknown as StoppableCaller
  const seen: unknown[] = []
  const asked = [
    ['noise', { baseline: 'approved' }],
    ['noise', { baseline: 'files.json' }],
    ['copy', { baseline: 'approved' }],
    ['noise', {}],
  ] as const
  for (const [path, options] of asked) {
    const { checks } = await validateData(caller, path, options)
    const closed = checks.filter(({ name }) => /^(format|drift|poison\/anchor)/.test(name))
    seen.push(closed.map(({ name, verdict }) => `${name} ${verdict}`).join())
  }
  assert.deepEqual(seen, ['format/baseline fail', 'format/baseline fail', 'drift/bytes pass', ''])
  // a table in several files with a mark that says which of them are read is a folder of files
  mkdirSync(join(place, 'marked'))
  const mark = (name: string, text = '') => writeFileSync(join(place, 'marked', name), text)
  mark('a.csv', 'a\n1\n')
  mark('_committed_7')
  const profile = { version: 1, rows: 1, label: null, columns: [] } as const
  writeFileSync(join(place, 'table.json'), printBaseline({ dataset: { digest, rows: 1 }, ...nothing, profile }))
  const { checks } = await validateData(caller, 'marked', { baseline: 'table.json' })
  assert.match(checks.find(({ name }) => name === 'format/baseline')?.because ?? '', /since `_committed_7` lies among/)
  // TWIN one that is empty, and says that the job is done, leaves it a table, and is part of it
  rmSync(join(place, 'marked/_committed_7'))
  mark('_SUCCESS')
  const done = await validateData(caller, 'marked', {})
  assert.deepEqual([done.rows, done.verdict], [1, 'pass'])
  assert.ok(done.unseen.includes('what a job left beside the files of the table: `_SUCCESS`, which is empty'))
  assert.equal(done.content.kind === 'folder' && done.content.files.length, 2)
})

/**
 * Go's own packages (golang.org/x/mod/sumdb: note and tlog, which the Go checksum database runs on) read our log as it lies
 * on disk: checkpoint, tiles, inclusion, consistency; and refuse a changed one.
 *
 * The first run needs Go and its module proxy; the program is kept below .cache/interop.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { sha256Of } from '../../src/core/index.ts'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { repository } from './environments.ts'

const version = 'v0.25.0'
const cache = join(repository, '.cache/interop', `tlog-reader-${version}`)
const program = join(cache, 'tlog-reader')

before(
  () => {
    if (existsSync(program)) return
    mkdirSync(cache, { recursive: true })
    cpSync(join(import.meta.dirname, 'tlog-reader/main.go'), join(cache, 'main.go'))
    writeFileSync(join(cache, 'go.mod'), `module reader\n\ngo 1.23\n\nrequire golang.org/x/mod ${version}\n`)
    execFileSync('nice', ['-n', '19', 'go', 'build', '-mod=mod', '-o', program, '.'], { cwd: cache, stdio: 'inherit' })
  },
  { timeout: 3_600_000 },
)

test('the Go checksum database’s own code reads our log, entry for entry', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const log = join(project.root, '.assay/log')
  const { key, size: earlier } = await project.json(0, 'tlog', 'append')
  const root = readFileSync(join(log, 'checkpoint'), 'utf8').split('\n')[2] ?? ''
  const files = Array.from({ length: 300 }, (_, at) => join(project.keys, `entry-${at}`))
  for (const file of files) writeFileSync(file, file)
  const { size } = await project.json(0, 'tlog', 'append', ...files)
  assert.equal(size, earlier + 300)

  const read = (folder: string, record: string, index: number) =>
    spawnSync(program, [folder, key, record, String(index), String(earlier), root], { encoding: 'utf8' })
  for (const at of [0, 250, 299]) {
    const honest = read(log, sha256Of(files[at] ?? ''), earlier + at)
    assert.equal(honest.status, 0, honest.stderr)
    assert.equal(Number(honest.stdout), size)
  }
  assert.notEqual(read(log, sha256Of('another'), earlier).status, 0)
  cpSync(log, join(project.keys, 'forged'), { recursive: true })
  const partial = join(project.keys, 'forged/tile/0/001.p')
  const [name = ''] = readdirSync(partial)
  const tile = readFileSync(join(partial, name))
  tile[3] = (tile[3] ?? 0) ^ 1
  writeFileSync(join(partial, name), tile)
  assert.notEqual(read(join(project.keys, 'forged'), sha256Of(files[0] ?? ''), earlier).status, 0)
})

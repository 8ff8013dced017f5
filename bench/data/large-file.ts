/**
 * A large file that is there already: our SHA-256 of it beside OpenSSL's, warm and from the disk, where `cat` says what reading alone takes.
 *
 * Rates by processor time hardly depend on who else works; by the clock they do. The page cache holds a file of 10 GB or
 * not: warm is warm only where it does, and the first round, which does not count, fills it.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Contender, measure, type Timed } from '../measure.ts'

const [, , named = ''] = process.argv
const file = resolve(named)
const { size, blocks } = statSync(file)
if (blocks * 512 < size) throw new Error(`${file} is sparse: nothing would be read from the disk`)

const hasher = JSON.stringify(join(import.meta.dirname, '../../src/data/hash-files.fs.ts'))
const script = `import { hashFiles } from ${hasher}
const [, , file, size] = process.argv
const [outcome] = await hashFiles([file], { scheme: 'sha256', sizes: [Number(size)] })
console.log(JSON.stringify(outcome))
`
const folder = mkdtempSync(join(tmpdir(), 'assay-large-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const hashing = join(folder, 'digest.mjs')
writeFileSync(hashing, script)
const node = [process.execPath, hashing, file, String(size)]
const cwd = import.meta.dirname
const ours: Contender = { name: 'assay', command: node, cwd }
const openssl: Contender = { name: 'openssl', command: ['openssl', 'dgst', '-sha256', file], cwd }
const cat: Contender = { name: 'cat', command: ['cat', file], cwd }

const [answer, theirs] = [ours, openssl].map(
  ({ command: [program = '', ...rest] }) =>
    spawnSync(program, rest, { encoding: 'utf8' }).stdout.match(/[0-9a-f]{64}/)?.[0],
)
if (answer === undefined || answer !== theirs) throw new Error(`two digests: ${answer} and ${theirs}`)

/** Takes this file alone out of the page cache. */
function forget(): void {
  const drop =
    'import os, sys; fd = os.open(sys.argv[1], os.O_RDONLY); os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)'
  spawnSync('python3', ['-c', drop, file])
}

function tell(name: string, { ms, cpuMs, peakKib }: Timed): void {
  const rate = (time: number): string => `${(size / time / 1e6).toFixed(2)} GB/s`
  console.log(`${name}: ${rate(ms)} by the clock, ${rate(cpuMs)} of processor time, ${Math.round(peakKib / 1024)} MiB`)
}

console.log(`${size} bytes, ${blocks * 512} on the disk, ${answer}`)
const warm = [ours, openssl]
for (const [index, timed] of measure(warm, 3).entries()) tell(`warm, ${warm[index]?.name}`, timed)
const cold = [ours, openssl, cat].map((each) => ({ ...each, before: forget }))
for (const [index, timed] of measure(cold, 2).entries()) tell(`from the disk, ${cold[index]?.name}`, timed)

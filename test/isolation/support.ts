/** Sandboxes as root and as an ordinary user, each driven by a process of its own. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, chmodSync, chownSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { after, type TestContext } from 'node:test'
import type {
  BoxCommand,
  BoxEnd,
  Gpus,
  Limits,
  Mount,
  SandboxPolicy,
  StageOutcome,
  StageTask,
} from '../../src/compute/index.ts'
import type { EngineName } from '../../src/core/index.ts'

export type Ask = Readonly<{
  commands: readonly string[]
  files?: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  outs?: readonly string[]
  before?: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  workingDirectory?: string
  mounts?: readonly Mount[]
  /** Absolute folder of an image's tree. */
  tree?: string
  gpus?: Gpus
  variables?: Readonly<Record<string, string>>
  limits?: Partial<Limits>
  network?: StageTask['network']
  secrets?: readonly Readonly<{ name: string; value: string }>[]
  trace?: boolean
  hidden?: readonly string[]
}>

export type Request = Readonly<{
  root: string
  engine: EngineName | 'none'
  asks: readonly Ask[]
  parallel?: boolean
  command?: Omit<BoxCommand, 'workFolder' | 'signal'>
}>

export type Answer = Omit<StageOutcome, 'outs'> &
  Readonly<{
    outs: Readonly<Record<string, string | Readonly<Record<string, string>>>>
    tookMs: number
    policy: SandboxPolicy
  }>

export type Reply = Readonly<{ answers: readonly Answer[]; command?: BoxEnd }>

export type Identity = 'root' | 'user'

const isRoot = process.getuid?.() === 0
const nobody = 65534
/** Whoever runs the tests: root is tried both ways. */
export const identities: readonly Identity[] = isRoot ? ['root', 'user'] : ['user']

/** A scratch folder that belongs to the identity; removed when the test ends. */
export function folderFor(identity: Identity, context: Pick<TestContext, 'after'>): string {
  const folder = mkdtempSync(join(tmpdir(), 'assay-isolation-'))
  // INVARIANT: as root the folder stays closed to others, as a project in /root is
  chmodSync(folder, 0o700)
  if (isRoot && identity === 'user') chownSync(folder, nobody, nobody)
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export type Driver = Readonly<{
  process: ChildProcess
  ask(request: Request): Promise<Reply>
  /** Everything on stderr so far: the stages' output. */
  said(): string
  done: Promise<Readonly<{ code: number | null; signal: string | null }>>
}>

export type DriveOptions = Readonly<{
  environment?: Readonly<Record<string, string>>
  /** Descriptors that a careless caller left open: number in the child -> own descriptor. */
  inherited?: Readonly<Record<number, number>>
}>

export function startDriver(identity: Identity, options: DriveOptions = {}): Driver {
  const drop =
    isRoot && identity === 'user' ? ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--'] : []
  const [program = '', ...args] = [...drop, process.execPath, join(import.meta.dirname, 'drive.ts')]
  const highest = Math.max(2, ...Object.keys(options.inherited ?? {}).map(Number))
  const stdio = Array.from({ length: highest + 1 }, (_, fd) =>
    fd <= 2 ? 'pipe' : (options.inherited?.[fd] ?? 'ignore'),
  )
  const child: ChildProcess = spawn(program, args, {
    stdio,
    detached: true,
    env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', ...options.environment },
  })
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const done = new Promise<Awaited<Driver['done']>>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  const waiting: ((reply: Reply) => void)[] = []
  const lines = createInterface({ input: child.stdout ?? Readable.from([]) })
  lines.on('line', (line) => waiting.shift()?.(JSON.parse(line) as Reply)) // printed by drive.ts
  const ask = (request: Request): Promise<Reply> =>
    new Promise((resolve, reject) => {
      waiting.push(resolve)
      child.stdin?.write(`${JSON.stringify(request)}\n`)
      done.then(({ code }) => reject(new Error(`the driver ended with ${code}: ${said.slice(-4000)}`)), reject)
    })
  return { process: child, ask, said: () => said, done }
}

const shared = new Map<Identity, Driver>()
after(() => {
  for (const driver of shared.values()) driver.process.stdin?.end()
})

/** Asks the identity's own driver, or, where the surroundings matter, one that is started for it. */
async function reply(identity: Identity, request: Request, options: DriveOptions): Promise<Reply> {
  if (Object.keys(options).length > 0) {
    const driver = startDriver(identity, options)
    const answer = await driver.ask(request)
    driver.process.stdin?.end()
    return answer
  }
  const known = shared.get(identity) ?? startDriver(identity)
  shared.set(identity, known)
  return known.ask(request)
}

/** Runs stages one after another (or at once) and returns what came of them. */
export async function drive(
  identity: Identity,
  context: TestContext,
  asks: readonly Ask[],
  more: Partial<Request> = {},
  options: DriveOptions = {},
): Promise<readonly Answer[]> {
  const root = more.root ?? folderFor(identity, context)
  return (await reply(identity, { engine: 'bubblewrap', asks, ...more, root }, options)).answers
}

export async function driveOne(
  identity: Identity,
  context: TestContext,
  ask: Ask,
  more: Partial<Request> = {},
  options: DriveOptions = {},
): Promise<Answer> {
  const [answer] = await drive(identity, context, [ask], more, options)
  assert.ok(answer)
  return answer
}

/** The same, in an engine. */
export function driverOf(engine: EngineName): Readonly<{ drive: typeof drive; driveOne: typeof driveOne }> {
  return {
    drive: (identity, context, asks, more = {}, options = {}) =>
      drive(identity, context, asks, { engine, ...more }, options),
    driveOne: (identity, context, ask, more = {}, options = {}) =>
      driveOne(identity, context, ask, { engine, ...more }, options),
  }
}

/** Runs one command by `runInBox`. */
export async function driveCommand(
  identity: Identity,
  root: string,
  command: NonNullable<Request['command']>,
): Promise<BoxEnd> {
  const { command: end } = await reply(identity, { root, engine: 'bubblewrap', asks: [], command }, {})
  assert.ok(end)
  return end
}

/** Whether an ordinary user may read this checkout: a test that runs as one needs that. */
export function canNobodyRead(): boolean {
  if (!isRoot) return true
  try {
    accessSync(process.execPath, constants.R_OK)
  } catch {
    return false
  }
  return !process.execPath.startsWith('/root/') && !import.meta.dirname.startsWith('/root/')
}

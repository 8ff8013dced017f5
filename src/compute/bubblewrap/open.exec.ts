/** Opens the engine: inspects the machine, tries a box on it, names the policy. */
import { closeSync, readdirSync, readFileSync } from 'node:fs'
import { DomainError, type Sha256 } from '../../core/index.ts'
import type { Limits, Sandbox, SandboxPolicy, StageTask } from '../sandbox.ts'
import { openBox } from './box.exec.ts'
import { type BoxEngine, plainEngine } from './box-engine.ts'
import { sweepGroups } from './control-group.fs.ts'
import { fileInside } from './inside-root.fs.ts'
import { architectureOf, inspectMachine, type Machine, unavailable } from './machine.exec.ts'
import { recipeDigest } from './policy.ts'
import { runStage } from './run.ts'
import { openSupplies, type Supplies } from './supplies.exec.ts'
import { sweepBoxes } from './sweep.fs.ts'

export type BubblewrapOptions = Readonly<{
  /** Absolute folder for boxes, made when missing; on the file system of the store, so that objects can be linked. */
  workFolder: string
  storeRoot: string
}>

const trialLimits: Limits = {
  cpus: 1,
  memoryBytes: 256 * 1024 ** 2,
  timeMs: 20_000,
  processes: 16,
  outputBytes: 1024 ** 2,
}

/**
 * An engine, tried on this machine a moment ago; what killed runs left is swept first.
 *
 * @throws ERR_SANDBOX_UNAVAILABLE with what to install or enable
 */
export async function openBoxes({ workFolder }: BubblewrapOptions, engine: BoxEngine): Promise<Sandbox> {
  await sweepBoxes(workFolder)
  const { machine, heldBy, supplies } = await openMachine(workFolder, engine)
  return {
    policy: policyOf(machine, heldBy, engine),
    run: async (task, store, observer) => {
      refuseUnsupported(engine, task)
      return runStage(machine, { engine, workFolder, supplies }, task, store, observer)
    },
    [Symbol.dispose]: () => supplies[Symbol.dispose](),
  }
}

/** @throws ERR_ENGINE_UNSUPPORTED */
function refuseUnsupported({ name, traces, needs }: BoxEngine, { trace, root }: StageTask): void {
  if (trace && !traces)
    throw new DomainError('ERR_ENGINE_UNSUPPORTED', `the engine \`${name}\` cannot trace what a stage asks for`, {
      help: 'run without --trace, or with --engine bubblewrap',
    })
  const absent = root === undefined ? undefined : needs.find((path) => fileInside(root.folder, path) === undefined)
  if (absent !== undefined)
    throw new DomainError(
      'ERR_ENGINE_UNSUPPORTED',
      `the engine \`${name}\` needs \`${absent}\`, which the image lacks`,
      {
        help: 'take an image that has util-linux and coreutils (any Debian, Ubuntu or Fedora), or --engine bubblewrap',
      },
    )
}

/** The default engine. @throws ERR_SANDBOX_UNAVAILABLE with what to install or enable */
export function openBubblewrap(options: BubblewrapOptions): Promise<Sandbox> {
  return openBoxes(options, plainEngine)
}

/** The digest of the policy that the engine has here, known without trying it. @throws ERR_SANDBOX_UNAVAILABLE */
export function bubblewrapRecipe(): Sha256 {
  return recipeDigest(architectureOf(process.arch))
}

/** `supplies` are the caller's to dispose of. */
export type OpenedMachine = Readonly<{ machine: Machine; heldBy: string; supplies: Supplies }>

/** @throws ERR_SANDBOX_UNAVAILABLE */
export async function openMachine(workFolder: string, engine: BoxEngine = plainEngine): Promise<OpenedMachine> {
  closeInheritedDescriptors()
  const machine = await inspectMachine()
  for (const place of machine.groups) sweepGroups(place)
  using undo = new DisposableStack()
  const supplies = undo.use(openSupplies({ workFolder, hostEtc: machine.etc, mkfifo: machine.tools.mkfifo }))
  const tried = await tryMachine(machine, { engine, workFolder, supplies })
  undo.move()
  return { ...tried, supplies }
}

type BoxPlace = Readonly<{ engine: BoxEngine; workFolder: string; supplies: Supplies }>

async function tryMachine(machine: Machine, place: BoxPlace): Promise<Omit<OpenedMachine, 'supplies'>> {
  const heldBy = await tryBox(machine, place)
  if (heldBy !== undefined) return { machine, heldBy }
  // a control group may be made and still not be entered: then limits are held by other means
  const without = { ...machine, groups: [] }
  const second = await tryBox(without, place)
  if (second === undefined)
    throw unavailable(
      'a trial sandbox did not start',
      'see whether your system lets ordinary users make user namespaces (docs/reference/isolation.md)',
    )
  return { machine: without, heldBy: second }
}

/** Runs `true` in a box. @returns what held the limits, undefined when control groups could not be entered */
async function tryBox(machine: Machine, place: BoxPlace): Promise<string | undefined> {
  await using box = await openBox(machine, {
    ...place,
    limits: trialLimits,
    traced: false,
    onOutput: () => undefined,
  })
  const launched = box.launch({
    binds: [],
    workingDirectory: '/',
    variables: {},
    command: ['/bin/sh', '-c', 'exit 0'],
    scratch: [],
    ready: Promise.resolve(),
    signal: new AbortController().signal,
  })
  try {
    const { end } = await launched
    if (end.kind === 'exited' && end.code === 0) return box.heldBy
  } catch (error) {
    if (box.heldBy === 'rlimits') throw explained(error)
  }
  return undefined
}

/** What usually stands in the way, by the kernel's own switches. */
function explained(error: unknown): unknown {
  const because = error instanceof Error ? error.message : ''
  for (const [file, off, help] of switches) {
    if (readOr(file).trim() === off)
      return unavailable(
        `user namespaces are switched off by ${file}${because === '' ? '' : `; ${because}`}`,
        help,
        error,
      )
  }
  return error
}

const switches = [
  ['/proc/sys/user/max_user_namespaces', '0', 'as root: sysctl user.max_user_namespaces=15000'],
  ['/proc/sys/kernel/unprivileged_userns_clone', '0', 'as root: sysctl kernel.unprivileged_userns_clone=1'],
  [
    '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    '1',
    'as root: install an AppArmor profile for bwrap that allows userns (apparmor-profiles), or sysctl kernel.apparmor_restrict_unprivileged_userns=0',
  ],
] as const

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // INVARIANT: a kernel without the switch is not switched off.
  }
}

/**
 * THREAT: a descriptor that assay's caller left open would be open in the stage too, and libuv marks only the low ones.
 * SOURCE: proc(5), fdinfo: flags in octal, 02000000 is O_CLOEXEC.
 */
function closeInheritedDescriptors(): void {
  const closeOnExec = 0o2000000
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name)
    const flags = /^flags:\s+([0-7]+)/m.exec(readOr(`/proc/self/fdinfo/${name}`))?.[1]
    if (fd <= 2 || flags === undefined || (Number.parseInt(flags, 8) & closeOnExec) !== 0) continue
    closeSync(fd)
  }
}

function policyOf(machine: Machine, heldBy: string, engine: BoxEngine): SandboxPolicy {
  return {
    engine: engine.name,
    digest: engine.recipe(machine.architecture),
    facts: {
      isolated: true,
      bubblewrap: machine.bwrapVersion,
      architecture: machine.architecture,
      ...engine.facts(machine.architecture),
      network: 'none',
      dropsUid: machine.dropsUid,
      limitsHeldBy: heldBy,
      observesOpens: machine.tools.inotifywait !== undefined,
    },
  }
}

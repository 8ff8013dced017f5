/**
 * A box: user id, folder, control group and log of one sandbox, and the one launch it is for.
 *
 * Everything that it took is given back when it is disposed of, whatever happened.
 */
import { randomUUID } from 'node:crypto'
import {
  chownSync,
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { isInside } from '../../core/index.ts'
import type { Traffic } from '../egress/index.ts'
import type { Gpus, Limits, StageEnd } from '../sandbox.ts'
import type { Finder, Secret } from '../secrets/index.ts'
import { type BoxEngine, engineFolder, type Frame, type FrameRequest } from './box-engine.ts'
import { type BoxFolder, makeBoxFolder, makeFolder, openFilled } from './box-folder.fs.ts'
import { chainOf, type Relocation, relocator } from './chain.ts'
import { type ControlGroup, type GroupUsage, makeControlGroup, newGroupName } from './control-group.fs.ts'
import { disksFor } from './disks.fs.ts'
import { type EngineReport, openReport } from './engine-report.exec.ts'
import { heldWhere, ioHeldBy } from './hold-io.fs.ts'
import { fileInside } from './inside-root.fs.ts'
import { type Launched, launchBox } from './launch.exec.ts'
import { type Machine, meetingPlace } from './machine.exec.ts'
import { type OnOutput, type OutputLog, openOutputLog, openStageInput, type StageInput } from './output.exec.ts'
import { type Bind, type BoxPlan, descriptors, type SystemLayout } from './recipe.ts'
import { seccompProgram } from './seccomp.ts'
import type { Fifo, Supplies } from './supplies.exec.ts'
import { takeUidSlot, type UidSlot } from './uid-slot.exec.ts'
import type { LookUnseen } from './written.fs.ts'

export type BoxOptions = Readonly<{
  engine: BoxEngine
  workFolder: string
  supplies: Supplies
  limits: Limits
  traced: boolean
  /** Hosts are on its list. */
  letOut?: boolean
  onOutput: OnOutput
  /** Spellings that are replaced in all that is printed. Left out: nothing is looked for. */
  finder?(): Finder
  /** A shell: stderr apart, a stdin, and no log. */
  shell?: Readonly<{ onErrors: OnOutput }>
}>

export type BoxLaunch = Readonly<{
  binds: readonly Bind[]
  /** Absolute folder of an image's tree. */
  root?: string
  workingDirectory: string
  variables: Readonly<Record<string, string>>
  command: readonly string[]
  /** Absolute paths inside of what is collected afterwards. */
  outs?: readonly string[]
  /** Host folders that the command may write, to be held to the limit of bytes. */
  scratch: readonly string[]
  ready: Promise<unknown>
  secrets?: readonly Secret[]
  gpus?: Gpus
  enter?(pid: number): Promise<void>
  traffic?(): Traffic
  signal: AbortSignal
  onStart?(pid: number): void
  /** Nothing of the command is alive any more, and what it wrote was not looked at since. */
  onOver?(): void
  lookUnseen?: LookUnseen
}>

export type Box = AsyncDisposable &
  Readonly<{
    folder: BoxFolder
    /** Owner of what the stage writes; undefined when that is the caller. */
    uid: number | undefined
    log: OutputLog
    /** Of a shell: where its stdin comes from. */
    input?: StageInput
    heldBy: string
    /** As in `ResourceUse`; undefined for limits without one of I/O. */
    ioHeldBy(): string | undefined
    usage(): GroupUsage
    /** What strace wrote, one character a byte; `isCut` when that is more. */
    readTrace(maxBytes: number): Readonly<{ text: string; isCut: boolean }>
    launch(what: BoxLaunch): Promise<Launched>
    /** Ends what was launched; the first end counts. */
    end(end: StageEnd): void
  }>

/** @throws ERR_SANDBOX_UNAVAILABLE, ERR_IO */
export async function openBox(machine: Machine, options: BoxOptions): Promise<Box> {
  await using undo = new AsyncDisposableStack()
  const slot: UidSlot | undefined = machine.dropsUid ? await takeUidSlot() : undefined
  if (slot !== undefined) undo.defer(() => slot.release())
  const folder = makeBoxFolder(options.workFolder, slot?.uid)
  undo.defer(() => folder.remove())
  const group = openGroup(machine, withOwn(options.limits, options.engine.own), options.workFolder)
  if (group !== undefined) {
    writeFileSync(join(folder.record, 'groups'), group.folders.join('\n'), { mode: 0o600 })
    undo.defer(() => group.remove())
  }
  let stop: (end: StageEnd) => void = () => undefined
  const onOverLimit = (): void =>
    stop({ kind: 'limit', limit: 'output', because: 'its output is over the limit of a log' })
  const newFifo = (): Promise<Fifo> => options.supplies.fifo(slot?.uid)
  const log = openOutputLog(folder, {
    fifo: await newFifo(),
    name: 'log',
    onOutput: options.onOutput,
    ...(options.finder === undefined ? {} : { finder: options.finder() }),
    ...(options.shell === undefined ? { onOverLimit } : {}),
  })
  undo.defer(() => log.close())
  const more = options.shell === undefined ? {} : await openShellStreams(folder, options, newFifo, undo)
  const listener = options.engine.listen?.(options.letOut === true)
  const report = listener === undefined ? undefined : openReport(await newFifo(), listener)
  undo.defer(() => report?.close())
  let launched = group
  const held = undo.move()
  return {
    folder,
    uid: slot?.uid,
    log,
    ...more,
    heldBy: group?.heldBy ?? 'rlimits',
    ioHeldBy: () => ioHeldBy(options.limits, launched),
    usage: () => group?.usage() ?? {},
    readTrace: (maxBytes) => readStart(traceFileOf(folder), maxBytes),
    launch: (what) => {
      launched = heldWhere(group, options, machine.system, what)
      const opened = { machine, options, folder, uid: slot?.uid, group: launched, log, ...more, report }
      return launchIn({ ...opened, onStop: (end) => (stop = end) }, what)
    },
    end: (end) => stop(end),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

type ShellStreams = Readonly<{ errors: OutputLog; input: StageInput }>

async function openShellStreams(
  folder: BoxFolder,
  { shell, finder }: BoxOptions,
  newFifo: () => Promise<Fifo>,
  undo: AsyncDisposableStack,
): Promise<ShellStreams> {
  const errors = openOutputLog(folder, {
    ...(finder === undefined ? {} : { finder: finder() }),
    ...{ fifo: await newFifo(), name: 'errors', onOutput: shell?.onErrors ?? (() => undefined) },
  })
  undo.defer(() => errors.close())
  const input = openStageInput(await newFifo())
  undo.defer(() => void input.writer.destroy())
  return { errors, input }
}

/** What the engine itself uses is charged with what the stage uses. */
function withOwn(limits: Limits, own: BoxEngine['own']): Limits {
  return {
    ...limits,
    memoryBytes: limits.memoryBytes + own.memoryBytes,
    processes: limits.processes + own.processes,
  }
}

function openGroup(machine: Machine, limits: Limits, workFolder: string): ControlGroup | undefined {
  const disks = limits.ioBytesPerSecond === undefined ? [] : disksFor(workFolder)
  const name = newGroupName()
  for (const place of machine.groups) {
    const group = makeControlGroup(place, name, limits, disks)
    if (group !== undefined) return group
  }
  return undefined
}

type Opened = Readonly<{
  machine: Machine
  options: BoxOptions
  folder: BoxFolder
  uid: number | undefined
  group: ControlGroup | undefined
  log: OutputLog
  errors?: OutputLog
  input?: StageInput
  report: EngineReport | undefined
  onStop(stop: (end: StageEnd) => void): void
}>

async function launchIn(box: Opened, what: BoxLaunch): Promise<Launched> {
  const { machine, options, folder, uid, group, log, report } = box
  // the folder of the box is the user's own: all in it is reached as the folder is
  const canReach = (path: string): boolean =>
    uid === undefined || canOthersReach(isInside(path, folder.path) ? folder.path : path)
  const place = canReach(folder.path) ? makeFolder(join(folder.path, 'meet')) : meetingPlace
  const { reach, relocations } = relocator(place, canReach, kindOfPath)
  reach(folder.path)
  const bind = (each: Bind): Bind => ({ ...each, source: reach(each.source) })
  const bootIdFile = join(folder.path, 'boot-id')
  writeFileSync(bootIdFile, `${randomUUID()}\n`, { mode: 0o444 })
  const plan: BoxPlan = {
    system: what.gpus?.vendor === 'nvidia' ? withDriver(machine.system) : machine.system,
    ...(what.root === undefined ? {} : { root: reach(what.root) }),
    etcFolder: reach(options.supplies.etc(options.traced)),
    etc: machine.etc,
    bootIdFile: reach(bootIdFile),
    binds: (what.root === undefined ? what.binds.filter(isNeeded) : what.binds).map(bind),
    workingDirectory: what.workingDirectory,
    variables: what.variables,
    memoryBytes: options.limits.memoryBytes,
    outputBytes: options.limits.outputBytes,
    ...(what.secrets === undefined ? {} : { secrets: what.secrets.map(({ name }) => name) }),
    ...(options.letOut === undefined ? {} : { letOut: options.letOut }),
  }
  const frame = options.engine.frame({
    ...{ plan, command: what.command, limits: options.limits, outs: what.outs ?? [], reach },
    ...{ openFiles: machine.openFiles, architecture: machine.architecture, prlimit: machine.tools.prlimit },
    hasGroup: group !== undefined,
    etcOfRoot: what.root === undefined ? [] : entriesOfEtc(what.root),
  })
  const args = [...frame.arguments, ...engineFiles(folder, frame.files, reach)]
  if (place !== meetingPlace) for (const relocation of relocations) makeTarget(relocation)
  const argv = chainOf({
    tools: machine.tools,
    groupEntries: group?.entries ?? [],
    relocations,
    meetingPlace: place === meetingPlace ? place : undefined,
    uid,
    groups: what.gpus?.groups ?? [],
    fileBytes: options.engine.limitsFiles ? undefined : options.limits.outputBytes,
    openFiles: machine.openFiles,
    processors: group === undefined ? processorsFor(options.limits.cpus) : [],
    parentPid: process.pid,
    traceDescriptor: options.traced ? descriptors.trace : undefined,
    command: frame.command,
  })
  return launchBox({
    argv,
    argumentsFile: openFilled(folder, 'arguments', `${args.join('\0')}\0`),
    seccompFile: openFilled(folder, 'seccomp', seccompProgram(machine.architecture)),
    secrets: (what.secrets ?? []).map(({ value }) => value),
    traceFile: options.traced ? openTrace(folder, uid) : undefined,
    ...(report === undefined ? {} : { report }),
    engine: options.engine,
    log,
    ...(box.errors === undefined ? {} : { errors: box.errors }),
    ...(box.input === undefined ? {} : { input: box.input }),
    ...(what.gpus === undefined ? {} : { gpus: what.gpus }),
    ...(what.onStart === undefined ? {} : { onStart: what.onStart }),
    ...(what.onOver === undefined ? {} : { onOver: what.onOver }),
    ...(what.lookUnseen === undefined ? {} : { lookUnseen: what.lookUnseen }),
    ...(what.enter === undefined ? {} : { enter: what.enter }),
    ...(what.traffic === undefined ? {} : { traffic: what.traffic }),
    group,
    limits: options.limits,
    scratch: options.traced ? [...what.scratch, traceFileOf(folder)] : what.scratch,
    shell: fileInside(what.root ?? '/', '/bin/sh') ?? '/bin/sh',
    ready: what.ready,
    signal: what.signal,
    onStop: box.onStop,
  })
}

/** NVIDIA's libraries read there what their driver is. */
function withDriver(system: SystemLayout): SystemLayout {
  return { ...system, maskedFolders: system.maskedFolders.filter((folder) => folder !== '/proc/driver') }
}

function entriesOfEtc(root: string): FrameRequest['etcOfRoot'] {
  const folder = join(root, 'etc')
  return readdirSync(folder, { withFileTypes: true }).map((entry) =>
    entry.isSymbolicLink() ? { name: entry.name, link: readlinkSync(join(folder, entry.name)) } : { name: entry.name },
  )
}

/** Read-only, at `engineFolder`. */
function engineFiles(folder: BoxFolder, files: Frame['files'], reach: (path: string) => string): readonly string[] {
  if (files === undefined) return []
  const place = makeFolder(join(folder.path, 'engine'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(place, name), text, { mode: 0o444, flag: 'wx' })
  return ['--ro-bind', reach(place), engineFolder]
}

/** /usr is there already; binding a part of it onto itself would only cost. */
function isNeeded({ kind, source, target }: Bind): boolean {
  return kind !== 'read-only' || source !== target || !(target === '/usr' || target.startsWith('/usr/'))
}

/** Whether a user without any group may pass every folder above. LIMIT: access control lists are not looked at. */
function canOthersReach(path: string): boolean {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false
    if (folder === '/') return true
  }
}

function makeTarget({ target, kind }: Relocation): void {
  if (kind === 'folder') makeFolder(target)
  else writeFileSync(target, '', { flag: 'wx' })
}

function kindOfPath(path: string): 'file' | 'folder' {
  return statSync(path).isDirectory() ? 'folder' : 'file'
}

function traceFileOf(folder: BoxFolder): string {
  return join(folder.path, 'trace')
}

/** THREAT: a stage can make a trace of any length; it counts with what the stage writes. */
function readStart(file: string, maxBytes: number): Readonly<{ text: string; isCut: boolean }> {
  const fd = openSync(file, 'r')
  try {
    const { size } = fstatSync(fd)
    const bytes = Buffer.alloc(Math.min(size, maxBytes))
    const count = readSync(fd, bytes, 0, bytes.length, 0)
    return { text: bytes.toString('latin1', 0, count), isCut: size > count }
  } finally {
    closeSync(fd)
  }
}

function openTrace(folder: BoxFolder, uid: number | undefined): number {
  const path = traceFileOf(folder)
  const fd = openSync(path, 'wx', 0o600)
  if (uid !== undefined) chownSync(path, uid, uid)
  return fd
}

/** The first `cpus` of the processors that we may use ourselves. */
function processorsFor(cpus: number): readonly number[] {
  const text = /^Cpus_allowed_list:\s+(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''
  const allowed = text.split(',').flatMap((range) => {
    const [from = 0, to = from] = range.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, index) => from + index)
  })
  return allowed.slice(0, Math.max(1, Math.ceil(cpus)))
}

/** A stage in a box, from task to outcome: the main flow of this engine, read top to bottom. */
import { printable, type Sha256 } from '../../core/index.ts'
import type { ObjectStore } from '../../data/index.ts'
import type { EgressRecord, Traffic } from '../egress/index.ts'
import type { OpenedPaths, StageEnd, StageObserver, StageOutcome, StageTask } from '../sandbox.ts'
import { openSearch, type Search } from '../secrets/index.ts'
import { type Box, type BoxOptions, openBox } from './box.exec.ts'
import { inProject } from './box-folder.fs.ts'
import { stageCommand } from './chain.ts'
import { type Collected, collectOuts, describeFault, notPlain } from './collect.fs.ts'
import { type Furnished, furnish } from './furnish.ts'
import { passedIo } from './hold-io.fs.ts'
import { fileInside } from './inside-root.fs.ts'
import type { Launched } from './launch.exec.ts'
import { letOut } from './let-out.exec.ts'
import { type Machine, unavailable } from './machine.exec.ts'
import { type OpenWatch, watchOpens } from './opened.exec.ts'
import { nameOfProgram } from './programs.fs.ts'
import { endOfLog, tailOf } from './tail.ts'
import { parseTrace, type Trace } from './trace.ts'
import { undeclaredReads } from './undeclared.ts'

/** LIMIT: bytes of a trace that are read, and of a log that is searched for undeclared reads. */
const maxTraceBytes = 64 * 1024 * 1024
const searchedLogBytes = 256 * 1024

export async function runStage(
  machine: Machine,
  place: Pick<BoxOptions, 'engine' | 'workFolder' | 'supplies'>,
  task: StageTask,
  store: ObjectStore,
  observer: StageObserver,
): Promise<StageOutcome> {
  if (task.trace && machine.tools.strace === undefined)
    throw unavailable('strace is missing, which --trace looks with', 'install strace')
  const search = openSearch(task.secrets, task.harmlessCredentials)
  await using box = await openBox(machine, {
    ...place,
    limits: task.limits,
    traced: task.trace,
    letOut: task.network.allowed.length > 0,
    onOutput: observer.onOutput,
    finder: search.finder,
  })
  const furnished = await furnish(box, task, store)
  const { scratches } = furnished
  using opens = openWatch(machine, box, furnished)
  await using egress = await letOut(machine, box, task.network, task.limits)
  let opening: ReturnType<OpenWatch['finish']> | undefined
  const launched = await box.launch({
    binds: furnished.binds,
    ...(task.root === undefined ? {} : { root: task.root.folder }),
    workingDirectory: inProject(task.workingDirectory),
    variables: task.variables,
    command: stageCommand(task.commands),
    outs: task.outs.map(({ path }) => inProject(path)),
    scratch: scratches.map(({ path }) => path),
    ready: opens.ready,
    onStart: opens.begin,
    lookUnseen: opens.lookUnseen,
    onOver: () => {
      opening = opens.finish()
      opening.catch(() => undefined) // asked for below, when the rest has ended
    },
    secrets: task.secrets,
    ...(task.gpus === undefined ? {} : { gpus: task.gpus }),
    ...(egress === undefined ? {} : { enter: egress.enter, traffic: egress.traffic }),
    signal: observer.signal,
  })
  observer.onOver?.()
  const opened = await (opening ?? opens.finish())
  const wentOut = await egress?.finish()
  const { digest } = await store.putFile(box.log.fd)
  const collected = await collectOuts(scratches, store, task.limits.outputBytes, search)
  return {
    ...outcomeOf(task, box, { ...launched, egress: wentOut, traffic: egress?.traffic() }, digest),
    ...searchedLog(search, box),
    ...(opened === undefined ? {} : { opened: withMade(opened, collected.discarded) }),
    ...withoutHeld(collected, task, launched.held),
  }
}

/**
 * THREAT: a module that is committed into a folder which the stage made beside its outs, and listed: what is made there is
 * watched by nobody, so it counts as listed.
 */
function withMade({ files, folders }: OpenedPaths, discarded: readonly string[]): OpenedPaths {
  const made = discarded.filter((path) => path.endsWith('/')).map((path) => path.slice(0, -1))
  return { files, folders: [...new Set([...folders, ...made])].sort() }
}

/** Outs with what no collection sees, since the engine keeps it to itself. */
function withoutHeld(collected: Collected, { outs }: StageTask, held: Launched['held']): Collected {
  const faults = held.flatMap(({ out, path: inside }) => {
    const path = outs[out]?.path
    if (path === undefined || collected.faults.some((fault) => fault.path === path)) return []
    const inner = inside.slice(inProject(path).length + 1)
    return [
      { path, because: describeFault(path, { path: inner === '' ? path : `${path}/${inner}`, because: notPlain }) },
    ]
  })
  return {
    ...collected,
    outs: new Map([...collected.outs].filter(([path]) => !faults.some((fault) => fault.path === path))),
    faults: [...collected.faults, ...faults],
  }
}

type Watch = Pick<OpenWatch, 'ready' | 'begin' | 'lookUnseen' | 'finish'> & Disposable

/** Without inotifywait nothing is observed, and the outcome says so by leaving it out. */
function openWatch(machine: Machine, box: Box, { layout, view, scratchPlace }: Furnished): Watch {
  const { inotifywait, setpriv } = machine.tools
  if (inotifywait === undefined) {
    const nothing = (): void => undefined
    return {
      ready: Promise.resolve(),
      begin: nothing,
      lookUnseen: (_, look) => look(),
      finish: async () => undefined,
      [Symbol.dispose]: nothing,
    }
  }
  const copied = layout.scratches.flatMap(({ folder, neighbours }) =>
    neighbours.filter(({ held }) => held === 'copy').map(({ name }) => (folder === '.' ? name : `${folder}/${name}`)),
  )
  const watch = watchOpens({
    inotifywait,
    setpriv,
    box: box.folder,
    view,
    scratchPlace,
    layout,
    maxQueuedEvents: machine.maxQueuedEvents,
  })
  return {
    ready: watch.ready,
    begin: watch.begin,
    lookUnseen: watch.lookUnseen,
    async finish() {
      const opened = await watch.finish()
      // a copy is opened unseen, so it counts as opened
      return opened === undefined ? undefined : { ...opened, files: [...new Set([...opened.files, ...copied])].sort() }
    },
    [Symbol.dispose]: () => watch.close(),
  }
}

function outcomeOf(
  task: StageTask,
  box: Box,
  launched: Launched & Readonly<{ egress: EgressRecord | undefined; traffic: Traffic | undefined }>,
  digest: Sha256,
): Omit<StageOutcome, 'opened' | 'outs' | 'faults' | 'discarded' | 'printedSecrets' | 'harmlessCredentials'> {
  const ioHeldBy = box.ioHeldBy()
  const lines = box.log.readEnd(searchedLogBytes).toString('utf8').split('\n')
  const trace = task.trace ? readTrace(task, box) : undefined
  const missing = new Set(trace?.files.missing)
  const end = endAfter(launched.end, {
    isLogFull: box.log.isOverLimit(),
    network: launched.egress?.limit,
    io: passedIo(task.limits, launched.peaks),
  })
  const endedWell = end.kind === 'exited' && end.code === 0
  const hidden = endedWell && !task.trace ? [] : task.hidden()
  const fromLog = new Set(undeclaredReads(lines, hidden, task.workingDirectory))
  return {
    end,
    startedAt: launched.startedAt,
    finishedAt: launched.finishedAt,
    log: { digest, sizeBytes: box.log.sizeBytes(), tail: tailOf(lines), lines: endOfLog(lines) },
    shell: nameOfProgram(fileInside(task.root?.folder ?? '/', '/bin/sh') ?? '/bin/sh'),
    network: networkOf(task, launched, trace?.destinations ?? []),
    ...(trace === undefined ? {} : { files: trace.files }),
    undeclaredReads: hidden.filter((path) => fromLog.has(path) || missing.has(inProject(path))),
    resources: {
      wallMs: Math.round(launched.wallMs),
      ...launched.peaks,
      ...box.usage(),
      ...launched.traffic,
      heldBy: box.heldBy,
      ...(ioHeldBy === undefined ? {} : { ioHeldBy }),
    },
  }
}

function readTrace({ workingDirectory }: StageTask, box: Box): Trace {
  const { text, isCut } = box.readTrace(maxTraceBytes)
  return parseTrace(text, workingDirectory, isCut)
}

/** Asked when the outs were looked through. */
function searchedLog(search: Search, { log }: Box): Pick<StageOutcome, 'printedSecrets' | 'harmlessCredentials'> {
  return { printedSecrets: search.inLog(log.secrets()), harmlessCredentials: search.harmless() }
}

function networkOf(
  { network: { allowed, permitted } }: StageTask,
  launched: Launched & Readonly<{ egress: EgressRecord | undefined }>,
  destinations: readonly string[],
): StageOutcome['network'] {
  const { deniedAttempts, egress } = launched
  const refused = egress?.refused ?? []
  const named = [
    ...new Set([...refused.map(({ destination }) => destination), ...launched.destinations, ...destinations]),
  ]
  const seen = {
    deniedAttempts: deniedAttempts + refused.length,
    destinations: named.map(printable),
    tier: 'observed',
  } as const
  if (egress === undefined) return seen
  const { connections, more } = egress
  return {
    ...seen,
    allowed,
    ...(permitted.length === 0 ? {} : { permitted }),
    connections,
    ...(more === 0 ? {} : { more }),
  }
}

/** @param passed limits of its proxy and of its I/O, in words: seen late, they hold all the same */
export function endAfter(
  end: StageEnd,
  { isLogFull, network, io }: Readonly<{ isLogFull: boolean; network: string | undefined; io: string | undefined }>,
): StageEnd {
  if (end.kind === 'cancelled') return end
  if (isLogFull) return { kind: 'limit', limit: 'output', because: 'its output is over the limit of a log' }
  if (network !== undefined) return { kind: 'limit', limit: 'network', because: network }
  return io === undefined ? end : { kind: 'limit', limit: 'io', because: io }
}

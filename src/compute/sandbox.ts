/**
 * One stage, isolated: the port. `bubblewrap/` is the default engine; gVisor, podman, Slurm and Kubernetes come behind
 * the same port, with the same evidence.
 *
 * A sandbox gets everything by content and gives everything back by content: it never sees the working tree.
 */
import type { Content, EngineName, Sha256, Tier } from '../core/index.ts'
import type { ObjectStore } from '../data/index.ts'
import type { EgressRecord } from './egress/index.ts'
import type { HarmlessCredential, Leak, Secret } from './secrets/index.ts'

/** A file or folder that the stage may read, at a path of the project. */
export type ViewEntry = Readonly<{ path: string; content: Content; why: 'tracked' | 'dep' | 'params' }>

/** A path that the stage may write. `before` is the previous content of a `persist` out. */
export type OutRequest = Readonly<{ path: string; before?: Content }>

export type Limits = Readonly<{
  cpus: number
  memoryBytes: number
  timeMs: number
  processes: number
  /** Sum over all outs, scratch and /tmp, bytes. */
  outputBytes: number
  /** Processors that it gets, where it asks for any. */
  gpus?: number
  /** Read and written by system calls, in all. */
  ioBytes?: number
  /** Read from disks, and written to them, a second. */
  ioBytesPerSecond?: number
  /** Sent and received over its proxy, in all. */
  networkBytes?: number
  /** Of these, sent. */
  sentBytes?: number
  /** Made by its proxy. */
  connections?: number
}>

/** Read-only host folders that make the interpreter and its packages; `target` is the path inside. */
export type Mount = Readonly<{ source: string; target: string }>

/**
 * An image's root file system in place of the machine's own: then nothing of the host's /usr, /bin, /lib or /etc is there.
 * `folder` is absolute, never written to, and was verified a moment ago; `digest` says what it holds.
 */
export type Root = Readonly<{ folder: string; digest: Sha256 }>

/** GPUs of the machine that one stage gets, absolute paths; nothing of any other is there. */
export type Gpus = Readonly<{
  vendor: 'nvidia' | 'amd'
  /** The device file of each processor. */
  units: readonly string[]
  /** All device files: those of the processors, and those that they share. */
  devices: readonly string[]
  /** Libraries of the driver: read-only at their own paths. */
  libraries: readonly string[]
  /** Groups of devices that not everybody may open. */
  groups: readonly number[]
  /** Of the processors, where the driver tells it. */
  busIds: readonly string[]
}>

export type StageTask = Readonly<{
  runId: string
  stage: string
  /** Shell command lines, run in order, each by `/bin/sh -c`; the first failure ends the stage. */
  commands: readonly string[]
  /** Project path; `/project/<workingDirectory>` inside. */
  workingDirectory: string
  view: readonly ViewEntry[]
  outs: readonly OutRequest[]
  /** Folders that the stage may write and that are thrown away, project paths. */
  scratch?: readonly string[]
  mounts: readonly Mount[]
  /** Left out: the machine's own system folders, as far as the engine shows them. */
  root?: Root
  /** The whole environment of the stage: nothing else is there. */
  variables: Readonly<Record<string, string>>
  limits: Limits
  /** Left out: no GPU. An engine that cannot give it refuses the task. */
  gpus?: Gpus
  network: NetworkRequest
  /** Readable by the stage alone, at `/run/secrets/<name>`, in memory. */
  secrets: readonly Secret[]
  /** Credentials by their fingerprints, and outs, that the definition declares harmless: they are found and not refused. */
  harmlessCredentials: ReadonlySet<string>
  /** Tells what the stage did with files, and names hosts of denied attempts; slower. @throws ERR_SANDBOX_UNAVAILABLE where that cannot be seen */
  trace: boolean
  /** Project paths that exist on the host and are hidden from this stage: asked for when it failed, to name what it read. */
  hidden(): readonly string[]
}>

/** Where a stage is let out to, through a proxy: nowhere when nothing is `allowed`. */
export type NetworkRequest = Readonly<{
  /** `host:port`, as in assay.yaml. */
  allowed: readonly string[]
  /** Subnets of private networks that a name on the list may stand for, by the will of whoever runs assay. */
  permitted: readonly string[]
}>

export type StageEnd =
  | Readonly<{ kind: 'exited'; code: number }>
  | Readonly<{ kind: 'signalled'; signal: string }>
  | Readonly<{ kind: 'limit'; limit: 'time' | 'memory' | 'processes' | 'output' | 'io' | 'network'; because: string }>
  | Readonly<{ kind: 'cancelled' }>

/** A refused out: its bytes are not collected. */
export type OutFault = Readonly<{
  path: string
  because: string
  /** Secrets and other credentials that it holds. */
  leaks?: readonly Leak[]
}>

export type NetworkRecord = Readonly<{
  /** Attempts to leave the sandbox, counted by the kernel; and what the proxy refused, where there is one. */
  deniedAttempts: number
  /** Host names, addresses and ports: those that the proxy refused, and all with `trace`. */
  destinations: readonly string[]
  tier: Tier
  /** Of a stage that is let out. */
  allowed?: readonly string[]
  permitted?: readonly string[]
  connections?: EgressRecord['connections']
  /** Connections and refusals beyond those that are listed. */
  more?: number
}>

/** What the stage opened of its view, seen from outside; absent when it could not be observed whole. */
export type OpenedPaths = Readonly<{ files: readonly string[]; folders: readonly string[] }>

/** What a traced stage did with files; absolute paths inside the sandbox, sorted. Hostile names are possible. */
export type FileTrace = Readonly<{
  /** Opened to be read or listed, or run. */
  read: readonly string[]
  /** Asked for, and not there or closed. */
  missing: readonly string[]
  /** Where it could not write. */
  refusedWrites: readonly string[]
  /** Whether this is all: what is not in `read` was not read. */
  whole: boolean
}>

/** Looks at equal distances, the first after one distance; a list is missing where the machine does not tell. */
export type ResourceProfile = Readonly<{
  everyMs: number
  /** Since the start. */
  cpuMs?: readonly number[]
  memoryBytes?: readonly number[]
  processes?: readonly number[]
  /** That lie in what it may write. */
  writtenBytes?: readonly number[]
  /** Sums over the GPUs of the stage. */
  gpuPercent?: readonly number[]
  gpuMemoryBytes?: readonly number[]
  /** By system calls, since the start. */
  ioReadBytes?: readonly number[]
  ioWrittenBytes?: readonly number[]
  /** Over the proxy, since the start. */
  sentBytes?: readonly number[]
  receivedBytes?: readonly number[]
}>

export type ResourceUse = Readonly<{
  wallMs: number
  cpuMs?: number
  memoryPeakBytes?: number
  processesPeak?: number
  /** By system calls, from files, pipes and sockets; as of the last look. */
  ioReadBytes?: number
  ioWrittenBytes?: number
  /** Over the proxy, of a stage that has one. */
  sentBytes?: number
  receivedBytes?: number
  /** `cgroup-v2`, `cgroup-v1` or `rlimits`: what held the limits. */
  heldBy: string
  /** What held the limit of I/O, of a stage that has one: as `heldBy`, or `supervision`. */
  ioHeldBy?: string
  /** Names of the program files that ran: the shell that a stage is started by, and what was seen; what ended between two looks was not. */
  programs?: readonly string[]
  profile?: ResourceProfile
}>

export type StageOutcome = Readonly<{
  end: StageEnd
  startedAt: Date
  finishedAt: Date
  /** stdout and stderr as one stream, in the store. */
  log: Readonly<{
    digest: Sha256
    sizeBytes: number
    /** The last lines, printable, for people. */
    tail: readonly string[]
    /** More of its end, as it is, to find out why a command failed. */
    lines: readonly string[]
  }>
  /** Collected outs by project path; an out that the stage did not make is missing here. */
  outs: ReadonlyMap<string, Content>
  faults: readonly OutFault[]
  network: NetworkRecord
  /** Secrets and other credentials that it printed; the log has names in their place. */
  printedSecrets: readonly Leak[]
  /** Credentials that stand in its log and outs, declared harmless. */
  harmlessCredentials: readonly HarmlessCredential[]
  opened?: OpenedPaths
  /** Of a stage that was traced. */
  files?: FileTrace
  /** Hidden project paths that the stage asked for by name (from the log's tail or the trace). */
  undeclaredReads: readonly string[]
  /** Files written inside the view's scratch that no out declares: thrown away. */
  discarded: readonly string[]
  resources: ResourceUse
  /** Name of the program file that its `/bin/sh` is, by which it was started. */
  shell: string
}>

/** What isolates, for evidence and for the stage's key. */
export type SandboxPolicy = Readonly<{
  engine: EngineName | 'none'
  /** Digest over everything of the recipe that can change what a stage sees or may do. */
  digest: Sha256
  facts: Readonly<Record<string, string | number | boolean>>
}>

export type Sandbox = Disposable &
  Readonly<{
    policy: SandboxPolicy
    /**
     * Runs one stage and returns when nothing of it is alive any more. A stage that fails is an outcome, not a fault.
     *
     * @throws ERR_SANDBOX_UNAVAILABLE when this machine cannot isolate; nothing has run then
     */
    run(task: StageTask, store: ObjectStore, observer: StageObserver): Promise<StageOutcome>
  }>

export type StageObserver = Readonly<{
  onOutput(chunk: Buffer): void
  /** Nothing of the stage is alive any more; its outs are still to be collected. */
  onOver?(): void
  /** Ends the stage; the outcome is `cancelled`. */
  signal: AbortSignal
}>

/**
 * The programs that stand between assay and bubblewrap, each replacing the one before (one pid): pure.
 *
 *   [unshare (private mounts, as root) ->] sh (enter control groups, bind what the user id cannot reach) -> prlimit ->
 *   setpriv (drop the user, die with assay) -> sh (is assay still there?) -> [strace ->] bubblewrap
 */
import { join } from 'node:path'
import { descriptors } from './recipe.ts'

export type Relocation = Readonly<{ source: string; target: string; kind: 'file' | 'folder' }>

export type Chain = Readonly<{
  tools: Readonly<{
    bwrap: string
    setpriv: string
    prlimit: string
    unshare?: string
    mount?: string
    taskset?: string
    strace?: string
  }>
  /** Files of control groups that take the pid. Empty: limits are held by other means. */
  groupEntries: readonly string[]
  /** Made in a mount namespace of its own. */
  relocations: readonly Relocation[]
  /** Folder of the targets, to be made in that namespace; undefined when they are there. */
  meetingPlace: string | undefined
  /** User and group to become; undefined keeps the caller's. */
  uid: number | undefined
  /** Groups that it keeps beside: those of the devices that a stage is given. */
  groups?: readonly number[]
  /** Bytes of one file; undefined when the engine holds that by itself. */
  fileBytes: number | undefined
  openFiles: number
  /** Processors to stay on, when no control group holds the time. */
  processors: readonly number[]
  parentPid: number
  /** Descriptor that strace writes to. */
  traceDescriptor: number | undefined
  /** What bubblewrap starts. */
  command: readonly string[]
}>

const shell = '/bin/sh'

/** Each step takes its arguments up to `--`; then the script becomes the rest. */
const enterGroups = 'while [ "$1" != -- ]; do echo $$ >"$1" || exit 125; shift; done; shift; '
/** THREAT: assay may die before setpriv has asked the kernel to be told; then nobody would end the stage. */
const isParentThere = '[ "$PPID" = "$1" ] || exit 125; shift; exec "$@"'
const bindAll =
  'mount=$1 place=$2; shift 2; [ -z "$place" ] || "$mount" -t tmpfs -o mode=0755,size=64k none "$place" || exit 125; ' +
  'while [ "$1" != -- ]; do [ -z "$place" ] || case $1 in folder) mkdir "$3" ;; *) : >"$3" ;; esac || exit 125; ' +
  '"$mount" --rbind "$2" "$3" || exit 125; shift 3; done; shift; '
/** dash names the limit `p`, where bash has something that cannot be set; bash and BusyBox name it `u`. */
const countedByShell = 'ulimit -p "$1" 2>/dev/null || ulimit -u "$1" || exit 125; shift; "$@"; exit $?'
const becomeTheRest = 'exec "$@"'
const closeThenRun = (descriptor: number): string => `exec ${descriptor}>&-; exec "$@"`

export function chainOf(chain: Chain): readonly string[] {
  const { tools, fileBytes } = chain
  const rlimits = [
    '--core=1:1', // 0 would still hand a dump to a collector of the machine, with the stage's secrets: SOURCE: core(5), Linux fs/coredump.c
    ...(fileBytes === undefined ? [] : [`--fsize=${fileBytes}:${fileBytes}`]),
    `--nofile=${chain.openFiles}:${chain.openFiles}`,
  ]
  const affinity =
    tools.taskset === undefined || chain.processors.length === 0
      ? []
      : [tools.taskset, '-c', chain.processors.join(',')]
  return [
    ...preparation(chain),
    ...affinity,
    ...[tools.prlimit, ...rlimits],
    ...privilegeArguments(chain),
    ...[shell, '-c', isParentThere, 'sh', `${chain.parentPid}`],
    ...traceArguments(chain),
    ...[tools.bwrap, '--args', `${descriptors.arguments}`, '--', ...chain.command],
  ]
}

function preparation({ tools, groupEntries, relocations, meetingPlace = '' }: Chain): readonly string[] {
  const enter = [...groupEntries, '--']
  if (relocations.length === 0 || tools.unshare === undefined || tools.mount === undefined)
    return groupEntries.length === 0 ? [] : [shell, '-c', enterGroups + becomeTheRest, 'sh', ...enter]
  const triples = relocations.flatMap(({ kind, source, target }) => [kind, source, target])
  return [
    ...[tools.unshare, '--mount', '--propagation', 'slave'],
    ...[
      shell,
      '-c',
      enterGroups + bindAll + becomeTheRest,
      'sh',
      ...enter,
      tools.mount,
      meetingPlace,
      ...triples,
      '--',
    ],
  ]
}

function privilegeArguments({ tools, uid, groups = [] }: Chain): readonly string[] {
  const drop =
    uid === undefined
      ? []
      : [
          `--reuid=${uid}`,
          `--regid=${uid}`,
          groups.length === 0 ? '--clear-groups' : `--groups=${groups.join(',')}`,
          '--inh-caps=-all',
          '--ambient-caps=-all',
          '--bounding-set=-all',
        ]
  return [tools.setpriv, ...drop, '--no-new-privs', '--pdeathsig', 'KILL']
}

/** strace is the parent of bubblewrap; its file must not reach the stage. */
function traceArguments({ tools, traceDescriptor }: Chain): readonly string[] {
  if (traceDescriptor === undefined || tools.strace === undefined) return []
  return [
    ...[
      tools.strace,
      '-f',
      '-q',
      '-y',
      '--seccomp-bpf',
      '-e',
      'trace=%file,connect,sendto,sendmmsg',
      '-e',
      'signal=none',
    ],
    ...['-s', '256', '-o', `/proc/self/fd/${traceDescriptor}`],
    ...[shell, '-c', closeThenRun(traceDescriptor), 'sh'],
  ]
}

/**
 * What runs inside: a shell as process 1, which reaps orphans and has nothing to hide.
 *
 * THREAT: bubblewrap's own process 1 would be readable through /proc/1/mem, and knows the host's paths.
 * Without control groups the number of processes is a resource limit, counted in the sandbox's own user namespace, where
 * that shell counts too.
 */
export function boxedCommand(
  command: readonly string[],
  counted: Readonly<{ prlimit: string; processes: number; hasOwnRoot?: boolean }> | undefined,
): readonly string[] {
  // the shell, and one over the limit, so that a stage that goes over can be seen: the kernel tells nobody whom it refused
  const most = (counted?.processes ?? 0) + 2
  if (counted?.hasOwnRoot === true) return [shell, '-c', countedByShell, 'sh', `${most}`, ...command]
  const limited = counted === undefined ? [] : [counted.prlimit, `--nproc=${most}:${most}`]
  return [...limited, shell, '-c', processOneScript, 'sh', ...command]
}

const processOneScript = '"$@"; exit $?'
/** What process 1 runs: also what tells, in a trace, where the stage begins. */
export const processOneScripts: readonly string[] = [processOneScript, countedByShell]

/** One command is the shell's own; several run in order, the first failure ends the stage. */
export function stageCommand(commands: readonly string[]): readonly string[] {
  const [first] = commands
  if (first !== undefined && commands.length === 1) return [shell, '-c', first]
  return [shell, '-c', 'for command do /bin/sh -c "$command" || exit; done', 'sh', ...commands]
}

/**
 * Where a user id without groups cannot reach `path`, its place below `meetingPlace`; otherwise the path itself.
 * Asked once a path; the relocations that came out of it are in `relocations`.
 */
export function relocator(
  meetingPlace: string,
  canReach: (path: string) => boolean,
  kindOf: (path: string) => 'file' | 'folder',
): Readonly<{ reach(path: string): string; relocations: readonly Relocation[] }> {
  const relocations: Relocation[] = []
  return {
    relocations,
    reach(path) {
      if (canReach(path)) return path
      const known = relocations.find(({ source }) => path === source || path.startsWith(`${source}/`))
      if (known !== undefined) return known.target + path.slice(known.source.length)
      const target = join(meetingPlace, `${relocations.length}`)
      relocations.push({ source: path, target, kind: kindOf(path) })
      return target
    },
  }
}

/**
 * The box around another engine: pure. What runs in it sees nothing of the machine but its own program and the root of
 * the stage, at `/box`, made by the same recipe as bubblewrap's own; its network, processes and end are those of the box.
 *
 * The engine needs to be root in a user namespace, to make more namespaces and to mount /proc: so there is no system
 * call filter here, and the box's /proc is bare. The engine keeps both from the stage.
 */
import { type BoxPlan, descriptors, furnishingArguments, scratchArguments, systemArguments } from './recipe.ts'

/** Where the root of the stage lies in the box. */
export const stageRoot = '/box'
/** Empty folders that an engine mounts on. */
const mountPoints = ['/proc', '/sys', '/tmp', '/var/tmp', '/home/stage', '/run']

export type FrameParts = Readonly<{
  /** What the engine itself needs of the machine. */
  own: readonly string[]
  /** What of the root the engine mounts by itself. */
  mountsScratch: boolean
  /** After the root is made. */
  last?: readonly string[]
}>

export function frameArguments(plan: BoxPlan, parts: FrameParts): readonly string[] {
  return [
    ...['--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup', '--unshare-net'],
    ...['--cap-add', 'ALL', '--new-session', '--die-with-parent', '--as-pid-1'],
    ...['--uid', '0', '--gid', '0', '--hostname', 'stage', '--clearenv'],
    ...['--json-status-fd', `${descriptors.status}`, '--block-fd', `${descriptors.block}`],
    ...['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--tmpfs', '/run'],
    ...parts.own,
    ...['--perms', '0755', '--tmpfs', stageRoot],
    ...systemArguments(plan, stageRoot),
    ...(plan.root === undefined ? madePlaces(parts) : ['--size', `${64 * 1024}`, '--tmpfs', `${stageRoot}/run`]),
    ...(parts.mountsScratch ? [] : ['--dev', `${stageRoot}/dev`]),
    ...(parts.mountsScratch ? [] : scratchArguments(plan, stageRoot)),
    ...furnishingArguments(plan, stageRoot),
    ...(parts.last ?? []),
  ]
}

/** An image's root has them. */
function madePlaces({ mountsScratch }: FrameParts): readonly string[] {
  const places = mountsScratch ? [...mountPoints, '/dev'] : mountPoints
  return places.flatMap((folder) => ['--perms', '0755', '--dir', stageRoot + folder])
}

/** Programs that the entry starts one after another before the stage; an image must have them. */
export const entryPrograms = ['/usr/bin/unshare', '/usr/bin/setpriv', '/usr/bin/prlimit']

/**
 * The first process of the stage's pid namespace, which waits for the stage: pure.
 *
 * The stage becomes an ordinary user in a user namespace of its own, with no capability in any set, so that it can
 * neither trace that process nor own what belongs to the box.
 * @param afterwards shell words for when the command ended well
 * SOURCE: user_namespaces(7): mapping the owner needs CAP_SETFCAP in the namespace above, and all capabilities end there.
 */
export function entryOf(
  command: readonly string[],
  limits: Readonly<{ bytes: number; processes: number | undefined }>,
  afterwards = '',
): readonly string[] {
  const { bytes, processes } = limits
  const [unshare = '', setpriv = '', prlimit = ''] = entryPrograms
  return [
    ...['/bin/sh', '-c', afterwards === '' ? '"$@"; exit $?' : `"$@" || exit $?; ${afterwards}exit 0`, 'sh'],
    ...[unshare, '--user', '--map-user=1000', '--map-group=1000', '--keep-caps', '--'],
    ...[setpriv, '--inh-caps=-all', '--ambient-caps=-all', '--bounding-set=-all', '--no-new-privs', '--'],
    ...[
      prlimit,
      `--fsize=${bytes}:${bytes}`,
      ...(processes === undefined ? [] : [`--nproc=${processes}:${processes}`]),
    ],
    ...command,
  ]
}

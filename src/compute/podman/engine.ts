/**
 * How podman runs a stage: as a container of podman and runc, without root, in the box; nothing of it stays on the
 * machine, since all that podman keeps lies in the box's memory. Pure.
 *
 * SOURCE: podman-run(1) 4.3: `--rootfs` writes into the folder unless the container is read-only.
 */
import { digestOfJson, type Sha256 } from '../../core/index.ts'
import {
  type BoxEngine,
  type EngineFacts,
  engineFolder,
  type Frame,
  type FrameRequest,
  type Listener,
} from '../bubblewrap/box-engine.ts'
import { entryOf, entryPrograms, frameArguments, stageRoot } from '../bubblewrap/frame.ts'
import { digestOfFrame } from '../bubblewrap/frame-digest.ts'
import { ociSeccomp } from '../bubblewrap/oci-seccomp.ts'
import { type Bind, type BoxPlan, bindArguments, descriptors, etcFiles } from '../bubblewrap/recipe.ts'
import type { Architecture } from '../bubblewrap/seccomp-calls.ts'

export type PodmanPrograms = Readonly<{ podman: string; runc: string }>

/** Raised when the recipe changes in a way that what is digested does not show. */
const recipeVersion = 1
const state = '/run/podman'
/** Told when there was a container: what podman ended with is then what the command ended with. */
const word = 'started'
/** runc wants a tree of control groups to look at; the limits are held by the box's own, which it cannot leave. */
const prepare = [
  'mount -t cgroup2 none /sys/fs/cgroup || exit 125',
  'echo 1 >/proc/sys/user/max_user_namespaces || exit 125',
].join('; ')
const made = `for file in ${state}/run/*/*/userdata/pidfile; do [ ! -f "$file" ] || echo ${word} >&${descriptors.trace}; done`
const script = `${prepare}; "$@" ${descriptors.trace}>&-; code=$?; ${made}; exit $code`

export function podmanEngine(programs: PodmanPrograms, facts: EngineFacts): BoxEngine {
  return {
    name: 'podman',
    facts: (architecture) => ({ ...facts, seccomp: digestOfJson(ociSeccomp(architecture, 'shared')) }),
    recipe: podmanRecipe,
    frame: (request) => frameOf(programs, request),
    own: { memoryBytes: 96 * 1024 ** 2, processes: 96 },
    limitsFiles: true,
    needs: ['/usr/bin/env', ...entryPrograms],
    traces: false,
    processes: 'within',
    root: stageRoot,
    listen: listenToBox,
  }
}

function listenToBox(): Listener {
  let started = false
  return {
    take: (line) => {
      started ||= line === word
    },
    told: () => ({ started, deniedAttempts: 0, destinations: [], programs: [], crowded: false, held: [] }),
  }
}

function frameOf(programs: PodmanPrograms, { plan, command, limits, architecture, etcOfRoot }: FrameRequest): Frame {
  const variables = Object.entries(plan.variables).map(([name, value]) => `${name}=${value}`)
  return {
    arguments: frameArguments(plan, {
      own: ownArguments(plan),
      mountsScratch: false,
      last: etcArguments(plan, etcOfRoot),
    }),
    command: [
      ...['/bin/sh', '-c', script, 'sh', programs.podman],
      ...podmanArguments(programs, plan),
      ...['/usr/bin/env', '-i', ...variables],
      ...entryOf(command, { bytes: limits.outputBytes, processes: limits.processes + 1 }),
    ],
    files: { 'seccomp.json': JSON.stringify(ociSeccomp(architecture, 'shared')), 'containers.conf': '' },
  }
}

function podmanArguments({ runc }: PodmanPrograms, plan: BoxPlan): readonly string[] {
  return [
    ...['--root', `${state}/root`, '--runroot', `${state}/run`, '--tmpdir', `${state}/tmp`],
    ...['--storage-driver', 'vfs', '--events-backend', 'none', '--cgroup-manager', 'cgroupfs'],
    ...['--runtime', runc, '--log-level', 'error', 'run'],
    // the network of the box: nothing but loopback, and, for a stage that is let out, the proxy
    ...['--network', 'host', '--no-hosts', '--dns', 'none', '--hostname', 'stage'],
    ...['--pid', 'private', '--ipc', 'none', '--uts', 'private', '--cgroupns', 'private'],
    ...['--cap-drop', 'all', '--cap-add', 'setfcap', '--security-opt', 'no-new-privileges'],
    ...['--security-opt', `seccomp=${engineFolder}/seccomp.json`],
    ...['--security-opt', `mask=${maskedIn(plan).join(':')}`],
    ...['--ulimit', 'host', '--env-host=false', '--unsetenv-all', '--log-driver', 'passthrough'],
    ...['--read-only', '--read-only-tmpfs=false', '--workdir', plan.workingDirectory],
    ...['--volume', `${stageRoot}/dev:/dev:ro`, '--tmpfs', '/sys:ro,size=4096,mode=0555'],
    ...['--rootfs', stageRoot],
  ]
}

function maskedIn({ system }: BoxPlan): readonly string[] {
  return [...system.maskedFiles, ...system.maskedFolders, '/proc/sys/kernel/random/boot_id']
}

/** podman insists on a link in /etc: the same files again, in a folder where one can be made. */
function etcArguments({ root, etcFolder, etc }: BoxPlan, etcOfRoot: FrameRequest['etcOfRoot']): readonly string[] {
  const place = `${stageRoot}/etc`
  const own = Object.keys(etcFiles(false))
  const files = own.map((name): Bind => {
    return { kind: 'read-only', source: `${etcFolder}/${name}`, target: `${place}/${name}` }
  })
  const ofImage = etcOfRoot.filter(({ name }) => !own.includes(name) && name !== 'mtab')
  return [
    ...['--perms', '0755', '--tmpfs', place, '--symlink', '/proc/mounts', `${place}/mtab`],
    ...files.flatMap(bindArguments),
    ...ofImage.flatMap(({ name, link }) =>
      link === undefined
        ? ['--ro-bind', `${root}/etc/${name}`, `${place}/${name}`]
        : ['--symlink', link, `${place}/${name}`],
    ),
    ...(root === undefined ? etc : []).flatMap((bind) => bindArguments({ ...bind, target: stageRoot + bind.target })),
    ...['--remount-ro', place, '--remount-ro', `${stageRoot}/dev`],
  ]
}

/** The machine's programs, for podman itself. */
function ownArguments({ system, etcFolder }: BoxPlan): readonly string[] {
  const folders = ['/usr', ...system.folders]
  return [
    ...folders.flatMap((folder) => bindArguments({ kind: 'read-only', source: folder, target: folder })),
    ...system.links.flatMap(({ path, to }) => ['--symlink', to, path]),
    ...['--ro-bind', etcFolder, '/etc', '--tmpfs', '/var', '--tmpfs', '/sys/fs/cgroup'],
    ...['--setenv', 'PATH', '/usr/bin:/bin:/usr/sbin:/sbin', '--setenv', 'HOME', `${state}/home`],
    ...['--setenv', 'XDG_RUNTIME_DIR', `${state}/xdg`, '--dir', `${state}/home`, '--dir', `${state}/xdg`],
    ...['--setenv', 'CONTAINERS_CONF', `${engineFolder}/containers.conf`],
    // it is in a user namespace already, and asks for no other
    ...['--setenv', '_CONTAINERS_USERNS_CONFIGURED', 'done'],
    ...['--setenv', '_CONTAINERS_ROOTLESS_UID', '1000', '--setenv', '_CONTAINERS_ROOTLESS_GID', '1000'],
  ]
}

/** Whoever runs it is not part of it. */
export function podmanRecipe(architecture: Architecture): Sha256 {
  const named = { podman: 'PODMAN', runc: 'RUNC' }
  return digestOfFrame('podman', recipeVersion, architecture, (request) => frameOf(named, request))
}

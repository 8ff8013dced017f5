/**
 * What bubblewrap is told: the whole box as arguments, pure. docs/reference/isolation.md says why each line is there.
 *
 * Everything is named; nothing is inherited: no host folder but /usr, a few files of /etc, and what the plan binds. With
 * an image's root not even those: its tree is `/`, with the box's own files of /etc over the image's.
 */
export const projectFolder = '/project'
export const homeFolder = '/home/stage'
/** A file in memory for each secret of a stage. */
export const secretsFolder = '/run/secrets'

/** `device`: a device file that may be used, unlike one under any other mount. */
export type Bind = Readonly<{ kind: 'read-only' | 'writable' | 'device'; source: string; target: string }>

/** What this machine has of the places that a box shows or hides; looked up once. */
export type SystemLayout = Readonly<{
  /** `/bin` -> `usr/bin`; where a system has real folders instead, they are in `folders`. */
  links: readonly Readonly<{ path: string; to: string }>[]
  folders: readonly string[]
  maskedFiles: readonly string[]
  maskedFolders: readonly string[]
}>

export type BoxPlan = Readonly<{
  system: SystemLayout
  /** Folder of an image's tree, which has every place that is mounted upon; left out, the machine's own /usr is shown. */
  root?: string
  /** Folder that becomes /etc, with mount points for `etc`. */
  etcFolder: string
  etc: readonly Bind[]
  bootIdFile: string
  /** In order: later ones may lie on top of earlier ones. */
  binds: readonly Bind[]
  workingDirectory: string
  variables: Readonly<Record<string, string>>
  memoryBytes: number
  outputBytes: number
  /** Names of secrets; the value of the nth is read from descriptor `descriptors.secrets + n`. */
  secrets?: readonly string[]
  /** The stage is let out to hosts, through a proxy that listens in the network of the box. */
  letOut?: boolean
}>

/** Open descriptors of the bubblewrap process. */
export const descriptors = { arguments: 3, seccomp: 4, status: 5, block: 6, trace: 7, secrets: 8 } as const

/** Parts of a new procfs that tell about the machine or let it be changed. */
export const procFiles = (
  'bootconfig buddyinfo cmdline config.gz consoles diskstats dma interrupts iomem ioports kallsyms kcore key-users keys ' +
  'kmsg kpagecgroup kpagecount kpageflags latency_stats mdstat modules pagetypeinfo partitions sched_debug schedstat ' +
  'slabinfo softirqs swaps sysrq-trigger timer_list vmallocinfo'
).split(' ')
export const procFolders = ['acpi', 'asound', 'bus', 'driver', 'dynamic_debug', 'fs', 'irq', 'pressure', 'scsi', 'tty']
/** Of the host's /etc: what programs need to find libraries, fonts and certificates; no names of people or hosts. */
export const etcEntries = (
  'R alternatives ca-certificates.conf fonts java-11-openjdk java-17-openjdk java-21-openjdk ld.so.cache magic mime.types ' +
  'pki/ca-trust pki/tls/certs protocols services ssl/certs ssl/openssl.cnf'
).split(' ')

/** LIMIT: memory file systems are charged to the stage's memory; each has its own bound. */
export const sizesOf = (plan: BoxPlan): Readonly<Record<string, number>> => {
  const share = (parts: number): number =>
    Math.max(1 << 20, Math.floor(Math.min(plan.memoryBytes / parts, plan.outputBytes)))
  return { '/tmp': share(1), '/var/tmp': share(4), [homeFolder]: share(4), '/dev/shm': share(2) }
}

export function boxArguments(plan: BoxPlan): readonly string[] {
  return [
    ...['--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup', '--unshare-net'],
    ...['--disable-userns', '--cap-drop', 'ALL', '--new-session', '--die-with-parent', '--as-pid-1'],
    ...['--uid', '1000', '--gid', '1000', '--hostname', 'stage', '--clearenv'],
    ...['--seccomp', `${descriptors.seccomp}`, '--json-status-fd', `${descriptors.status}`],
    ...['--block-fd', `${descriptors.block}`],
    ...systemArguments(plan),
    ...procArguments(plan),
    ...scratchArguments(plan),
    ...furnishingArguments(plan),
    // the project may hide a path that /tmp or the home would: they come first, and the frame is closed last
    ...['--remount-ro', '/proc', '--remount-ro', '/dev', '--remount-ro', '/', '--chdir', plan.workingDirectory],
    ...Object.entries(plan.variables).flatMap(([name, value]) => ['--setenv', name, value]),
  ]
}

/** What the stage may read and write, and its secrets. @param at where the stage's `/` lies in the box */
export function furnishingArguments(plan: BoxPlan, at = ''): readonly string[] {
  return [
    ...plan.binds.flatMap((bind) => bindArguments({ ...bind, target: at + bind.target })),
    ...secretArguments(plan, at),
  ]
}

/** The machine's own system folders and an /etc, or an image's. @param at where the stage's `/` lies in the box */
export function systemArguments({ system, root, etcFolder, etc }: BoxPlan, at = ''): readonly string[] {
  if (root !== undefined) {
    const own = Object.keys(etcFiles(false)).map((name): Bind => {
      return { kind: 'read-only', source: `${etcFolder}/${name}`, target: `${at}/etc/${name}` }
    })
    return ['--ro-bind', root, at === '' ? '/' : at, ...own.flatMap(bindArguments)]
  }
  return [
    ...['--ro-bind', '/usr', `${at}/usr`],
    ...system.folders.flatMap((folder) => ['--ro-bind', folder, at + folder]),
    ...system.links.flatMap(({ path, to }) => ['--symlink', to, at + path]),
    ...['--ro-bind', etcFolder, `${at}/etc`],
    ...etc.flatMap((bind) => bindArguments({ ...bind, target: at + bind.target })),
  ]
}

function procArguments({ system, bootIdFile }: BoxPlan): readonly string[] {
  return [
    ...['--proc', '/proc'],
    ...system.maskedFiles.flatMap((file) => ['--ro-bind', '/dev/null', file]),
    ...system.maskedFolders.flatMap((folder) => [
      '--perms',
      '0555',
      '--size',
      '4096',
      '--tmpfs',
      folder,
      '--remount-ro',
      folder,
    ]),
    ...['--ro-bind', bootIdFile, '/proc/sys/kernel/random/boot_id'],
    ...['--dev', '/dev'],
  ]
}

/** @param at where the stage's `/` lies in the box */
export function scratchArguments(plan: BoxPlan, at = ''): readonly string[] {
  return Object.entries(sizesOf(plan)).flatMap(([folder, size]) => {
    const mode = folder === homeFolder ? '0700' : '1777'
    return ['--perms', mode, '--size', `${size}`, '--tmpfs', at + folder]
  })
}

/** In a root that is read-only nothing can be made: there they lie in a folder in memory, closed when they are in it. */
function secretArguments({ root, secrets = [] }: BoxPlan, at: string): readonly string[] {
  const folder = at + secretsFolder
  const files = secrets.flatMap((name, index) => [
    ...['--perms', '0400', '--ro-bind-data', `${descriptors.secrets + index}`, `${folder}/${name}`],
  ])
  if (root === undefined || secrets.length === 0) return files
  return ['--perms', '0755', '--size', `${64 * 1024}`, '--tmpfs', folder, ...files, '--remount-ro', folder]
}

const bindOptions = { 'read-only': '--ro-bind', writable: '--bind', device: '--dev-bind' } as const

export function bindArguments({ kind, source, target }: Bind): readonly string[] {
  return [bindOptions[kind], source, target]
}

/** Files of the box's own /etc. `traced` sends look-ups to a closed port of loopback, where their text can be seen. */
export function etcFiles(traced: boolean): Readonly<Record<string, string>> {
  return {
    passwd: `root:x:0:0::/nonexistent:/usr/sbin/nologin\nstage:x:1000:1000::${homeFolder}:/bin/sh\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n`,
    group: 'root:x:0:\nstage:x:1000:\nnogroup:x:65534:\n',
    hosts: '127.0.0.1 localhost stage\n::1 localhost ip6-localhost ip6-loopback\n',
    hostname: 'stage\n',
    'host.conf': 'multi on\n',
    'nsswitch.conf':
      'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\nprotocols: files\n',
    // SOURCE: RFC 5737, an address that no network routes
    'resolv.conf': `nameserver ${traced ? '127.0.0.1' : '198.51.100.1'}\noptions timeout:1 attempts:1\n`,
  }
}

/**
 * System calls that a stage may not make, with their numbers: a table.
 *
 * SOURCE: Linux 6.1 asm/unistd_64.h (x86_64) and asm-generic/unistd.h (aarch64); numbers from 424 up are the same on
 * both, those above 450 are from Linux 6.18. A null number: the architecture does not have the call.
 */
export type Architecture = 'x64' | 'arm64'
export type CallNumbers = Readonly<Record<Architecture, number | null>>

/** AUDIT_ARCH of linux/audit.h. */
export const auditArchitecture: Readonly<Record<Architecture, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 }

/** LIMIT: the first number that this table has not seen; from here on a call does not exist for a stage. */
export const firstUnknownCall = 470

const numbers = (x64: number | null, arm64: number | null): CallNumbers => ({ x64, arm64 })
const same = (number: number): CallNumbers => ({ x64: number, arm64: number })

/** Refused with EPERM: the file tree, the machine's state, kernel code, other processes, hardware. */
export const forbiddenCalls: Readonly<Record<string, CallNumbers>> = {
  mount: numbers(165, 40),
  umount2: numbers(166, 39),
  pivot_root: numbers(155, 41),
  chroot: numbers(161, 51),
  setns: numbers(308, 268),
  unshare: numbers(272, 97),
  fsopen: same(430),
  fsconfig: same(431),
  fsmount: same(432),
  fspick: same(433),
  move_mount: same(429),
  open_tree: same(428),
  mount_setattr: same(442),
  open_by_handle_at: numbers(304, 265),
  name_to_handle_at: numbers(303, 264),
  fanotify_init: numbers(300, 262),
  fanotify_mark: numbers(301, 263),
  quotactl: numbers(179, 60),
  quotactl_fd: same(443),
  swapon: numbers(167, 224),
  swapoff: numbers(168, 225),
  reboot: numbers(169, 142),
  sethostname: numbers(170, 161),
  setdomainname: numbers(171, 162),
  settimeofday: numbers(164, 170),
  clock_settime: numbers(227, 112),
  clock_adjtime: numbers(305, 266),
  adjtimex: numbers(159, 171),
  acct: numbers(163, 89),
  syslog: numbers(103, 116),
  vhangup: numbers(153, 58),
  init_module: numbers(175, 105),
  finit_module: numbers(313, 273),
  delete_module: numbers(176, 106),
  create_module: numbers(174, null),
  query_module: numbers(178, null),
  get_kernel_syms: numbers(177, null),
  kexec_load: numbers(246, 104),
  kexec_file_load: numbers(320, 294),
  bpf: numbers(321, 280),
  perf_event_open: numbers(298, 241),
  userfaultfd: numbers(323, 282),
  memfd_secret: same(447),
  ptrace: numbers(101, 117),
  process_vm_readv: numbers(310, 270),
  process_vm_writev: numbers(311, 271),
  process_madvise: same(440),
  process_mrelease: same(448),
  pidfd_getfd: same(438),
  kcmp: numbers(312, 272),
  mbind: numbers(237, 235),
  get_mempolicy: numbers(239, 236),
  set_mempolicy: numbers(238, 237),
  set_mempolicy_home_node: same(450),
  migrate_pages: numbers(256, 238),
  move_pages: numbers(279, 239),
  lookup_dcookie: numbers(212, 18),
  remap_file_pages: numbers(216, 234),
  vmsplice: numbers(278, 75),
  iopl: numbers(172, null),
  ioperm: numbers(173, null),
  modify_ldt: numbers(154, null),
  uselib: numbers(134, null),
  ustat: numbers(136, null),
  sysfs: numbers(139, null),
  _sysctl: numbers(156, null),
  nfsservctl: numbers(180, 42),
}

/** Answered with ENOSYS, so that libraries take the way of an older kernel. */
export const absentCalls: Readonly<Record<string, CallNumbers>> = {
  clone3: same(435), // its flags lie behind a pointer, where no filter can look
  keyctl: numbers(250, 219),
  add_key: numbers(248, 217),
  request_key: numbers(249, 218),
  io_uring_setup: same(425),
  io_uring_enter: same(426),
  io_uring_register: same(427),
  statmount: same(457),
  listmount: same(458),
  lsm_get_self_attr: same(459),
  lsm_set_self_attr: same(460),
  lsm_list_modules: same(461),
  open_tree_attr: same(467),
}

/** Judged by their arguments in `seccomp.ts`. */
export const judgedCalls = {
  clone: { x64: 56, arm64: 220 },
  socket: { x64: 41, arm64: 198 },
  socketpair: { x64: 53, arm64: 199 },
  ioctl: { x64: 16, arm64: 29 },
  personality: { x64: 135, arm64: 92 },
  mknod: { x64: 133, arm64: null },
  mknodat: { x64: 259, arm64: 33 },
} as const satisfies Readonly<Record<string, CallNumbers>>

/**
 * The same refusals as `seccomp.ts`, in the words of the OCI specification, for engines that install a filter by them: pure.
 *
 * SOURCE: OCI runtime specification 1.2, config-linux.md, seccomp. Calls go by name there, so that numbers which this
 * table has not seen are not refused; a condition compares 64 bits where the kernel reads 32, so that each one here
 * either masks the upper half or refuses what has one.
 */
import { type Architecture, absentCalls, forbiddenCalls } from './seccomp-calls.ts'

type Condition = Readonly<{ index: number; op: string; value: number; valueTwo?: number }>
type Rule = Readonly<{
  names: readonly string[]
  action: 'SCMP_ACT_ERRNO'
  errnoRet: number
  args?: readonly Condition[]
}>

const errno = { EPERM: 1, ENOSYS: 38, EPROTONOSUPPORT: 93, EOPNOTSUPP: 95, EAFNOSUPPORT: 97 }
const low = 0xffffffff
const families = { unix: 1, inet: 2, inet6: 10 }
const netlink = 16
const protocols: readonly number[] = [0, 6, 17]
const namespaceBits = [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]
const newUser = 0x10000000
const terminalRequests = [0x5412, 0x541c, 0x5423]

const refuse = (name: string, error: keyof typeof errno, ...args: readonly Condition[]): Rule => ({
  names: [name],
  action: 'SCMP_ACT_ERRNO',
  errnoRet: errno[error],
  args,
})
const equal = (index: number, value: number): Condition => ({ index, op: 'SCMP_CMP_EQ', value })
const above = (index: number, value: number): Condition => ({ index, op: 'SCMP_CMP_GT', value })
const other = (index: number, value: number): Condition => ({ index, op: 'SCMP_CMP_NE', value })
const masked = (index: number, mask: number, value: number): Condition => ({
  ...{ index, op: 'SCMP_CMP_MASKED_EQ' },
  ...{ value: mask, valueTwo: value },
})
const upTo = (most: number): readonly number[] => Array.from({ length: most + 1 }, (_, each) => each)

/**
 * One user namespace may be made, by the entry of the box, which leaves none to be made; no other namespace.
 *
 * @param kernel `own`: gVisor answers every refusal with EPERM, which glibc does not expect of clone3, nor libzmq of a
 * netlink socket; what these reach there is its own
 */
export function ociSeccomp(architecture: Architecture, kernel: 'own' | 'shared'): Readonly<Record<string, unknown>> {
  const absent = Object.keys(absentCalls).filter((name) => kernel === 'shared' || name !== 'clone3')
  const forbidden = Object.keys(forbiddenCalls).filter((name) => name !== 'unshare')
  return {
    defaultAction: 'SCMP_ACT_ALLOW',
    architectures: [architecture === 'x64' ? 'SCMP_ARCH_X86_64' : 'SCMP_ARCH_AARCH64'],
    syscalls: [
      { names: forbidden, action: 'SCMP_ACT_ERRNO', errnoRet: errno.EPERM },
      { names: absent, action: 'SCMP_ACT_ERRNO', errnoRet: errno.ENOSYS },
      refuse('unshare', 'EPERM', other(0, newUser)),
      ...namespaceBits.map((bit) => refuse('clone', 'EPERM', masked(0, bit, bit))),
      // a kernel of its own may know no limit of priority
      refuse('setpriority', 'EPERM', masked(2, 2 ** 31, 2 ** 31)),
      ...socketRules(kernel === 'shared' ? families : { ...families, netlink }),
      ...terminalRequests.map((request) => refuse('ioctl', 'EPERM', masked(1, low, request))),
      ...personalityRules(),
      ...['mknod', 'mknodat'].flatMap((name, index) =>
        [0o020000, 0o060000].map((device) => refuse(name, 'EPERM', masked(index + 1, 0o170000, device))),
      ),
    ] satisfies readonly Rule[],
  }
}

function socketRules(allowed: Readonly<Record<string, number>>): readonly Rule[] {
  const known = Object.values(allowed)
  const most = Math.max(...known)
  const unknown = upTo(most).filter((family) => !known.includes(family))
  const unusual = upTo(17).filter((protocol) => !protocols.includes(protocol))
  return [
    ...unknown.map((family) => refuse('socket', 'EOPNOTSUPP', equal(0, family))),
    refuse('socket', 'EOPNOTSUPP', above(0, most)),
    ...[families.inet, families.inet6].flatMap((family) => [
      ...unusual.map((protocol) => refuse('socket', 'EPROTONOSUPPORT', equal(0, family), equal(2, protocol))),
      refuse('socket', 'EPROTONOSUPPORT', equal(0, family), above(2, 17)),
    ]),
    refuse('socketpair', 'EAFNOSUPPORT', other(0, families.unix)),
  ]
}

/** All but 0 and 0xffffffff: a bit is set while the highest is not, or the highest is set while another is not. */
function personalityRules(): readonly Rule[] {
  const highest = 2 ** 31
  return upTo(30).flatMap((bit) => [
    refuse('personality', 'EPERM', masked(0, highest + 2 ** bit, 2 ** bit)),
    refuse('personality', 'EPERM', masked(0, highest + 2 ** bit, highest)),
  ])
}

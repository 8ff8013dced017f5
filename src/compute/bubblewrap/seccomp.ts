/**
 * The seccomp filter of a stage, as a classic BPF program: what the kernel runs before each system call.
 *
 * Question answered: which doors of the kernel stay open to a stage that needs none of them? The filter is a second
 * wall: namespaces and the absence of capabilities refuse most of this already.
 * SOURCE: seccomp(2), linux/seccomp.h, linux/bpf_common.h. Property test: seccomp.test.ts interprets the program.
 */
import {
  type Architecture,
  absentCalls,
  auditArchitecture,
  firstUnknownCall,
  forbiddenCalls,
  judgedCalls,
} from './seccomp-calls.ts'

/** `struct sock_filter`: code, jump if true, jump if false, constant. */
export type Instruction = readonly [code: number, jt: number, jf: number, k: number]

/** Little-endian offsets into `struct seccomp_data`; an argument's low half holds all that the kernel reads here. */
export const offsets = { number: 0, architecture: 4, argument: (index: number): number => 16 + 8 * index } as const

const loadAbsolute = 0x20
const jumpEqual = 0x15
const jumpGreaterOrEqual = 0x35
const jumpAnySet = 0x45
const andConstant = 0x54
const returnConstant = 0x06

export const allow = 0x7fff0000
export const killProcess = 0x80000000
export const errno = { EPERM: 1, ENOSYS: 38, EPROTONOSUPPORT: 93, EOPNOTSUPP: 95, EAFNOSUPPORT: 97 } as const
/** SECCOMP_RET_ERRNO with the error number. */
export const refuseWith = (name: keyof typeof errno): number => 0x00050000 | errno[name]

const load = (offset: number): Instruction => [loadAbsolute, 0, 0, offset]
const answer = (value: number): Instruction => [returnConstant, 0, 0, value]
/** Runs the next instruction when equal, skips it otherwise. */
const ifEqual = (value: number): Instruction => [jumpEqual, 0, 1, value]
const ifAnySet = (bits: number): Instruction => [jumpAnySet, 0, 1, bits]

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const namespaceFlags = 0x7e020000
const families = { unix: 1, inet: 2, inet6: 10 } as const
const protocols = { default: 0, tcp: 6, udp: 17 } as const
/** TIOCSTI types into the terminal, TIOCLINUX pastes, TIOCSETD loads a line discipline. */
const terminalRequests = [0x5412, 0x541c, 0x5423]
const unsetPersonality = 0xffffffff

/** Each body ends with an answer in every case. INVARIANT: bodies stay under 256 instructions, the reach of a jump. */
const bodies: Readonly<Record<keyof typeof judgedCalls, readonly Instruction[]>> = {
  clone: [load(offsets.argument(0)), ifAnySet(namespaceFlags), answer(refuseWith('EPERM')), answer(allow)],
  socket: [
    load(offsets.argument(0)),
    ifEqual(families.unix),
    answer(allow),
    [jumpEqual, 2, 0, families.inet],
    [jumpEqual, 1, 0, families.inet6],
    // not EAFNOSUPPORT: libzmq, and so every notebook kernel, aborts on that when it lists interfaces over netlink
    answer(refuseWith('EOPNOTSUPP')),
    load(offsets.argument(2)),
    ...allowWhenOneOf(Object.values(protocols), 'EPROTONOSUPPORT'),
  ],
  socketpair: [load(offsets.argument(0)), ...allowWhenOneOf([families.unix], 'EAFNOSUPPORT')],
  ioctl: [
    load(offsets.argument(1)),
    ...terminalRequests.flatMap((request) => [ifEqual(request), answer(refuseWith('EPERM'))]),
    answer(allow),
  ],
  personality: [load(offsets.argument(0)), ...allowWhenOneOf([0, unsetPersonality], 'EPERM')],
  mknod: refuseDevices(1),
  mknodat: refuseDevices(2),
}

function allowWhenOneOf(values: readonly number[], otherwise: keyof typeof errno): readonly Instruction[] {
  return [...values.flatMap((value) => [ifEqual(value), answer(allow)]), answer(refuseWith(otherwise))]
}

/** Fifos, sockets and files may be made; character (S_IFCHR) and block devices (S_IFBLK) may not. */
function refuseDevices(modeArgument: number): readonly Instruction[] {
  const formatMask = 0o170000
  return [
    load(offsets.argument(modeArgument)),
    [andConstant, 0, 0, formatMask],
    ...[0o020000, 0o060000].flatMap((device) => [ifEqual(device), answer(refuseWith('EPERM'))]),
    answer(allow),
  ]
}

/** The program for one architecture, first instruction first. */
export function seccompInstructions(architecture: Architecture): readonly Instruction[] {
  const refusals = [
    ...Object.values(forbiddenCalls).map((call) => [call[architecture], refuseWith('EPERM')] as const),
    ...Object.values(absentCalls).map((call) => [call[architecture], refuseWith('ENOSYS')] as const),
  ]
  const judged = Object.entries(bodies).flatMap(([name, body]) => {
    const call = Object.entries(judgedCalls).find(([key]) => key === name)?.[1][architecture]
    return call === null || call === undefined ? [] : [[jumpEqual, 0, body.length, call] as const, ...body]
  })
  return [
    load(offsets.architecture),
    [jumpEqual, 1, 0, auditArchitecture[architecture]],
    answer(killProcess), // THREAT: 32-bit entry points have other numbers
    load(offsets.number),
    // x32 calls carry bit 30 and are above this too
    [jumpGreaterOrEqual, 0, 1, firstUnknownCall],
    answer(refuseWith('ENOSYS')),
    ...judged,
    ...refusals.flatMap(([call, value]) => (call === null ? [] : [ifEqual(call), answer(value)])),
    answer(allow),
  ]
}

/** The program as the kernel reads it: 8 bytes an instruction, little-endian. */
export function seccompProgram(architecture: Architecture): Buffer {
  const instructions = seccompInstructions(architecture)
  const program = Buffer.alloc(instructions.length * 8)
  instructions.forEach(([code, jt, jf, k], index) => {
    program.writeUInt16LE(code, index * 8)
    program.writeUInt8(jt, index * 8 + 2)
    program.writeUInt8(jf, index * 8 + 3)
    program.writeUInt32LE(k, index * 8 + 4)
  })
  return program
}

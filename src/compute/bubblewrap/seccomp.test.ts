import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { allow, type Instruction, killProcess, refuseWith, seccompInstructions, seccompProgram } from './seccomp.ts'
import {
  type Architecture,
  absentCalls,
  auditArchitecture,
  type CallNumbers,
  firstUnknownCall,
  forbiddenCalls,
  judgedCalls,
} from './seccomp-calls.ts'

/** A classic BPF machine for the instructions that seccomp(2) accepts and this filter uses; the kernel's own rules. */
function interpret(program: readonly Instruction[], data: Buffer): number {
  let accumulator = 0
  for (let counter = 0; counter < program.length; counter += 1) {
    const [code, jt, jf, k] = program[counter] ?? [0, 0, 0, 0]
    const jump = (taken: boolean): void => {
      counter += taken ? jt : jf
    }
    if (code === 0x20) accumulator = data.readUInt32LE(k)
    else if (code === 0x54) accumulator = (accumulator & k) >>> 0
    else if (code === 0x15) jump(accumulator === k)
    else if (code === 0x35) jump(accumulator >= k)
    else if (code === 0x45) jump((accumulator & k) !== 0)
    else if (code === 0x06) return k >>> 0
    else throw new Error(`not an instruction of this filter: ${code}`)
  }
  throw new Error('ran off the end')
}

function call(architecture: Architecture, number: number, args: readonly number[] = [], high = 0): number {
  const data = Buffer.alloc(64)
  data.writeUInt32LE(number >>> 0, 0)
  data.writeUInt32LE(auditArchitecture[architecture], 4)
  args.forEach((value, index) => {
    data.writeUInt32LE(value >>> 0, 16 + 8 * index)
    data.writeUInt32LE(high, 20 + 8 * index)
  })
  return interpret(seccompInstructions(architecture), data)
}

const architectures = ['x64', 'arm64'] as const
const numbersOf = (
  table: Readonly<Record<string, CallNumbers>>,
  architecture: Architecture,
): ReadonlySet<number | null> => new Set(Object.values(table).map((numbers) => numbers[architecture]))

test('answers every number of every architecture as the tables say', () => {
  for (const architecture of architectures) {
    const forbidden = numbersOf(forbiddenCalls, architecture)
    const absent = numbersOf(absentCalls, architecture)
    const judged = numbersOf(judgedCalls, architecture)
    for (let number = 0; number < 1024; number += 1) {
      if (judged.has(number)) continue
      const expected =
        number >= firstUnknownCall || absent.has(number)
          ? refuseWith('ENOSYS')
          : forbidden.has(number)
            ? refuseWith('EPERM')
            : allow
      assert.equal(call(architecture, number), expected, `${architecture} ${number}`)
    }
  }
})

test('refuses x32 calls, negative numbers and any number above the table', () => {
  fc.assert(
    fc.property(fc.integer({ min: firstUnknownCall, max: 0xffffffff }), (number) => {
      assert.equal(call('x64', number), refuseWith('ENOSYS'))
    }),
  )
  assert.equal(call('x64', 0x40000000 + 59), refuseWith('ENOSYS'))
})

test('kills a process that enters by another architecture', () => {
  for (const architecture of architectures) {
    for (const other of [0x40000003, 0, 0xc0000015]) {
      const data = Buffer.alloc(64)
      data.writeUInt32LE(other, 4)
      assert.equal(interpret(seccompInstructions(architecture), data), killProcess)
    }
  }
})

test('lets a process fork and start threads, but make no namespace', () => {
  for (const architecture of architectures) {
    const clone = judgedCalls.clone[architecture]
    assert.equal(call(architecture, clone, [0x11]), allow) // fork: SIGCHLD
    assert.equal(call(architecture, clone, [0x3d0f00]), allow) // pthread_create
    for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]) {
      assert.equal(call(architecture, clone, [flag | 0x11]), refuseWith('EPERM'))
    }
  }
})

test('lets sockets be unix, TCP and UDP only, whatever the upper half of the argument says', () => {
  const socket = judgedCalls.socket.x64
  for (const [family, protocol] of [
    [1, 0],
    [2, 0],
    [2, 6],
    [2, 17],
    [10, 0],
    [10, 17],
  ] as const) {
    assert.equal(call('x64', socket, [family, 1, protocol]), allow)
    assert.equal(call('x64', socket, [family, 1, protocol], 0xdeadbeef), allow) // the kernel reads an int
  }
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffffffff }), (family) => {
      if (![1, 2, 10].includes(family)) assert.equal(call('x64', socket, [family, 1, 0]), refuseWith('EOPNOTSUPP'))
    }),
  )
  assert.equal(call('x64', socket, [2, 3, 1]), refuseWith('EPROTONOSUPPORT')) // ICMP
  assert.equal(call('x64', socket, [10, 1, 132]), refuseWith('EPROTONOSUPPORT')) // SCTP
  assert.equal(call('x64', judgedCalls.socketpair.x64, [1]), allow)
  assert.equal(call('x64', judgedCalls.socketpair.x64, [30]), refuseWith('EAFNOSUPPORT')) // TIPC
})

test('lets terminals be asked but not typed into, and no device be made', () => {
  assert.equal(call('x64', judgedCalls.ioctl.x64, [0, 0x5401]), allow) // TCGETS
  for (const request of [0x5412, 0x541c, 0x5423]) {
    assert.equal(call('x64', judgedCalls.ioctl.x64, [0, request]), refuseWith('EPERM'))
    assert.equal(call('x64', judgedCalls.ioctl.x64, [0, request], 1), refuseWith('EPERM')) // CVE-2019-10063: upper half set
  }
  for (const [number, index] of [
    [judgedCalls.mknod.x64, 1],
    [judgedCalls.mknodat.x64, 2],
  ] as const) {
    const withMode = (mode: number): number => call('x64', number, [...new Array<number>(index).fill(0), mode])
    assert.equal(withMode(0o010644), allow)
    assert.equal(withMode(0o100644), allow)
    assert.equal(withMode(0o020666), refuseWith('EPERM'))
    assert.equal(withMode(0o060660), refuseWith('EPERM'))
  }
  assert.equal(call('x64', judgedCalls.personality.x64, [0xffffffff]), allow)
  assert.equal(call('x64', judgedCalls.personality.x64, [0x40000]), refuseWith('EPERM')) // ADDR_NO_RANDOMIZE
})

test('is a program that the kernel takes: whole instructions, jumps inside, an answer at the end', () => {
  for (const architecture of architectures) {
    const instructions = seccompInstructions(architecture)
    assert.equal(seccompProgram(architecture).length, instructions.length * 8)
    assert.ok(instructions.length < 4096)
    instructions.forEach(([code, jt, jf], index) => {
      if ((code & 7) === 5) assert.ok(index + 1 + Math.max(jt, jf) < instructions.length)
    })
    assert.equal(instructions.at(-1)?.[0], 0x06)
  }
})

const headers = { x64: '/usr/include/x86_64-linux-gnu/asm/unistd_64.h', arm64: '/usr/include/asm-generic/unistd.h' }
test("has the numbers of the kernel's own headers", { skip: !Object.values(headers).every(existsSync) }, () => {
  const all: Readonly<Record<string, CallNumbers>> = { ...forbiddenCalls, ...absentCalls, ...judgedCalls }
  for (const architecture of architectures) {
    const defined = new Map(
      [...readFileSync(headers[architecture], 'utf8').matchAll(/^#define __NR(?:3264)?_(\w+) (\d+)/gm)].map(
        ([, name, number]) => [name ?? '', Number(number)] as const,
      ),
    )
    const compared = Object.entries(all).filter(([name]) => defined.has(name))
    assert.ok(compared.length > 60)
    for (const [name, numbers] of compared)
      assert.equal(numbers[architecture], defined.get(name), `${architecture} ${name}`)
  }
})

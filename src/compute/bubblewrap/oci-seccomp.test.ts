import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ociSeccomp } from './oci-seccomp.ts'
import { absentCalls, forbiddenCalls } from './seccomp-calls.ts'

type Args = readonly Readonly<{ index: number; op: string; value: number; valueTwo?: number }>[]
type Rule = Readonly<{ names: readonly string[]; errnoRet: number; args?: Args }>

const rules = (kernel: 'own' | 'shared'): readonly Rule[] => ociSeccomp('x64', kernel)['syscalls'] as readonly Rule[] // its own shape

/** The errno that a call is refused with; as libseccomp compares, over 64 bits. */
function refusal(kernel: 'own' | 'shared', name: string, ...args: readonly bigint[]): number | undefined {
  const holds = ({ index, op, value, valueTwo = 0 }: Args[number]): boolean => {
    const given = args[index] ?? 0n
    if (op === 'SCMP_CMP_EQ') return given === BigInt(value)
    if (op === 'SCMP_CMP_NE') return given !== BigInt(value)
    if (op === 'SCMP_CMP_GT') return given > BigInt(value)
    return (given & BigInt(value)) === BigInt(valueTwo)
  }
  return rules(kernel).find((rule) => rule.names.includes(name) && (rule.args ?? []).every(holds))?.errnoRet
}

test('refuses by name what the filter by number refuses', () => {
  for (const name of Object.keys(forbiddenCalls)) assert.equal(refusal('shared', name), 1, name)
  for (const name of Object.keys(absentCalls)) assert.equal(refusal('shared', name), 38, name)
})

test('judges arguments as that filter does, also with bits above those that the kernel reads', () => {
  const high = 1n << 32n
  const cases: readonly (readonly [number | undefined, string, ...bigint[]])[] = [
    [undefined, 'unshare', 0x10000000n],
    [1, 'unshare', 0x10020000n],
    [1, 'unshare', high | 0x10000000n],
    [undefined, 'clone', 0x3d0f00n],
    [1, 'clone', 0x3d0f00n | 0x20000n],
    [undefined, 'socket', 2n, 1n, 6n],
    [undefined, 'socket', 1n, 1n, 0n],
    [95, 'socket', 16n, 3n, 0n],
    [95, 'socket', 40n, 1n, 0n],
    [95, 'socket', high | 2n, 1n, 0n],
    [93, 'socket', 2n, 3n, 1n],
    [93, 'socket', 10n, 1n, high],
    [97, 'socketpair', 2n],
    [1, 'ioctl', 0n, 0x5412n],
    [1, 'ioctl', 0n, high | 0x5412n],
    [undefined, 'ioctl', 0n, 0x5401n],
    [undefined, 'personality', 0n],
    [undefined, 'personality', 0xffffffffn],
    [1, 'personality', 0x40000n],
    [1, 'personality', 0x80040000n],
    [1, 'personality', high | 0x40000n],
    [1, 'mknod', 0n, 0o020666n],
    [undefined, 'mknod', 0n, 0o010666n],
    [1, 'mknodat', 0n, 0n, 0o060666n],
    [1, 'setpriority', 0n, 0n, 0xfffffffbn],
    [undefined, 'setpriority', 0n, 0n, 5n],
  ]
  for (const [errno, name, ...args] of cases) assert.equal(refusal('shared', name, ...args), errno, `${name} ${args}`)
})

test('leaves to a kernel of its own what glibc and libzmq need of one that answers EPERM only', () => {
  assert.equal(refusal('own', 'clone3'), undefined)
  assert.equal(refusal('own', 'socket', 16n, 3n, 0n), undefined)
  assert.equal(refusal('own', 'socket', 17n, 3n, 0n), 95)
  assert.equal(refusal('own', 'ptrace'), 1)
})

/** Threat: supply-chain compromise. Wheels whose bytes the lock pins, and which are hostile all the same. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isDomainError } from '../../core/index.ts'
import { type MemberToWrite, prepareWheels, scratchFolder, type WheelToWrite } from './testing.exec.ts'

const plain: MemberToWrite = { name: 'good/__init__.py', content: 'value = 1\n' }
const good: WheelToWrite = { project: 'good', files: [plain] }
const withFile = (...files: readonly MemberToWrite[]): WheelToWrite => ({ project: 'evil', files: [plain, ...files] })
const around = (given: WheelToWrite['around'] & object): WheelToWrite => ({ ...withFile(), around: given })

/** What is wrong -> wheels, and a part of the refusal. */
const attacks: Readonly<Record<string, readonly [wheels: readonly WheelToWrite[], because: RegExp]>> = {
  'a name that climbs out': [[withFile({ name: '../../outside.py', content: 'x' })], /invalid relative path/],
  'an absolute name': [[withFile({ name: '/tmp/outside.py', content: 'x' })], /absolute path/],
  'a name with a backslash': [[withFile({ name: 'a\\..\\b.py', content: 'x' })], /not a plain zip|separator/],
  'a name with a bidi character': [[withFile({ name: 'a/\u202eyp.x', content: 'x' })], /two readings/],
  'a name that .data leads out': [
    [withFile({ name: 'evil-1.0.data/data/../../x', content: 'x' })],
    /invalid relative path/,
  ],
  'a symbolic link': [[withFile({ name: 'good/link', content: '/etc/passwd', mode: 0o120777 })], /link or device/],
  'a device': [[withFile({ name: 'good/device', content: '', mode: 0o020644 })], /link or device/],
  'a set-uid file': [[withFile({ name: 'good/tool', content: 'x', mode: 0o104755 })], /set-uid/],
  'the same member twice': [
    [withFile({ name: 'x.py', content: 'a' }, { name: 'x.py', content: 'a' })],
    /two members|twice/,
  ],
  'a file that is a folder too': [
    [withFile({ name: 'x', content: 'a' }, { name: 'x/y.py', content: 'b' })],
    /as a folder, which is a file/,
  ],
  'a file that RECORD does not list': [
    [
      {
        ...withFile({ name: 'hidden.py', content: 'x' }),
        record: (lines) => lines.filter((line) => !line.includes('hidden')),
      },
    ],
    /does not list/,
  ],
  'a file that only RECORD lists': [
    [{ ...withFile(), record: (lines) => [...lines, `ghost.py,sha256=${'A'.repeat(43)},1`] }],
    /lacks a file/,
  ],
  'a RECORD with another hash': [
    [{ ...withFile(), record: (lines) => lines.map((line) => line.replace(/^(good\/.*sha256=)./, '$1_')) }],
    /other bytes than its RECORD/,
  ],
  'a RECORD with another size': [
    [{ ...withFile(), record: (lines) => lines.map((line) => line.replace(/^(good\/.*,)\d+$/, '$19')) }],
    /another size than its RECORD/,
  ],
  'a RECORD with md5': [
    [{ ...withFile(), record: (lines) => lines.map((line) => line.replace('sha256=', 'md5=')) }],
    /no SHA-2 hash/,
  ],
  'a RECORD without a hash': [
    [{ ...withFile(), record: (lines) => lines.map((line) => line.replace(/^(good\/[^,]*),.*$/, '$1,,')) }],
    /no SHA-2 hash/,
  ],
  'another name in the local header': [
    [withFile({ name: 'a.py', content: 'x', local: { name: 'b.py' } })],
    /another name in its local header/,
  ],
  'another size in the local header': [
    [withFile({ name: 'a.py', content: 'x', local: { size: 2 } })],
    /another size or checksum in its local header/,
  ],
  'another checksum in the local header': [
    [withFile({ name: 'a.py', content: 'x', local: { crc: 1 } })],
    /another size or checksum in its local header/,
  ],
  'a wrong checksum in both headers': [
    [withFile({ name: 'a.py', content: 'x', local: { crc: 1 }, central: { crc: 1 } })],
    /wrong checksum/,
  ],
  'bytes after the compressed data of a member': [
    [withFile({ name: 'a.py', content: '', raw: Buffer.from([3, 0, 0x65, 0x76, 0x69, 0x6c]) })],
    /does not inflate to its size/,
  ],
  'a member larger than it says': [
    [withFile({ name: 'a.py', content: 'xxxx', local: { size: 1 }, central: { size: 1 } })],
    /another size|does not inflate/,
  ],
  'a member that overlaps another': [
    [withFile({ name: 'a.py', content: 'x', central: { offset: 0 } })],
    /overlapping|another name/,
  ],
  'bytes before the archive': [[around({ before: Buffer.from('#!/bin/sh\n') })], /hidden bytes/],
  'bytes before the directory': [[around({ between: Buffer.from('hidden') })], /belong to nothing/],
  'bytes after the archive': [[around({ after: Buffer.from('trailing') })], /not a plain zip|belong to nothing/],
  'a bomb': [[withFile({ name: 'zeros.bin', content: Buffer.alloc(300 * 1024 ** 2) })], /unpacks to/],
  'another project inside': [
    [{ ...withFile(), metadata: '', files: [plain, { name: 'other-1.0.dist-info/x', content: '' }] }],
    /is not a wheel of/,
  ],
  'a python of its own': [
    [withFile({ name: 'evil-1.0.data/scripts/python', content: '#!/bin/sh' })],
    /belongs to the environment/,
  ],
  'a configuration of its own': [
    [withFile({ name: 'evil-1.0.data/data/pyvenv.cfg', content: 'home = /tmp' })],
    /belongs to the environment/,
  ],
  'a second library folder': [
    [withFile({ name: 'evil-1.0.data/data/lib64/python3.11/site-packages/x.pth', content: 'import os' })],
    /belongs to the environment/,
  ],
  'an unknown part of .data': [[withFile({ name: 'evil-1.0.data/etc/x', content: 'x' })], /unknown part/],
  'code in an entry point': [
    [{ ...withFile(), entryPoints: '[console_scripts]\nx = good:value(__import__("os").system("id"))\n' }],
    /entry point that is not plain/,
  ],
  'an entry point that climbs out': [
    [{ ...withFile(), entryPoints: '[console_scripts]\n../x = good:value\n' }],
    /entry point that is not plain/,
  ],
  'a file of another wheel with other bytes': [
    [good, { project: 'evil', files: [{ ...plain, content: 'value = 2\n' }] }],
    /brings with other bytes/,
  ],
}

for (const [what, [wheels, because]] of Object.entries(attacks)) {
  test(`refuses ${what}`, async (context) => {
    const root = scratchFolder(context)
    await assert.rejects(
      () => prepareWheels(join(root, 'a'), wheels),
      (error) => isDomainError(error, 'ERR_ENV_WHEEL_REFUSED') && because.test(error.message),
    )
    assert.deepEqual(leftOver(join(root, 'a', 'environments')), [])
    assert.ok(!existsSync(join(root, 'outside.py')) && !existsSync('/tmp/outside.py'))
  })
}

/** Folders that a refused build left: none may be there. */
function leftOver(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => name !== 'chosen' && name !== 'interpreters')
}

test('installs the honest wheel that all of these were made of', async (context) => {
  const { packages, locked, warnings } = await prepareWheels(scratchFolder(context), [good])
  assert.deepEqual(
    packages.map(({ name, version }) => `${name} ${version}`),
    ['good 1.0'],
  )
  assert.equal(locked, true)
  assert.deepEqual(warnings, [])
})

test('two wheels may bring the same file with the same bytes', async (context) => {
  const { packages } = await prepareWheels(scratchFolder(context), [good, { project: 'twin', files: [plain] }])
  assert.equal(packages.length, 2)
})

test('reports what runs before the stage, and what hides behind a name of the library', async (context) => {
  const wheel: WheelToWrite = {
    project: 'noisy',
    files: [
      plain,
      { name: 'noisy.pth', content: 'import noisy\n' },
      { name: 'paths.pth', content: 'subfolder\n' },
      { name: 'sitecustomize.py', content: '' },
      { name: 'random.py', content: '' },
      { name: 'noisy-1.0.data/scripts/json.py', content: '#!python\n' },
      { name: 'noisy-1.0.data/scripts/sort', content: '#!/bin/sh\n' },
      { name: 'only.pyc', content: 'x' },
    ],
  }
  const { warnings } = await prepareWheels(scratchFolder(context), [wheel])
  const owner = 'noisy-1.0-py3-none-any.whl'
  assert.deepEqual(warnings, [
    `${owner}: \`noisy.pth\` runs code whenever Python starts`,
    `${owner}: \`sitecustomize.py\` runs whenever Python starts`,
    `${owner}: \`random.py\` has a name of the standard library`,
    `${owner}: the script \`json.py\` shadows the library`,
    `${owner}: the script \`sort\` shadows the command of the system`,
    `${owner}: \`only.pyc\` is bytecode without source`,
  ])
})

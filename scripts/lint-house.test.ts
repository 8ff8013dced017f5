import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { lintHouse } from './lint-house.ts'

const packages = { runtime: ['zod'], development: ['fast-check'] }

/** A small house that keeps every rule. */
const clean: Readonly<Record<string, string>> = {
  'core/index.ts': `export * from './digest.ts'`,
  'core/digest.ts': `export const digest = 1`,
  'data/index.ts': `export type * from './port.ts'`,
  'data/port.ts': `export type Port = { open(): void }`,
  'data/port.fs.ts': `import { readFileSync } from 'node:fs'\nimport { z } from 'zod'\nexport const load = () => [readFileSync, z]`,
  'data/port.test.ts': `import fc from 'fast-check'\nimport { readFileSync } from 'node:fs'\nexport const use = [fc, readFileSync]`,
  'compute/index.ts': `import type { Stats } from 'node:fs'\nimport type { Port } from '../data/index.ts'\nimport { digest } from '../core/index.ts'\nexport const run = (port: Port, stats: Stats) => [digest, port, stats]`,
  'cli/main.ts': `import { spawn } from 'node:child_process'\nexport const start = () => [spawn, process.env['HOME']]`,
  'cli/fault.ts': `export class UsageError extends Error {}\nexport class Handle { close(): void {} }\nexport class Reader { #depth = 0; read(): number { return this.#depth } }`,
}

/** What the lint says of the clean house with some files put in or replaced: `file: rule`. */
function lintWith(planted: Readonly<Record<string, string>>): readonly string[] {
  const source = mkdtempSync(join(tmpdir(), 'lint-house-'))
  try {
    for (const [file, code] of Object.entries({ ...clean, ...planted })) {
      mkdirSync(dirname(join(source, file)), { recursive: true })
      writeFileSync(join(source, file), `${code}\n`)
    }
    return lintHouse(source, packages).map(({ file, rule }) => `${file}: ${rule}`)
  } finally {
    rmSync(source, { recursive: true })
  }
}

test('a house that keeps the rules has no violation', () => {
  assert.deepEqual(lintWith({}), [])
})

const plants: readonly (readonly [
  name: string,
  planted: Readonly<Record<string, string>>,
  expected: readonly string[],
])[] = [
  [
    'an import from a higher layer',
    { 'core/bad.ts': `import { run } from '../compute/index.ts'\nexport const bad = run` },
    ['core/bad.ts: layers'],
  ],
  [
    'a type from a higher layer',
    { 'core/bad.ts': `import type { Port } from '../data/index.ts'\nexport type Bad = Port` },
    ['core/bad.ts: layers'],
  ],
  [
    'an import type expression from a higher layer',
    { 'core/bad.ts': `export type Bad = import('../data/index.ts').Port` },
    ['core/bad.ts: layers'],
  ],
  [
    'an import from a sibling',
    { 'attestation/bad.ts': `export * from '../data/index.ts'` },
    ['attestation/bad.ts: layers'],
  ],
  [
    'an import past index.ts',
    { 'compute/bad.ts': `import { digest } from '../core/digest.ts'\nexport const bad = digest` },
    ['compute/bad.ts: layers'],
  ],
  [
    'a dynamic import from a higher layer',
    { 'core/bad.ts': `export const bad = () => import('../compute/index.ts')` },
    ['core/bad.ts: layers'],
  ],
  ['an import that leaves src', { 'core/bad.ts': `export * from '../../scripts/x.ts'` }, ['core/bad.ts: layers']],
  ['an import of a file that is not there', { 'core/bad.ts': `export * from './gone.ts'` }, ['core/bad.ts: layers']],
  [
    'shipped code that imports what only tests use',
    {
      'core/bad.ts': `export * from './testing.exec.ts'`,
      'core/testing.exec.ts': `export const home = process.env['HOME']`,
    },
    ['core/bad.ts: layers'],
  ],
  ['a folder that is no layer', { 'utils/bad.ts': `export const bad = 1` }, ['utils/bad.ts: layers']],
  [
    'a value that the contract takes from a domain',
    { 'contract/bad.ts': `import { run } from '../compute/index.ts'\nexport const bad = run` },
    ['contract/bad.ts: layers'],
  ],
  [
    'the file system in a pure file',
    { 'core/bad.ts': `import { readFileSync } from 'node:fs'\nexport const bad = readFileSync` },
    ['core/bad.ts: effects'],
  ],
  [
    'the file system without its prefix',
    { 'core/bad.ts': `import { readFile } from 'fs/promises'\nexport const bad = readFile` },
    ['core/bad.ts: effects', 'core/bad.ts: dependencies'],
  ],
  [
    'a process by dynamic import',
    { 'core/bad.ts': `export const bad = () => import('node:child_process')` },
    ['core/bad.ts: effects'],
  ],
  [
    'a process by getBuiltinModule',
    { 'core/bad.ts': `export const bad = process.getBuiltinModule('node:child_process')` },
    ['core/bad.ts: effects'],
  ],
  [
    'fetch in a pure file',
    { 'core/bad.ts': `export const bad = () => fetch('https://example.org')` },
    ['core/bad.ts: effects'],
  ],
  ['code made from text', { 'core/bad.ts': `export const bad = new Function('return 1')` }, ['core/bad.ts: effects']],
  [
    'the environment outside main.ts',
    { 'data/bad.fs.ts': `export const bad = process.env['HOME']` },
    ['data/bad.fs.ts: environment'],
  ],
  [
    'a class without anything to close and without private state',
    { 'core/bad.ts': `export class Manager { run(): void {} }` },
    ['core/bad.ts: classes'],
  ],
  [
    'inheritance from anything but an error',
    { 'core/bad.ts': `class Handle { close(): void {} }\nexport class Bad extends Handle {}` },
    ['core/bad.ts: classes'],
  ],
  [
    'a package that is not declared',
    { 'core/bad.ts': `import leftPad from 'left-pad'\nexport const bad = leftPad` },
    ['core/bad.ts: dependencies'],
  ],
  [
    'a development package in shipped code',
    { 'core/bad.ts': `import fc from 'fast-check/lib/x'\nexport const bad = fc` },
    ['core/bad.ts: dependencies'],
  ],
  ['a file that is too long', { 'core/bad.ts': `export const bad = 1${'\n'.repeat(350)}` }, ['core/bad.ts: length']],
  [
    'a cycle of values',
    {
      'core/a.ts': `import { b } from './b.ts'\nexport const a = () => b`,
      'core/b.ts': `import { a } from './a.ts'\nexport const b = () => a`,
    },
    ['core/a.ts: cycles'],
  ],
  [
    'a cycle that hides behind a dynamic import',
    { 'core/a.ts': `export const a = () => import('./b.ts')`, 'core/b.ts': `export { a } from './a.ts'` },
    ['core/a.ts: cycles'],
  ],
]
for (const [name, planted, expected] of plants) {
  test(`sees ${name}`, () => {
    assert.deepEqual(lintWith(planted), expected)
  })
}

test('a cycle of types alone is no cycle', () => {
  const planted = {
    'core/a.ts': `import type { B } from './b.ts'\nexport type A = B | 1`,
    'core/b.ts': `import { type A } from './a.ts'\nexport type B = A | 2`,
  }
  assert.deepEqual(lintWith(planted), [])
})

test('a file of exactly 350 lines is not too long', () => {
  assert.deepEqual(lintWith({ 'core/long.ts': `export const long = 1${'\n'.repeat(349)}` }), [])
})

/**
 * The validator as mounts of a sandbox: Node, one file of ours, and DuckDB's packages; nothing else of the host.
 *
 * From the source (tests) the whole `src` and `node_modules` take the place of the one file.
 */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export type ProgramMount = Readonly<{ source: string; target: string }>

export type Program = Readonly<{
  mounts: readonly ProgramMount[]
  /** Program and arguments; the folders of work and data follow. */
  argv: readonly string[]
}>

const place = '/validator'
const packages = ['@duckdb/node-api', '@duckdb/node-bindings', 'detect-libc', 'sharp', '@img/colour', 'semver']

export function validatorProgram(heapMegabytes: number): Program {
  const script = fileURLToPath(new URL('./validator/main.ts', import.meta.url))
  const node = { source: process.execPath, target: `${place}/node` }
  const options = [`${place}/node`, `--max-old-space-size=${heapMegabytes}`, '--no-warnings']
  const api = packageFolder('@duckdb/node-api', script)
  if (script.endsWith('.ts')) {
    const source = script.slice(0, script.lastIndexOf('/src/') + '/src'.length)
    const modules = join(dirname(source), 'node_modules')
    const mounts = [node, { source, target: `${place}/src` }, { source: modules, target: `${place}/node_modules` }]
    return { mounts, argv: [...options, `${place}/src${script.slice(source.length)}`] }
  }
  const mounts = [node, { source: script, target: `${place}/main.mjs` }]
  const sharp = packageFolder('sharp', script)
  const binaries = [
    platformPackage(api, '@duckdb/node-bindings', '@duckdb/node-bindings-'),
    platformPackage(sharp, 'sharp', '@img/sharp-'),
    platformPackage(sharp, 'sharp', '@img/sharp-libvips-'),
  ]
  for (const name of [...packages, ...binaries]) {
    mounts.push({
      source: packageFolder(name, script, join(api, 'x'), join(sharp, 'x')),
      target: `${place}/node_modules/${name}`,
    })
  }
  return { mounts, argv: [...options, `${place}/main.mjs`] }
}

/** `duckdb 1.5.6-r.1`. */
export function validatorEngine(): string {
  return `duckdb ${versionOf(packageFolder('@duckdb/node-api', fileURLToPath(import.meta.url)))}`
}

/** `sharp 0.34.5`. */
export function imageDecoder(): string {
  return `sharp ${versionOf(packageFolder('sharp', fileURLToPath(import.meta.url)))}`
}

/** Found as Node finds packages: beside the tool, or hoisted above it. */
function packageFolder(name: string, ...from: readonly string[]): string {
  for (const start of from) {
    for (const folder of createRequire(start).resolve.paths(name) ?? []) {
      const found = join(folder, name)
      if (existsSync(join(found, 'package.json'))) return found
    }
  }
  throw new Error(`the package ${name} is not installed: run npm install again`)
}

/** The binary of a package for this machine; musl where glibc is not. */
function platformPackage(near: string, owner: string, prefix: string): string {
  const machine = `${process.platform}-${process.arch}`
  const names = [`${prefix}${machine}`, `${prefix}${machine}-musl`, `${prefix}${machine.replace('linux', 'linuxmusl')}`]
  const place = packageFolder(owner, join(near, 'package.json'))
  for (const name of names) {
    for (const folder of createRequire(join(place, 'package.json')).resolve.paths(name) ?? []) {
      if (existsSync(join(folder, name, 'package.json'))) return name
    }
  }
  throw new Error(`the package ${names[0]} is not installed: run npm install again`)
}

function versionOf(folder: string): string {
  // a package that npm installed against the lock
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }
  return manifest.version
}

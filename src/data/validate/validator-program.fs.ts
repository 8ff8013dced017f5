/**
 * The validator as mounts of a sandbox: Node, one file of ours, and DuckDB's packages; nothing else of the host.
 *
 * From the source (tests) the whole `src` and `node_modules` take the place of the one file.
 */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Digest, digestOfJson, type Sha256 } from '../../core/index.ts'
import { type DigestPathOptions, digestPath } from '../digest-tree.fs.ts'

export type ProgramMount = Readonly<{ source: string; target: string }>

export type Program = Readonly<{
  mounts: readonly ProgramMount[]
  /** Program and arguments; the folders of work and data follow. */
  argv: readonly string[]
}>

const place = '/validator'
const packages = ['@duckdb/node-api', '@duckdb/node-bindings', 'detect-libc', 'sharp', '@img/colour', 'semver']

export function validatorProgram(heapMegabytes: number): Program {
  const options = [`${place}/node`, `--max-old-space-size=${heapMegabytes}`, '--no-warnings']
  const { node, script, fromSource, modules } = partsOfProgram()
  if (fromSource === undefined) return { mounts: [node, script, ...modules()], argv: [...options, `${place}/main.mjs`] }
  const { source, entry } = fromSource
  const all = { source: join(dirname(source.source), 'node_modules'), target: `${place}/node_modules` }
  return { mounts: [node, source, all], argv: [...options, entry] }
}

/**
 * What a verdict names as its program: Node, our code, the packages with their binaries, each under the path that it is
 * mounted at. LIMIT: the C library of the host, that Node stands on, is no part of it.
 *
 * @returns SHA-256 over the canonical JSON of mount point -> digest
 * @throws ERR_DATA_MISSING, ERR_DATA_NOT_PLAIN, ERR_IO
 */
export async function validatorDigest(options: DigestPathOptions = {}): Promise<Sha256> {
  const { node, script, fromSource, modules } = partsOfProgram()
  const digests = new Map<string, Digest>()
  for (const { source, target } of [node, fromSource?.source ?? script, ...modules()])
    digests.set(target, (await digestPath(source, options)).digest)
  return digestOfJson(Object.fromEntries(digests))
}

type Parts = Readonly<{
  node: ProgramMount
  script: ProgramMount
  fromSource?: Readonly<{ source: ProgramMount; entry: string }>
  modules(): readonly ProgramMount[]
}>

function partsOfProgram(): Parts {
  const path = fileURLToPath(new URL('./validator/main.ts', import.meta.url))
  const parts = {
    node: { source: process.execPath, target: `${place}/node` },
    script: { source: path, target: `${place}/main.mjs` },
    modules: () => packageMounts(path),
  }
  if (!path.endsWith('.ts')) return parts
  const source = { source: path.slice(0, path.lastIndexOf('/src/') + '/src'.length), target: `${place}/src` }
  return { ...parts, fromSource: { source, entry: `${source.target}${path.slice(source.source.length)}` } }
}

function packageMounts(script: string): readonly ProgramMount[] {
  const api = packageFolder('@duckdb/node-api', script)
  const sharp = packageFolder('sharp', script)
  const binaries = [
    platformPackage(api, '@duckdb/node-bindings', '@duckdb/node-bindings-'),
    platformPackage(sharp, 'sharp', '@img/sharp-'),
    platformPackage(sharp, 'sharp', '@img/sharp-libvips-'),
  ]
  return [...packages, ...binaries].map((name) => ({
    source: packageFolder(name, script, join(api, 'x'), join(sharp, 'x')),
    target: `${place}/node_modules/${name}`,
  }))
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

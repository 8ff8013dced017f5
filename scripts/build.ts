/**
 * Builds `dist/` as a whole: into a folder beside it, which then takes its place.
 *
 * THREAT: the signer holds the key. A parser of hostile bytes that slips into its process by an innocent import would
 * stand beside the key, so its modules are compared with the list in `scripts/bundles/signer.txt`, name by name.
 *
 * The licences of what is bundled are written beside it: `dist/THIRD-PARTY-NOTICES.txt`.
 */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, relative } from 'node:path'
import { type OutputChunk, type RolldownOptions, rolldown } from 'rolldown'
import configurations from '../rolldown.config.ts'
import { noticeFaults, noticeOf, printNotices } from './notices.ts'

const root = join(import.meta.dirname, '..')
const staging = join(root, 'dist.new')

/** Modules of a bundle: project files by path, packages by name. */
export function modulesOf(chunks: readonly OutputChunk[]): readonly string[] {
  const names = chunks.flatMap((chunk) => chunk.moduleIds).map(moduleName)
  return [...new Set(names.filter((name) => name !== ''))].sort()
}

function moduleName(id: string): string {
  if (id.startsWith('\0')) return ''
  const path = relative(root, id)
  const inPackage = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)
  return inPackage?.[1] ?? path
}

/** What stands in the bundle but not in its list, and the reverse. */
export function compareModules(actual: readonly string[], allowed: readonly string[]): readonly string[] {
  const extra = actual
    .filter((name) => !allowed.includes(name))
    .map((name) => `${name} is in the bundle but not in its list`)
  const gone = allowed
    .filter((name) => !actual.includes(name))
    .map((name) => `${name} is in the list but not in the bundle`)
  return [...extra, ...gone]
}

function allowListOf(name: string): readonly string[] | undefined {
  const file = join(root, 'scripts/bundles', `${name}.txt`)
  if (!existsSync(file)) return undefined
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.map((line) => line.replace(/#.*/, '').trim()).filter((line) => line !== '')
}

/** Folders of the packages that a bundle holds a part of. */
function packagesOf(chunks: readonly OutputChunk[]): readonly string[] {
  return chunks
    .flatMap((chunk) => chunk.moduleIds)
    .flatMap((id) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? [])
}

/** Packages that the built files import when they run: `external` in the configuration. */
export function externalsOf(chunks: readonly OutputChunk[]): readonly string[] {
  const own = new Set(chunks.map(({ fileName }) => fileName))
  return chunks
    .flatMap(({ imports, dynamicImports }) => [...imports, ...dynamicImports])
    .filter((name) => !(own.has(name) || isBuiltin(name)))
    .map((name) => /^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name)
}

type Packages = Readonly<{ bundled: Set<string>; external: Set<string> }>

async function buildOne(options: RolldownOptions, { bundled, external }: Packages): Promise<readonly string[]> {
  const { output, ...input } = options
  const faults: string[] = []
  // A package that is not there is only a warning to the bundler, and would be missed when the verb is called; that a
  // plugin is slow on a busy machine is none.
  const bundle = await rolldown({
    ...input,
    checks: { ...input.checks, pluginTimings: false },
    onLog: (_level, { message }) => void faults.push(message),
  })
  const written = await bundle.write({ ...(Array.isArray(output) ? output[0] : output), dir: staging })
  await bundle.close()
  const chunks = written.output.filter((item) => item.type === 'chunk')
  if (faults.length > 0) return faults
  for (const folder of packagesOf(chunks)) bundled.add(folder)
  for (const each of externalsOf(chunks)) external.add(each)
  const name = Object.keys(input.input ?? {})[0] ?? ''
  if (name === 'assay') return []
  if (chunks.length !== 1) return [`${name} is not one closed file`]
  const allowed = allowListOf(name)
  if (allowed === undefined)
    return [`scripts/bundles/${name}.txt is missing; the bundle holds: ${modulesOf(chunks).join(', ')}`]
  return compareModules(modulesOf(chunks), allowed).map((fault) => `${name}: ${fault}`)
}

/** An import that cannot be resolved is the source's fault: its text is enough, rolldown's own frames say nothing. */
async function buildOrTell(options: RolldownOptions, packages: Packages): Promise<readonly string[]> {
  try {
    return await buildOne(options, packages)
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)]
  }
}

/** The types of `assay/verify` import nothing, so that they are their own declarations. */
function declarations(): string {
  const types = readFileSync(join(root, 'src/attestation/library/types.ts'), 'utf8')
  return `${types}\nexport declare const verify: Verify\n`
}

async function main(): Promise<void> {
  rmSync(staging, { recursive: true, force: true })
  const packages: Packages = { bundled: new Set(), external: new Set() }
  const built = (await Promise.all(configurations.map((options) => buildOrTell(options, packages)))).flat()
  const notices = [...packages.bundled].toSorted().map(noticeOf)
  const faults = built.length > 0 ? built : noticeFaults(notices)
  if (faults.length > 0) {
    rmSync(staging, { recursive: true, force: true })
    for (const fault of faults) console.error(`build: ${fault}`)
    process.exit(1)
  }
  writeFileSync(join(staging, 'THIRD-PARTY-NOTICES.txt'), printNotices(notices))
  writeFileSync(join(staging, 'verify.d.ts'), declarations())
  writeFileSync(
    join(staging, 'externals.txt'),
    [...packages.external]
      .toSorted()
      .map((name) => `${name}\n`)
      .join(''),
  )
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  renameSync(staging, join(root, 'dist'))
}

if (import.meta.main) await main()

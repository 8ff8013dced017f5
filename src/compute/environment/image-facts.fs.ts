/**
 * What an image's tree and configuration tell: its system, its packages, the variables that it gives.
 *
 * Trust: the tree is the image's own word of itself; files of it are found in its manifest, so that no link of it is ever
 * followed on this machine.
 */
import { join } from 'node:path'
import { DomainError, type FileEntry } from '../../core/index.ts'
import type { Environment, EnvironmentPackage } from '../environment.ts'
import { credentialIn } from '../secrets/index.ts'
import { blasFact } from './facts.ts'
import { normaliseName } from './lock.ts'
import { readPlainFile, type TreeManifest } from './tree.fs.ts'

const usualPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

export function pathOfImage(variables: ReadonlyMap<string, string>): readonly string[] {
  const folders = (variables.get('PATH') ?? '').split(':').filter((folder) => folder.startsWith('/'))
  return folders.length === 0 ? usualPath : [...new Set(folders)]
}

/** Assay's own, and what says where a user lives: not an image's to set. */
const ownVariable = /^(PATH|HOME|PWD|OLDPWD|SHLVL|_|ASSAY_.*|DVC_.*)$/

/**
 * The variables that a stage gets from its image.
 *
 * THREAT: they stand in the evidence; one that is a credential is left out, and named.
 */
export function imageVariables(
  given: ReadonlyMap<string, string>,
): Readonly<{ variables: Readonly<Record<string, string>>; left: readonly string[] }> {
  const variables: Record<string, string> = {}
  const left: string[] = []
  for (const [name, value] of given) {
    if (ownVariable.test(name)) continue
    const kind = credentialIn(Buffer.from(value))
    if (kind === undefined) variables[name] = value
    else left.push(`the image sets \`${name}\` to ${kind}: stages do not get it`)
  }
  return { variables, left }
}

export function imageWarnings(replaced: readonly string[]): readonly string[] {
  return replaced.map((path) => `what the image has at \`/${path}\` is not there: the sandbox has its own`)
}

/** @throws ERR_ENV_UNSUPPORTED */
export function refuseShellless(manifest: TreeManifest, name: string): void {
  if (fileAt(manifest, 'bin/sh')?.executable === true) return
  throw new DomainError('ERR_ENV_UNSUPPORTED', `the image ${name} has no /bin/sh, by which a stage's command runs`, {
    help: 'use an image with a shell: the `-slim` one in place of a distroless one',
  })
}

/** LIMIT: links on one way. */
const maxLinks = 40

/** The file that a path of the image leads to, links followed within the image. */
export function fileAt({ files, layout }: TreeManifest, path: string): FileEntry | undefined {
  const links = new Map((layout?.links ?? []).map((link) => [link.path, link.target]))
  const open = path.split('/').reverse()
  let way: string[] = []
  for (let hops = 0; hops <= maxLinks; ) {
    const name = open.pop()
    if (name === undefined) break
    if (name === '' || name === '.') continue
    if (name === '..') {
      way.pop()
      continue
    }
    const target = links.get([...way, name].join('/'))
    if (target === undefined) way.push(name)
    else {
      hops += 1
      if (target.startsWith('/')) way = []
      open.push(...target.split('/').reverse())
    }
  }
  const found = way.join('/')
  return open.length > 0 ? undefined : files.find((file) => file.path === found)
}

/** LIMIT: 64 MiB for a list of packages. */
const maxListBytes = 64 * 1024 ** 2

function textAt(tree: string, manifest: TreeManifest, path: string): string {
  const file = fileAt(manifest, path)
  const bytes = file === undefined ? undefined : readPlainFile(join(tree, file.path), maxListBytes)
  return bytes === undefined ? '' : bytes.toString('utf8')
}

/** Packages of Debian and Alpine, as the image's own lists name them, and of Python, as their folders are called. */
export function imagePackages(tree: string, manifest: TreeManifest): readonly EnvironmentPackage[] {
  const debian = paragraphs(textAt(tree, manifest, 'var/lib/dpkg/status')).flatMap((text) =>
    / installed$/m.test(field(text, 'Status')) ? packageOf(field(text, 'Package'), field(text, 'Version')) : [],
  )
  const alpine = paragraphs(textAt(tree, manifest, 'lib/apk/db/installed')).flatMap((text) =>
    packageOf(field(text, 'P'), field(text, 'V')),
  )
  const python = manifest.files.flatMap(({ path }) => {
    const [, name = '', version = ''] = pythonPackage.exec(path) ?? []
    return packageOf(normaliseName(name), version)
  })
  const all = [...debian, ...alpine, ...python].map((one) => [`${one.name} ${one.version}`, one] as const)
  return [...new Map(all).values()].toSorted((left, right) => (left.name < right.name ? -1 : 1))
}

/** SOURCE: PyPA, "Recording installed projects": `NAME-VERSION.dist-info`. */
const pythonPackage =
  /\/(?:site|dist)-packages\/([A-Za-z0-9][\w.]*)-([\w.+!]+)(?:-py3[\w.]*)?\.(?:dist-info\/METADATA|egg-info(?:\/PKG-INFO)?)$/

function paragraphs(text: string): readonly string[] {
  return text.split(/\n{2,}/)
}

function field(text: string, name: string): string {
  const start = text.startsWith(`${name}:`) ? 0 : text.indexOf(`\n${name}:`) + 1
  if (start === 0 && !text.startsWith(`${name}:`)) return ''
  const end = text.indexOf('\n', start)
  return text.slice(start + name.length + 1, end < 0 ? undefined : end).trim()
}

function packageOf(name: string, version: string): readonly EnvironmentPackage[] {
  const isPlain = /^[\x21-\x7e]{1,200}$/
  return isPlain.test(name) && isPlain.test(version) ? [{ name, version }] : []
}

/** The system that the image is of, its C library, its linear algebra. */
export function imageFacts(
  tree: string,
  manifest: TreeManifest,
  packages: readonly EnvironmentPackage[],
): Environment['facts'] {
  const release = /^PRETTY_NAME="?([^"\n]{1,200})"?$/m.exec(textAt(tree, manifest, 'etc/os-release'))?.[1]
  const libc = packages.find(({ name }) => name === 'libc6' || name === 'musl')
  return [
    ...(release === undefined ? [] : [{ name: 'system', value: release, tier: 'observed' as const }]),
    ...(libc === undefined ? [] : [{ name: 'libc', value: `${libc.name} ${libc.version}`, tier: 'observed' as const }]),
    ...blasFact(manifest.files.map(({ path }) => path)),
  ]
}

/**
 * Where each member of a wheel lands in an environment, and what a reader should know of it.
 *
 * SOURCE: PEP 427 (spread of `.data`), PEP 405 (layout of a virtual environment).
 */
import type { EntryPoint } from './wheel-metadata.ts'

/** Where the environment is inside every sandbox: scripts name it, so it never changes. */
export const environmentTarget = '/env'

export type TreeLayout = Readonly<{
  /** `lib/python3.11/site-packages` */
  sitePackages: string
  /** `include/site/python3.11` */
  headers: string
}>

export function layoutOf(version: readonly [number, number, number]): TreeLayout {
  const python = `python${version[0]}.${version[1]}`
  return { sitePackages: `lib/${python}/site-packages`, headers: `include/site/${python}` }
}

export type Placement =
  | Readonly<{ kind: 'file'; path: string; script: boolean }>
  /** Bytecode that the wheel brought: never installed, since it would run instead of the source that was reviewed. */
  | Readonly<{ kind: 'skipped' }>
  | Readonly<{ kind: 'refused'; because: string }>

/** What the builder itself makes; no wheel may bring it. */
const reserved = /^(pyvenv\.cfg|bin\/python[\d.]*|lib|lib64|bin|include)$/

/** Folders from which some builds of Python import beside the one that is compiled and looked at. */
const foreignLibrary = /^(local\/)?lib(64)?\/python/

/** @param distInfo `six-1.17.0.dist-info`; @param project normalised */
export function placeMember(member: string, distInfo: string, project: string, layout: TreeLayout): Placement {
  const parts = member.split('/')
  if (parts.includes('__pycache__')) return { kind: 'skipped' }
  const data = distInfo.replace(/\.dist-info$/, '.data')
  if (parts[0] !== data) return { kind: 'file', path: `${layout.sitePackages}/${member}`, script: false }
  const [, scheme = '', ...rest] = parts
  const inside = rest.join('/')
  const folder = {
    purelib: layout.sitePackages,
    platlib: layout.sitePackages,
    scripts: 'bin',
    headers: `${layout.headers}/${project}`,
    data: '',
  }[scheme]
  if (folder === undefined || inside === '') return { kind: 'refused', because: `has an unknown part \`${member}\`` }
  const path = folder === '' ? inside : `${folder}/${inside}`
  const isOther = foreignLibrary.test(path) && !path.startsWith(`${layout.sitePackages}/`)
  if (isOther || reserved.test(path))
    return { kind: 'refused', because: `brings \`${path}\`, which belongs to the environment` }
  return { kind: 'file', path, script: scheme === 'scripts' }
}

/** Scripts of a wheel say `#!python`; here they get the environment's own. */
export function withShebang(script: Buffer): Buffer {
  const line = /^#!python(w)?[^\n]*/.exec(script.subarray(0, 200).toString('latin1'))?.[0]
  if (line === undefined) return script
  return Buffer.concat([Buffer.from(`#!${environmentTarget}/bin/python`), script.subarray(line.length)])
}

/**
 * The launcher of an entry point.
 *
 * THREAT: a script's folder is first on `sys.path`, so that `bin/random.py` of a wheel would shadow the library's.
 * `-I` would close that too, but ignores PYTHONHASHSEED, which makes runs repeat.
 */
export function launcherOf({ module, attribute }: EntryPoint): string {
  const [head] = attribute.split('.')
  return [
    `#!${environmentTarget}/bin/python`,
    'import sys',
    `sys.path[:] = [folder for folder in sys.path if folder != '${environmentTarget}/bin']`,
    `from ${module} import ${head}`,
    "if __name__ == '__main__':",
    `    sys.exit(${attribute}())`,
    '',
  ].join('\n')
}

/** The environment's `bin` is first on PATH: a script with one of these names runs in place of what a stage means. */
export const systemCommands: ReadonlySet<string> = new Set(
  'awk bash cat chmod cp cut date dash echo env find git grep gzip head ls make mkdir mv printf rm sed sh sort tail tar tee test touch tr uniq wc xargs zsh'.split(
    ' ',
  ),
)

export type TreeFacts = Readonly<{ path: string; owner: string; head: Buffer }>

/** What runs, or is found, where a reader would not look for it. `modules` are the names of the standard library. */
export function warningOf(
  { path, owner, head }: TreeFacts,
  layout: TreeLayout,
  modules: ReadonlySet<string>,
): string | undefined {
  const script = /^bin\/([^/]+)\.py$/.exec(path)?.[1]
  if (script !== undefined && modules.has(script)) return `${owner}: the script \`${script}.py\` shadows the library`
  if (path.startsWith('bin/') && systemCommands.has(path.slice(4))) {
    return `${owner}: the script \`${path.slice(4)}\` shadows the command of the system`
  }
  if (!path.startsWith(`${layout.sitePackages}/`)) return undefined
  const name = path.slice(layout.sitePackages.length + 1)
  if (/^[^/]+\.pth$/.test(name) && /^import[ \t]/m.test(head.toString('latin1'))) {
    return `${owner}: \`${name}\` runs code whenever Python starts`
  }
  const module = /^([^/.]+)(?:\.(?:[\w-]+\.)?(?:py|pyc|so)|\/__init__\.py)$/.exec(name)?.[1]
  if (module === 'sitecustomize' || module === 'usercustomize') {
    return `${owner}: \`${name}\` runs whenever Python starts`
  }
  if (module !== undefined && modules.has(module)) return `${owner}: \`${name}\` has a name of the standard library`
  return /\.pyc$/.test(name) ? `${owner}: \`${name}\` is bytecode without source` : undefined
}

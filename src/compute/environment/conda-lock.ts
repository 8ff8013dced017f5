/**
 * `conda-lock.yml` (version 1) and explicit lists of conda: packages by address and SHA-256.
 *
 * SOURCE: conda-lock, `lockfile/v1/models.py`; conda, "explicit" (`misc.py`: `url_pat`). Stricter: SHA-256 alone, no
 * packages of pip, no address with a token.
 */
import { type Document, parseDocument } from 'yaml'
import { z } from 'zod'
import { isSha256, repeatedKey, type Sha256, withinStack } from '../../core/index.ts'
import { type LockChoice, normaliseName } from './lock.ts'
import { decodeLock, fileNameOf, parseIndexUrl, type Refuse, refusalAt, refuseChoice, shapedLock } from './lock-text.ts'

export type LockedCondaPackage = Readonly<{
  /** `numpy-1.26.4-py312heda63a1_0.conda` */
  fileName: string
  name: string
  version: string
  build: string
  sha256: Sha256
  url: string
  line: number
}>

export type CondaQuestion = Readonly<{
  choice: LockChoice
  /** Of conda: `linux-64`. */
  platform: string
}>

const platforms: Readonly<Record<string, string>> = { x64: 'linux-64', arm64: 'linux-aarch64', ppc64: 'linux-ppc64le' }

/** Of this machine, in conda's words. */
export function condaPlatform(): string | undefined {
  return platforms[process.arch]
}

/**
 * What a lock means on a platform.
 *
 * Trust: `bytes` are attacker-controlled.
 *
 * @throws ERR_ENV_LOCK_INVALID, ERR_ENV_HASH_MISSING, ERR_ENV_PLATFORM
 */
export function parseCondaLock(
  bytes: Uint8Array,
  path: string,
  question: CondaQuestion,
): readonly LockedCondaPackage[] {
  const text = decodeLock(bytes, path)
  const packages = /\.ya?ml$/.test(path) ? fromYaml(text, path, question) : fromList(text, path, question)
  if (packages.length === 0) throw refusalAt(path, 1)('ERR_ENV_LOCK_INVALID', 'the lock holds no package')
  const seen = new Map<string, number>()
  for (const { name, line } of packages) {
    const before = seen.get(name)
    const what = `\`${name}\` stands there twice, first in line ${before}`
    if (before !== undefined) throw refusalAt(path, line)('ERR_ENV_LOCK_INVALID', what)
    seen.set(name, line)
  }
  return packages
}

const lockShape = z.looseObject({
  version: z.number(),
  package: z.array(
    z.looseObject({
      name: z.string(),
      version: z.union([z.string(), z.number()]).transform(String),
      manager: z.string(),
      platform: z.string(),
      url: z.string(),
      hash: z.looseObject({ sha256: z.string().optional() }),
      category: z.string().optional(),
      categories: z.array(z.string()).optional(),
    }),
  ),
})

function fromYaml(text: string, path: string, { choice, platform }: CondaQuestion): readonly LockedCondaPackage[] {
  const refuse = refusalAt(path, 1)
  const document = shapedLock(lockShape, condaYaml(text, refuse), refuse)
  if (document.version !== 1) {
    throw refuse('ERR_ENV_LOCK_INVALID', `the version ${document.version} of conda-lock.yml is not known`)
  }
  const lines = text.split('\n').flatMap((line, index) => (/^\s*- name:/.test(line) ? [index + 1] : []))
  const categoriesOf = ({ category, categories }: (typeof document.package)[number]): readonly string[] =>
    (categories ?? [category ?? 'main']).map(normaliseName)
  const groups = new Set(document.package.flatMap(categoriesOf))
  refuseChoice(choice, { extras: [], groups: [...groups] }, path)
  const wanted = new Set(['main', ...choice.groups.map(normaliseName)])
  const platforms = new Set(document.package.map((one) => one.platform))
  if (!platforms.has(platform)) throw otherPlatform(path, [...platforms].join(', '), platform)
  return document.package.flatMap((one, index) => {
    const line = lines[index] ?? 1
    if (one.platform !== platform || !categoriesOf(one).some((name) => wanted.has(name))) return []
    const here = refusalAt(path, line)
    if (one.manager !== 'conda') {
      throw here(
        'ERR_ENV_UNSUPPORTED',
        `\`${one.name}\` comes by ${one.manager.slice(0, 40)}, and a conda environment holds packages of conda alone`,
        'take a package of conda for it, or put all into a Python environment: assay env lock',
      )
    }
    return [packageOf({ url: one.url, sha256: one.hash.sha256, line }, platform, here)]
  })
}

/** @throws ERR_ENV_LOCK_INVALID: not one plain document, a key twice, an alias */
export function condaYaml(text: string, refuse: Refuse): unknown {
  return withinStack(
    () => readCondaYaml(text, refuse),
    () => refuse('ERR_ENV_LOCK_INVALID', 'it is nested too deeply'),
  )
}

function readCondaYaml(text: string, refuse: Refuse): unknown {
  const document: Document = parseDocument(text, {
    uniqueKeys: false,
    merge: false,
    prettyErrors: false,
    logLevel: 'error',
  })
  const [error] = [...document.errors, ...document.warnings]
  if (error !== undefined) throw refuse('ERR_ENV_LOCK_INVALID', `not YAML: ${error.message.split('\n')[0] ?? ''}`)
  const repeated = repeatedKey(document)
  if (repeated !== undefined) {
    throw refuse('ERR_ENV_LOCK_INVALID', `the key \`${repeated.key.slice(0, 100)}\` stands twice`)
  }
  try {
    return document.toJS({ maxAliasCount: 0 })
  } catch (cause) {
    if (!(cause instanceof ReferenceError)) throw cause
    throw refuse('ERR_ENV_LOCK_INVALID', 'it holds an alias (`*name`), which assay does not take')
  }
}

function otherPlatform(path: string, made: string, here: string): Error {
  return refusalAt(path, 1)(
    'ERR_ENV_PLATFORM',
    `\`${path}\` is made for ${made.slice(0, 200)}, this is ${here}`,
    `lock it for this platform too: conda-lock --platform ${here}`,
  )
}

function fromList(text: string, path: string, { choice, platform }: CondaQuestion): readonly LockedCondaPackage[] {
  refuseChoice(choice, { extras: [], groups: [] }, path)
  const lines = text.split(/\r?\n/)
  if (!lines.some((line) => line.trim() === '@EXPLICIT')) {
    throw refusalAt(path, 1)(
      'ERR_ENV_LOCK_INVALID',
      'it is neither a conda-lock.yml nor an explicit list: there is no line `@EXPLICIT`',
      'write one: conda list --explicit --sha256 > conda-linux-64.lock',
    )
  }
  const made = lines.map((line) => /^#\s*platform:\s*(\S+)/.exec(line)?.[1]).find((found) => found !== undefined)
  if (made !== undefined && made !== platform) throw otherPlatform(path, made, platform)
  return lines.flatMap((raw, index) => {
    const line = raw.trim()
    if (line === '' || line.startsWith('#') || line === '@EXPLICIT') return []
    const here = refusalAt(path, index + 1)
    const cut = line.indexOf('#')
    const [url, digest] = cut < 0 ? [line, ''] : [line.slice(0, cut).trim(), line.slice(cut + 1).trim()]
    const sha256 = /^(?:sha256:)?([0-9a-fA-F]{64})$/.exec(digest)?.[1]
    return [packageOf({ url, sha256, line: index + 1 }, platform, here)]
  })
}

type Written = Readonly<{ url: string; sha256: string | undefined; line: number }>

function packageOf({ url: text, sha256, line }: Written, platform: string, refuse: Refuse): LockedCondaPackage {
  const url = parseIndexUrl(text, refuse)
  const parts = new URL(url).pathname.split('/')
  // THREAT: a token of a channel in an address is leaked already, and would be copied into evidence.
  if (parts.includes('t')) {
    throw refuse(
      'ERR_ENV_LOCK_INVALID',
      'the address carries a token',
      'take it out; a channel with a token cannot be locked',
    )
  }
  const fileName = fileNameOf(url)
  const [, stem] = /^([A-Za-z0-9_][\w.+!-]{2,200})\.(?:conda|tar\.bz2)$/.exec(fileName) ?? []
  const pieces = (stem ?? '').split('-')
  const [build = '', version = ''] = [pieces.at(-1), pieces.at(-2)]
  const name = pieces.slice(0, -2).join('-')
  if (name === '' || version === '' || build === '') {
    throw refuse('ERR_ENV_LOCK_INVALID', `\`${fileName.slice(0, 100)}\` is not the name of a package of conda`)
  }
  const digest = `sha256:${sha256?.toLowerCase()}`
  if (!isSha256(digest)) {
    const help = 'state SHA-256: conda list --explicit --sha256, or conda-lock.yml (conda-lock --kind lock)'
    throw refuse('ERR_ENV_HASH_MISSING', `\`${name}\` has no SHA-256`, help)
  }
  const subdir = parts.at(-2) ?? ''
  if (subdir !== platform && subdir !== 'noarch') {
    throw refuse('ERR_ENV_PLATFORM', `\`${name}\` is made for ${subdir.slice(0, 40)}, this is ${platform}`)
  }
  return { fileName, name, version, build, sha256: digest, url, line }
}

/**
 * `assay env lock`: from what a project says it needs to a lock with hashes beside it, and the lines of assay.yaml for it.
 *
 * The files are read here; the resolver sees a list of names. What comes back is read by the same parser that stages rely
 * on before it is written.
 */
import { mkdirSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { parse } from 'yaml'
import {
  type CondaWanted,
  condaLockNames,
  condaPipWanted,
  condaPlatform,
  type EnvironmentRequest,
  isForConda,
  joinWanted,
  maxPackageLockBytes,
  nothingWanted,
  type OtherLock,
  parseLock,
  pipfileWanted,
  prepareEnvironment,
  pyprojectWanted,
  type ReadWanted,
  readCondaWanted,
  readOtherLock,
  requirementsWanted,
  resolveCondaLock,
  resolveLock,
  versionsIn,
  type Wanted,
} from '../compute/index.ts'
import { DomainError } from '../core/index.ts'
import { openObjectStore, setInYaml } from '../data/index.ts'
import { chooseLock } from './choose-lock.fs.ts'
import { defineSettings } from './define/index.ts'
import type { PythonEnvironment } from './definition.ts'
import { environmentPlace, type Telling } from './environment-request.ts'
import { writeDurably } from './evidence.fs.ts'
import type { Project } from './project.ts'
import { readProjectFile } from './project-file.fs.ts'

export type LockOptions = Telling &
  Readonly<{
    /** Project path of the source, or `installed`; found when left out. */
    from?: string
    /** Project path of the lock; beside the source when left out. */
    out?: string
    extras: readonly string[]
    groups: readonly string[]
    /** Projects that are built from source, beside those that assay.yaml names. */
    sdists: readonly string[]
    /** Program that the environment is for. */
    interpreter?: string
    /** Forgets the versions of the lock that is there. */
    upgrade: boolean
    /** Writes assay.yaml. */
    yes: boolean
  }>

export type LockedEnvironment = Readonly<{
  source: string
  lock: string
  written: readonly string[]
  packages: number
  notes: readonly string[]
  /** Lines for assay.yaml, empty when it names the lock already or they were written. */
  lines: readonly string[]
  environment: string
}>

/** @throws ERR_ENV_LOCK_INVALID, ERR_ENV_RESOLVE, ERR_ENV_SOURCE_DIST, ERR_ENV_FETCH, ERR_DATA_MISSING, ERR_SETTINGS_INVALID */
export async function lockEnvironment(project: Project, options: LockOptions): Promise<LockedEnvironment> {
  const ready = options.from === undefined ? await readyLock(project) : undefined
  if (ready !== undefined) return told(project, options, { source: ready, lock: ready, notes: [], written: [] })
  const source = options.from ?? sourceOf(project)
  const question = questionOf(project, source, options)
  const conda = /\.ya?ml$/.test(source) ? readCondaWanted(question) : undefined
  if (conda !== undefined && isForConda(conda)) return lockConda(project, options, { source, wanted: conda })
  const wanted = await wantedOf(project, question, options)
  const lock = options.out ?? lockBeside(source)
  refuseOverwriting(source, lock)
  const known = options.upgrade ? undefined : textOf(project, lock)
  const text = await resolveLock({
    ...(await resolverPlace(project, options)),
    wanted,
    ...(options.interpreter === undefined ? {} : { interpreter: options.interpreter }),
    ...(known === undefined ? {} : { known }),
    source,
    sources: sourcesFor(project, lock, options),
  })
  parseLock(lock, Buffer.from(text))
  return told(project, options, { source, lock, notes: wanted.notes, written: writeLock(project, lock, text) })
}

function refuseOverwriting(source: string, lock: string): void {
  if (lock !== source) return
  throw new DomainError('ERR_USAGE', `\`${source}\` would be overwritten by its own lock`, {
    help: 'name another file with --out',
  })
}

/** @returns what was written */
function writeLock(project: Project, lock: string, text: string): readonly string[] {
  if (text === textOf(project, lock)) return []
  writeDurably(join(project.root, lock), Buffer.from(text))
  return [lock]
}

/** What an environment.yml asks of conda, for this machine's platform. */
async function lockConda(
  project: Project,
  options: LockOptions,
  { source, wanted }: Readonly<{ source: string; wanted: CondaWanted }>,
): Promise<LockedEnvironment> {
  const lock = options.out ?? `${source.slice(0, source.lastIndexOf('/') + 1)}conda-${condaPlatform() ?? ''}.lock`
  refuseOverwriting(source, lock)
  const known = options.upgrade ? undefined : textOf(project, lock)
  const text = await resolveCondaLock({
    ...(await resolverPlace(project, options)),
    ...{ wanted, source },
    ...(known === undefined ? {} : { known }),
  })
  const written = writeLock(project, lock, text)
  const left = `NOT LOCKED, the part \`pip:\` of ${source} (${wanted.pip.join(', ')}): an environment of conda holds packages of conda alone. Name packages of conda for them under \`dependencies\`, or put all of them and what comes from conda into a requirements.txt: assay env lock --from requirements.txt`
  const notes = wanted.pip.length === 0 ? wanted.notes : [...wanted.notes, left]
  return told(project, options, { source, lock, notes, written })
}

/** Named now, or by the environment that has this lock. */
function sourcesFor(project: Project, lock: string, { sdists }: LockOptions): readonly string[] {
  const named = [...project.settings.environments.values()].flatMap((one) =>
    one.kind === 'python' && one.lock === lock ? (one.sources?.projects ?? []) : [],
  )
  const names = [...named, ...sdists.map((name) => name.toLowerCase().replace(/[-_.]+/g, '-'))]
  const strange = names.find((name) => !/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name))
  if (strange !== undefined) throw new DomainError('ERR_USAGE', `\`${strange}\` is not the name of a project`)
  return [...new Set(names)].toSorted()
}

/** Made by another tool, or by hand with hashes: it needs nothing but its lines. */
async function readyLock(project: Project): Promise<string | undefined> {
  const place = {
    cacheFolder: join(project.root, '.assay', 'environments'),
    workFolder: join(project.root, '.assay', 'boxes'),
  }
  const { lock } = await chooseLock(project.root, project, place)
  if (lock !== undefined) return lock === 'requirements.lock' ? undefined : lock
  const plain = sources.find((path) => namesPackages(project, path))
  const isFound = (path: string): boolean => readOther(project, path) !== undefined
  // What conda resolved says more than what conda was asked; a project in two languages is asked for its Python first.
  const conda = plain === undefined || /\.ya?ml$/.test(plain) ? condaLockNames.find(isFound) : undefined
  if (conda !== undefined && plain !== undefined && isMadeHere(project, conda)) return undefined
  return conda ?? (plain === undefined ? ['package-lock.json', 'npm-shrinkwrap.json'].find(isFound) : undefined)
}

/** It follows its source. */
function isMadeHere(project: Project, lock: string): boolean {
  return textOf(project, lock)?.startsWith('# Locked by: assay env lock ') === true
}

function readOther(project: Project, path: string): OtherLock | undefined {
  const bytes = readProjectFile(project.root, path, maxPackageLockBytes)
  return bytes === undefined ? undefined : readOtherLock(path, bytes)
}

/** In the order in which they are looked for. */
const sources = [
  'requirements.in',
  'requirements.txt',
  'pyproject.toml',
  'Pipfile',
  'environment.yml',
  'environment.yaml',
  'conda.yml',
  'conda.yaml',
]

/** @throws ERR_DATA_MISSING: what happens to be installed is locked only when that is asked for */
function sourceOf(project: Project): string {
  const found = sources.find((path) => namesPackages(project, path))
  if (found !== undefined) return found
  throw new DomainError('ERR_DATA_MISSING', 'no file here says which packages the project needs', {
    help: 'name one (assay env lock --from FILE), or lock what the interpreter on PATH has: assay env lock --from installed',
  })
}

function namesPackages(project: Project, path: string): boolean {
  const text = textOf(project, path)
  return (
    text !== undefined && (path !== 'pyproject.toml' || /^\s*(dependencies|dynamic)\b|\.dependencies\]/m.test(text))
  )
}

/** By its mark where it has one, as pip reads it: `pip freeze > requirements.txt` of PowerShell is UTF-16. */
function textOf(project: Project, path: string): string | undefined {
  const bytes = readProjectFile(project.root, path, maxPackageLockBytes)
  if (bytes === undefined) return undefined
  const mark = `${bytes[0]},${bytes[1]}`
  return new TextDecoder(mark === '255,254' ? 'utf-16le' : mark === '254,255' ? 'utf-16be' : 'utf-8').decode(bytes)
}

function questionOf(project: Project, source: string, options: LockOptions): ReadWanted {
  if (source !== 'installed' && textOf(project, source) === undefined) {
    throw new DomainError('ERR_DATA_MISSING', `\`${source}\` is not there`, {
      help: 'name a file of the project, or: --from installed',
    })
  }
  return {
    path: source,
    choice: { extras: options.extras, groups: options.groups },
    textOf: (path) => textOf(project, path),
  }
}

async function wantedOf(project: Project, question: ReadWanted, options: LockOptions): Promise<Wanted> {
  const source = question.path
  if (source === 'installed') return installedWanted(project, options)
  const wanted = readerOf(source)(question)
  const own = 'pyproject.toml'
  const isIncluded = wanted.itself && source !== own && textOf(project, own) !== undefined
  const earlier = ['poetry.lock', 'uv.lock'].filter((path) => textOf(project, path) !== undefined)
  return joinWanted(
    wanted,
    ...(isIncluded ? [pyprojectWanted({ ...question, path: own })] : []),
    ...(source === own && !options.upgrade ? earlier.map((path) => versionsIn({ ...question, path })) : []),
  )
}

function readerOf(source: string): (question: ReadWanted) => Wanted {
  const name = source.split('/').at(-1) ?? ''
  if (name === 'pyproject.toml') return pyprojectWanted
  if (name === 'Pipfile') return pipfileWanted
  if (/\.ya?ml$/.test(name)) return (question) => condaPipWanted(question, readCondaWanted(question))
  return requirementsWanted
}

/** Tools that install, which no stage needs. */
const installers: ReadonlySet<string> = new Set(['pip', 'setuptools', 'wheel', 'uv', 'pipenv', 'poetry'])

/** What the interpreter on PATH has, at those versions. */
async function installedWanted(project: Project, options: LockOptions): Promise<Wanted> {
  const request = { ...environmentPlace(project, options), name: 'host', purpose: 'identify' as const }
  const { packages } = await prepareEnvironment({ ...request, definition: { kind: 'host' } })
  const requirements = packages
    .filter(({ name }) => !installers.has(name))
    .map(({ name, version }) => `${name}==${version}`)
  if (requirements.length > 0) return { ...nothingWanted, requirements }
  throw new DomainError('ERR_DATA_MISSING', 'the interpreter on PATH has no packages to lock', {
    help: 'activate the environment that has them, or name a file: assay env lock --from requirements.txt',
  })
}

/** `requirements-train.txt` -> `requirements-train.lock`; anything else -> `requirements.lock` in its folder. */
function lockBeside(source: string): string {
  const [, folder = '', name = ''] = /^(.*\/)?([^/]*)$/.exec(source) ?? []
  const stem = name.replace(/\.(in|txt)$/, '')
  return `${folder}${/requirements/i.test(stem) && stem !== name ? stem : 'requirements'}.lock`
}

/** The resolver is kept for all projects of a user, where there is a place for it. */
async function resolverPlace(
  project: Project,
  options: LockOptions,
): Promise<Omit<EnvironmentRequest, 'name' | 'purpose' | 'definition'>> {
  const place = environmentPlace(project, options)
  const { XDG_CACHE_HOME: cache = '', HOME: home = '' } = project.environment
  const base = isAbsolute(cache) ? cache : isAbsolute(home) ? join(home, '.cache') : undefined
  if (base === undefined) return place
  const folder = join(base, 'assay', 'resolver')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return { ...place, store: openObjectStore(join(folder, 'objects')), cacheFolder: folder }
}

type Locked = Pick<LockedEnvironment, 'source' | 'lock' | 'notes' | 'written'>

/** Names the lock in assay.yaml, or says what to write there. */
function told(project: Project, options: LockOptions, locked: Locked): LockedEnvironment {
  const { yes, extras, groups } = options
  const bytes = readProjectFile(project.root, locked.lock, maxPackageLockBytes) ?? new Uint8Array()
  const other = readOtherLock(locked.lock, bytes)
  const packages = other?.packages.length ?? parseLock(locked.lock, bytes).requirements.length
  const kind = other?.kind ?? 'python'
  const known = [...project.settings.environments].find(
    ([, one]) =>
      ('lock' in one && one.lock === locked.lock) || (one.kind === 'python' && one.sources?.lock === locked.lock),
  )
  const sdists = locked.source === locked.lock ? [] : sourcesFor(project, locked.lock, options)
  const named = known?.[1].kind === 'python' ? (known[1].sources?.projects ?? []) : []
  if (known !== undefined && sdists.every((name) => named.includes(name)))
    return { ...locked, packages, environment: known[0], lines: [] }
  const builder = builderFor(project, locked.lock)
  if (builder !== undefined) return nameBuilder(project, options, { ...locked, packages }, builder)
  const name = known?.[0] ?? nameFor(project, locked.lock)
  // A lock that was made here holds what was asked for; another tool's is asked when it is read.
  const asked = locked.source === locked.lock ? { ...some('extras', extras), ...some('groups', groups) } : {}
  const definition = { lock: locked.lock, ...asked, ...some('sdists', sdists) }
  const isDefault = defaultOf(project) === 'host'
  if (yes) {
    const before = textOf(project, 'assay.yaml') ?? 'assay: 1\n'
    const changed = setInYaml(before, ['environments', name], { [kind]: definition })
    const after = isDefault ? setInYaml(changed, ['defaults', 'environment'], name) : changed
    defineSettings(Buffer.from(after), 'assay.yaml', project.pipeline)
    writeDurably(join(project.root, 'assay.yaml'), Buffer.from(after))
    return { ...locked, packages, environment: name, written: [...locked.written, 'assay.yaml'], lines: [] }
  }
  const inner = Object.entries<string | readonly string[]>(definition).map(
    ([key, value]) => `${key}: ${typeof value === 'string' ? value : `[${value.join(', ')}]`}`,
  )
  const lines = ['environments:', `  ${name}: {${kind}: {${inner.join(', ')}}}`]
  return {
    ...locked,
    packages,
    environment: name,
    lines: [...lines, ...(isDefault ? [`defaults: {environment: ${name}}`] : [])],
  }
}

/** The environment that builds from source and has no lock for it yet, when this is one by its name. */
function builderFor(project: Project, lock: string): readonly [string, PythonEnvironment] | undefined {
  if (!/(^|[-_./])build\.lock$/.test(lock)) return undefined
  for (const [name, one] of project.settings.environments) {
    if (one.kind === 'python' && one.sources?.lock === one.lock) return [name, one]
  }
  return undefined
}

function nameBuilder(
  project: Project,
  { yes }: LockOptions,
  locked: Locked & Pick<LockedEnvironment, 'packages'>,
  [name, { lock, sources }]: readonly [string, PythonEnvironment],
): LockedEnvironment {
  if (!yes) {
    const inner = `lock: ${lock}, sdists: [${sources?.projects.join(', ')}], buildLock: ${locked.lock}`
    return { ...locked, environment: name, lines: ['environments:', `  ${name}: {python: {${inner}}}`] }
  }
  const before = textOf(project, 'assay.yaml') ?? 'assay: 1\n'
  const after = setInYaml(before, ['environments', name, 'python', 'buildLock'], locked.lock)
  defineSettings(Buffer.from(after), 'assay.yaml', project.pipeline)
  writeDurably(join(project.root, 'assay.yaml'), Buffer.from(after))
  return { ...locked, environment: name, written: [...locked.written, 'assay.yaml'], lines: [] }
}

function some(key: string, names: readonly string[]): Readonly<Record<string, readonly string[]>> {
  return names.length === 0 ? {} : { [key]: names }
}

/** `requirements-train.lock` -> `train`, any other -> `locked`; a number behind it where that is taken. */
function nameFor(project: Project, lock: string): string {
  const stem = /requirements[-_.]([\w-]+)\.lock$/i.exec(lock)?.[1] ?? 'locked'
  const taken = project.settings.environments
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? stem : `${stem}-${number}`
    if (!taken.has(name)) return name
  }
}

function defaultOf(project: Project): string {
  const settings: unknown = parse(textOf(project, 'assay.yaml') ?? '')
  const defaults = settings instanceof Object && 'defaults' in settings ? settings.defaults : undefined
  return defaults instanceof Object && 'environment' in defaults ? String(defaults.environment) : 'host'
}

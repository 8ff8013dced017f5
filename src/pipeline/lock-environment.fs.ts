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
  condaWanted,
  type EnvironmentRequest,
  joinWanted,
  maxPackageLockBytes,
  nothingWanted,
  parseLock,
  pipfileWanted,
  prepareEnvironment,
  pyprojectWanted,
  type ReadWanted,
  requirementsWanted,
  resolveLock,
  versionsIn,
  type Wanted,
} from '../compute/index.ts'
import { DomainError } from '../core/index.ts'
import { openObjectStore, setInYaml } from '../data/index.ts'
import { chooseLock } from './choose-lock.fs.ts'
import { defineSettings } from './define/index.ts'
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
  const wanted = await wantedOf(project, source, options)
  const lock = options.out ?? lockBeside(source)
  if (lock === source)
    throw new DomainError('ERR_USAGE', `\`${source}\` would be overwritten by its own lock`, {
      help: 'name another file with --out',
    })
  const known = options.upgrade ? undefined : textOf(project, lock)
  const text = await resolveLock({
    ...(await resolverPlace(project, options)),
    wanted,
    ...(options.interpreter === undefined ? {} : { interpreter: options.interpreter }),
    ...(known === undefined ? {} : { known }),
    source,
  })
  parseLock(lock, Buffer.from(text))
  const isSame = text === textOf(project, lock)
  if (!isSame) writeDurably(join(project.root, lock), Buffer.from(text))
  return told(project, options, { source, lock, notes: wanted.notes, written: isSame ? [] : [lock] })
}

/** Made by another tool, or by hand with hashes: it needs nothing but its lines. */
async function readyLock(project: Project): Promise<string | undefined> {
  const place = {
    cacheFolder: join(project.root, '.assay', 'environments'),
    workFolder: join(project.root, '.assay', 'boxes'),
  }
  const { lock } = await chooseLock(project.root, project, place)
  return lock === 'requirements.lock' ? undefined : lock
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
  const found = sources.find((path) => {
    const text = textOf(project, path)
    return (
      text !== undefined && (path !== 'pyproject.toml' || /^\s*(dependencies|dynamic)\b|\.dependencies\]/m.test(text))
    )
  })
  if (found !== undefined) return found
  throw new DomainError('ERR_DATA_MISSING', 'no file here says which packages the project needs', {
    help: 'name one (assay env lock --from FILE), or lock what the interpreter on PATH has: assay env lock --from installed',
  })
}

function textOf(project: Project, path: string): string | undefined {
  const bytes = readProjectFile(project.root, path, maxPackageLockBytes)
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes)
}

async function wantedOf(project: Project, source: string, options: LockOptions): Promise<Wanted> {
  if (source === 'installed') return installedWanted(project, options)
  if (textOf(project, source) === undefined) {
    throw new DomainError('ERR_DATA_MISSING', `\`${source}\` is not there`, {
      help: 'name a file of the project, or: --from installed',
    })
  }
  const question: ReadWanted = {
    path: source,
    choice: { extras: options.extras, groups: options.groups },
    textOf: (path) => textOf(project, path),
  }
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
  return /\.ya?ml$/.test(name) ? condaWanted : requirementsWanted
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
function told(project: Project, { yes, extras, groups }: LockOptions, locked: Locked): LockedEnvironment {
  const bytes = readProjectFile(project.root, locked.lock, maxPackageLockBytes) ?? new Uint8Array()
  const packages = parseLock(locked.lock, bytes).requirements.length
  const known = [...project.settings.environments].find(
    ([, one]) => one.kind === 'python' && [one.lock, one.sources?.lock].includes(locked.lock),
  )
  if (known !== undefined) return { ...locked, packages, environment: known[0], lines: [] }
  const name = nameFor(project, locked.lock)
  // A lock that was made here holds what was asked for; another tool's is asked when it is read.
  const asked = locked.source === locked.lock ? { ...some('extras', extras), ...some('groups', groups) } : {}
  const python = { lock: locked.lock, ...asked }
  const isDefault = defaultOf(project) === 'host'
  if (yes) {
    const before = textOf(project, 'assay.yaml') ?? 'assay: 1\n'
    const named = setInYaml(before, ['environments', name], { python })
    const after = isDefault ? setInYaml(named, ['defaults', 'environment'], name) : named
    defineSettings(Buffer.from(after), 'assay.yaml', project.pipeline)
    writeDurably(join(project.root, 'assay.yaml'), Buffer.from(after))
    return { ...locked, packages, environment: name, written: [...locked.written, 'assay.yaml'], lines: [] }
  }
  const inner = Object.entries<string | readonly string[]>(python).map(
    ([key, value]) => `${key}: ${typeof value === 'string' ? value : `[${value.join(', ')}]`}`,
  )
  const lines = ['environments:', `  ${name}: {python: {${inner.join(', ')}}}`]
  return {
    ...locked,
    packages,
    environment: name,
    lines: [...lines, ...(isDefault ? [`defaults: {environment: ${name}}`] : [])],
  }
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

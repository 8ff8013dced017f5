/**
 * `assay env lock`: from what a project says it needs to a lock with hashes beside it, and the lines of assay.yaml for it.
 *
 * The files are read here; the resolver sees a list of names. What comes back is read by the same parser that stages rely
 * on before it is written.
 */
import { mkdirSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
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
import { openObjectStore } from '../data/index.ts'
import { chooseLock } from './choose-lock.fs.ts'
import { environmentPlace } from './environment-request.ts'
import { writeDurably } from './evidence.fs.ts'
import { type LockedEnvironment, type LockOptions, sourcesFor, textOf, told } from './name-lock.fs.ts'
import type { Project } from './project.ts'
import { readProjectFile } from './project-file.fs.ts'

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
  const installed = 'lock what the interpreter on PATH has: assay env lock --from installed'
  const code = ['setup.py', 'setup.cfg'].find((path) => textOf(project, path) !== undefined)
  throw new DomainError('ERR_DATA_MISSING', 'no file here says which packages the project needs', {
    help:
      code === undefined
        ? `name one (assay env lock --from FILE), or ${installed}`
        : `${code} is not run: write what it needs into a requirements.txt, and then assay env lock; or ${installed}`,
  })
}

function namesPackages(project: Project, path: string): boolean {
  const text = textOf(project, path)
  return (
    text !== undefined &&
    (path !== 'pyproject.toml' || /^\s*(dependencies|dynamic)\b|\.dependencies\]|^\[dependency-groups\]/m.test(text))
  )
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
    ...(isIncluded ? [pyprojectWanted({ ...question, path: own, choice: withExtras(question, wanted) })] : []),
    ...(wanted.itself && !isIncluded ? [unreadCode(project)] : []),
    ...(source === own && !options.upgrade ? earlier.map((path) => versionsIn({ ...question, path })) : []),
  )
}

/** `-e .[gpu]` asks for what the extra `gpu` names. */
function withExtras({ choice }: ReadWanted, { itsExtras }: Wanted): ReadWanted['choice'] {
  return { ...choice, extras: [...new Set([...choice.extras, ...itsExtras])] }
}

/** `-e .` of a project whose needs only its code knows. */
function unreadCode(project: Project): Wanted {
  const code = ['setup.py', 'setup.cfg'].find((path) => textOf(project, path) !== undefined)
  if (code === undefined) return nothingWanted
  return { ...nothingWanted, notes: [`NOT LOCKED, what ${code} names: it is not read; name that in the file, too`] }
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

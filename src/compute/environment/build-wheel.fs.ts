/**
 * One wheel from one source distribution: the only place where code of a package runs before a stage does.
 *
 * THREAT: a source distribution is a program. It is unpacked and built in the sandbox, without network, with nothing to
 * see but the interpreter, the locked environment of its build and its own archive, and one folder to write. What comes
 * out is a wheel as hostile as any other, and is looked at as such.
 * SOURCE: PEP 517 (hooks), PEP 518 (`build-system`), PEP 625 (one folder in the archive).
 */
import { closeSync, constants, lstatSync, mkdirSync, openSync, readdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { DomainError, isDomainError, parseStrictJson, type Sha256 } from '../../core/index.ts'
import type { ObjectStore } from '../../data/index.ts'
import type { BoxEnd, RunInBox } from '../bubblewrap/index.ts'
import type { BuiltWheel, Environment } from '../environment.ts'
import { refusalAt, shapedLock, tomlOf } from './lock-text.ts'
import { readPlainFile } from './tree.fs.ts'
import { environmentTarget } from './wheel-layout.ts'

export type BuildRequest = Readonly<{
  source: Readonly<{ fileName: string; digest: Sha256 }>
  /** Interpreter and packages of the build, mounted read-only. */
  builder: Environment
  /** Absolute, empty. */
  scratch: string
  store: ObjectStore
  runInBox: RunInBox
  workFolder: string
  /** Throws when a requirement of the build is not met by the builder's packages. */
  refuseUnmet(requires: readonly string[]): void
  signal: AbortSignal
}>

/** The step, without what its caller knows. */
export type WheelBuild = Omit<BuiltWheel, 'package' | 'source'>

/** LIMIT: an hour, 8 GiB of memory, 16 GiB of files, 1 GiB a wheel. */
const limits = {
  cpus: availableParallelism(),
  memoryBytes: 8 * 1024 ** 3,
  timeMs: 60 * 60_000,
  processes: 1024,
  outputBytes: 16 * 1024 ** 3,
}
const maxWheelBytes = 1024 ** 3
const maxSettingsBytes = 1024 * 1024
const buildTarget = '/build'
const sourceTarget = '/source'
const programTarget = '/programs'

/** The first second that a zip archive can tell: what a build dates, it dates so. */
const epochSeconds = 315_532_800

/** @throws ERR_ENV_BUILD when it fails; ERR_ENV_SOURCE_DIST by `refuseUnmet` */
export async function buildWheel(request: BuildRequest): Promise<WheelBuild> {
  const { scratch, builder } = request
  const startedAt = new Date().toISOString()
  // THREAT: nothing is ever written into a folder that a build wrote to: it may hold links.
  const [programs, out] = [join(scratch, 'programs'), join(scratch, 'out')]
  for (const folder of [programs, out]) mkdirSync(folder)
  writeFileSync(join(programs, 'unpack.py'), unpackProgram)
  writeFileSync(join(programs, 'build.py'), buildProgram)
  const unpacked = await runStep('unpack.py', request)
  const system = buildSystem(readPlainFile(join(out, 'pyproject.toml'), maxSettingsBytes), request)
  request.refuseUnmet(system.requires)
  writeFileSync(join(programs, 'system.json'), JSON.stringify(system))
  const built = await runStep('build.py', request)
  request.refuseUnmet(askedFor(out, request))
  return {
    environment: builder.digest,
    backend: system.backend,
    wheel: await takeWheel(join(out, 'wheel'), request),
    ...{ sandbox: built.sandbox, limits, startedAt },
    deniedAttempts: unpacked.deniedAttempts + built.deniedAttempts,
    finishedAt: new Date().toISOString(),
  }
}

async function runStep(program: string, request: BuildRequest): Promise<BoxEnd> {
  const { builder, source, store, scratch, runInBox, workFolder, signal } = request
  const ended = await runInBox({
    workFolder,
    argv: [
      `${environmentTarget}/bin/python`,
      '-s',
      '-B',
      `${programTarget}/${program}`,
      `${sourceTarget}/${source.fileName}`,
    ],
    mounts: [
      ...builder.mounts,
      { source: join(scratch, 'programs'), target: programTarget },
      { source: store.pathOf(source.digest), target: `${sourceTarget}/${source.fileName}` },
    ],
    writable: { source: join(scratch, 'out'), target: buildTarget },
    variables: {
      ...builder.variables,
      PATH: builder.path.join(':'),
      HOME: buildTarget,
      LC_ALL: 'C.UTF-8',
      TZ: 'UTC',
      PYTHONHASHSEED: '0',
      SOURCE_DATE_EPOCH: String(epochSeconds),
    },
    limits,
    signal,
  })
  signal.throwIfAborted()
  if (ended.end.kind === 'exited' && ended.end.code === 0) return ended
  const said = ended.tail
    .filter((line) => line.trim() !== '')
    .slice(-8)
    .join('\n')
  throw buildFault(request, `ended badly (${endText(ended.end)}):\n${said}`)
}

function endText(end: BoxEnd['end']): string {
  return end.kind === 'exited' ? `exit ${end.code}` : end.kind
}

function buildFault({ source }: BuildRequest, what: string, help?: string): DomainError {
  return new DomainError('ERR_ENV_BUILD', `building \`${source.fileName}\` ${what}`, {
    help:
      help ??
      'a build has no network and sees nothing but its lock: lock what it needs (buildLock), or a version with a wheel',
  })
}

export type BuildSystem = Readonly<{ requires: readonly string[]; backend: string; backendPath: readonly string[] }>

const texts = z.array(z.string().max(1000)).max(1000)
const settingsShape = z.looseObject({
  'build-system': z
    .looseObject({
      requires: texts,
      'build-backend': z.string().max(1000).optional(),
      'backend-path': texts.optional(),
    })
    .optional(),
})

/** SOURCE: PEP 517, "build-system table": what is meant where nothing is said. */
function buildSystem(bytes: Buffer | undefined, request: BuildRequest): BuildSystem {
  const path = `${request.source.fileName}/pyproject.toml`
  const legacy = { requires: ['setuptools'], backend: 'setuptools.build_meta:__legacy__', backendPath: [] }
  if (bytes === undefined) return legacy
  try {
    const document = tomlOf(new TextDecoder('utf-8', { fatal: true }).decode(bytes), path)
    const table = shapedLock(settingsShape, document, refusalAt(path, 1))['build-system']
    if (table === undefined) return legacy
    const { requires, 'build-backend': backend = legacy.backend, 'backend-path': backendPath = [] } = table
    return { requires, backend, backendPath }
  } catch (error) {
    if (!isDomainError(error, 'ERR_ENV_LOCK_INVALID') && !(error instanceof TypeError)) throw error
    throw buildFault(request, `is not possible: its pyproject.toml cannot be read (${error.message})`)
  }
}

/** What the hook `get_requires_for_build_wheel` asked for. */
function askedFor(out: string, request: BuildRequest): readonly string[] {
  const bytes = readPlainFile(join(out, 'requires.json'), maxSettingsBytes)
  const asked = bytes === undefined ? undefined : texts.safeParse(parseStrictJson(bytes, 'what a build asks for'))
  if (asked?.success === true) return asked.data
  throw buildFault(request, 'did not say what it needs')
}

/** The one wheel that a build left, into the store. */
async function takeWheel(folder: string, request: BuildRequest): Promise<WheelBuild['wheel']> {
  const isFolder = lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === true
  const [name, ...others] = isFolder ? readdirSync(folder) : []
  if (name === undefined || others.length > 0 || !/^[\w.+!-]{1,255}\.whl$/.test(name))
    throw buildFault(request, 'left no wheel')
  // THREAT: a link or a fifo in place of the wheel.
  const found = lstatSync(join(folder, name))
  if (!found.isFile() || found.size > maxWheelBytes) throw buildFault(request, 'left no plain wheel of 1 GiB at most')
  const fd = openSync(join(folder, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const { digest, sizeBytes } = await request.store.putFile(fd)
    return { name, digest, sizeBytes }
  } finally {
    closeSync(fd)
  }
}

/**
 * Unpacks the archive into the one folder that it must hold. Runs in the sandbox: a member that climbs out has nowhere to
 * go, and links are left out all the same (a `tarfile` with filters refuses them itself).
 */
const unpackProgram = `
import os, shutil, sys, tarfile, zipfile
archive = sys.argv[1]
os.mkdir('${buildTarget}/unpacked')
if archive.endswith('.zip'):
    with zipfile.ZipFile(archive) as opened:
        opened.extractall('${buildTarget}/unpacked')
else:
    with tarfile.open(archive) as opened:
        if hasattr(tarfile, 'data_filter'):
            opened.extractall('${buildTarget}/unpacked', filter='data')
        else:
            opened.extractall('${buildTarget}/unpacked', [m for m in opened if m.isfile() or m.isdir()])
folders = os.listdir('${buildTarget}/unpacked')
if len(folders) != 1 or not os.path.isdir('${buildTarget}/unpacked/' + folders[0]):
    sys.exit('the archive must hold one folder, and holds %d entries' % len(folders))
os.rename('${buildTarget}/unpacked/' + folders[0], '${buildTarget}/tree')
if os.path.isfile('${buildTarget}/tree/pyproject.toml'):
    shutil.copyfile('${buildTarget}/tree/pyproject.toml', '${buildTarget}/pyproject.toml')
`

/** SOURCE: PEP 517, "Build environment": the backend's own folder is on the path only where it says so. */
const buildProgram = `
import importlib, json, os, sys
with open('${programTarget}/system.json', encoding='utf-8') as settings:
    system = json.load(settings)
os.chdir('${buildTarget}/tree')
inner = [os.path.realpath(folder) for folder in system['backendPath']]
if not all(folder == os.getcwd() or folder.startswith(os.getcwd() + os.sep) for folder in inner):
    sys.exit('backend-path leads out of the source')
sys.path[:] = inner + [folder for folder in sys.path if folder != '${programTarget}']
os.mkdir('${buildTarget}/wheel')
sys.argv = ['${environmentTarget}/bin/python']
module, _, attribute = system['backend'].partition(':')
backend = importlib.import_module(module)
for part in attribute.split('.') if attribute else []:
    backend = getattr(backend, part)
hook = getattr(backend, 'get_requires_for_build_wheel', None)
asked = hook(None) if hook is not None else []
with open('${buildTarget}/requires.json', 'w', encoding='utf-8') as answer:
    json.dump(list(asked), answer)
backend.build_wheel('${buildTarget}/wheel', None, None)
`

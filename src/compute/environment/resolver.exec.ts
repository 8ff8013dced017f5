/**
 * From what a project wants to a lock with hashes, by a resolver that is itself locked: uv, whose own wheel is pinned here
 * by digest and kept, verified and started as any environment is.
 *
 * Order: uv is given a list of names that was read elsewhere, in an empty folder, without the project, its settings or the
 * caller's variables; it may use the network, and builds nothing, so that no code of a package runs.
 */
import { type ExecFileException, execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DomainError, printable, type Sha256, sha256Of } from '../../core/index.ts'
import { withoutCredentials } from '../../data/index.ts'
import { normaliseName } from './lock.ts'
import { defaultIndex, type NetworkSettings } from './network-settings.ts'
import { prepareEnvironment } from './prepare.ts'
import { readLockHere } from './read-lock.fs.ts'
import type { EnvironmentRequest } from './request.ts'
import { sameVersion } from './select-wheel.ts'
import type { Wanted } from './wanted.ts'
import { environmentTarget } from './wheel-layout.ts'
import { parseWheelName, sourceVersion } from './wheel-name.ts'

const resolverVersion = '0.13.9'

/** SHA-256 of uv's wheels for Linux: x86_64 and aarch64, glibc and musl. Source: its release on the Python Package Index. */
const resolverLock = [
  `uv==${resolverVersion}`,
  '--hash=sha256:d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19',
  '--hash=sha256:2c45530751517d6c3bbc69a19473f6effe47cce047bede01ffd8af7ea7b36b25',
  '--hash=sha256:ecb6028d79dc96fbeafffe5c8af62a7099487ebc05a701e76714eebcffd06375',
  '--hash=sha256:5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe',
].join(' ')

export type ResolveRequest = Omit<EnvironmentRequest, 'name' | 'definition' | 'purpose'> &
  Readonly<{
    wanted: Wanted
    interpreter?: string
    /** Text of the lock that is there: its versions are kept where they still hold. */
    known?: string
    /** Projects that are built from source: their pins are taken as they are, without what they depend on. */
    sources?: readonly string[]
    /** What was read, for the comments of the lock. */
    source: string
  }>

/**
 * @returns the text of a requirements file with hashes, for all platforms
 * @throws ERR_ENV_RESOLVE, ERR_ENV_SOURCE_DIST, ERR_ENV_FETCH; of the resolver's own environment: as `prepareEnvironment`
 */
export async function resolveLock(request: ResolveRequest): Promise<string> {
  const tree = await resolverTree(request, resolverLock)
  const interpreter = request.interpreter === undefined ? {} : { interpreter: request.interpreter }
  const empty = { kind: 'python' as const, lock: 'requirements.lock', lockBytes: new Uint8Array(), ...interpreter }
  const { interpreter: python } = await readLockHere({ ...request, definition: empty })
  const folder = mkdtempSync(join(tmpdir(), 'assay-resolve-'))
  try {
    return await compile({ program: join(tree, 'bin', 'uv'), python: python.path, folder, request })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Absolute folder of a resolver's own environment, verified. @param pins its lock */
export async function resolverTree(
  request: Omit<EnvironmentRequest, 'name' | 'definition' | 'purpose'>,
  pins: string,
): Promise<string> {
  const definition = { kind: 'python' as const, lock: 'requirements-resolver.lock', lockBytes: Buffer.from(pins) }
  const environment = await prepareEnvironment({ ...request, name: 'resolver', purpose: 'mount', definition })
  return environment.mounts.find(({ target }) => target === environmentTarget)?.source ?? ''
}

type Compilation = Readonly<{ program: string; python: string; folder: string; request: ResolveRequest }>

async function compile({ program, python, folder, request }: Compilation): Promise<string> {
  const { wanted, known, source, sources = [], network, signal } = request
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text, { mode: 0o600 })
  write('requirements.in', `${wanted.requirements.join('\n')}\n`)
  write('constraints.txt', `${wanted.constraints.join('\n')}\n`)
  write('authorities.pem', network.authorities.join('\n'))
  if (known !== undefined) write('requirements.lock', known)
  // THREAT: to learn what a source depends on it would be built, here. So it is said to depend on nothing.
  const told = sources.map((name) => `[[dependency-metadata]]\nname = ${JSON.stringify(name)}\nrequires-dist = []\n`)
  write('uv.toml', told.join(''))
  const options = [
    ...['pip', 'compile', 'requirements.in', '--constraints', 'constraints.txt', '--output-file', 'requirements.lock'],
    ...[
      '--config-file',
      'uv.toml',
      '--universal',
      '--generate-hashes',
      '--only-binary',
      ':all:',
      '--no-header',
      '--quiet',
    ],
    ...['--python', python, '--no-python-downloads', '--color', 'never'],
    // THREAT: a kept cache may have come with a checkout, with answers of an index that never gave them.
    ...['--cache-dir', join(folder, 'cache')],
    ...(network.indexes.length === 0 ? ['--no-index'] : []),
    ...network.folders.flatMap((links) => ['--find-links', links]),
    ...sources.flatMap((name) => ['--no-binary', name]),
    ...(wanted.preReleases ? ['--prerelease', 'allow'] : []),
  ]
  const said = await startResolver(program, options, {
    cwd: folder,
    env: variablesFor(network, wanted, folder),
    signal,
  })
  if (said.code !== 0) throw faultOf(said.text, network)
  const written = readFileSync(join(folder, 'requirements.lock'), 'utf8')
  const text = withLocalHashes(written, network.folders).replaceAll('-r requirements.in', source)
  return `# Locked by: assay env lock --from ${source} (uv ${resolverVersion}, wheels alone)\n${text}`
}

/** The resolver states no hash of a file in a folder of the caller: it is made here, of what lies there now. */
function withLocalHashes(text: string, folders: readonly string[]): string {
  const lines = text.split('\n').map((line) => {
    const [, name = '', version = ''] = /^([A-Za-z0-9][\w.-]*)==(\S+)(?: ;.*[^\\])?$/.exec(line) ?? []
    const project = normaliseName(name)
    const digests = name === '' ? [] : folders.flatMap((folder) => digestsIn(folder, project, version))
    return [line, ...[...new Set(digests)].map((digest) => `    --hash=${digest}`)].join(' \\\n')
  })
  return lines.join('\n')
}

function digestsIn(folder: string, project: string, version: string): readonly Sha256[] {
  return readdirSync(folder).flatMap((fileName) => {
    const wheel = parseWheelName(fileName)
    const found = wheel === undefined ? sourceVersion(fileName, project) : wheel.project === project && wheel.version
    const isIts = typeof found === 'string' && sameVersion(found, version)
    return isIts ? [sha256Of(readFileSync(join(folder, fileName)))] : []
  })
}

/** THREAT: credentials of an index in the list of processes; they are given as variables, which only this user can read. */
function variablesFor(network: NetworkSettings, wanted: Wanted, folder: string): Readonly<Record<string, string>> {
  const [first = defaultIndex, ...others] = [...new Set([...network.indexes, ...wanted.indexes])]
  return {
    ...networkVariables(network, folder),
    UV_DEFAULT_INDEX: first,
    ...(others.length === 0 ? {} : { UV_INDEX: others.join(' ') }),
  }
}

/** @param folder absolute; home of the resolver, with `authorities.pem` in it */
export function networkVariables(network: NetworkSettings, folder: string): Readonly<Record<string, string>> {
  return {
    PATH: '/usr/bin:/bin',
    HOME: folder,
    LC_ALL: 'C.UTF-8',
    SSL_CERT_FILE: join(folder, 'authorities.pem'),
    ...(network.httpProxy === '' ? {} : { HTTP_PROXY: network.httpProxy }),
    ...(network.httpsProxy === '' ? {} : { HTTPS_PROXY: network.httpsProxy }),
    ...(network.noProxy === '' ? {} : { NO_PROXY: network.noProxy }),
  }
}

type Said = Readonly<{ code: number; text: string }>

/** LIMIT: 10 minutes, 1 MiB of text. @throws ERR_ENV_RESOLVE, ERR_RUN_CANCELLED */
export function startResolver(
  program: string,
  options: readonly string[],
  { cwd, env, signal }: Readonly<{ cwd: string; env: Readonly<Record<string, string>>; signal: AbortSignal }>,
): Promise<Said> {
  return new Promise((resolve, reject) => {
    const limits = { timeout: 600_000, maxBuffer: 1024 * 1024 }
    execFile(program, options, { cwd, env: { ...env }, signal, ...limits }, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, text: stderr })
      else if (typeof error.code === 'number') resolve({ code: error.code, text: `${stderr}\n${stdout}` })
      else reject(signal.aborted ? cancelled(error) : unfinished(error, stderr))
    })
  })
}

function cancelled(cause: Error): DomainError {
  return new DomainError('ERR_RUN_CANCELLED', 'the lock was not finished', { cause })
}

/** It did not end by itself: it took too long, said too much, was killed, or does not start. */
function unfinished(error: ExecFileException, stderr: string): DomainError {
  const because = String(error.code).endsWith('STDIO_MAXBUFFER')
    ? 'said more than 1 MiB'
    : error.killed === true
      ? 'did not end within 10 minutes'
      : error.signal === undefined || error.signal === null
        ? `does not start: ${error.code ?? 'unknown'}`
        : `was ended by ${error.signal}`
  const last = printable(stderr.trim().split('\n').at(-1) ?? '').slice(0, 300)
  return new DomainError('ERR_ENV_RESOLVE', `the resolver ${because}${last === '' ? '' : `: ${last}`}`, {
    help: 'try again, and pin more versions in the source (`name==version`), so that there is less to choose from',
    cause: error,
  })
}

/** What the resolver says, by what is to be done about it. */
function faultOf(text: string, network: NetworkSettings): DomainError {
  const plain = network.indexes.reduce((kept, index) => kept.replaceAll(index, withoutCredentials(index)), text)
  const because = printable(
    plain
      .trim()
      .replace(/^error: /, '')
      .replaceAll(/\s*\n\s*/g, ' '),
  ).slice(0, 900)
  const source = /no usable wheels|building from source is disabled|Building source distributions/.test(text)
  if (source) {
    const names = [...text.matchAll(/Wheels are required for `([\w.-]+)`/g)].map(([, name = '']) => name)
    const named = names.map((name) => `\`${name}\``).join(', ')
    const what = names.length === 0 ? because : `${named}: no wheel, only a source distribution`
    const asked = names.length === 0 ? '--sdist NAME' : names.map((name) => `--sdist ${name}`).join(' ')
    return new DomainError('ERR_ENV_SOURCE_DIST', what, {
      help: `choose a version that has a wheel, or let it be built in the sandbox: assay env lock ${asked}`,
    })
  }
  const isNetwork = /Failed to fetch|error sending request|Could not connect|dns error|timed out/i.test(text)
  return new DomainError(isNetwork ? 'ERR_ENV_FETCH' : 'ERR_ENV_RESOLVE', because)
}

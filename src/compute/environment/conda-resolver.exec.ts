/**
 * From an `environment.yml` to an explicit list of conda with SHA-256, by a resolver that is itself locked: rattler (the
 * solver of pixi), pinned here by digest and kept, verified and started as any environment is. DECISION 0024, 0042.
 *
 * Order: the resolver is given channels and specifications that were read elsewhere, in an empty folder, without the
 * project, settings or variables of the caller. It downloads lists of packages and no package: nothing of one runs.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { DomainError, isSha256, parseStrictJson, printable } from '../../core/index.ts'
import { withoutCredentials } from '../../data/index.ts'
import { condaPlatform, parseCondaLock } from './conda-lock.ts'
import { type CondaWanted, publicChannels } from './conda-wanted.ts'
import type { EnvironmentRequest } from './request.ts'
import { networkVariables, resolverTree, startResolver } from './resolver.exec.ts'
import { readPlainFile } from './tree.fs.ts'

const resolverVersion = '0.28.0'

/** SHA-256 of py-rattler's wheels for Linux: x86_64 and aarch64, glibc and musl. Source: its release on the Python Package Index. */
const resolverPins = [
  `py-rattler==${resolverVersion}`,
  '--hash=sha256:4f4ab1d34d5394e7ce130a86e59009c95ace4f5757d9c3af04de1351bcea47eb',
  '--hash=sha256:61b24202374188e72130f1b3dc63b455befaafc3e49e5481a38b6a6c8828c1e0',
  '--hash=sha256:6218478af88d45ac1e08e605ede4f67bbe4ffbbbb40b5e32622a4746f98fe331',
  '--hash=sha256:1c566fb1b0fc3d0d892b7ba021d6863aaff1f476c245178a07f560729aa7ecdb',
].join(' ')

export type CondaResolveRequest = Omit<EnvironmentRequest, 'name' | 'definition' | 'purpose'> &
  Readonly<{
    wanted: CondaWanted
    /** Text of the lock that is there: its packages are kept where they still hold. */
    known?: string
    /** What was read, for the comments of the lock. */
    source: string
  }>

const answerShape = z.array(z.strictObject({ name: z.string(), url: z.string(), sha256: z.string().nullable() }))

/** LIMIT: 16 MiB, some ten thousand packages. */
const maxAnswerBytes = 16 * 1024 * 1024

/**
 * @returns the text of an explicit list for this machine's platform
 * @throws ERR_ENV_RESOLVE, ERR_ENV_HASH_MISSING, ERR_ENV_PLATFORM, ERR_ENV_FETCH; of the resolver's own environment: as
 * `prepareEnvironment`
 */
export async function resolveCondaLock(request: CondaResolveRequest): Promise<string> {
  const platform = condaPlatform()
  if (platform === undefined) throw new DomainError('ERR_ENV_PLATFORM', `conda has no packages for ${process.arch}`)
  const tree = await resolverTree(request, resolverPins)
  const folder = mkdtempSync(join(tmpdir(), 'assay-resolve-'))
  try {
    return await solve({ program: join(tree, 'bin', 'python'), folder, platform, request })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

type Solving = Readonly<{ program: string; folder: string; platform: string; request: CondaResolveRequest }>

async function solve({ program, folder, platform, request }: Solving): Promise<string> {
  const { wanted, known, source, network, signal, caller } = request
  const base = channelBase(caller.environment['CONDA_CHANNEL_ALIAS'])
  const here = (text: string): string => text.replaceAll(publicChannels, base)
  const question = {
    channels: wanted.channels.map(here),
    specs: wanted.specs.map(here),
    known: known === undefined ? [] : pinsOf(known, platform),
    platform,
  }
  writeFileSync(join(folder, 'question.json'), JSON.stringify(question), { mode: 0o600 })
  writeFileSync(join(folder, 'authorities.pem'), network.authorities.join('\n'), { mode: 0o600 })
  writeFileSync(join(folder, 'resolve.py'), resolveProgram, { mode: 0o600 })
  const said = await startResolver(program, ['-I', '-B', 'resolve.py'], {
    cwd: folder,
    env: networkVariables(network, folder),
    signal,
  })
  if (said.code !== 0) throw faultOf(said.text.replaceAll(base, publicChannels))
  const bytes = readPlainFile(join(folder, 'answer.json'), maxAnswerBytes)
  const answer =
    bytes === undefined
      ? undefined
      : answerShape.safeParse(parseStrictJson(bytes, 'the answer', { maxBytes: maxAnswerBytes, maxDepth: 8 }))
  if (answer?.success !== true) throw new DomainError('ERR_ENV_RESOLVE', 'the resolver gave no list')
  const lines = answer.data.map((one) => {
    const digest = `sha256:${one.sha256}`
    if (!isSha256(digest)) throw hashless(one.name)
    return `${one.url.replace(base, publicChannels)}#${one.sha256}`
  })
  const text = [
    `# Locked by: assay env lock --from ${source} (rattler ${resolverVersion})`,
    `# platform: ${platform}`,
    ...['@EXPLICIT', ...lines.toSorted(), ''],
  ].join('\n')
  parseCondaLock(Buffer.from(text), 'the list of the resolver', { choice: { extras: [], groups: [] }, platform })
  return text
}

/** SOURCE: conda, "Configuration", `channel_alias`: where channels with plain names are. Ends with a slash. */
function channelBase(alias: string | undefined): string {
  return alias === undefined || !/^https?:/.test(alias) || !URL.canParse(alias)
    ? publicChannels
    : `${alias.replace(/\/+$/, '')}/`
}

/** What was locked before, in the resolver's own words; nothing where the file is no list of this platform. */
function pinsOf(text: string, platform: string): readonly string[] {
  try {
    const packages = parseCondaLock(Buffer.from(text), 'known', { choice: { extras: [], groups: [] }, platform })
    return packages.map(({ name, version, build }) => `${name} ==${version} ${build}`)
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    return [] // INVARIANT: a lock that cannot be read is made anew, and says so by its changes.
  }
}

function hashless(name: string): DomainError {
  return new DomainError('ERR_ENV_HASH_MISSING', `the channel states no SHA-256 of \`${name}\``, {
    help: 'take a channel that does, as conda-forge and the channels of Anaconda do',
  })
}

/** What the resolver says, by what is to be done about it. */
function faultOf(text: string): DomainError {
  const plain = text.replaceAll(/https?:\/\/[^\s)'"]+/g, (url) => withoutCredentials(url))
  const because = printable(
    plain
      .trim()
      .replace(/^\w+Error: /, '')
      .replaceAll(/\s*\n\s*/g, ' '),
  ).slice(0, 900)
  const isNetwork = text.startsWith('GatewayError') || /error sending request|HTTP status/.test(text)
  return isNetwork
    ? new DomainError('ERR_ENV_FETCH', because, {
        help: 'name a channel that this machine reaches, or a mirror of them all with CONDA_CHANNEL_ALIAS',
      })
    : new DomainError('ERR_ENV_RESOLVE', because, {
        help: 'loosen what the file asks for, or name the channel that has it under `channels`',
      })
}

/** Ends without the interpreter's own end, in which threads of the resolver crash. */
const resolveProgram = `
import asyncio, json, os, sys
import rattler

async def solve():
    with open('question.json', encoding='utf-8') as file:
        asked = json.load(file)
    gateway = rattler.Gateway(cache_dir='cache')
    channels = [rattler.Channel(url) for url in asked['channels']]
    platforms = [asked['platform'], 'noarch']
    found = await gateway.query(channels, platforms, asked['known'], recursive=False) if asked['known'] else []
    records = await rattler.solve(
        sources=channels,
        specs=asked['specs'],
        gateway=gateway,
        platforms=platforms,
        virtual_packages=rattler.VirtualPackage.detect(),
        locked_packages=[record for one in found for record in one],
        channel_relations='disabled',
    )
    answer = [
        {'name': one.name.normalized, 'url': one.url, 'sha256': one.sha256.hex() if one.sha256 else None}
        for one in records
    ]
    with open('answer.json', 'w', encoding='utf-8') as file:
        json.dump(answer, file)

code = 0
try:
    asyncio.run(solve())
except Exception as error:
    print(type(error).__name__ + ': ' + str(error), file=sys.stderr, flush=True)
    code = 1
os._exit(code)
`

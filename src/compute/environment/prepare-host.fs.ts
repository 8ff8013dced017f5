/**
 * The environment `host`: the machine's own interpreter and system packages, read-only, recorded and not locked.
 *
 * It lets an existing project run on its first day. Its digest is over what was recorded, no more: a file of `/usr` that
 * was changed without its package's version shows nowhere, which is why `host` is named in every verdict.
 */
import { join } from 'node:path'
import { digestOfJson, type Sha256, sha256Of } from '../../core/index.ts'
import { jsonFact, type StatCache } from '../../data/index.ts'
import type { Environment } from '../environment.ts'
import { libcOfHost, packagesInstalled } from '../system/observe.fs.ts'
import { editableInstalls } from './editable.fs.ts'
import { blasFact, interpreterFacts } from './facts.ts'
import { type Installed, listInstalled } from './installed.fs.ts'
import { type Interpreter, interpreterIdentity } from './interpreter.ts'
import { type Located, locateInterpreter, prefixesToMount } from './locate.fs.ts'
import { askInterpreter } from './probe.fs.ts'
import type { EnvironmentRequest } from './request.ts'
import { areSettled, stampOf } from './stamp.fs.ts'
import { openCacheFolder } from './sweep.fs.ts'

const recipe = 'assay-host/1'
const systemPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

/** @throws ERR_ENV_INTERPRETER when PATH has a Python that cannot be used */
export async function prepareHost(request: EnvironmentRequest): Promise<Environment> {
  openCacheFolder(request.cacheFolder)
  const [python, system] = [await observePython(request), observePackages(request.memory)]
  const prefixes = python === undefined ? [] : prefixesToMount(python.located)
  const editable = editableInstalls({
    siteFolders: python === undefined ? [] : siteFolders(python),
    projectRoot: request.caller.workingFolder,
    kept: prefixes,
    cacheFolder: request.cacheFolder,
  })
  const recorded = {
    recipe,
    ...(editable.folders.length === 0 ? {} : { editable: editable.folders }),
    system: system.digest,
    libc: system.libc,
    python: python === undefined ? null : interpreterIdentity(python.interpreter),
    distributions: (python?.packages ?? []).map(({ name, version }) => `${name}==${version}`),
  }
  return {
    name: request.name,
    kind: 'host',
    digest: digestOfJson(recorded),
    locked: false,
    mounts: [...prefixes.map((prefix) => ({ source: prefix, target: prefix })), ...editable.mounts],
    path: [...new Set([...(python === undefined ? [] : binFolders(python.located)), ...systemPath])],
    variables: { PYTHONNOUSERSITE: '1', PYTHONDONTWRITEBYTECODE: '1', ...activation(python?.located, request) },
    packages: python?.packages ?? [],
    facts: [
      ...(python === undefined
        ? [{ name: 'python/version', value: 'none', tier: 'observed' as const }]
        : interpreterFacts(python.interpreter)),
      ...(python === undefined ? [{ name: 'libc', value: system.libc, tier: 'observed' as const }] : []),
      ...blasFact(python?.libraries ?? []),
      ...editable.folders.map((folder) => ({ name: 'python/editable', value: folder, tier: 'observed' as const })),
      { name: 'recipe', value: recipe, tier: 'observed' },
      { name: 'system/packages', value: String(system.count), tier: 'observed' },
      { name: 'system/packages-digest', value: system.digest, tier: 'observed' },
    ],
    materials: [{ name: 'system packages', digest: system.digest }],
    warnings: (python?.outside ?? [])
      .filter((folder) => !isBelow(folder, request.caller.workingFolder))
      .map((folder) => `an installed package lies in \`${folder}\`, which no stage sees`),
  }
}

type Python = Installed & Readonly<{ located: Located; interpreter: Interpreter }>

async function observePython(request: EnvironmentRequest): Promise<Python | undefined> {
  const located = await locateInterpreter(undefined, request.caller, request.memory)
  if (located === undefined) return undefined
  const interpreter = await askInterpreter(located, request)
  return { located, interpreter, ...(await listInstalled(located, interpreter, request)) }
}

/** Where `pip install -e` leaves what leads to the project. */
function siteFolders({ located: { prefix, basePrefix }, interpreter }: Python): readonly string[] {
  const [major, minor] = interpreter.probe.version
  const inner = `python${major}.${minor}`
  return [
    ...new Set([prefix, basePrefix].map((folder) => join(folder, 'lib', inner, 'site-packages'))),
    ...(basePrefix === '/usr' ? [`/usr/local/lib/${inner}/dist-packages`] : []),
  ]
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}

function binFolders({ prefix, basePrefix }: Located): readonly string[] {
  return [prefix, basePrefix].filter((folder) => folder !== '/usr').map((folder) => `${folder}/bin`)
}

/** What activating the environment would have set, when the interpreter is the one of that environment. */
function activation(located: Located | undefined, { caller }: EnvironmentRequest): Readonly<Record<string, string>> {
  if (located === undefined) return {}
  if (located.prefix !== located.basePrefix) return { VIRTUAL_ENV: located.prefix }
  return caller.environment['CONDA_PREFIX'] === located.prefix ? { CONDA_PREFIX: located.prefix } : {}
}

type System = Readonly<{ digest: Sha256; count: number; libc: string }>

const packageDatabase = '/var/lib/dpkg/status'
const packageUpdates = '/var/lib/dpkg/updates'

/** Read again when the packages changed; each time on a system without dpkg, whose list is empty. */
function observePackages(memory: StatCache | undefined): System {
  const stamps = [packageDatabase, packageUpdates].map(stampOf).join(' ')
  const kept = jsonFact(memory, 'system') as (System & Readonly<{ stamps: string }>) | undefined // our own text
  if (kept?.stamps === stamps) return kept
  const readAtMs = Date.now()
  const lines = packagesInstalled()
    .map(({ name, architecture, version }) => `${name}:${architecture} ${version} installed`)
    .sort()
  const system = { digest: sha256Of(lines.join('\n')), count: lines.length, libc: libcOfHost() }
  const isKnown = system.count > 0 && areSettled([packageDatabase, packageUpdates], readAtMs)
  if (isKnown) memory?.recordFact('system', JSON.stringify({ ...system, stamps }))
  return system
}

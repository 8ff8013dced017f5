/** What `assay env lock` says at its end: the lines of assay.yaml that name a lock, or that they were written. */
import { join } from 'node:path'
import { parse } from 'yaml'
import { maxPackageLockBytes, parseLock, readOtherLock } from '../compute/index.ts'
import { DomainError } from '../core/index.ts'
import { setInYaml } from '../data/index.ts'
import { defineSettings } from './define/index.ts'
import type { PythonEnvironment } from './definition.ts'
import type { Telling } from './environment-request.ts'
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

type Locked = Pick<LockedEnvironment, 'source' | 'lock' | 'notes' | 'written'>

/** Names the lock in assay.yaml, or says what to write there. */
export function told(project: Project, options: LockOptions, locked: Locked): LockedEnvironment {
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

/** Named now, or by the environment that has this lock. */
export function sourcesFor(project: Project, lock: string, { sdists }: LockOptions): readonly string[] {
  const named = [...project.settings.environments.values()].flatMap((one) =>
    one.kind === 'python' && one.lock === lock ? (one.sources?.projects ?? []) : [],
  )
  const names = [...named, ...sdists.map((name) => name.toLowerCase().replace(/[-_.]+/g, '-'))]
  const strange = names.find((name) => !/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name))
  if (strange !== undefined) throw new DomainError('ERR_USAGE', `\`${strange}\` is not the name of a project`)
  return [...new Set(names)].toSorted()
}

/** By its mark where it has one, as pip reads it: `pip freeze > requirements.txt` of PowerShell is UTF-16. */
export function textOf(project: Project, path: string): string | undefined {
  const bytes = readProjectFile(project.root, path, maxPackageLockBytes)
  if (bytes === undefined) return undefined
  const mark = `${bytes[0]},${bytes[1]}`
  return new TextDecoder(mark === '255,254' ? 'utf-16le' : mark === '254,255' ? 'utf-16be' : 'utf-8').decode(bytes)
}

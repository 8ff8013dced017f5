/** `assay env`: the environments that stages run with: lock, build, verify, show, compare. */
import { relative, resolve } from 'node:path'
import { DomainError, oneLine, parseProjectPath, printable } from '../../core/index.ts'
import {
  buildEnvironment,
  diffEnvironments,
  environmentNames,
  type InspectedEnvironment,
  inspectEnvironment,
  lockEnvironment,
  openProject,
  type Project,
  pinImage,
  rebuildEnvironment,
} from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { shortDigest, table } from '../render.ts'

type LockOptions = Readonly<{
  from?: string
  out?: string
  extra?: readonly string[]
  group?: readonly string[]
  sdist?: readonly string[]
  interpreter?: string
  upgrade?: boolean
  image?: string
  yes?: boolean
}>

export async function envLock(context: CliContext, _: readonly string[], options: LockOptions): Promise<Exit> {
  if (options.image !== undefined) return lockImage(context, options.image, options.yes === true)
  const { output } = context
  const project = await openProject(context)
  const pathOf = (path: string): string =>
    parseProjectPath(relative(project.root, resolve(context.workingFolder, path)))
  const locked = await lockEnvironment(project, {
    ...telling(context),
    ...(options.from === undefined ? {} : { from: options.from === 'installed' ? options.from : pathOf(options.from) }),
    ...(options.out === undefined ? {} : { out: pathOf(options.out) }),
    ...(options.interpreter === undefined ? {} : { interpreter: options.interpreter }),
    extras: options.extra ?? [],
    groups: options.group ?? [],
    sdists: options.sdist ?? [],
    upgrade: options.upgrade === true,
    yes: options.yes === true,
  })
  output.document(locked)
  for (const note of locked.notes) output.note(`note: ${printable(note)}`)
  const { lock, source, packages, written, lines, environment } = locked
  const what = `${packages} package${packages === 1 ? '' : 's'}, each with its ${lock.endsWith('.json') ? 'SHA-512' : 'SHA-256'}`
  if (source === lock) output.line(`${oneLine(lock)} is a lock already: ${what}`)
  else
    output.line(
      `${written.includes(lock) ? 'locked  ' : 'the same'}  ${oneLine(lock)}  from ${oneLine(source)}: ${what}`,
    )
  if (written.includes('assay.yaml')) output.line(`written   assay.yaml: environment ${oneLine(environment)}`)
  if (lines.length > 0) {
    output.line('for assay.yaml (or: assay env lock --yes):')
    for (const line of lines) output.line(`  ${printable(line)}`)
  }
  const files = [...new Set([lock, ...written, ...(lines.length > 0 ? ['assay.yaml'] : [])])]
  output.line(`next: git add ${files.map(oneLine).join(' ')} && git commit, then assay env build`)
  return 0
}

async function lockImage(context: CliContext, image: string, yes: boolean): Promise<Exit> {
  const { output } = context
  const pinned = await pinImage(context, { image, yes, signal: context.signal })
  output.document(pinned)
  output.line(`${oneLine(image)} is, for now, ${pinned.digest}`)
  if (pinned.written) output.line(`written   assay.yaml: ${pinned.environments.map(oneLine).join(', ')}`)
  else {
    output.line('for assay.yaml (or: --yes):')
    for (const line of pinned.lines) output.line(`  ${printable(line)}`)
  }
  output.line('next: git commit it, then assay env build')
  return 0
}

export async function envBuild(context: CliContext, names: readonly string[]): Promise<Exit> {
  const { output } = context
  const project = await openProject(context)
  const environments = []
  for (const name of environmentNames(project, names)) {
    const { environment, tree } = await buildEnvironment(project, name, telling(context))
    environments.push({
      name,
      kind: environment.kind,
      digest: environment.digest,
      tree: tree ?? null,
      packages: environment.packages.length,
      warnings: environment.warnings,
    })
    const where = environment.kind === 'host' ? 'not locked' : 'ready'
    output.line(
      `${oneLine(name)}  ${where}  ${shortDigest(environment.digest)}  ${environment.packages.length} packages`,
    )
    for (const warning of environment.warnings) output.note(`note: ${printable(warning)}`)
  }
  output.document({ environments })
  return 0
}

/** Exit 1 when one is not what was built: nothing is mended. */
export async function envVerify(
  context: CliContext,
  names: readonly string[],
  options: Readonly<{ rebuild?: boolean }>,
): Promise<Exit> {
  const { output } = context
  const project = await openProject(context)
  const inspected = await inspectAll(context, project, names, options.rebuild === true ? 'rebuild' : 'rehash')
  output.document({
    environments: inspected.map(({ name, kind, lock, state, because, digest, tree }) => ({
      name,
      kind,
      lock: lock ?? null,
      state,
      because,
      digest: digest ?? null,
      tree: tree ?? null,
    })),
  })
  const colours = { right: 'green', 'not built': 'yellow', changed: 'red', 'not locked': 'yellow' } as const
  for (const { name, state, because, digest } of inspected) {
    output.line(
      `${oneLine(name)}  ${output.style(colours[state], state)}  ${digest === undefined ? '' : `${shortDigest(digest)}  `}${printable(because)}`,
    )
    if (state === 'not built') output.line(`  next: assay env build ${oneLine(name)}`)
    if (state === 'changed') output.line('  next: find out who wrote there; the next use builds it anew')
  }
  return inspected.every(({ state }) => state === 'right' || state === 'not locked') ? 0 : 1
}

export async function envShow(context: CliContext, names: readonly string[]): Promise<Exit> {
  const { output } = context
  const project = await openProject(context)
  const inspected = await inspectAll(context, project, names, 'look')
  output.document({ environments: inspected.map(shape) })
  for (const one of inspected) {
    const { name, kind, lock, state, digest, requirements, facts } = one
    output.line(
      `${output.style('bold', oneLine(name))}  ${kind === 'host' ? 'host' : oneLine(lock ?? one.image ?? '')}  ${state}  ${digest === undefined ? '' : shortDigest(digest)}`,
    )
    const what = kind === 'image' ? oneLine(systemOf(facts)) : runtimeOf(facts)
    output.line(`  ${what}, ${requirements.length} packages`)
    if (names.length === 0) continue
    for (const line of table(requirements.map((found) => ['   ', found.name, found.version]))) output.line(line)
  }
  return 0
}

function systemOf(facts: InspectedEnvironment['facts']): string {
  return facts.find((fact) => fact.name === 'system')?.value ?? 'an image'
}

function runtimeOf(facts: InspectedEnvironment['facts']): string {
  const factOf = (name: string): string | undefined => facts.find((fact) => fact.name === name)?.value
  const node = factOf('node/version')
  return node === undefined ? `Python ${factOf('python/version') ?? 'none'}` : `Node.js ${node}`
}

function shape({ requirements, ...one }: InspectedEnvironment): Readonly<Record<string, unknown>> {
  const packages = requirements.map(({ name, version, extras, sha256 }) => ({ name, version, extras, sha256 }))
  return { ...one, lock: one.lock ?? null, digest: one.digest ?? null, tree: one.tree ?? null, packages }
}

/** Exit 0 whether they differ or not, as `assay diff`. */
export async function envDiff(context: CliContext, [left = '', right = '']: readonly string[]): Promise<Exit> {
  const { output } = context
  const project = await openProject(context)
  if (left === '' || right === '') throw new DomainError('ERR_USAGE', 'two are compared: locks, environments or runs')
  const difference = await diffEnvironments(project, [left, right], {
    ...telling(context),
    folder: context.workingFolder,
  })
  output.document(difference)
  output.line(`${oneLine(left)} -> ${oneLine(right)}`)
  if (difference.changes.length === 0) output.line('the same packages')
  const rows = difference.changes.map(({ name, change, before, after }) => {
    if (change === 'added') return ['+', name, after, '']
    if (change === 'removed') return ['-', name, before, '']
    if (change === 'version') return ['~', name, `${before} -> ${after}`, '']
    return ['!', name, 'the same version, other files', `${before.slice(0, 19)} -> ${after.slice(0, 19)}`]
  })
  for (const line of table(rows)) output.line(line)
  return 0
}

async function inspectAll(
  context: CliContext,
  project: Project,
  names: readonly string[],
  how: 'look' | 'rehash' | 'rebuild',
): Promise<readonly InspectedEnvironment[]> {
  const inspected: InspectedEnvironment[] = []
  for (const name of environmentNames(project, names)) {
    inspected.push(
      how === 'rebuild'
        ? await rebuildEnvironment(project, name, telling(context))
        : await inspectEnvironment(project, name, { ...telling(context), rehash: how === 'rehash' }),
    )
  }
  return inspected
}

function telling({ output, signal }: CliContext): Readonly<{ onProgress(text: string): void; signal: AbortSignal }> {
  return { onProgress: (text) => output.progress(printable(text)), signal }
}

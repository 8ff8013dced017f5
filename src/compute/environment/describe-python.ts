/** A built Python environment, as stages and evidence know it. */
import { join } from 'node:path'
import { sha256Of } from '../../core/index.ts'
import type { BuiltWheel, Environment } from '../environment.ts'
import type { ChosenWheel } from './acquire.fs.ts'
import { blasFact, interpreterFacts } from './facts.ts'
import { watched } from './keep-tree.fs.ts'
import type { LockChoice } from './lock.ts'
import type { Built, Plan } from './python-plan.ts'
import type { PythonDefinition } from './read-lock.fs.ts'
import { treeDigest } from './tree.fs.ts'
import { environmentTarget } from './wheel-layout.ts'

/** Changes whenever the same inputs would make another tree. */
export const recipe = 'assay-python/1'

/** What of the lock was asked for, where that is more than its main packages, and less than all of them. */
export function asked(
  { extras, groups }: LockChoice,
  { without = [] }: Pick<PythonDefinition, 'without'>,
): Readonly<Record<string, readonly string[]>> {
  return {
    ...(extras.length === 0 ? {} : { extras }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(without.length === 0 ? {} : { without }),
  }
}

export function describePython(
  built: Built,
  { request, interpreter, mounts, lockDigest, acquiring, choice }: Plan,
): Environment {
  const { folder, manifest, chosen } = built
  const { definition } = request
  const { sources } = definition
  const isBuilt = chosen.some(({ built }) => built !== undefined)
  return {
    name: request.name,
    kind: 'python',
    digest: manifest.identity,
    locked: true,
    mounts: [...mounts, { source: join(folder, 'tree'), target: environmentTarget }],
    path: [`${environmentTarget}/bin`, '/usr/local/bin', '/usr/bin', '/bin'],
    variables: { VIRTUAL_ENV: environmentTarget, PYTHONNOUSERSITE: '1', PYTHONDONTWRITEBYTECODE: '1' },
    packages: chosen.map(({ requirement, digest }) => ({
      name: requirement.name,
      version: requirement.version,
      digest,
    })),
    facts: [
      ...interpreterFacts(interpreter),
      { name: 'tree', value: treeDigest(manifest), tier: 'observed' },
      { name: 'recipe', value: recipe, tier: 'observed' },
      ...blasFact(manifest.files.map(({ path }) => path)),
      ...Object.entries(asked(choice, definition)).map(([kind, names]) => ({
        name: `lock/${kind}`,
        value: names.join(', '),
        tier: 'declared' as const,
      })),
      ...acquiring.lock.options.map((value) => ({ name: 'lock/option', value, tier: 'declared' as const })),
      ...builtFacts(chosen),
    ],
    materials: [
      { name: definition.lock, digest: lockDigest },
      ...(!isBuilt || sources === undefined || sources.lock === definition.lock
        ? []
        : [{ name: sources.lock, digest: sha256Of(sources.lockBytes) }]),
      ...chosen.flatMap(materialsOf),
    ],
    ...(isBuilt ? { built: chosen.flatMap(stepOf) } : {}),
    warnings: [...manifest.warnings, ...request.network.warnings],
    ...watched(built),
  }
}

/** The step from source to wheel: what went in, where it was built, what came out; each by digest. */
export function builtFacts(chosen: readonly ChosenWheel[]): Environment['facts'] {
  return chosen.flatMap(({ requirement, wheel, digest, built }) => {
    if (built === undefined) return []
    const { source, step } = built
    const { backend, environment: builder } = step
    const value = `${source.fileName} ${source.digest} built by ${backend} in ${builder}, without network, to ${wheel.fileName} ${digest}`
    return [{ name: `source/${requirement.name}`, value, tier: 'observed' as const }]
  })
}

function stepOf({ requirement: { name, version }, built }: ChosenWheel): readonly BuiltWheel[] {
  if (built === undefined) return []
  const { fileName, digest } = built.source
  return [{ package: { name, version }, source: { name: fileName, digest }, ...built.step }]
}

function materialsOf({ wheel, digest, source, built }: ChosenWheel): Environment['materials'] {
  const wheels = { name: wheel.fileName, digest, ...addressOf(source) }
  if (built === undefined) return [wheels]
  return [wheels, { name: built.source.fileName, digest: built.source.digest, ...addressOf(built.source.source) }]
}

function addressOf(source: string): Readonly<{ uri?: string }> {
  return source.startsWith('http') ? { uri: source } : {}
}

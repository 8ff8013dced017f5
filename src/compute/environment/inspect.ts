/** Whether a locked environment is built here and as it was built, whatever kind it is. */
import type { DirHash, Sha256 } from '../../core/index.ts'
import type { Environment } from '../environment.ts'
import { inspectImage } from './prepare-image.fs.ts'
import { inspectPython } from './prepare-python.fs.ts'
import type { EnvironmentRequest } from './request.ts'

export type InspectedTree = Readonly<{
  state: 'right' | 'not built' | 'changed'
  because: string
  /** Missing while it is not known which artefacts were chosen. */
  digest?: Sha256
  /** Missing while it is not built. */
  tree?: DirHash | Sha256
  requirements: readonly Readonly<{
    name: string
    version: string
    extras: readonly string[]
    sha256: readonly Sha256[]
  }>[]
  facts: Environment['facts']
}>

type Locked = Exclude<EnvironmentRequest['definition'], { kind: 'host' }>

/** Nothing is fetched, built or mended. `mount` reads every byte; `identify` only looks whether it is there. */
export async function inspectEnvironmentTree(
  request: EnvironmentRequest & Readonly<{ definition: Locked }>,
): Promise<InspectedTree> {
  const { definition } = request
  if (definition.kind === 'image') return inspectImage({ ...request, definition })
  if (definition.kind === 'python') return inspectPython({ ...request, definition })
  if (definition.kind === 'conda') {
    const { inspectConda } = await import('./prepare-conda.fs.ts')
    const { packages, ...state } = await inspectConda({ ...request, definition })
    const requirements = packages.map(({ name, version, sha256 }) => ({ name, version, extras: [], sha256: [sha256] }))
    return { ...state, requirements }
  }
  const { inspectNode } = await import('./prepare-node.fs.ts')
  const { packages, ...found } = await inspectNode({ ...request, definition })
  return { ...found, requirements: packages.map(({ name, version }) => ({ name, version, extras: [], sha256: [] })) }
}

/** GPUs of this machine, given to one stage at a time. */
import { type DeviceTree, type Gpus, gpuFacts, observeDevices, planGpus, processorsOf } from '../compute/index.ts'
import { DomainError } from '../core/index.ts'
import type { RecordedFact } from '../reproducibility/index.ts'
import type { Project } from './project.ts'
import type { StageSetting } from './run-stage.ts'

export type TakenGpus = Disposable &
  Readonly<{
    gpus?: Gpus
    facts: readonly RecordedFact[]
    /** Others may have them; said twice it is one. */
    release(): void
  }>

export type GpuPool = Readonly<{
  /** Of the machine; 0 also where no stage asks for one: then nothing is looked for. */
  count: number
  /** @throws ERR_GPU_UNAVAILABLE */
  take(setting: Pick<StageSetting, 'stage' | 'limits' | 'environment'>, engine: string): Promise<TakenGpus>
}>

const noGpus: TakenGpus = { facts: [], release: () => undefined, [Symbol.dispose]: () => undefined }
/** Engines that give device files to a stage; in `none` it has all that the user has. */
const enginesWithGpus: readonly string[] = ['bubblewrap', 'none']

/** LIMIT: among the stages of one run; two projects, or other programs of the machine, may share a GPU. */
export function openGpus(
  project: Pick<Project, 'pipeline' | 'settings' | 'statCache'>,
  look: () => DeviceTree = observeDevices,
): GpuPool {
  const isAsked = project.pipeline.stages.some(
    ({ name }) => project.settings.settingsOf(name).limits.gpus !== undefined,
  )
  const tree: DeviceTree = isAsked ? look() : { devices: [], libraries: new Map() }
  const taken = new Set<string>()
  const count = processorsOf(tree)?.units.length ?? 0
  return {
    count,
    take: async ({ stage, limits, environment }, engine) => {
      if (limits.gpus === undefined) return noGpus
      const because = whyNot({ engine, hasRoot: environment.root !== undefined, wanted: limits.gpus, count })
      const gpus = because === undefined ? planGpus(tree, limits.gpus, taken) : undefined
      if (gpus === undefined)
        throw new DomainError(
          'ERR_GPU_UNAVAILABLE',
          `\`${stage.name}\` asks for ${limits.gpus} GPU${limits.gpus === 1 ? '' : 's'}, and ${because ?? 'other stages have them'}`,
          enginesWithGpus.includes(engine)
            ? {}
            : {
                help: 'run it with --engine bubblewrap where they are, or take `gpus` out of its limits in assay.yaml',
              },
        )
      using held = new DisposableStack()
      for (const unit of gpus.units) taken.add(unit)
      held.defer(() => {
        for (const unit of gpus.units) taken.delete(unit)
      })
      const facts = await gpuFacts(gpus, project.statCache)
      const kept = held.move()
      const release = (): void => kept.dispose()
      return { gpus, facts, release, [Symbol.dispose]: release }
    },
  }
}

type Asked = Readonly<{ engine: string; hasRoot: boolean; wanted: number; count: number }>

function whyNot({ engine, hasRoot, wanted, count }: Asked): string | undefined {
  if (!enginesWithGpus.includes(engine)) return `the engine ${engine} gives none to a stage`
  if (hasRoot) return 'its environment is an image, into which the driver of the machine is not put'
  if (count === 0) return 'this machine has none that can be given to a stage'
  return wanted > count ? `this machine has ${count}` : undefined
}

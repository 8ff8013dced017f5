/** What can run a stage, by name: reading this list tells what there is. Slurm and Kubernetes come here. */
import type { EngineName, Sha256 } from '../core/index.ts'
import { architectureOf, type EngineOptions, openBubblewrap, recipeDigest } from './bubblewrap/index.ts'
import { gvisorRecipe } from './gvisor/engine.ts'
import { openGvisor } from './gvisor/open.exec.ts'
import { podmanRecipe } from './podman/engine.ts'
import { openPodman } from './podman/open.exec.ts'
import type { Sandbox } from './sandbox.ts'

export type Engine = Readonly<{
  /** The digest of the policy that it has here, known without trying it. @throws ERR_SANDBOX_UNAVAILABLE */
  recipe(): Sha256
  /** Tried a moment ago. @throws ERR_SANDBOX_UNAVAILABLE, ERR_ENGINE_UNAVAILABLE with what to install or enable */
  open(options: EngineOptions): Promise<Sandbox>
}>

export const engines: Readonly<Record<EngineName, Engine>> = {
  bubblewrap: { recipe: () => recipeDigest(architectureOf(process.arch)), open: openBubblewrap },
  podman: { recipe: () => podmanRecipe(architectureOf(process.arch)), open: openPodman },
  gvisor: { recipe: () => gvisorRecipe(architectureOf(process.arch)), open: openGvisor },
}

/** What isolates, by digest, of an engine that is started in the box: whoever runs it, and where its programs lie, is not part. */
import { digestOfJson, type EngineName, type Sha256 } from '../../core/index.ts'
import type { Frame, FrameRequest } from './box-engine.ts'
import { sampleChain, samplePlan } from './policy.ts'
import { etcFiles } from './recipe.ts'
import type { Architecture } from './seccomp-calls.ts'

/** @param version raised when the recipe changes in a way that what is digested does not show */
export function digestOfFrame(
  engine: EngineName,
  version: number,
  architecture: Architecture,
  frameOf: (request: FrameRequest) => Frame,
): Sha256 {
  const { command, ...frame } = frameOf({
    plan: samplePlan,
    command: ['COMMAND'],
    limits: { cpus: 1, memoryBytes: 2 ** 32, timeMs: 1, processes: 1, outputBytes: 2 ** 36 },
    outs: ['OUT'],
    openFiles: 0,
    architecture,
    prlimit: 'PRLIMIT',
    etcOfRoot: [],
    hasGroup: true,
    reach: (path) => path,
  })
  return digestOfJson({
    engine,
    version,
    frame: { arguments: frame.arguments, files: frame.files ?? {} },
    chain: sampleChain(command, ['GROUP'], undefined),
    etc: etcFiles(false),
  })
}

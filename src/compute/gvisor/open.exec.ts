/** Opens the engine `gvisor`: finds its one program, says which it is, tries a box. */
import { type EngineOptions, findEngineProgram, openEngineBoxes, versionOf } from '../bubblewrap/index.ts'
import type { Sandbox } from '../sandbox.ts'
import { gvisorEngine } from './engine.ts'

/** SOURCE: gvisor.dev, installed from source; without cgo, since what starts the kernel again does so in an empty root. */
const help =
  'build it: CGO_ENABLED=0 go install gvisor.dev/gvisor/runsc@v0.0.0-20260905035102-160fafc42237, then as root: install -m 755 ~/go/bin/runsc /usr/local/bin/runsc; or name it: ASSAY_RUNSC=/path/to/runsc'

/** @throws ERR_ENGINE_UNAVAILABLE */
export async function openGvisor(options: EngineOptions): Promise<Sandbox> {
  const runsc = findEngineProgram({ engine: 'gvisor', name: 'runsc', named: options.runsc, help })
  return openEngineBoxes(options, help, async () => gvisorEngine(runsc.path, await factsOf(runsc)))
}

async function factsOf({ path, digest }: ReturnType<typeof findEngineProgram>): Promise<Record<string, string>> {
  const version = await versionOf({ engine: 'gvisor', path, says: /^runsc version (\S+)/, help })
  return { runsc: version === 'VERSION_MISSING' ? 'built from source' : version, runscProgram: digest }
}

/** Opens the engine `podman`: finds its programs, says which they are, tries a box. */
import { type EngineOptions, findEngineProgram, openEngineBoxes, versionOf } from '../bubblewrap/index.ts'
import type { Sandbox } from '../sandbox.ts'
import { podmanEngine } from './engine.ts'

const help = 'install podman, conmon and runc (Debian: apt install podman runc)'

/** @throws ERR_ENGINE_UNAVAILABLE */
export async function openPodman(options: EngineOptions): Promise<Sandbox> {
  const find = (name: string): string => findEngineProgram({ engine: 'podman', name, named: undefined, help }).path
  const [podman, runc] = [find('podman'), find('runc')]
  find('conmon')
  return openEngineBoxes(options, help, async () => {
    const [version, runtime] = await Promise.all([versionOfProgram(podman), versionOfProgram(runc)])
    return podmanEngine({ podman, runc }, { podman: version, runc: runtime })
  })
}

function versionOfProgram(path: string): Promise<string> {
  return versionOf({ engine: 'podman', path, says: /version (\S+)/, help })
}

/** Opens the engine `podman`: finds its programs, says which they are, tries a box. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type EngineOptions, findEngineProgram, openEngineBoxes } from '../bubblewrap/index.ts'
import type { Sandbox } from '../sandbox.ts'
import { podmanEngine } from './engine.ts'

const help = 'install podman, conmon and runc (Debian: apt install podman runc)'

/** @throws ERR_ENGINE_UNAVAILABLE */
export async function openPodman(options: EngineOptions): Promise<Sandbox> {
  const find = (name: string): string => findEngineProgram({ engine: 'podman', name, named: undefined, help }).path
  const [podman, runc] = [find('podman'), find('runc')]
  find('conmon')
  return openEngineBoxes(options, help, async () => {
    const [version, runtime] = await Promise.all([versionOf(podman), versionOf(runc)])
    return podmanEngine({ podman, runc }, { podman: version, runc: runtime })
  })
}

async function versionOf(program: string): Promise<string> {
  const { stdout } = await promisify(execFile)(program, ['--version'], { env: { HOME: '/' } })
  return /version (\S+)/.exec(stdout)?.[1] ?? 'unknown'
}

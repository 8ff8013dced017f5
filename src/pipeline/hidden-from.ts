/** What of the project a stage does not see. */
import type { StageDefinition } from './definition.ts'
import type { StageInputs } from './resolve-inputs.ts'
import { hiddenPaths } from './workspace.fs.ts'

/** Paths that exist and that this stage does not see; folders on the way to a shown file are seen. */
export function hiddenFrom(root: string, stage: StageDefinition, inputs: StageInputs): readonly string[] {
  const shown = [
    ...inputs.visible,
    ...inputs.resolved.flatMap(({ ref }) => ref.shows),
    ...stage.outs.map(({ path }) => path),
  ]
  const whole = new Set(shown)
  const above = new Set(shown.flatMap(foldersAbove))
  return hiddenPaths(root, (path) => {
    return whole.has(path) || above.has(path) || foldersAbove(path).some((folder) => whole.has(folder))
  })
}

function foldersAbove(path: string): readonly string[] {
  const names = path.split('/')
  return names.slice(1).map((_, index) => names.slice(0, index + 1).join('/'))
}

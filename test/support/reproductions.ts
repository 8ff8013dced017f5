/** A run to be made once more, and metrics of which one member is another each time. */
import type { TestContext } from 'node:test'
import { adopted } from './adopted.ts'
import { words } from './projects.ts'
import type { Scratch } from './scratch.ts'

export async function ran(context: TestContext, files: Readonly<Record<string, string>> = words): Promise<Scratch> {
  const project = await adopted(context, files)
  await project.json(0, 'run')
  project.commit('a run')
  return project
}

export const metrics = {
  ...words,
  'src/count.sh': 'printf \'{"lines": 3, "seconds": 0.%s}\\n\' "$(date +%N)" > "$3"\n',
  'dvc.yaml': String(words['dvc.yaml']).replaceAll('model/count.txt', 'model/count.json'),
}

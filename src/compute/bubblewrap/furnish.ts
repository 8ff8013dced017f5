/** What a box of a stage is furnished with: its view, its scratch folders, its environment. */
import { join } from 'node:path'
import type { ObjectStore } from '../../data/index.ts'
import type { Gpus, StageTask } from '../sandbox.ts'
import type { Box } from './box.exec.ts'
import { inProject, type MadeScratch, makeFolder, makeScratch, makeView } from './box-folder.fs.ts'
import { type Layout, layoutOf } from './layout.ts'
import type { Bind } from './recipe.ts'

export type Furnished = Readonly<{
  layout: Layout
  /** Absolute folder that is shown as /project. */
  view: string
  /** Absolute folder above the scratch folders, which are named by their places in the list. */
  scratchPlace: string
  scratches: readonly MadeScratch[]
  binds: readonly Bind[]
}>

/** Device files to use, libraries of the driver to read; those of /usr are there already. */
export function gpuBinds(gpus: Gpus | undefined): readonly Bind[] {
  if (gpus === undefined) return []
  return [
    ...gpus.devices.map((path) => ({ kind: 'device' as const, source: path, target: path })),
    ...gpus.libraries.map((path) => ({ kind: 'read-only' as const, source: path, target: path })),
  ]
}

/** @throws ERR_STORE_MISSING, ERR_STORE_CORRUPT */
export async function furnish(box: Box, task: StageTask, store: ObjectStore): Promise<Furnished> {
  const layout = layoutOf(task, task.mounts)
  await store.prove(layout.files.map(({ digest }) => digest))
  const view = await makeView(box.folder, layout, store)
  const place = makeFolder(join(box.folder.path, 'scratch'))
  const scratches: MadeScratch[] = []
  for (const [index, scratch] of layout.scratches.entries()) {
    scratches.push(await makeScratch({ place, index, view, store, uid: box.uid }, scratch, task.outs))
  }
  const binds: readonly Bind[] = [
    { kind: 'read-only', source: view, target: inProject('.') },
    ...scratches.flatMap((made) => made.binds),
    ...task.mounts.map(({ source, target }) => ({ kind: 'read-only' as const, source, target })),
    ...gpuBinds(task.gpus),
  ]
  return { layout, view, scratchPlace: place, scratches, binds }
}

/** What a checkpoint says, as the text that is signed. SOURCE: C2SP tlog-checkpoint.md. */
import { namespace } from '../../core/index.ts'
import type { TreeHash } from './merkle.ts'

export type TreeHead = Readonly<{ size: number; root: TreeHash }>

/** A log's name to the world: a URL without its scheme. @param id `<project>/<16 hex>`: two logs of a project are two */
export function logOrigin(id: string): string {
  return `${namespace.replace('https://', '')}/log/${id}`
}

/** The text that is signed. */
export function checkpointText(origin: string, { size, root }: TreeHead): string {
  return `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`
}

/** The only file of `data` that other domains import. */

export { type Collected, type CollectOptions, collectGarbage } from './collect-garbage.fs.ts'
export { openObjectStore } from './object-store.fs.ts'
export type * from './object-store.ts'

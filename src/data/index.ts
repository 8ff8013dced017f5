/** The only file of `data` that other domains import. */
export type * from './object-store.ts'

/** The only file of `compute` that other domains import. */
export type * from './environment.ts'
export type * from './sandbox.ts'
export type * from './bubblewrap/index.ts'

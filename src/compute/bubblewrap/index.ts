/** The engine `bubblewrap`: stages in namespaces of the kernel, by the tried recipe of docs/reference/isolation.md. */
export type * from './box-command.ts'
export { type BubblewrapOptions, bubblewrapRecipe, openBubblewrap } from './open.exec.ts'
export { runInBox } from './run-in-box.exec.ts'
export { type ShellEnd, type ShellSession, shellInBox } from './shell.exec.ts'
export { sweepBoxes } from './sweep.fs.ts'
export { openUnsafeHost } from './unsafe-host.exec.ts'

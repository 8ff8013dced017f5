/** The engine `bubblewrap`: stages in namespaces of the kernel, by the tried recipe of docs/reference/isolation.md. */
export type * from './box-command.ts'

/** What a build tells its user while it lasts. */

export type EnvironmentProgress =
  | Readonly<{ kind: 'resolving'; project: string; done: number; total: number }>
  | Readonly<{ kind: 'downloading'; fileName: string; receivedBytes: number; totalBytes?: number }>
  | Readonly<{ kind: 'fetched'; fileName: string; sizeBytes: number; fromStore: boolean }>
  | Readonly<{ kind: 'unpacking'; fileName: string; done: number; total: number }>
  | Readonly<{ kind: 'compiling'; files: number }>
  | Readonly<{ kind: 'verifying'; files: number }>

export type OnProgress = (event: EnvironmentProgress) => void

/** What a build tells its user while it lasts. */
import { formatSize } from '../../core/index.ts'

export type EnvironmentProgress =
  | Readonly<{ kind: 'resolving'; project: string; done: number; total: number }>
  | Readonly<{ kind: 'downloading'; fileName: string; receivedBytes: number; totalBytes?: number }>
  | Readonly<{ kind: 'fetched'; fileName: string; sizeBytes: number; fromStore: boolean }>
  | Readonly<{ kind: 'unpacking'; fileName: string; done: number; total: number }>
  | Readonly<{ kind: 'building'; fileName: string }>
  | Readonly<{ kind: 'compiling'; files: number }>
  | Readonly<{ kind: 'verifying'; files: number }>

export type OnProgress = (event: EnvironmentProgress) => void

/** One line for a person. */
export function progressText(event: EnvironmentProgress): string {
  switch (event.kind) {
    case 'resolving':
      return `looking for ${event.project} (${event.done} of ${event.total})`
    case 'downloading': {
      const total = event.totalBytes === undefined ? '' : ` of ${formatSize(event.totalBytes)}`
      return `fetching ${event.fileName}: ${formatSize(event.receivedBytes)}${total}`
    }
    case 'fetched':
      return event.fromStore
        ? `${event.fileName} is in the store`
        : `fetched ${event.fileName}, ${formatSize(event.sizeBytes)}`
    case 'unpacking':
      return `unpacking ${event.fileName} (${event.done + 1} of ${event.total})`
    case 'building':
      return `building ${event.fileName} in the sandbox`
    case 'compiling':
      return `compiling ${event.files} modules`
    case 'verifying':
      return `re-hashing ${event.files} files of the environment`
  }
}

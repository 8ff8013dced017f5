/**
 * One command in the same sandbox as a stage, offline, for assay's own needs (compiling bytecode of an environment).
 *
 * It sees /usr, its mounts and one writable folder; nothing of it is alive when the promise settles.
 */
import type { Sha256 } from '../../core/index.ts'
import type { Limits, Mount, StageEnd } from '../sandbox.ts'

export type BoxCommand = Readonly<{
  /** Folder for the box itself, made when missing; the same that `openBubblewrap` is given. */
  workFolder: string
  /** Program and arguments, no shell: `['/usr/bin/python3', '-I', '-m', 'compileall', '/out']`. */
  argv: readonly string[]
  /** Read-only folders or files; a source may lie under a folder that only its owner may enter. */
  mounts: readonly Mount[]
  /** The one host folder that the command may change. Its owner is the caller's again afterwards. */
  writable: Mount
  /** The whole environment. */
  variables: Readonly<Record<string, string>>
  /** Path inside; `writable.target` when left out. */
  workingDirectory?: string
  limits: Limits
  signal?: AbortSignal
}>

export type BoxEnd = Readonly<{
  end: StageEnd
  /** The last lines of stdout and stderr, printable. */
  tail: readonly string[]
  deniedAttempts: number
  /** What held it; `none` where nothing did. */
  sandbox: Readonly<{ engine: 'bubblewrap' | 'none'; digest: Sha256 }>
}>

/** @throws ERR_SANDBOX_UNAVAILABLE when this machine cannot isolate; nothing has run then */
export type RunInBox = (command: BoxCommand) => Promise<BoxEnd>

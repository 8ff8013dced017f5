/** What is known of a Python environment before it is built, and of a built one. */
import type { Sha256 } from '../../core/index.ts'
import type { Mount } from '../sandbox.ts'
import type { ChosenWheel } from './acquire.fs.ts'
import type { Interpreter } from './interpreter.ts'
import type { BuiltTree } from './keep-tree.fs.ts'
import type { LockChoice, LockedRequirement } from './lock.ts'
import type { AcquireRequest } from './offers.fs.ts'
import type { PythonRequest } from './read-lock.fs.ts'
import type { SourcesRequest } from './sources.fs.ts'
import type { LocalParts } from './tree.fs.ts'

export type Plan = Readonly<{
  request: PythonRequest
  /** All that are installed. */
  requirements: readonly LockedRequirement[]
  /** Those that come as wheels. */
  acquiring: AcquireRequest
  /** Those that are built from source. */
  sources: SourcesRequest
  interpreter: Interpreter
  mounts: readonly Mount[]
  local: Required<LocalParts>
  lockDigest: Sha256
  choice: LockChoice
  /** Under which it is remembered which wheels were chosen. */
  key: Sha256
}>

export type Built = BuiltTree & Readonly<{ chosen: readonly ChosenWheel[] }>

/** The dvc.lock files of a project, one beside each dvc.yaml: read once, written in batches, whole and atomically. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DomainError, type Sha256, sha256Of } from '../../core/index.ts'
import type { ValueMap } from '../define/index.ts'
import type { PipelineDefinition, ProjectSettings, StageDefinition } from '../definition.ts'
import { writeDurably } from '../evidence.fs.ts'
import { readProjectFile } from '../project-file.fs.ts'
import { type DvcLock, dvcLockText, noDvcLock, parseDvcLock } from './lock-text.ts'

export function lockFileOf({ file }: Pick<StageDefinition, 'file'>): string {
  return join(dirname(file), 'dvc.lock')
}

/** The name of a stage in the lock beside its dvc.yaml. */
export function localNameOf({ name, file }: Pick<StageDefinition, 'name' | 'file'>): string {
  return name.startsWith(`${file}:`) ? name.slice(file.length + 1) : name
}

/** As assay.yaml says; when it says nothing, where the repository has a dvc.lock already. */
export function writesDvcLock(root: string, { stages }: PipelineDefinition, { lock }: ProjectSettings): boolean {
  if (lock !== undefined) return lock.includes('dvc')
  return [...new Set(stages.map(lockFileOf))].some((file) => existsSync(join(root, file)))
}

export type LockFile = Readonly<{
  file: string
  /** Of the bytes on disk; undefined where there is none. */
  digest(): Sha256 | undefined
  /** What it says of a stage, changes included. */
  entry(name: string): ValueMap | undefined
  change(name: string, entry: ValueMap): void
  /** Writes what changed; does nothing when nothing did. */
  flush(): void
}>

/**
 * Parsed when it is first asked for: a run in which nothing changed never does. That it can be read at all was seen when
 * the definition was.
 *
 * @param order names of its stages in the order of the plan: new ones are written in it
 * @returns undefined for a lock of DVC 1, which is left as it is
 * @throws ERR_LOCK_MALFORMED
 */
export function openLockFile(root: string, file: string, order: readonly string[]): LockFile | undefined {
  const bytes = readProjectFile(root, file)
  let lock = bytes !== undefined && !looksNew(bytes) ? parse(bytes, file) : null
  if (lock === undefined) return undefined
  let digest = bytes === undefined ? undefined : sha256Of(bytes)
  const changed = new Map<string, ValueMap>()
  let isDirty = false
  const read = (): DvcLock => {
    lock ??= parse(bytes, file) ?? refuseOld(file)
    return lock
  }
  return {
    file,
    digest: () => digest,
    entry: (name) => changed.get(name) ?? read().stages.get(name),
    change: (name, entry) => {
      changed.set(name, entry)
      isDirty = true
    },
    flush: () => {
      if (!isDirty) return
      const now = readProjectFile(root, file)
      // Somebody else wrote it meanwhile, DVC perhaps: what it says of other stages stays.
      if (now !== undefined && sha256Of(now) !== digest) lock = parse(now, file) ?? refuseOld(file)
      const inOrder = [...changed].toSorted(([left], [right]) => order.indexOf(left) - order.indexOf(right))
      const text = Buffer.from(dvcLockText(read(), new Map(inOrder)))
      writeDurably(join(root, file), text)
      digest = sha256Of(text)
      isDirty = false
    },
  }
}

/** A lock as DVC 2 and 3 write it says its schema on a line of its own; any other is parsed to know. */
function looksNew(bytes: Uint8Array): boolean {
  return /^schema:/m.test(new TextDecoder().decode(bytes))
}

function parse(bytes: Uint8Array | undefined, file: string): DvcLock | undefined {
  return bytes === undefined ? noDvcLock(file) : parseDvcLock(bytes, file)
}

function refuseOld(file: string): never {
  throw new DomainError('ERR_LOCK_MALFORMED', `\`${file}\` became a lock of DVC 1 during the run`)
}

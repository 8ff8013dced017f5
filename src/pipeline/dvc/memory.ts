/**
 * Which stages a dvc.lock is known to speak of rightly, by the digest of its bytes: a run in which nothing changed asks
 * this instead of making every entry again.
 */
import { z } from 'zod'
import { canonicalJson, sha256Of } from '../../core/index.ts'
import type { DvcCache } from '../../data/index.ts'
import type { SettledStage } from './beside-dvc.ts'
import { type LockFile, localNameOf, lockFileOf } from './lock-files.fs.ts'
import type { Hints } from './names.ts'

/** Stage -> the evidence and spelling that its entry follows from, and what DVC's cache must hold. */
const stagesShape = z.record(z.string(), z.strictObject({ from: z.string(), cached: z.array(z.string()) }))
const shape = z.strictObject({ lock: z.string(), stages: stagesShape })
type Known = Readonly<z.infer<typeof stagesShape>>

export type Memory = Readonly<{
  isKnown(settled: SettledStage, cache: DvcCache | undefined): boolean
  learn(settled: SettledStage, cached: readonly string[]): void
  /** Remembers what was learnt, under the bytes that the locks have now. */
  save(): void
}>

export function openMemory(hints: Hints, locks: ReadonlyMap<string, LockFile>, ignoreRules: string): Memory {
  const files = new Map([...locks].map(([file, lock]) => [file, { lock, known: { ...load(hints, lock) } }]))
  const learnt = new Set<string>()
  return {
    isKnown: (settled, cache) => {
      const known = files.get(lockFileOf(settled.stage))?.known[localNameOf(settled.stage)]
      if (known === undefined || known.from !== originOf(settled, ignoreRules)) return false
      return cache === undefined || known.cached.every((name) => cache.has(name))
    },
    learn: (settled, cached) => {
      const file = files.get(lockFileOf(settled.stage))
      if (file === undefined) return
      file.known[localNameOf(settled.stage)] = { from: originOf(settled, ignoreRules), cached: [...cached] }
      learnt.add(lockFileOf(settled.stage))
    },
    save: () => {
      for (const name of learnt) {
        const file = files.get(name)
        const digest = file?.lock.digest()
        if (file === undefined || digest === undefined) continue
        hints.recordFact(keyOf(file.lock), JSON.stringify({ lock: digest, stages: file.known }))
      }
      learnt.clear()
    },
  }
}

/** The statement names commands, params and every digest; the rest is how dvc.yaml spells it, and what DVC does not see. */
function originOf({ stage, attestation }: SettledStage, ignoreRules: string): string {
  const spelling = { list: stage.isCommandList === true, paths: [...(stage.spelled ?? [])].flat() }
  return sha256Of(
    canonicalJson({ attestation, ignoreRules, ...spelling, cached: stage.outs.map(({ cache }) => cache) }),
  )
}

function load(hints: Hints, lock: LockFile): Known {
  const text = hints.fact(keyOf(lock))
  if (text === undefined) return {}
  const parsed = shape.safeParse(JSON.parse(text))
  return parsed.success && parsed.data.lock === lock.digest() ? parsed.data.stages : {}
}

function keyOf({ file }: LockFile): string {
  return `dvc-lock:${file}`
}

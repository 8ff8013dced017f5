/** What a stage used over time, kept short however long it runs: pure. */
import type { ResourceProfile } from '../sandbox.ts'

/** One look. Milliseconds and bytes; what the machine does not tell is missing. */
export type Sample = Readonly<{
  cpuMs?: number
  memoryBytes?: number
  processes?: number
  writtenBytes?: number
  gpuPercent?: number
  gpuMemoryBytes?: number
}>

export type ProfileKeeper = Readonly<{
  /** Milliseconds until the next look; grows with the stage. */
  everyMs(): number
  add(sample: Sample): void
  /** Undefined for a stage that ended before the first look. */
  profile(): ResourceProfile | undefined
}>

/** LIMIT: looks that are kept; when there are more, every second one is left out and looks are taken half as often. */
const mostSamples = 240
const series = ['cpuMs', 'memoryBytes', 'processes', 'writtenBytes', 'gpuPercent', 'gpuMemoryBytes'] as const

/** @param everyMs the first distance between two looks */
export function keepProfile(everyMs: number): ProfileKeeper {
  let distance = everyMs
  let kept: Sample[] = []
  return {
    everyMs: () => distance,
    add: (sample) => {
      kept.push(sample)
      if (kept.length < mostSamples) return
      kept = kept.filter((_, index) => index % 2 === 1)
      distance *= 2
    },
    profile: () => {
      if (kept.length === 0) return undefined
      const lists = series.flatMap((name) => {
        const values = kept.map((sample) => sample[name])
        return values.includes(undefined) ? [] : [[name, values.map((value) => Math.round(value ?? 0))] as const]
      })
      return { everyMs: distance, ...Object.fromEntries(lists) }
    },
  }
}

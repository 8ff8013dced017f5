/** What a stage used over time, kept short however long it runs: pure. */
import type { ResourceProfile } from '../sandbox.ts'

/** What is held at one moment: of several looks the highest counts. */
const held = ['memoryBytes', 'processes', 'writtenBytes', 'gpuPercent', 'gpuMemoryBytes'] as const
/** What only grows: of several looks the last counts. */
const summed = ['cpuMs', 'ioReadBytes', 'ioWrittenBytes', 'sentBytes', 'receivedBytes'] as const
const series = [...held, ...summed]

/** One look. Milliseconds and bytes; what the machine does not tell is missing. */
export type Sample = Readonly<Partial<Record<(typeof series)[number], number>>>

export type ProfileKeeper = Readonly<{
  /** Milliseconds until the next look; at most a second, however long the stage runs. */
  everyMs(): number
  add(sample: Sample): void
  /** Undefined for a stage that ended before the first look. */
  profile(): ResourceProfile | undefined
}>

/** LIMIT: points that are kept; when there are more, each two become one. */
const mostPoints = 240
const longestMs = 1000

/** @param everyMs the first distance between two looks */
export function keepProfile(everyMs: number): ProfileKeeper {
  let points: Sample[] = []
  /** Looks that one point stands for. */
  let looksAPoint = 1
  let distance = everyMs
  let looks: Sample[] = []
  const halve = (): void => {
    points = Array.from({ length: Math.floor(points.length / 2) }, (_, index) =>
      together(points.slice(2 * index, 2 * index + 2)),
    )
    if (distance * 2 <= longestMs) distance *= 2
    else looksAPoint *= 2
  }
  return {
    everyMs: () => distance,
    add: (sample) => {
      looks.push(sample)
      if (looks.length < looksAPoint) return
      points.push(together(looks))
      looks = []
      if (points.length >= mostPoints) halve()
    },
    profile: () => {
      if (points.length === 0) return undefined
      const lists = series.flatMap((name) => {
        const values = points.map((sample) => sample[name])
        return values.includes(undefined) ? [] : [[name, values.map((value) => Math.round(value ?? 0))] as const]
      })
      return { everyMs: distance * looksAPoint, ...Object.fromEntries(lists) }
    },
  }
}

function together(samples: readonly Sample[]): Sample {
  const highest = held.map((name) => [name, Math.max(...samples.map((sample) => sample[name] ?? Number.NaN))] as const)
  const last = summed.map((name) => [name, samples.at(-1)?.[name] ?? Number.NaN] as const)
  return Object.fromEntries([...highest, ...last].filter(([, value]) => !Number.isNaN(value)))
}

/** Sizes and durations as people write them. */
import { DomainError } from './error.ts'

const sizeFactors: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
}
const durationFactors: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3 }

/** `4GiB`, `512 MiB`, `1.5GB`, `1000B` -> whole bytes. @throws ERR_INPUT_MALFORMED */
export function parseSizeBytes(text: string): number {
  return scaled(text, sizeFactors, 'a size such as 4GiB')
}

/** `100MiB/s` -> bytes a second. @throws ERR_INPUT_MALFORMED */
export function parseRateBytes(text: string): number {
  const [, size = ''] = /^(.*)\/s$/.exec(text.trim()) ?? []
  return scaled(size, sizeFactors, 'a rate such as 100MiB/s', text)
}

/** `30m`, `2h`, `90s`, `7d`, `250ms` -> whole milliseconds. @throws ERR_INPUT_MALFORMED */
export function parseDurationMs(text: string): number {
  return scaled(text, durationFactors, 'a duration such as 30m')
}

function scaled(text: string, factors: Readonly<Record<string, number>>, wanted: string, written = text): number {
  const match = /^(\d{1,12}(?:\.\d{1,6})?)\s?([A-Za-z]{1,3})$/.exec(text.trim())
  const factor = factors[match?.[2] ?? '']
  const value = Math.round(Number(match?.[1]) * (factor ?? Number.NaN))
  if (!Number.isSafeInteger(value) || value <= 0) {
    throw new DomainError('ERR_INPUT_MALFORMED', `\`${written}\` is not ${wanted}`, {
      help: `write a number and one of ${Object.keys(factors).join(', ')}`,
    })
  }
  return value
}

/** `1536` -> `1.5 KiB`. */
export function formatSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(bytes, 1)) / 10)))
  const value = bytes / 2 ** (10 * power)
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`
}

/** `90500` -> `1 min 31 s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
}

/** `2027-11-24`, in UTC. */
export function formatDay(instant: Date): string {
  return instant.toISOString().slice(0, 10)
}

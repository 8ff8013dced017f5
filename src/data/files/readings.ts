/**
 * What of an image readers take differently: transparency, colour profiles, more than 8 bits, colours that are converted. Pure.
 *
 * THREAT: a patch that trainers read and that is not seen here, or the other way round. Transparency and profiles are ignored
 * here as trainers do; of 16 bits Pillow makes white from 255 on, where others and we take the upper 8.
 */
import { type DataCheck, maxListed } from '../validate/check.ts'

export const readings = ['transparency', 'colour profile', 'more than 8 bits', 'converted colours'] as const
export type Reading = (typeof readings)[number]

/** Of these it is not known which pixels trainers read. */
const unknowable: ReadonlySet<Reading> = new Set(['more than 8 bits', 'converted colours'])
const plainSpaces: ReadonlySet<string> = new Set(['b-w', 'srgb', 'rgb', 'rgb16', 'grey16'])

type About = Readonly<{ hasAlpha?: boolean; icc?: unknown; depth?: string; space?: string }>

export function readingsOf({ hasAlpha, icc, depth, space }: About): readonly Reading[] {
  const has = [hasAlpha === true, icc !== undefined, depth !== 'uchar', !plainSpaces.has(space ?? '')]
  return readings.filter((_, place) => has[place])
}

type Read = Readonly<{ readings?: readonly Reading[] }>

/** @param approved what the anchor's images are; undefined without one */
export function readingsCheck(
  files: readonly (Read & Readonly<{ path: string }>)[],
  approved: readonly Read[] | undefined,
): readonly DataCheck[] {
  const had = new Set((approved ?? []).flatMap((look) => look.readings ?? []))
  const some = readings.flatMap((reading) => {
    const count = files.filter((look) => look.readings?.includes(reading)).length
    return count === 0 ? [] : [{ reading, count }]
  })
  if (some.length === 0) return []
  const fresh = new Set(some.flatMap(({ reading }) => (approved === undefined || had.has(reading) ? [] : [reading])))
  const rows = files.filter((look) => look.readings?.some((reading) => fresh.has(reading)))
  const isFailing = [...fresh].some((reading) => unknowable.has(reading))
  const because = `no approved image has ${[...fresh].join(', ')}, which readers take differently: write them as the approved ones are, or anchor anew`
  return [
    {
      ...{ name: 'files/readings', column: null, verdict: fresh.size === 0 ? 'pass' : isFailing ? 'fail' : 'warn' },
      observed: some.map(({ reading, count }) => `${count} ${reading}`).join(', '),
      expected: approved === undefined ? 'what readers take differently' : 'what the approved images have too',
      rows: rows.slice(0, maxListed).map(({ path }) => path),
      ...{ count: rows.length, evaluated: true },
      ...(fresh.size === 0 ? {} : { because }),
      ...(isFailing ? { code: 'ERR_DATA_UNREADABLE' as const } : {}),
    },
  ]
}

/** Words for what was not seen. */
export function unseenReadings(files: readonly Read[]): readonly string[] {
  const count = files.filter((look) => look.readings?.some((reading) => unknowable.has(reading))).length
  return count === 0
    ? []
    : [`what readers that clip or convert otherwise see of ${count} images of more than 8 bits or other colours`]
}

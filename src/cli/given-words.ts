/** What a reviewer said of rows on the command line or in a file. */
import { z } from 'zod'
import { DomainError, isDomainError, parseStrictJson } from '../core/index.ts'
import { type RowWord, reviewCommand, rowVerdicts, type Triage } from '../pipeline/index.ts'

export type ReviewOptions = Readonly<{
  good?: string
  bad?: string
  exclude?: string
  because?: string
  from?: string
  report?: string
  replace?: true
}>

/** A row by its number, a file by its path, or either by the hash of its content. */
export type GivenWord = Readonly<{
  row?: number | string
  hash?: string
  verdict: (typeof rowVerdicts)[number]
  because?: string
}>

const verdict = z.enum(rowVerdicts)
const because = z.string().min(1).max(1000)
const hash = z.string().regex(/^[0-9a-f]{64}$/)
const row = z.union([z.int().min(1), z.string().min(1).max(4096)])
/**
 * Judgements, or what `--json` lists with a verdict added to some of its suspects: those without one stay unjudged. Other
 * members are ignored.
 */
const shape = z.union([
  z.object({
    rows: z
      .array(
        z.union([
          z.object({ row, verdict, because: because.exactOptional() }),
          z.object({ hash, verdict, because: because.exactOptional() }),
        ]),
      )
      .min(1)
      .max(1000),
  }),
  z.object({
    suspects: z.array(z.object({ hash, verdict: verdict.exactOptional(), because: because.exactOptional() })).max(2000),
  }),
])

/** LIMIT: a file of judgements is at most 16 MiB. */
export const maxFileBytes = 16 * 1024 * 1024

/** @throws ERR_USAGE */
export function givenWords(options: ReviewOptions, read: (file: string) => Uint8Array): readonly GivenWord[] {
  const { good, bad, exclude, because, from } = options
  const flags = [
    ...placesOf(good).map((row) => ({ row, verdict: 'good' as const })),
    ...placesOf(bad).map((row) => ({ row, verdict: 'bad' as const })),
    ...placesOf(exclude).map((row) => ({ row, verdict: 'excluded' as const })),
  ]
  if (from !== undefined && flags.length > 0) {
    throw new DomainError('ERR_USAGE', '`--from` stands alone: put all judgements into the file')
  }
  const words = from === undefined ? flags : wordsOf(from, read)
  if (because !== undefined && words.length === 0) {
    throw new DomainError('ERR_USAGE', '`--because` needs rows that it is about', {
      help: 'add --good, --bad or --exclude',
    })
  }
  return because === undefined ? words : words.map((each) => ({ because, ...each }))
}

/** Numbers of rows or paths of files; which of them is meant the data says. A path with a comma goes into a file. */
function placesOf(text: string | undefined): readonly string[] {
  if (text === undefined) return []
  return text.split(',').map((part) => {
    if (part.trim() !== '') return part.trim()
    throw new DomainError('ERR_USAGE', `\`${text}\` is no list of rows or files`, {
      help: '--bad 3,17 or --bad cats/1.jpg',
    })
  })
}

/** A number names a row, or a file that is called so. */
export function isNumber(row: number | string): boolean {
  return /^[1-9]\d{0,15}$/.test(String(row)) && Number.isSafeInteger(Number(row))
}

/** A file may be named by its path in the folder or in the project. @param place of the folder in the project */
export function namesOf(row: number | string, place: string): readonly (number | string)[] {
  return typeof row === 'string' && row.startsWith(`${place}/`) ? [row, row.slice(place.length + 1)] : [row]
}

type Judged = Pick<Triage, 'suspects' | 'path' | 'kind'>

/** @throws ERR_USAGE for a row that is not in the data, a hash of no suspect, or a name of two files */
export function wordsFor(triage: Judged, given: readonly GivenWord[]): readonly RowWord[] {
  const words = new Map<string, RowWord>()
  for (const { row, hash, verdict, because } of given) {
    const found = suspectOf(triage, { row, hash })
    const before = words.get(found.hash)
    if (before !== undefined && before.verdict !== verdict) {
      throw new DomainError(
        'ERR_USAGE',
        `row ${found.rows.join(', ')} is judged twice, ${before.verdict} and ${verdict}`,
      )
    }
    words.set(found.hash, { hash: found.hash, verdict, ...(because === undefined ? {} : { because }) })
  }
  return [...words.values()]
}

type Named = Readonly<{ row: number | string | undefined; hash: string | undefined }>

function suspectOf({ suspects, path, kind }: Judged, { row, hash }: Named): Triage['suspects'][number] {
  const isNamed = (listed: number | string): boolean =>
    row !== undefined &&
    (kind === 'rows' ? isNumber(row) && Number(row) === listed : namesOf(String(row), path).includes(listed))
  const [found, other] = suspects.filter((each) => (row === undefined ? each.hash === hash : each.rows.some(isNamed)))
  if (found === undefined) {
    const what =
      row === undefined ? `no suspect with the hash \`${hash}\`` : `no ${kind === 'files' ? 'file' : 'row'} \`${row}\``
    throw new DomainError('ERR_USAGE', `\`${path}\` has ${what}`, {
      help: `${reviewCommand(path)} --json lists the suspects`,
    })
  }
  if (other === undefined) return found
  // THREAT: a folder that holds its own path again: one file would be named and another one signed for
  throw new DomainError('ERR_USAGE', `\`${row}\` names two files, by its path in \`${path}\` and in the project`, {
    help: 'write the path in the folder of the one, or the whole path in the project of the other',
  })
}

function wordsOf(file: string, read: (file: string) => Uint8Array): readonly GivenWord[] {
  try {
    const parsed = shape.safeParse(parseStrictJson(read(file), file, { maxBytes: maxFileBytes, maxDepth: 8 }))
    if (parsed.success) return 'rows' in parsed.data ? parsed.data.rows : verdictsIn(parsed.data.suspects, file)
    const [issue] = parsed.error.issues
    throw new DomainError('ERR_USAGE', `\`${file}\` holds no judgements: ${issue?.path.join('.')} ${issue?.message}`)
  } catch (error) {
    if (isDomainError(error, 'ERR_USAGE')) throw error
    const because = error instanceof Error ? error.message : String(error)
    throw new DomainError('ERR_USAGE', `\`${file}\` cannot be read: ${because}`, { cause: error })
  }
}

function verdictsIn(
  suspects: readonly Readonly<{ hash: string; verdict?: GivenWord['verdict']; because?: string }>[],
  file: string,
): readonly GivenWord[] {
  const judged = suspects.flatMap(({ verdict: said, ...rest }) =>
    said === undefined ? [] : [{ ...rest, verdict: said }],
  )
  if (judged.length > 0) return judged
  throw new DomainError('ERR_USAGE', `no suspect in \`${file}\` has a verdict`, {
    help: 'add "verdict": "good", "bad" or "excluded" to those that you judge',
  })
}

/** One of the calendar (`2027-01-31`): a parser of dates takes 31 February for a day of March. */
export function isDay(text: string): boolean {
  const at = Date.parse(`${text}T00:00:00Z`)
  return !Number.isNaN(at) && new Date(at).toISOString().slice(0, 10) === text
}

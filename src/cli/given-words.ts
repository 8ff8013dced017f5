/** What a reviewer said of rows on the command line or in a file. */
import { z } from 'zod'
import { DomainError, isDomainError, parseStrictJson } from '../core/index.ts'
import { rowVerdicts } from '../pipeline/index.ts'

export type ReviewOptions = Readonly<{
  good?: string
  bad?: string
  exclude?: string
  because?: string
  from?: string
  report?: string
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

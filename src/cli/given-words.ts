/** What a reviewer said of rows on the command line or in a file. */
import { z } from 'zod'
import { DomainError, isDomainError, parseStrictJson } from '../core/index.ts'
import { rowVerdicts } from '../pipeline/index.ts'

export type ReviewOptions = Readonly<{ good?: string; bad?: string; exclude?: string; because?: string; from?: string }>

/** A row by its number, or by the hash of its content. */
export type GivenWord = Readonly<{
  row?: number
  hash?: string
  verdict: (typeof rowVerdicts)[number]
  because?: string
}>

const word = { verdict: z.enum(rowVerdicts), because: z.string().min(1).max(1000).exactOptional() }
/** Members that `--json` lists beside these are ignored, so that its answer can be edited and given back. */
const shape = z.object({
  rows: z
    .array(
      z.union([
        z.object({ row: z.int().min(1), ...word }),
        z.object({ hash: z.string().regex(/^[0-9a-f]{64}$/), ...word }),
      ]),
    )
    .min(1)
    .max(1000),
})

/** LIMIT: a file of judgements is at most 16 MiB. */
export const maxFileBytes = 16 * 1024 * 1024

/** @throws ERR_USAGE */
export function givenWords(options: ReviewOptions, read: (file: string) => Uint8Array): readonly GivenWord[] {
  const { good, bad, exclude, because, from } = options
  const flags = [
    ...numbersOf('good', good).map((row) => ({ row, verdict: 'good' as const })),
    ...numbersOf('bad', bad).map((row) => ({ row, verdict: 'bad' as const })),
    ...numbersOf('exclude', exclude).map((row) => ({ row, verdict: 'excluded' as const })),
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

function numbersOf(flag: string, text: string | undefined): readonly number[] {
  if (text === undefined) return []
  return text.split(',').map((part) => {
    const row = Number(part.trim())
    if (/^\d+$/.test(part.trim()) && Number.isSafeInteger(row) && row >= 1) return row
    throw new DomainError('ERR_USAGE', `\`--${flag} ${text}\` is no list of row numbers`, { help: `--${flag} 3,17` })
  })
}

function wordsOf(file: string, read: (file: string) => Uint8Array): readonly GivenWord[] {
  try {
    const parsed = shape.safeParse(parseStrictJson(read(file), file, { maxBytes: maxFileBytes, maxDepth: 8 }))
    if (parsed.success) return parsed.data.rows
    const [issue] = parsed.error.issues
    throw new DomainError('ERR_USAGE', `\`${file}\` holds no judgements: ${issue?.path.join('.')} ${issue?.message}`)
  } catch (error) {
    if (isDomainError(error, 'ERR_USAGE')) throw error
    const because = error instanceof Error ? error.message : String(error)
    throw new DomainError('ERR_USAGE', `\`${file}\` cannot be read: ${because}`, { cause: error })
  }
}

/** What people said of rows, or of files, as the validator is told it. */
export type RowVerdict = 'good' | 'bad' | 'excluded'

/** `type`: the engine's own (`BIGINT`), or of text what its values are read as (`text integer`). */
export type RowColumn = Readonly<{ name: string; type: string }>

/** Rows that somebody judged, by the hash of their content. */
export type JudgedRows = Readonly<{
  /** What a row was made of, in this order. */
  columns?: readonly RowColumn[]
  /** Of the HMAC, 64 hex digits; plain SHA-256 when left out. */
  key?: string
  rows: readonly Readonly<{
    hash: string
    verdict: RowVerdict
    /** Of what is not good: hash of its values, however they are written; of a file, of its bytes, whatever class it is of. */
    content?: string
  }>[]
}>

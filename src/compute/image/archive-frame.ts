/**
 * Whether an archive is read alike by everybody: pure, beside the parser, over the same bytes.
 *
 * THREAT: what one reader sees and another does not. An image is reviewed with Docker's tools; entries behind the end of
 * the archive, headers for all entries, and links or folders that claim bytes are read by some and passed over by others.
 * Packages of npm and conda are read with other tools than this one just so. Readers differ too on which of two long names
 * counts, on where a record of a pax header ends (by its length, or at the end of a line), and on whether one block of
 * zeros is the end.
 * SOURCE: POSIX pax, "ustar Interchange Format": 512-byte blocks, two of zeros at the end, size at 124, type at 156.
 */
const blockBytes = 512
/** Files, and the headers of long names: what may have bytes. */
const withBytes = new Set(['0', '\0', '7', 'x', 'g', 'L', 'K'])

export type ArchiveFrame = Readonly<{
  /** @throws what `refuse` makes */
  add(piece: Buffer): void
  /** What the own header of each entry says, in order, of all that was added. */
  sizes: readonly number[]
}>

export type FrameRules = Readonly<{
  /** @param what after "has" */
  refuse(what: string): Error
  /** Headers for all entries: git writes one, with a comment, into what npm is given. Of them only what changes no entry passes. */
  globalHeaders: 'passed' | 'refused'
}>

/** What tells nothing of name, size, kind or bytes of an entry. */
const harmlessKey = /^(comment|[amc]time|[ug]id|[ug]name|NODETAR\.[\w.]+)$/
const maxGlobalBytes = 64 * 1024
/** LIMIT: of the pax header of one entry. */
const maxOwnBytes = 1024 * 1024

export function newArchiveFrame(rules: FrameRules): ArchiveFrame {
  const sizes: number[] = []
  let block: Buffer = Buffer.alloc(0)
  let skipBytes = 0
  let zeroBlocks = 0
  let recordBytes = 0
  let records: Buffer = Buffer.alloc(0)
  let refuseRecords = refuseEffects
  /** Kinds of the headers since the last entry. */
  const before = new Set<string>()
  const take = (header: Buffer): void => {
    if (header.every((byte) => byte === 0)) {
      zeroBlocks += 1
      return
    }
    if (zeroBlocks > 0) throw rules.refuse('an entry behind a block of zeros')
    const sizeBytes = sizeOf(header, rules)
    const type = typeOf(header)
    skipBytes = Math.ceil(sizeBytes / blockBytes) * blockBytes
    if ('xgLK'.includes(type)) refuseTwo(before, type, rules)
    else {
      sizes.push(sizeBytes)
      before.clear()
    }
    if (type !== 'g' && type !== 'x') return
    recordBytes = sizeBytes
    refuseRecords = type === 'g' ? refuseEffects : refuseDoubt
    if (type === 'g' && recordBytes > maxGlobalBytes)
      throw rules.refuse('a header for all of its entries, of over 64 KiB')
    if (recordBytes > maxOwnBytes) throw rules.refuse('a header of an entry, of over 1 MiB')
  }
  const pass = (piece: Buffer): void => {
    skipBytes -= piece.length
    if (recordBytes === 0) return
    records = Buffer.concat([records, piece])
    if (skipBytes > 0) return
    refuseRecords(records.subarray(0, recordBytes), rules)
    recordBytes = 0
    records = Buffer.alloc(0)
  }
  return {
    sizes,
    add(piece) {
      for (let at = 0; at < piece.length; ) {
        if (zeroBlocks >= 2) return refuseBytes(piece.subarray(at), rules)
        if (skipBytes > 0) {
          const passed = piece.subarray(at, at + skipBytes)
          at += passed.length
          pass(passed)
          continue
        }
        const wanted = piece.subarray(at, at + blockBytes - block.length)
        at += wanted.length
        block = block.length === 0 ? wanted : Buffer.concat([block, wanted])
        if (block.length < blockBytes) continue
        take(block)
        block = Buffer.alloc(0)
      }
    },
  }
}

function refuseBytes(rest: Buffer, { refuse }: FrameRules): void {
  if (rest.some((byte) => byte !== 0)) throw refuse('bytes behind the end of its archive')
}

/** @param before kinds of the headers since the last entry; GNU's long name and long link may stand together */
function refuseTwo(before: Set<string>, type: string, { refuse }: FrameRules): void {
  const isAlone = type === 'L' || type === 'K' ? !before.has(type) && !before.has('x') : before.size === 0
  if (!isAlone) throw refuse('two headers of one entry')
  if (type !== 'g') before.add(type)
}

function refuseEffects(records: Buffer, { refuse }: FrameRules): void {
  for (const record of recordsIn(records)) {
    if (record === undefined || !harmlessKey.test(record.key))
      throw refuse('a header for all of its entries that changes them')
  }
}

/** What a reader that goes by lines takes for a record of its own. */
const recordInValue = /\n\d+ [^=\n]+=/

/** Of what is said of one entry: values that hold another record for some, and names that end early. */
function refuseDoubt(records: Buffer, { refuse }: FrameRules): void {
  for (const record of recordsIn(records)) {
    const isPlain = record !== undefined && !recordInValue.test(record.value.toString('latin1'))
    if (!isPlain || (/path$/.test(record.key) && record.value.includes(0)))
      throw refuse('a header of an entry that is read in two ways')
  }
}

/** SOURCE: POSIX pax, "pax Header Block": `LENGTH KEY=VALUE\n`, the length that of the whole record. Undefined for what is none. */
function* recordsIn(records: Buffer): Generator<Readonly<{ key: string; value: Buffer }> | undefined> {
  for (let at = 0; at < records.length; ) {
    const text = records.toString('latin1', at, at + 320)
    const [start = '', length = '', key = ''] = /^(\d{1,7}) ([^=\n]{1,300})=/.exec(text) ?? []
    const end = at + Number(length)
    const isOne = end > at + start.length && end <= records.length && records[end - 1] === 0x0a
    if (!isOne) return yield undefined
    yield { key, value: records.subarray(at + start.length, end - 1) }
    at = end
  }
}

function typeOf(header: Buffer): string {
  return header.toString('latin1', 156, 157)
}

/** LIMIT: 8 GiB a file, which is what the field holds in the form that every reader reads. */
function sizeOf(header: Buffer, { refuse, globalHeaders }: FrameRules): number {
  const type = typeOf(header)
  const text = header
    .toString('latin1', 124, 136)
    .replace(/[\0 ]+$/, '')
    .trimStart()
  if (!/^[0-7]*$/.test(text)) throw refuse('a file of over 8 GiB, or of no size')
  const sizeBytes = text === '' ? 0 : Number.parseInt(text, 8)
  if (type === 'g' && globalHeaders === 'refused') throw refuse('a header for all of its entries')
  if (sizeBytes > 0 && !withBytes.has(type)) throw refuse('a link or folder that has bytes')
  return sizeBytes
}

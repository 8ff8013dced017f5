/**
 * Whether an archive is read alike by everybody: pure, beside the parser, over the same bytes.
 *
 * THREAT: what one reader sees and another does not. An image is reviewed with Docker's tools; entries behind the end of
 * the archive, headers for all entries, and links or folders that claim bytes are read by some and passed over by others.
 * Packages of npm and conda are read with other tools than this one just so.
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

export function newArchiveFrame(rules: FrameRules): ArchiveFrame {
  const sizes: number[] = []
  let block: Buffer = Buffer.alloc(0)
  let skipBytes = 0
  let zeroBlocks = 0
  let globalBytes = 0
  let global: Buffer = Buffer.alloc(0)
  const take = (header: Buffer): void => {
    if (header.every((byte) => byte === 0)) zeroBlocks += 1
    else {
      zeroBlocks = 0
      const sizeBytes = sizeOf(header, rules)
      skipBytes = Math.ceil(sizeBytes / blockBytes) * blockBytes
      if (!'xgLK'.includes(typeOf(header))) sizes.push(sizeBytes)
      if (typeOf(header) === 'g') globalBytes = sizeBytes
      if (globalBytes > maxGlobalBytes) throw rules.refuse('a header for all of its entries, of over 64 KiB')
    }
  }
  const pass = (piece: Buffer): void => {
    skipBytes -= piece.length
    if (globalBytes === 0) return
    global = Buffer.concat([global, piece])
    if (skipBytes > 0) return
    refuseEffects(global.subarray(0, globalBytes), rules)
    globalBytes = 0
    global = Buffer.alloc(0)
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

/** SOURCE: POSIX pax, "pax Header Block": `LENGTH KEY=VALUE\n`, the length that of the whole record. */
function refuseEffects(records: Buffer, { refuse }: FrameRules): void {
  for (let at = 0; at < records.length; ) {
    const [, length = '', key = ''] = /^(\d{1,6}) ([^=]{1,200})=/.exec(records.toString('latin1', at, at + 300)) ?? []
    const end = at + Number(length)
    const isOne = harmlessKey.test(key) && end > at && end <= records.length && records[end - 1] === 0x0a
    if (!isOne) throw refuse('a header for all of its entries that changes them')
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

/**
 * Archives by their members: zip, npz and tar by name, a gzip file by what is packed in it.
 *
 * Members are unpacked one after the other, compared as the files they are, and removed. Times, owners and the order of
 * members are not content. LIMIT: three archives in each other; deeper ones are compared as bytes. Unpacked: zip 16 GiB
 * and 100 times its size, gzip 32 GB and 200 times its size.
 */
import { closeSync, createWriteStream, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { openZip, unpackGzip } from '../../data/index.ts'
import type { Answer } from './bytes.fs.ts'
import { type Compared, maxMeasures, worstVerdict } from './compared.ts'
import { chunkBytes, type FilePair, type OpenFile, readExactly } from './file-pair.fs.ts'
import type { Kind } from './format-of.ts'
import { readTar } from './tar.fs.ts'
import { readBothLater, readLater, Unreadable } from './unreadable.ts'
import { grouped, quoted, worstFirst } from './words.ts'

export const maxDepth = 3

export type ArchiveOptions = Readonly<{
  kinds: Readonly<{ left: Kind; right: Kind }>
  /** Where members are unpacked to; a folder of its own is made in it, and removed. */
  scratchRoot: string
  unpackedBytes: number
  signal: AbortSignal
  /** @param name of the member in the archive, empty for what a gzip file holds */
  compareMember(left: string, right: string, name: string): Promise<Compared>
}>

/** @throws Unreadable */
export async function compareArchives(files: FilePair, options: ArchiveOptions): Promise<Answer> {
  const { kinds, scratchRoot, signal } = options
  mkdirSync(scratchRoot, { recursive: true })
  const scratch = mkdtempSync(join(scratchRoot, 'compare-'))
  try {
    await using left = await openSide('first', files.left, kinds.left)
    await using right = await openSide('second', files.right, kinds.right)
    const found: Found[] = []
    for (const name of new Set([...left.members.keys(), ...right.members.keys()])) {
      signal.throwIfAborted()
      found.push({ name, ...(await compareOne(left, right, name, scratch, options)) })
    }
    const isMoved = [...left.members.keys()].join('\0') !== [...right.members.keys()].join('\0')
    return answerOf(found, isMoved)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

type Found = Readonly<{ name: string }> & Answer

/** `what`: as `TarMember`. */
type Member = Readonly<{ what: string; unpack(target: string): Promise<void> }>
type Side = Readonly<{ members: ReadonlyMap<string, Member>; [Symbol.asyncDispose](): Promise<void> }>

async function openSide(which: string, file: OpenFile, kind: Kind): Promise<Side> {
  const refuse = (what: string): Unreadable => new Unreadable(`the ${which} file ${what}`)
  if (kind.packing === 'tar') {
    const members = await readLater(which, () => Promise.resolve(readTar(file)))
    const listed = members.map(
      (member) =>
        [member.path, { what: member.what, unpack: (target: string) => copyOut(file, member, target) }] as const,
    )
    return { members: new Map(listed), [Symbol.asyncDispose]: () => Promise.resolve() }
  }
  const zip = await openZip(file.path, refuse)
  const listed = zip.members.map(
    ({ path, executable }) =>
      [
        path,
        {
          what: executable ? 'executable file' : 'file',
          unpack: (target: string) => pipeline(zip.content(path), createWriteStream(target, { flags: 'wx' })),
        },
      ] as const,
  )
  const folders = zip.folders.map((path) => [path, { what: 'folder', unpack: () => Promise.resolve() }] as const)
  return {
    members: new Map<string, Member>([...listed, ...folders]),
    [Symbol.asyncDispose]: async () => zip[Symbol.dispose](),
  }
}

function copyOut(
  file: OpenFile,
  { start, sizeBytes }: Readonly<{ start: number; sizeBytes: number }>,
  target: string,
): Promise<void> {
  const fd = openSync(target, 'wx')
  try {
    for (let done = 0; done < sizeBytes; done += chunkBytes)
      writeSync(fd, readExactly(file, start + done, Math.min(chunkBytes, sizeBytes - done)))
  } finally {
    closeSync(fd)
  }
  return Promise.resolve()
}

async function compareOne(
  left: Side,
  right: Side,
  name: string,
  scratch: string,
  options: ArchiveOptions,
): Promise<Answer> {
  const [before, after] = [left.members.get(name), right.members.get(name)]
  const diverged = (detail: string): Answer => ({ verdict: 'diverged', detail, unmeasured: 1, measures: [] })
  if (before === undefined) return diverged('is missing in the first file')
  if (after === undefined) return diverged('is missing in the second file')
  if (before.what !== after.what) return diverged('is of another kind')
  if (before.what !== 'file' && before.what !== 'executable file')
    return { verdict: 'identical', detail: '', unmeasured: 0, measures: [] }
  const [one, other] = [join(scratch, 'left'), join(scratch, 'right')]
  try {
    await before.unpack(one)
    await after.unpack(other)
    return await options.compareMember(one, other, name)
  } finally {
    rmSync(one, { force: true })
    rmSync(other, { force: true })
  }
}

function answerOf(found: readonly Found[], isMoved: boolean): Answer {
  const differing = found.filter(({ verdict }) => verdict !== 'identical' && verdict !== 'equal')
  const verdict = worstVerdict(['equal', ...found.map((each) => each.verdict)])
  const measures = worstFirst(found.flatMap((each) => each.measures)).slice(0, maxMeasures)
  const unmeasured = found.reduce((sum, each) => sum + each.unmeasured, 0)
  const worst = found.find((each) => each.verdict === verdict)
  if (differing.length === 0 || worst === undefined) {
    const written = isMoved ? 'in another order' : 'written in another way'
    const bits = found.some((each) => each.measures.length > 0) ? ', some with other bits of the same value' : ''
    return { verdict, measures, unmeasured: 0, detail: `the same members, ${written}${bits}` }
  }
  const one = differing.length === 1
  const count = `${grouped(differing.length)} of ${grouped(found.length)} members ${one ? 'differs' : 'differ'}`
  return { verdict, measures, unmeasured, detail: `${quoted(worst.name)}: ${worst.detail}; ${count}` }
}

/** @throws Unreadable */
export async function compareGzip(files: FilePair, options: ArchiveOptions): Promise<Compared> {
  const { scratchRoot, unpackedBytes } = options
  mkdirSync(scratchRoot, { recursive: true })
  const scratch = mkdtempSync(join(scratchRoot, 'compare-'))
  try {
    const { left, right } = await readBothLater(async (side) => {
      const target = join(scratch, side)
      const fault = await unpackGzip(files[side].path, target, unpackedBytes)
      if (fault !== undefined) throw new Unreadable(`cannot be read: ${fault.because}`)
      return target
    })
    const found = await options.compareMember(left, right, '')
    if (found.verdict !== 'identical') return found
    return { ...found, verdict: 'equal', detail: 'the same content, packed in another way' }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

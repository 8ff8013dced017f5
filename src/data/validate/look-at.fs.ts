/** Files that are no tables: what they are, whether images decode, what is there twice. */
import { randomInt } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type Content, DomainError, type Sha256 } from '../../core/index.ts'
import { classOf, fileChecks, type SeenFile } from '../files/file-checks.ts'
import { imageTypes } from '../files/file-type.ts'
import type { Look, LookMemory } from '../files/look-memory.ts'
import { sampledImages } from '../files/sample.ts'
import { worstOf } from './check.ts'
import { type Dataset, namesOf, partOfDataset } from './dataset.fs.ts'
import { type FilesAnswer, filesAnswerShape, type KnownImage } from './request.ts'
import { runValidator, type ValidatorOptions } from './run-validator.fs.ts'
import type { Findings, Questions } from './validate-dataset.fs.ts'

/** LIMIT: an image has at most 100 megapixels. */
export const maxPixels = 100_000_000
/** Remembered files that are looked at all the same. */
const spotChecks = 8

export type FilesOptions = ValidatorOptions & Readonly<{ looks?: LookMemory }>

/** @param content settles when the bytes are digested, which takes as long as looking at them; a memory waits for it */
export async function findInFiles(
  dataset: Dataset,
  content: Promise<Content>,
  questions: Questions,
  options: FilesOptions,
): Promise<Findings> {
  const { anchor, label } = questions
  const { looks } = options
  const entries = looks === undefined ? noEntries : entriesOf(namesOf(dataset), await content)
  // nothing else asks for pixels: without two classes no pattern is tied to one
  const greys = label !== undefined || new Set(namesOf(dataset).map((path) => classOf({ path }))).size > 1
  const asked = { questions, looks, greys }
  const own = partOf(dataset, entries, asked)
  const approved = anchor === undefined || !greys ? undefined : partOf(anchor, anchorEntries(anchor), asked)
  const answer = await answerTo({ own, approved, greys }, questions, options)
  if (answer.files.length !== namesOf(own.part).length)
    throw new DomainError('ERR_DATA_VALIDATOR_FAILED', 'the validator did not look at every file')
  const files = joined(own, answer.files)
  if (files === undefined || joined(approved, answer.anchor) === undefined) {
    looks?.forget()
    const anew = { ...noLooks, record: looks?.record ?? noLooks.record }
    return findInFiles(dataset, content, questions, { ...options, looks: anew })
  }
  remember(looks, own, answer.files)
  if (approved !== undefined) remember(looks, approved, answer.anchor)
  const known = looks === undefined ? entriesOf(namesOf(dataset), await content) : entries
  const found = foundIn({ names: namesOf(dataset), files, answer }, known, questions)
  return { ...found, looked: new Set(namesOf(own.part)) }
}

/** By name. */
type Entries = ReadonlyMap<string, Pick<SeenFile, 'digest' | 'sizeBytes'>>

const noEntries: Entries = new Map()
const noLooks: LookMemory = { recall: () => () => undefined, record: () => undefined, forget: () => undefined }

/** By the digests that this process has made itself. */
function entriesOf(names: readonly string[], content: Content): Entries {
  if (content.kind === 'file') return new Map(names.map((name) => [name, content]))
  const entries = new Map<string, Pick<SeenFile, 'digest' | 'sizeBytes'>>()
  for (const entry of content.files) entries.set(entry.path, entry)
  return entries
}

/** Of a folder of the working tree nobody has asked. */
function anchorEntries(anchor: Dataset): ReadonlyMap<string, Pick<SeenFile, 'digest'>> {
  return new Map(anchor.kind === 'objects' ? anchor.files.map((file) => [file.inner, file]) : [])
}

/** `part`: what has to be looked at, with some of `known` that are looked at again. */
type Part = Readonly<{
  names: readonly string[]
  part: Dataset
  entries: ReadonlyMap<string, Pick<SeenFile, 'digest'>>
  known: ReadonlyMap<string, Look>
}>

type Asked = Readonly<{ questions: Questions; looks: LookMemory | undefined; greys: boolean }>

function partOf(dataset: Dataset, entries: Part['entries'], { questions, looks, greys }: Asked): Part {
  const recall = looks?.recall({ greys })
  const names = namesOf(dataset)
  const known = new Map<string, Look>()
  for (const name of names) {
    const digest = entries.get(name)?.digest
    const look = digest === undefined ? undefined : recall?.(digest)
    if (look !== undefined && name !== questions.label) known.set(name, look)
  }
  const spots = new Set(Array.from({ length: known.size === 0 ? 0 : spotChecks }, () => randomInt(known.size)))
  const again = new Set([...known.keys()].filter((_, index) => spots.has(index)))
  if (greys) for (const name of withoutGrey(known, questions.seed)) again.add(name)
  return { names, entries, known, part: partOfDataset(dataset, (name) => !known.has(name) || again.has(name)) }
}

/** Images that may be searched for patterns, and whose pixels are not remembered. */
function withoutGrey(known: ReadonlyMap<string, Look>, seed: number): readonly string[] {
  const images = imagesIn(known)
  return [...sampledImages(images, seed)].filter((name) => known.get(name)?.grey === undefined)
}

function imagesIn(known: ReadonlyMap<string, Look>): readonly string[] {
  return [...known].flatMap(([name, { look }]) => (look === undefined ? [] : [name]))
}

type Parts = Readonly<{ own: Part; approved: Part | undefined; greys: boolean }>

async function answerTo(
  { own, approved, greys }: Parts,
  questions: Questions,
  options: FilesOptions,
): Promise<FilesAnswer> {
  const parts = [own, ...(approved === undefined ? [] : [approved])]
  const { label, seed } = questions
  // what has no digest cannot be remembered
  const remembers = ({ entries }: Part): boolean => options.looks !== undefined && greys && entries.size > 0
  return runValidator(
    parts.map(({ part }) => part),
    ([files = [], ofAnchor = []]) => ({
      task: 'files',
      files,
      known: greys ? knownImages(own) : [],
      pixels: maxPixels,
      seed,
      keep: remembers(own),
      ...(label === undefined ? {} : { label }),
      ...(approved === undefined
        ? {}
        : { anchor: { files: ofAnchor, known: knownImages(approved), keep: remembers(approved) } }),
      limits: options.limits,
    }),
    filesAnswerShape,
    options,
  )
}

function knownImages({ known, part }: Part): readonly KnownImage[] {
  const again = new Set(namesOf(part))
  return imagesIn(known).flatMap((inner): readonly KnownImage[] => {
    const grey = known.get(inner)?.grey
    return again.has(inner) ? [] : [grey === undefined ? { inner } : { inner, grey }]
  })
}

/** What is known and what was seen, file by file; undefined when a file that was looked at again looks otherwise. */
function joined(part: Part | undefined, seen: FilesAnswer['files']): readonly Look[] | undefined {
  if (part === undefined) return []
  const now = new Map(namesOf(part.part).map((name, index) => [name, seen[index]]))
  const isOther = [...now].some(([name, look]) => {
    const before = part.known.get(name)
    return before !== undefined && (look === undefined || !isAlike(before, look))
  })
  if (isOther) return undefined
  return part.names.map((name) => now.get(name) ?? part.known.get(name) ?? { type: 'other' })
}

/** Greys are told of those that are searched only. */
function isAlike(before: Look, now: Look): boolean {
  const hasOthers = before.grey !== undefined && now.grey !== undefined && before.grey !== now.grey
  return !hasOthers && isDeepStrictEqual(withoutPixels(before), withoutPixels(now))
}

function withoutPixels({ grey: _, ...look }: Look): Look {
  return look
}

function remember(looks: LookMemory | undefined, { part, entries }: Part, seen: FilesAnswer['files']): void {
  const found = new Map<Sha256, Look>()
  for (const [index, name] of namesOf(part).entries()) {
    const [digest, look] = [entries.get(name)?.digest, seen[index]]
    if (digest !== undefined && look !== undefined && look.fault === undefined) found.set(digest, look)
  }
  looks?.record(found)
}

type Looked = Readonly<{ names: readonly string[]; files: readonly Look[]; answer: FilesAnswer }>

function foundIn({ names, files, answer }: Looked, entries: Entries, { contract }: Questions): Findings {
  const seen = names.flatMap((path, index): readonly SeenFile[] => {
    const entry = entries.get(path)
    const looked = files[index]
    return entry === undefined || looked === undefined
      ? []
      : [{ ...looked, path, digest: entry.digest, sizeBytes: entry.sizeBytes }]
  })
  const asked =
    contract === undefined
      ? []
      : [
          {
            name: 'schema/contract',
            column: null,
            verdict: 'fail' as const,
            observed: 'not evaluated',
            expected: null,
            rows: [],
            count: 0,
            evaluated: false,
            because: 'a contract describes tables, and this is none',
          },
        ]
  const checks = [...fileChecks(seen), ...answer.checks, ...asked]
  const images = seen.filter(({ type }) => imageTypes.has(type)).length
  return {
    verdict: worstOf(checks),
    checks,
    unseen: [
      ...answer.unseen,
      ...(images < seen.length ? [`what is inside the ${seen.length - images} files that are no images`] : []),
    ],
  }
}

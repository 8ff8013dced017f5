/** Files that are no tables: what they are, whether images decode, what is there twice. */
import { randomInt } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type Content, DomainError, type Sha256 } from '../../core/index.ts'
import { digestPath } from '../digest-tree.fs.ts'
import { fileChecks, repeatsOf, type SeenFile } from '../files/file-checks.ts'
import { imageTypes } from '../files/file-type.ts'
import { classesByFolder, hasTwoClasses, type LabelOf } from '../files/folders.ts'
import { badElsewhere, judgedFiles, leftOfTable } from '../files/judged-files.ts'
import type { Look, LookMemory } from '../files/look-memory.ts'
import { readingsCheck, unseenReadings } from '../files/readings.ts'
import { sampledImages } from '../files/sample.ts'
import { triageOfFiles } from '../files/triage-files.ts'
import { isTableName } from '../table/format.ts'
import { type DataCheck, maxListed, notEvaluated, worstOf } from './check.ts'
import { type Dataset, namesOf, partOfDataset } from './dataset.fs.ts'
import { type FilesAnswer, filesAnswerShape, type KnownImage } from './request.ts'
import { badElsewhereBecause, elsewhereChecks, reviewChecks } from './review-checks.ts'
import { leftChecks } from './reviewed-columns.ts'
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
  const areNamed = looks !== undefined || isJudged(questions)
  const entries = areNamed ? entriesOf(namesOf(dataset), await content) : []
  // nothing else asks for pixels: without two classes no pattern is tied to one
  const greys = label !== undefined || hasTwoClasses(namesOf(dataset))
  const asked = { questions, looks, greys }
  const own = partOf(dataset, entries, asked)
  const approved = anchor === undefined || !greys ? undefined : partOf(anchor, anchorEntries(anchor), asked)
  const answer = await answerTo({ own, approved, greys }, questions, options)
  if (answer.files.length !== namesOf(own.part).length)
    throw new DomainError('ERR_DATA_VALIDATOR_FAILED', 'the validator did not look at every file')
  const files = joined(own, answer.files)
  const approvedLooks = joined(approved, answer.anchor)
  if (files === undefined || approvedLooks === undefined) {
    looks?.forget()
    const anew = { ...noLooks, record: looks?.record ?? noLooks.record, arrange: looks?.arrange ?? noLooks.arrange }
    return findInFiles(dataset, content, questions, { ...options, looks: anew })
  }
  remember(looks, own, answer.files)
  looks?.arrange(scopeOf(dataset), { files: entries, looks: files })
  if (approved !== undefined) remember(looks, approved, answer.anchor)
  const known = areNamed ? entries : entriesOf(namesOf(dataset), await content)
  const alone = await uncomparedFiles({ names: namesOf(dataset), files, answer }, known, questions)
  const beside = approved === undefined ? undefined : approvedLooks
  const found = foundIn({ names: namesOf(dataset), files, answer, alone, beside }, known, questions)
  return { ...found, looked: new Set(namesOf(own.part)) }
}

/** Whether somebody judged files, or is about to: files are known by their digests then. */
function isJudged({ judged = [], triage }: Questions): boolean {
  return judged.length > 0 || triage !== undefined
}

/** One a file, in the order of their names. */
type Entries = readonly (Pick<SeenFile, 'digest' | 'sizeBytes'> | undefined)[]

const noLooks: LookMemory = {
  recall: () => () => undefined,
  record: () => undefined,
  arrange: () => undefined,
  forget: () => undefined,
}

/** What a dataset is found again by; another one of the same name costs time and nothing else. */
function scopeOf(dataset: Dataset): string {
  return dataset.kind === 'objects' ? `objects of ${namesOf(dataset)[0] ?? ''}` : dataset.path
}

/** By the digests that this process has made itself. A file that came meanwhile has none. */
function entriesOf(names: readonly string[], content: Content): Entries {
  if (content.kind === 'file') return names.map(() => content)
  const { files } = content
  if (files.length === names.length && files.every(({ path }, index) => path === names[index])) return files
  const entries = new Map(files.map((entry) => [entry.path, entry]))
  return names.map((name) => entries.get(name))
}

/** Of a folder of the working tree nobody has asked. */
function anchorEntries(anchor: Dataset): readonly Pick<SeenFile, 'digest'>[] {
  return anchor.kind === 'objects' ? anchor.files : []
}

/** By place in `names`: what is known of each file, and those that have to be looked at, some that are known among them. */
type Part = Readonly<{
  names: readonly string[]
  entries: readonly (Pick<SeenFile, 'digest'> | undefined)[]
  known: readonly (Look | undefined)[]
  looked: readonly number[]
  part: Dataset
}>

type Asked = Readonly<{ questions: Questions; looks: LookMemory | undefined; greys: boolean }>

function partOf(dataset: Dataset, entries: Part['entries'], { questions, looks, greys }: Asked): Part {
  const recall = looks?.recall({ greys, scope: scopeOf(dataset) })
  const names = namesOf(dataset)
  const known = names.map((name, place) => {
    const digest = entries[place]?.digest
    const look = digest === undefined || name === questions.label ? undefined : recall?.(digest)
    return look?.isBelieved === true ? undefined : look // it may have been the others that used up the budget
  })
  const remembered = placesOf(known, (look) => look !== undefined)
  const drawn = remembered.length === 0 ? 0 : spotChecks
  const again = new Set(Array.from({ length: drawn }, () => remembered[randomInt(remembered.length)]))
  if (greys) for (const place of withoutGrey({ names, known }, questions.seed)) again.add(place)
  const looked = placesOf(known, (look, place) => look === undefined || again.has(place))
  return dataset.kind === 'file'
    ? { names, entries, known, looked: [0], part: dataset }
    : { names, entries, known, looked, part: partOfDataset(dataset, looked) }
}

/** Images that may be searched for patterns, and whose pixels are not remembered. */
function withoutGrey(part: Pick<Part, 'names' | 'known'>, seed: number): readonly number[] {
  const images = imagesIn(part)
  const sampled = sampledImages(
    images.map((place) => part.names[place] ?? ''),
    seed,
  )
  return images.filter((place) => part.known[place]?.grey === undefined && sampled.has(part.names[place] ?? ''))
}

function imagesIn({ known }: Pick<Part, 'known'>): readonly number[] {
  return placesOf(known, (look) => look?.look !== undefined)
}

function placesOf<T>(list: readonly T[], isWanted: (each: T, place: number) => boolean): readonly number[] {
  const places: number[] = []
  for (let place = 0; place < list.length; place += 1) if (isWanted(list[place] as T, place)) places.push(place) // as: within its length
  return places
}

type Parts = Readonly<{ own: Part; approved: Part | undefined; greys: boolean }>

async function answerTo(
  { own, approved, greys }: Parts,
  questions: Questions,
  options: FilesOptions,
): Promise<FilesAnswer> {
  const parts = [own, ...(approved === undefined ? [] : [approved])]
  const { label, seed, bounds, judged = [], triage } = questions
  // what has no digest cannot be remembered
  const remembers = ({ entries }: Part): boolean => options.looks !== undefined && greys && entries.length > 0
  return runValidator(
    parts.map(({ part }) => part),
    ([files = [], ofAnchor = []]) => ({
      task: 'files',
      files,
      known: greys ? knownImages(own) : [],
      pixels: maxPixels,
      seed,
      keep: remembers(own) || (greys && triage !== undefined),
      ...(judged.length === 0 ? {} : { judged: { words: judged, digests: digestsOf(own) } }),
      ...(triage === undefined ? {} : { pointed: true }),
      ...(label === undefined ? {} : { label, names: own.names }),
      ...(bounds === undefined ? {} : { bounds }),
      ...(approved === undefined
        ? {}
        : { anchor: { files: ofAnchor, known: knownImages(approved), keep: remembers(approved) } }),
      limits: options.limits,
    }),
    filesAnswerShape,
    options,
  )
}

function digestsOf({ names, entries }: Part): readonly (readonly [string, string])[] {
  return names.flatMap((inner, place): readonly (readonly [string, string])[] => {
    const digest = entries[place]?.digest
    return digest === undefined ? [] : [[inner, digest]]
  })
}

function knownImages(part: Part): readonly KnownImage[] {
  const again = new Set(part.looked)
  return imagesIn(part).flatMap((place): readonly KnownImage[] => {
    const [inner = '', grey] = [part.names[place], part.known[place]?.grey]
    return again.has(place) ? [] : [grey === undefined ? { inner } : { inner, grey }]
  })
}

/** What is known and what was seen, file by file; undefined when a file that was looked at again looks otherwise. */
function joined(part: Part | undefined, seen: FilesAnswer['files']): readonly Look[] | undefined {
  if (part === undefined) return []
  const { known, looked } = part
  const looks = known.slice()
  for (const [index, place] of looked.entries()) {
    const [before, now] = [known[place], seen[index]]
    if (before !== undefined && (now === undefined || !isAlike(before, now))) return undefined
    looks[place] = now
  }
  return looks.map((look) => look ?? { type: 'other' })
}

/** Greys are told of those that are searched only. */
function isAlike(before: Look, now: Look): boolean {
  const hasOthers = before.grey !== undefined && now.grey !== undefined && before.grey !== now.grey
  return !hasOthers && isDeepStrictEqual(withoutPixels(before), withoutPixels(now))
}

function withoutPixels({ grey: _, ...look }: Look): Look {
  return look
}

function remember(looks: LookMemory | undefined, { looked, entries }: Part, seen: FilesAnswer['files']): void {
  const found = new Map<Sha256, Look>()
  for (const [index, place] of looked.entries()) {
    const [digest, look] = [entries[place]?.digest, seen[index]]
    if (digest !== undefined && look !== undefined && look.fault === undefined) found.set(digest, look)
  }
  looks?.record(found)
}

type Looked = Readonly<{ names: readonly string[]; files: readonly Look[]; answer: FilesAnswer }>

/**
 * THREAT: anything put beside images that are compared passes with them. What is no image has to be one of the approved files,
 * at its place: undefined where nothing is compared, which is told by itself. The table of labels is compared with the images.
 */
async function uncomparedFiles(
  { names, files, answer }: Looked,
  entries: Entries,
  { anchor, label }: Questions,
): Promise<readonly string[] | undefined> {
  if (anchor === undefined || !answer.checks.some(({ name }) => name.startsWith('drift/'))) return undefined
  const others = placesOf(names, (name, place) => files[place]?.look === undefined && name !== label)
  if (others.length === 0) return []
  const content = anchor.kind === 'objects' ? undefined : await digestPath(anchor.path)
  const approved = new Map(
    anchor.kind === 'objects'
      ? anchor.files.map(({ inner, digest }) => [inner, digest])
      : content?.kind === 'folder'
        ? content.files.map(({ path, digest }) => [path, digest])
        : [],
  )
  return others.flatMap((place) => {
    const name = names[place] ?? ''
    const digest = entries[place]?.digest
    return digest !== undefined && approved.get(name) === digest ? [] : [name]
  })
}

function uncomparedCheck(alone: readonly string[]): DataCheck {
  const because =
    'these are no images that are decoded here, which alone are compared with the approved ones, and were not approved: take them out, or anchor anew once they are read'
  return {
    ...{ name: 'drift/files', column: null, verdict: alone.length === 0 ? 'pass' : 'fail', observed: alone.length },
    ...{ expected: 'no other files than the approved ones', rows: alone.slice(0, maxListed), count: alone.length },
    evaluated: true,
    ...(alone.length === 0 ? {} : { because }),
  }
}

type Held = Looked & Readonly<{ alone: readonly string[] | undefined; beside: readonly Look[] | undefined }>

function foundIn({ names, files, answer, alone, beside }: Held, entries: Entries, questions: Questions): Findings {
  const { judged = [], triage } = questions
  const seen: (SeenFile & Look)[] = []
  for (let place = 0; place < names.length; place += 1) {
    const [path, entry, looked] = [names[place], entries[place], files[place]]
    if (path === undefined || entry === undefined || looked === undefined) continue
    seen.push({ ...looked, path, digest: entry.digest, sizeBytes: entry.sizeBytes })
  }
  const labelOf = labelsIn(answer, questions, seen)
  const hashed = isJudged(questions)
    ? seen.map((file) => ({ ...file, inner: file.path, label: labelOf(file.path) }))
    : []
  const words = judgedFiles(judged, hashed)
  const good = new Set([...words].flatMap(([path, verdict]) => (verdict === 'good' ? [path] : [])))
  const repeats = repeatsOf(seen, labelOf)
  // without the table that labels them files are not recognized, and what was judged bad is not looked for
  const isKnown = questions.label === undefined || answer.labels !== undefined
  const elsewhere = isKnown ? badElsewhere(judged, hashed, words) : []
  const checks = [
    ...fileChecks(seen, { labelOf, good, repeats }),
    ...readingsCheck(seen, beside),
    ...answer.checks,
    ...(alone === undefined ? [] : [uncomparedCheck(alone)]),
    ...(isKnown ? [...reviewChecks(judged, words), ...elsewhereChecks(judged, elsewhere)] : []),
    ...leftChecks(leftOfTable(judged, hashed)),
    ...askedOfFiles(questions, names),
  ]
  const images = seen.filter(({ type }) => imageTypes.has(type)).length
  const believed = seen.filter(({ isBelieved }) => isBelieved === true).length
  const twins = repeats.contradictions.flat().map(({ path }) => ({ inner: path, ...contradiction }))
  const anew = elsewhere.map((inner) => ({ inner, check: 'review/bad-elsewhere', because: badElsewhereBecause }))
  const pointed = [...anew, ...(answer.pointed ?? []), ...twins]
  return {
    verdict: worstOf(checks),
    checks,
    unseen: [
      ...answer.unseen,
      ...unseenReadings(seen),
      ...(believed > 0
        ? [`whether ${believed} packed files hold more than they say: not all of each was unpacked`]
        : []),
      ...(images < seen.length ? [`what is inside the ${seen.length - images} files that are no images`] : []),
    ],
    ...(triage === undefined
      ? {}
      : { triage: triageOfFiles(hashed.map(withPixels), { pointed, judged: words }, triage) }),
  }
}

const contradiction = { check: 'poison/contradiction', because: 'the same image is of two classes' }

/** LIMIT: a contract, a golden set and the baseline of a table speak of rows. */
function askedOfFiles({ contract, golden, baseline }: Questions, names: readonly string[]): readonly DataCheck[] {
  const asked = (name: string, what: string): DataCheck =>
    notEvaluated({ name, column: null, severity: 'error' }, `${what}, and this is none${noTableSince(names)}`)
  return [
    ...(contract === undefined ? [] : [asked('schema/contract', 'a contract describes tables')]),
    ...(golden === undefined ? [] : [asked('golden/schema', 'a golden set is a table')]),
    ...((baseline?.profile ?? null) === null ? [] : [asked('format/baseline', 'the baseline is that of a table')]),
  ]
}

/** Which file it is that makes a table in several files a folder of files: the mark of a job that wrote it. */
function noTableSince(names: readonly string[]): string {
  const others = names.filter((name) => !isTableName(name))
  if (others.length === names.length || others.length === 0) return ''
  const more = others.length > 1 ? ` and ${others.length - 1} more` : ''
  return `, since \`${(others[0] ?? '').slice(0, 200)}\`${more} lies among its tables: take that out`
}

function labelsIn({ labels }: FilesAnswer, { label }: Questions, seen: readonly SeenFile[]): LabelOf {
  if (label === undefined) return classesByFolder(seen)
  const known = new Map(labels)
  return (path) => known.get(path) ?? null
}

function withPixels<T extends Look>({ grey, ...file }: T): Omit<T, 'grey'> & Readonly<{ grey?: Uint8Array }> {
  return grey === undefined ? file : { ...file, grey: Buffer.from(grey, 'base64') }
}

/**
 * Suspects as one page, to be looked at before they are judged: pictures of images beside those that look most like them,
 * values of rows. Pure. Names, labels and values are hostile, and only text nodes.
 */
import { isSecret } from '../attestation/index.ts'
import { element, fragment, type Html, type Picture, picture, pngOf, printPage, text } from '../data/index.ts'
import { isListable, judgeByFile, listOfNames, reviewCommand } from './judge-command.ts'
import type { Triage } from './review-data.ts'
import { withheldOf } from './withheld.ts'

type Suspect = Triage['suspects'][number]
type Near = NonNullable<Suspect['nearest']>[number]

export type ReviewPage = Readonly<{
  triage: Triage
  /** By path in the folder. */
  pictures: ReadonlyMap<string, Picture>
  version: string
  writtenAt: Date
}>

/** LIMIT: suspects of one page. */
export const maxPaged = 60

const howNear =
  'How far images are from one another is the mean difference of 8 x 8 fields of grey, 0 (the same) to 255. None of those shown beside is suspect itself.'

export function printReviewPage({ triage, pictures, version, writtenAt }: ReviewPage): string {
  const { path, suspects, more } = triage
  const shown = suspects.slice(0, maxPaged)
  const left = suspects.length + more - shown.length
  const note = (words: string): Html => element('p', { class: 'soft' }, text(words))
  return printPage({
    title: `To judge: ${path}`,
    body: [
      head(triage),
      ...howToJudge(triage, shown),
      ...(pictures.size === 0 ? [] : [note(howNear)]),
      ...shown.map((suspect, index) => suspectCard(triage, suspect, { place: index + 1, pictures })),
      ...(left === 0 ? [] : [note(`and ${left} more: judge these, and write the page again`)]),
      note(
        `assay ${version}, ${writtenAt.toISOString()}. A page is for people; what a reviewer signs is the evidence.`,
      ),
    ],
    facts: ['review', listedTriage(triage)],
    hasPictures: pictures.size > 0,
  })
}

function head({ path, digest, suspects, more }: Triage): Html {
  const waiting = suspects.length + more
  return element(
    'div',
    { class: 'head' },
    element('div', {}, element('h1', {}, text(path)), element('div', { class: 'soft mono' }, text(digest))),
    element('div', { class: `badge ${waiting === 0 ? 'pass' : 'warn'}` }, text(`${waiting} TO JUDGE`)),
  )
}

function howToJudge({ path, kind, classification, isReplacing }: Triage, shown: readonly Suspect[]): readonly Html[] {
  const what = kind === 'files' ? 'files' : 'rows'
  const named = listOfNames(
    shown
      .flatMap(({ rows }) => rows.slice(0, 1))
      .filter(isListable)
      .slice(0, 2),
  )
  const more = isReplacing ? ' --replace' : ''
  const judge =
    shown.length > 0 && named === undefined
      ? judgeByFile(path, more)
      : `${reviewCommand(path)}${more} --bad ${named ?? '…'} --good … --exclude … --because '…'`
  const withheld = withheldOf(classification)
  return [
    element(
      'p',
      {},
      text(
        `These ${what} look wrong to a check, and no reviewer has judged them. A check may be wrong: look, then say so.`,
      ),
    ),
    element('div', { class: 'wide mono command' }, text(judge)),
    ...(withheld === undefined ? [] : [element('p', { class: 'warn' }, text(`Not shown: pictures, ${withheld}.`))]),
  ]
}

/**
 * What is told of a triage. THREAT: of restricted data no values: none of rows, no labels, and nothing of what an image looks
 * like: the folder of its neighbours is a label. Names are told, its own folder among them: by them it is judged.
 */
export function listedTriage({ path, digest, columns, suspects, more, classification, notCarriedOver }: Triage) {
  const isShown = !isSecret(classification)
  return {
    path,
    digest,
    columns,
    ...(notCarriedOver === undefined ? {} : { notCarriedOver }),
    suspects: suspects.map(({ values, nearest, content: _, ...rest }) => ({
      ...rest,
      ...(isShown ? { values, ...(nearest === undefined ? {} : { nearest }) } : {}),
    })),
    more,
  }
}

type Paged = Readonly<{ place: number; pictures: ReviewPage['pictures'] }>

function suspectCard(triage: Triage, suspect: Suspect, { place, pictures }: Paged): Html {
  const { rows, hash, reasons, values } = suspect
  const { columns, kind, classification } = triage
  const waiting = triage.suspects.length + triage.more
  const isShown = !isSecret(classification)
  const told = isShown ? columns.map((name, index) => `${name}: ${values[index] ?? '–'}`) : []
  const names = rows.slice(0, 10).join(', ') + (rows.length > 10 ? ` and ${rows.length - 10} more` : '')
  return element(
    'section',
    { class: 'card suspect' },
    element(
      'div',
      { class: 'row' },
      element('h3', {}, text(kind === 'files' ? names : `row ${names}`)),
      element('span', { class: 'soft mono' }, text(`${place} of ${waiting}, ${hash.slice(0, 12)}`)),
    ),
    element(
      'ul',
      {},
      ...reasons.map(({ check, column, because }) =>
        element(
          'li',
          {},
          element('span', { class: 'mark warn' }, text(check)),
          text(` ${column === null ? '' : `${column}: `}${because}`),
        ),
      ),
    ),
    pictures.size > 0 ? looksOf(suspect, pictures) : null,
    told.length > 0 ? element('div', { class: 'soft mono' }, text(told.join(', '))) : null,
  )
}

/** The suspect, what is nearest to it of its own class, and of others. */
function looksOf({ rows, values, nearest = [] }: Suspect, pictures: ReviewPage['pictures']): Html {
  const [label = null] = values
  const own = nearest.filter((near) => near.label === label)
  const others = nearest.filter((near) => near.label !== label)
  return element(
    'div',
    { class: 'looks' },
    element('div', {}, element('h4', {}, text('This one')), figureOf(pictures.get(String(rows[0])), classed(label))),
    group(label === null ? 'Nearest without a class' : `Nearest in ${label}`, {
      images: own,
      pictures,
      isOther: false,
    }),
    group('Nearest in other classes', { images: others, pictures, isOther: true }),
  )
}

function classed(label: string | null): string {
  return label === null ? 'no class' : label
}

type Group = Readonly<{ images: readonly Near[]; pictures: ReviewPage['pictures']; isOther: boolean }>

function group(title: string, { images, pictures, isOther }: Group): Html {
  const captionOf = ({ file, label, distance }: Near): string =>
    `${file}${isOther ? ` (${classed(label)})` : ''}, ${distance} away`
  return element(
    'div',
    {},
    element('h4', {}, text(title)),
    images.length === 0
      ? element('div', { class: 'soft' }, text('none that is not suspect itself'))
      : element('div', { class: 'near' }, ...images.map((near) => figureOf(pictures.get(near.file), captionOf(near)))),
  )
}

function figureOf(shown: Picture | undefined, caption: string): Html {
  return element(
    'figure',
    {},
    shown === undefined
      ? fragment()
      : picture(pngOf({ ...shown, rgb: Buffer.from(shown.rgb, 'base64') }), {
          alt: caption,
          width: shown.width,
          height: shown.height,
        }),
    element('figcaption', {}, text(caption)),
  )
}

/**
 * `assay data review`: suspect rows, or files of a folder, judged one by one by a reviewer.
 *
 * With a terminal it asks; without one it lists, or takes judgements from flags or a file. Values of confidential rows
 * are shown to the person who is asked, and never listed; a page of pictures is made of no such data.
 */
import { relative, resolve } from 'node:path'
import { DomainError, parseProjectPath, printable } from '../../core/index.ts'
import {
  drawSuspects,
  isSecret,
  listedTriage,
  nextStep,
  openProject,
  type Project,
  printReviewPage,
  type RowWord,
  readGiven,
  reviewCommand,
  rowVerdicts,
  signReview,
  type Triage,
  triageData,
  writeReport,
} from '../../pipeline/index.ts'
import { askAboutRows, tellSuspect } from '../ask-about-rows.ts'
import type { CliContext, Exit } from '../context.ts'
import { givenWords, isNumber, maxFileBytes, namesOf, type ReviewOptions, wordsFor } from '../given-words.ts'

export async function dataReview(
  context: CliContext,
  [dataset = '']: readonly string[],
  options: ReviewOptions,
): Promise<Exit> {
  const { output } = context
  const given = givenWords(options, (file) => readGiven(context, file, 'file', maxFileBytes))
  const project = await openProject(context)
  const place = project.sources.has(dataset) ? dataset : pathOf(context, project, dataset)
  const isAsked = given.length === 0 && context.canAsk
  if (given.length > 0 || isAsked) project.keySource() // a locked key is asked for before anything else is
  output.progress(`looking for suspects in ${printable(dataset)}`)
  const rows = given.flatMap(({ row }) => row ?? []).map((row) => (isNumber(row) ? Number(row) : row))
  const triage = await triageData(
    project,
    place,
    rows.flatMap((row) => namesOf(row, project.sources.get(place)?.source.path ?? place)),
    context.signal,
  )
  const isHeld = triage.isReplacing && options.replace !== true
  if (isHeld && given.length > 0) refuseToReplace(triage)
  if (triage.notCarriedOver !== undefined) output.note(`earlier reviews: ${printable(triage.notCarriedOver)}`)
  if (options.report !== undefined) await writePage(context, project, { triage, file: options.report })
  if (given.length > 0) return sign(context, project, triage, wordsFor(triage, given))
  if (!isAsked || isHeld || triage.suspects.length === 0) return list(context, triage)
  return sign(context, project, triage, await askAboutRows(context, triage))
}

/** THREAT: one good word on one row, and what was judged bad is looked for no more. */
function refuseToReplace({ path, notCarriedOver }: Triage): never {
  throw new DomainError('ERR_USAGE', `this review would stand in the place of earlier ones: ${notCarriedOver}`, {
    help: `look for those rows again and judge them too, then: ${reviewCommand(path)} --replace, with the same judgements`,
  })
}

async function writePage(
  context: CliContext,
  project: Project,
  { triage, file }: Readonly<{ triage: Triage; file: string }>,
): Promise<void> {
  const { output, signal, version, now } = context
  output.progress(`drawing suspects of ${printable(triage.path)}`)
  const pictures = await drawSuspects(project, triage, signal)
  writeReport(context, file, printReviewPage({ triage, pictures, version, writtenAt: now() }))
  output.note(`page to look at: ${printable(file)}`)
}

function pathOf(context: CliContext, project: Project, path: string): string {
  return parseProjectPath(relative(project.root, resolve(context.workingFolder, path)))
}

async function sign(context: CliContext, project: Project, triage: Triage, words: readonly RowWord[]): Promise<Exit> {
  const { output } = context
  if (words.length === 0) {
    output.line('nothing judged, nothing signed')
    return 0
  }
  const signed = await signReview(project, triage, words)
  const file = relative(project.root, signed.file)
  const counts = rowVerdicts.map((word) => [word, words.filter(({ verdict }) => verdict === word).length] as const)
  const left = triage.suspects.filter(({ hash, reasons }) => reasons.length > 0 && !words.some((w) => w.hash === hash))
  output.document({
    path: triage.path,
    digest: triage.digest,
    judged: Object.fromEntries(counts),
    left: left.length + triage.more,
    attestation: signed.attestation,
    file,
  })
  const said = counts.flatMap(([word, count]) => (count === 0 ? [] : [`${count} ${word}`])).join(', ')
  output.line(`judged in ${printable(triage.path)}: ${said}; ${left.length + triage.more} suspects left`)
  output.line(`signed: ${file}; commit it; verify shows it`)
  return 0
}

/** LIMIT: values of a row, where it is listed; who is asked sees all, `--json` has all. */
const maxListedValues = 12

function list({ output }: CliContext, triage: Triage): Exit {
  const { path, suspects, more, classification, isSearched, kind, unseen } = triage
  const isShown = !isSecret(classification)
  output.document(listedTriage(triage))
  for (const suspect of suspects) tellSuspect(output.line, triage, suspect, isShown ? maxListedValues : 0)
  if (more > 0) output.line(`... and ${more} more`)
  if (!isSearched && kind === 'rows') {
    output.line('nothing looks for poison here: name a label or a baseline for the data in assay.yaml')
  } else if (!isSearched) {
    output.line('nothing but copies under two classes is looked for here:')
    for (const each of unseen) output.line(`  not seen: ${printable(each)}`)
  }
  if (suspects.length === 0 && isSearched) output.line(`no suspects in ${printable(path)} that nobody has judged`)
  if (suspects.length > 0 && kind === 'files' && isShown)
    output.line(`look at them: ${reviewCommand(path)} --report review.html`)
  const next = nextStep(triage)
  if (next !== undefined) output.line(`next: ${next}`)
  return 0
}

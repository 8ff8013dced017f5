/**
 * May a stage start on its data? Only with a signed verdict that is not FAILED, for exactly these bytes, this contract and
 * this baseline. A verdict that is there already is believed or not; one that is not is made now.
 *
 * Order: the verdict is signed and stored before the stage starts, the FAILED one too: it is evidence as well.
 * Source: trust.md section 5.
 */

import { type DataVerdict, maxClockSkewMs, type StatedCheck } from '../attestation/index.ts'
import { DomainError, digestOfJson, quotedForShell, type Sha256 } from '../core/index.ts'
import { answerQuestion, verdictFrom } from './answer-question.ts'
import { believedVerdict } from './believed-verdict.ts'
import { type DataQuestion, isAnswerTo, needsVerdict, questionOf, stillAnswers } from './data-question.ts'
import { historyKey } from './past-versions.ts'
import type { Project } from './project.ts'
import type { RunTools } from './run-tools.ts'
import type { ResolvedInput } from './view.ts'

export type FoundVerdict = Readonly<{ attestation: Sha256; verdict: DataVerdict }>

/**
 * The verdict of each input that needs one: project path -> digest of its bundle.
 *
 * Of a run with a throw-away key only verdicts that are there already: nobody would believe a new one.
 *
 * @throws ERR_DATA_VALIDATION_FAILED, ERR_DATA_NOT_PASSED; what the validator throws when it cannot answer
 */
export async function gateData(
  project: Project,
  tools: RunTools,
  inputs: readonly ResolvedInput[],
): Promise<ReadonlyMap<string, Sha256>> {
  const verdicts = new Map<string, Sha256>()
  for (const input of inputs) {
    if (!needsVerdict(project, input)) continue
    const question = await questionOf(project, input, await validatorIdentityDigest(project))
    const found = await tools.dataVerdict(question)
    if (found === undefined) continue
    refuseVerdict(found.verdict, project.settings.require)
    const warning = warningOf(found.verdict)
    if (warning !== undefined) tools.options.onEvent({ kind: 'notice', text: warning })
    verdicts.set(question.path, found.attestation)
  }
  return verdicts
}

/**
 * By versions and settings, assay's own version too: what is asked anew this one answers, and none before it. A verdict's
 * `program` is that of its bytes. The validator is a third of what a run loads, and most stages have no data that is held
 * to anything.
 */
export async function validatorIdentityDigest({ version }: Project): Promise<Sha256> {
  const { validatorIdentity } = await import('./validate-content.ts')
  return digestOfJson({ ...validatorIdentity(), version })
}

/** Why a stage that ran before would have to run again for its data; undefined when each verdict still answers. */
export async function unvalidatedInput(
  project: Project,
  inputs: readonly ResolvedInput[],
  verdictOf: (path: string) => Sha256 | undefined,
): Promise<string | undefined> {
  for (const input of inputs) {
    if (!needsVerdict(project, input)) continue
    const { path } = input.ref
    const attestation = verdictOf(path)
    if (attestation === undefined) return `\`${path}\` was not validated then`
    const verdict = believedVerdict(project, attestation)
    if (verdict === undefined) return `the data verdict of \`${path}\` is not here, or not believed`
    const question = await questionOf(project, input, await validatorIdentityDigest(project))
    // What is taken as it was tells nothing anew, however secret it has become.
    const asked = project.apart ? { ...question, classification: verdict.classification } : question
    if (!stillAnswers(verdict, asked)) {
      return `what \`${path}\` is held to changed`
    }
    if (verdict.result !== 'PASSED' && project.settings.require.includes('passed-data'))
      return `\`${path}\` only passed with warnings`
  }
  return undefined
}

function refuseVerdict({ dataset, result, checks }: DataVerdict, require: readonly string[]): void {
  if (result === 'PASSED' || (result === 'WARNED' && !require.includes('passed-data'))) return
  const worst = checks.some(({ verdict, waiver }) => verdict === 'fail' && waiver === undefined) ? 'fail' : 'warn'
  const troubled = checks.filter(({ verdict, waiver }) => verdict === worst && waiver === undefined)
  const what = result === 'FAILED' ? 'failed' : 'only passed with warnings'
  throw new DomainError(
    result === 'FAILED' ? 'ERR_DATA_VALIDATION_FAILED' : 'ERR_DATA_NOT_PASSED',
    `\`${dataset.path}\` ${what} its validation: ${namesOf(troubled)}`,
    {
      help: `see the rows: assay data validate ${quotedForShell(dataset.path)}; mend the data, or let a reviewer accept it: ${waiveCommand(dataset.path, troubled[0])}`,
    },
  )
}

/** In words, of what starts all the same. */
function warningOf({ dataset, result, checks }: DataVerdict): string | undefined {
  if (result !== 'WARNED') return undefined
  const warned = checks.filter(({ verdict }) => verdict === 'warn')
  const path = quotedForShell(dataset.path)
  return `\`${dataset.path}\` only passed with warnings: ${namesOf(warned)} (assay data validate ${path})`
}

function namesOf(checks: readonly StatedCheck[]): string {
  const names = checks.slice(0, 3).map(({ name, column }) => (column === undefined ? name : `${name} of \`${column}\``))
  return `${names.join(', ')}${checks.length > 3 ? ` and ${checks.length - 3} more` : ''}`
}

function waiveCommand(path: string, check: StatedCheck | undefined): string {
  const column = check?.column === undefined ? '' : ` --column ${quotedForShell(check.column)}`
  return `assay data waive ${check?.name ?? 'CHECK'} --of ${quotedForShell(path)}${column} --until DATE --because TEXT`
}

/**
 * THREAT: a verdict of a time to come would be refused by whoever verifies what is built on it. One that does not answer
 * would make the stage due again for ever: what is taken here is what `unvalidatedInput` takes, failed ones beside.
 */
function answers(project: Project, verdict: DataVerdict, question: DataQuestion): boolean {
  const isPossible = Date.parse(verdict.finishedAt) - project.now().getTime() <= maxClockSkewMs
  return isPossible && verdict.key === question.key && isAnswerTo(verdict, question)
}

/** The newest believed verdict that answers the question. */
export function knownVerdict(project: Project, question: DataQuestion): FoundVerdict | undefined {
  for (const attestation of project.evidence.byKey(question.key)) {
    const verdict = believedVerdict(project, attestation)
    if (verdict !== undefined && answers(project, verdict, question)) return { attestation, verdict }
  }
  return undefined
}

/** A verdict that answers the question is found; else a new one is made, unless the key is a throw-away. */
export async function findOrMakeVerdict(
  project: Project,
  tools: Pick<RunTools, 'signer' | 'options'>,
  question: DataQuestion,
  isThrowAway: boolean,
): Promise<FoundVerdict | undefined> {
  const known = knownVerdict(project, question)
  if (known !== undefined || isThrowAway) return known
  tools.options.onEvent({ kind: 'progress', text: `validating ${question.path}` })
  const verdict = await verdictFrom(
    project,
    question,
    await answerQuestion(project, question, { signal: tools.options.signal }),
  )
  const signer = await tools.signer()
  const { bytes } = await signer.sign({ kind: 'data-verdict', verdict })
  const attestation = project.evidence.save(bytes, { key: question.key, subjects: [] })
  const anchor = verdict.baseline?.anchor
  if (anchor !== undefined) project.evidence.save(bytes, { key: historyKey(question.path, anchor), subjects: [] })
  return { attestation, verdict }
}

/** Triage of suspect rows: which nobody has judged yet, and what a reviewer says of them, signed. */
import { isSecret, requireRowKey, type rowVerdicts } from '../attestation/index.ts'
import { type Content, type Digest, DomainError, digestOfJson } from '../core/index.ts'
import { type Classification, type Findings, isTable, isTableName } from '../data/index.ts'
import { answerQuestion } from './answer-question.ts'
import { questionOf } from './data-question.ts'
import { decideAboutData, type SignedDataDecision } from './decide-data.ts'
import { wholeAt } from './input-at.ts'
import { reviewCommand } from './judge-command.ts'
import type { Project } from './project.ts'
import { placeOfRowKey } from './reviewed-rows.ts'
import { validatorIdentity } from './validate-content.ts'

export type RowWord = Readonly<{ hash: string; verdict: (typeof rowVerdicts)[number]; because?: string }>

type ReviewedRow = RowWord & Readonly<{ content?: string }>

/** LIMIT: a thousand rows at a time; `more` says how many suspects wait. */
export type Triage = Readonly<{
  path: string
  digest: Digest
  content: Content
  classification: Classification
  /** Whether it is a table of rows, or a folder of files. */
  kind: 'rows' | 'files'
  /** Whether something looked for poison: a label or a baseline is named, or images have classes. */
  isSearched: boolean
  /** What the look could not have seen. */
  unseen: readonly string[]
  /** What reviews said that does not carry over, since columns came, went or changed; a sentence. */
  notCarriedOver?: string
  /** Whether rows are among them that were judged bad or to be left out: a review of the data as it is ends their search. */
  isReplacing: boolean
  keyId?: string
}> &
  NonNullable<Findings['triage']>

/**
 * The suspects that no reviewer has judged, worst first, as the gate sees them.
 *
 * @param dataset id of a source, or a project path
 * @param rows numbers of rows, or paths of files in the folder, to be told as well, suspect or not
 * @throws ERR_DATA_MISSING, ERR_DATA_UNREADABLE, ERR_KEY_HOME, what the validator throws
 */
export async function triageData(
  project: Project,
  dataset: string,
  rows: readonly (number | string)[],
  signal: AbortSignal,
): Promise<Triage> {
  const input = await wholeAt(project, project.sources.get(dataset)?.source.path ?? dataset, reviewCommand)
  const question = await questionOf(project, input, digestOfJson(validatorIdentity()))
  const { path, content, classification } = question
  refuseNoRows(path, content, rows)
  const rowKey = isSecret(classification) ? requireRowKey(placeOfRowKey(project)) : undefined
  const asked = rowKey === undefined ? { rows } : { rows, key: rowKey.key }
  const { triage, checks, unseen } = await answerQuestion(project, question, { signal, triage: asked })
  if (triage === undefined) {
    const because =
      checks.find(({ verdict }) => verdict !== 'pass')?.because ?? 'it is neither a table nor a folder of files'
    throw new DomainError('ERR_DATA_UNREADABLE', `the rows of \`${path}\` cannot be read: ${because}`)
  }
  const kind = checks.some(({ name }) => name.startsWith('files/')) ? 'files' : 'rows'
  // that two files of two classes look the same is seen without a search
  const isSearched = checks.some(
    ({ name }) => name.startsWith('poison/') && (kind === 'rows' || name !== 'poison/contradiction'),
  )
  const keyed = rowKey === undefined ? {} : { keyId: rowKey.id }
  const leftBehind = checks.find(({ name }) => name === 'review/other-columns')
  const left = leftBehind?.because === undefined ? {} : { notCarriedOver: leftBehind.because }
  return {
    path,
    digest: content.digest,
    content,
    classification,
    kind,
    isSearched,
    unseen,
    ...left,
    isReplacing: leftBehind !== undefined && leftBehind.verdict !== 'pass',
    ...keyed,
    ...triage,
  }
}

/** Before all is looked at: in tables rows have numbers. */
function refuseNoRows(path: string, content: Content, rows: readonly (number | string)[]): void {
  const wrong = rows.find((row) => typeof row === 'string')
  if (wrong === undefined || !(content.kind === 'file' ? isTableName(path) : isTable(content.files))) return
  throw new DomainError('ERR_USAGE', `\`${path}\` has no row \`${wrong}\``, { help: 'rows are numbered: --bad 3,17' })
}

/** @throws ERR_SIGNER_ROLE when the key is no reviewer's, ERR_KEY_HOME, ERR_KEY_LOCKED */
export function signReview(project: Project, triage: Triage, rows: readonly RowWord[]): Promise<SignedDataDecision> {
  const { path, digest, keyId, whole } = triage
  const hash = keyId === undefined ? { hash: 'sha256' as const } : { hash: 'hmac' as const, keyId }
  const columns = whole === undefined ? {} : { columns: whole }
  const decision = {
    subject: { path, digest },
    ...hash,
    ...columns,
    rows: rows.map((word) => withContent(triage, word)),
  }
  return decideAboutData(project, { kind: 'data-review', decision })
}

/** THREAT: a bad file that gets another class is another row, and so is a bad row in another spelling: what they hold is signed for too. */
function withContent({ suspects }: Triage, word: RowWord): ReviewedRow {
  const content = suspects.find(({ hash }) => hash === word.hash)?.content
  return word.verdict === 'good' || content === undefined ? word : { ...word, content }
}

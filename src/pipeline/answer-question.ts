/**
 * Asks the validator the question of a gate, with the bytes of the store, and makes of its answer what is signed.
 *
 * THREAT: evidence that leaks data: values of confidential data are left out here, before anything is signed.
 */
import { join } from 'node:path'
import { type DataVerdict, isSecret, resultOf, type StatedCheck } from '../attestation/index.ts'
import type { DataQuestion } from './data-question.ts'
import type { Project } from './project.ts'
import { maxContractBytes, statedReferences } from './references.ts'
import type { ContentQuestions, ContentVerdict } from './validate-content.ts'

/** LIMIT: a baseline has at most 64 MiB. */
const maxBaselineBytes = 64 * 1024 * 1024

type Wishes = Readonly<{ signal?: AbortSignal; triage?: ContentQuestions['triage'] }>

/** Asks the validator what is asked of the data. */
export async function answerQuestion(
  project: Project,
  question: DataQuestion,
  { signal, triage }: Wishes,
): Promise<ContentVerdict> {
  const { content, path, contract, baseline, label, classification, references, reviewed } = question
  const state = join(project.root, '.assay')
  const read = async (file: DataQuestion['contract'], maxBytes: number) =>
    file === undefined ? undefined : { path: file.path, bytes: await project.store.read(file.digest, maxBytes) }
  const [contractFile, baselineFile] = [await read(contract, maxContractBytes), await read(baseline, maxBaselineBytes)]
  const { validateContent } = await import('./validate-content.ts')
  return validateContent(
    {
      store: project.store,
      boxes: join(state, 'boxes'),
      scratchRoot: join(state, 'tmp'),
      now: project.now,
      ...(signal === undefined ? {} : { signal }),
    },
    {
      content,
      name: path,
      classification,
      ...(contractFile === undefined ? {} : { contract: contractFile }),
      ...(baselineFile === undefined ? {} : { baseline: baselineFile }),
      ...(label === undefined ? {} : { label }),
      others: references,
      ...(reviewed.judged.length === 0 ? {} : { judged: reviewed.judged }),
      unreadReviews: reviewed.unread,
      ...(triage === undefined ? {} : { triage }),
    },
  )
}

/** What was found, as facts to be signed. */
export async function verdictFrom(
  project: Project,
  question: DataQuestion,
  report: ContentVerdict,
): Promise<DataVerdict> {
  const { path, content, contract, baseline, classification, source, reviewed } = question
  const checks = report.checks.map((check) => statedCheck(question, check))
  const list = content.kind === 'folder' ? await project.store.putFolder(content.files) : undefined
  return {
    project: project.id,
    dataset: {
      path,
      digest: content.digest,
      sizeBytes: content.sizeBytes,
      ...(list === undefined ? {} : { list }),
    },
    ...(report.dataset.rows === undefined ? {} : { rows: report.dataset.rows }),
    ...(source === undefined ? {} : { source }),
    classification,
    ...(contract === undefined ? {} : { contract }),
    ...(baseline === undefined ? {} : { baseline }),
    ...(question.references.length === 0 ? {} : { references: statedReferences(question.references) }),
    ...(reviewed.reviews.length === 0 ? {} : { reviews: reviewed.reviews }),
    validator: { version: project.version, engine: report.engine, settings: report.settings },
    sandbox: report.sandbox,
    result: resultOf(checks),
    checks,
    unseen: [...report.unseen, ...anchorless(question)],
    key: question.key,
    principal: await project.principal(),
    startedAt: report.startedAt.toISOString(),
    finishedAt: report.finishedAt.toISOString(),
  }
}

function anchorless({ baseline }: DataQuestion): readonly string[] {
  return baseline !== undefined && baseline.anchor === undefined
    ? ['poison that was there from the start: nobody has approved the baseline as the anchor']
    : []
}

/** THREAT: values of confidential data in evidence: what was seen and wanted stays out of it. */
function statedCheck({ classification, waivers }: DataQuestion, check: ContentVerdict['checks'][number]): StatedCheck {
  const { name, verdict, observed, expected, count } = check
  const column = check.column ?? undefined
  const waiver =
    verdict === 'fail'
      ? waivers.find(({ decision }) => decision.check === name && decision.column === column)?.attestation
      : undefined
  const shown = isSecret(classification) ? {} : { ...textOf('observed', observed), ...textOf('expected', expected) }
  return {
    name,
    ...(column === undefined ? {} : { column }),
    verdict,
    ...shown,
    count,
    ...(waiver === undefined ? {} : { waiver }),
  }
}

function textOf<Name extends string>(name: Name, value: unknown): { [Key in Name]?: string } {
  if (value === null || value === undefined) return {}
  return { [name]: String(value) } as { [Key in Name]?: string } // one member of that name
}

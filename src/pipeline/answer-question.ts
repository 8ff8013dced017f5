/**
 * Asks the validator the question of a gate, with the bytes of the store, and makes of its answer what is signed.
 *
 * THREAT: evidence that leaks data: values of confidential data are left out here, before anything is signed.
 */
import { join } from 'node:path'
import { type DataVerdict, isSecret, resultOf, type StatedCheck } from '../attestation/index.ts'
import type { Sha256 } from '../core/index.ts'
import type { DataCheck } from '../data/index.ts'
import { type DataQuestion, waiverOf } from './data-question.ts'
import { goldenRowsOf } from './golden.ts'
import { anchorRows, type PastVersions, pastVersions } from './past-versions.ts'
import type { Project } from './project.ts'
import { maxBaselineBytes, maxContractBytes, statedReferences } from './references.ts'
import type { ContentQuestions, ContentVerdict } from './validate-content.ts'

const nothingPast: PastVersions = { history: [], bundles: [] }

type Wishes = Readonly<{ signal?: AbortSignal; triage?: ContentQuestions['triage'] }>

export type Answer = ContentVerdict & Readonly<{ past: PastVersions }>

/** Asks the validator what is asked of the data. */
export async function answerQuestion(
  project: Project,
  question: DataQuestion,
  { signal, triage }: Wishes,
): Promise<Answer> {
  const { content, path, contract, baseline, label, classification, anchor, bounds, golden, references, reviewed } =
    question
  const rows = anchor === undefined ? undefined : await anchorRows(project, anchor)
  const past =
    rows === undefined || anchor === undefined
      ? nothingPast
      : await pastVersions(project, { path, content, anchor: anchor.attestation })
  const goldenRows = golden === undefined ? undefined : goldenRowsOf(golden, project)
  const state = join(project.root, '.assay')
  const read = async (file: DataQuestion['contract'], maxBytes: number) =>
    file === undefined ? undefined : { path: file.path, bytes: await project.store.read(file.digest, maxBytes) }
  const [contractFile, baselineFile] = [await read(contract, maxContractBytes), await read(baseline, maxBaselineBytes)]
  const [{ validateContent }, { looksOf }] = await Promise.all([
    import('./validate-content.ts'),
    import('./remembered-looks.ts'),
  ])
  const found = await validateContent(
    {
      store: project.store,
      boxes: join(state, 'boxes'),
      scratchRoot: join(state, 'tmp'),
      now: project.now,
      looks: looksOf(project),
      ...(signal === undefined ? {} : { signal }),
    },
    {
      content,
      name: path,
      classification,
      seed: project.sampleSeed(path, content.digest),
      ...(contractFile === undefined ? {} : { contract: contractFile }),
      ...(baselineFile === undefined ? {} : { baseline: baselineFile }),
      ...(label === undefined ? {} : { label }),
      isAnchored: anchor !== undefined,
      ...(bounds === undefined ? {} : { bounds }),
      ...(golden === undefined ? {} : { golden: { isHere: goldenRows !== undefined } }),
      goldenUnasked: question.goldenUnasked === true,
      ...(goldenRows === undefined ? {} : { goldenRows }),
      ...(rows === undefined ? {} : { anchorRows: rows, past }),
      others: references,
      ...(reviewed.judged.length === 0 ? {} : { judged: reviewed.judged }),
      unreadReviews: reviewed.unread,
      reviewedElsewhere: reviewed.elsewhere,
      ...(triage === undefined ? {} : { triage }),
    },
  )
  return { ...found, past }
}

/** What was found, as facts to be signed. */
export async function verdictFrom(project: Project, question: DataQuestion, report: Answer): Promise<DataVerdict> {
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
    ...(question.label === undefined ? {} : { label: question.label }),
    ...(contract === undefined ? {} : { contract }),
    ...(baseline === undefined ? {} : { baseline }),
    ...(question.golden === undefined
      ? {}
      : { golden: { path: question.golden.path, digest: question.golden.digest } }),
    ...(question.bounds === undefined ? {} : { bounds: question.bounds }),
    ...(question.references.length === 0 ? {} : { references: statedReferences(question.references) }),
    ...(reviewed.reviews.length === 0 ? {} : { reviews: reviewed.reviews }),
    ...statisticsIn(report),
    validator: {
      ...{ version: project.version, engine: report.engine, settings: report.settings },
      program: await programOf(project),
    },
    sandbox: report.sandbox,
    result: resultOf(checks),
    checks,
    unseen: [...report.unseen, ...unseenPast(question, report)],
    key: question.key,
    principal: await project.principal(),
    startedAt: report.startedAt.toISOString(),
    finishedAt: report.finishedAt.toISOString(),
  }
}

/** LIMIT: told, not judged by a list; hashed after the look, through the stat cache, so that files changed in between are not noticed. */
async function programOf({ statCache }: Project): Promise<Sha256> {
  const { validatorDigest } = await import('./validate-content.ts')
  return await validatorDigest(statCache === undefined ? {} : { cache: statCache })
}

function statisticsIn({ version, past }: Answer): Pick<DataVerdict, 'statistics' | 'history'> {
  if (version === undefined) return {}
  const { previous, bundles } = past
  return {
    statistics: { ...(previous === undefined ? {} : { previous: previous.digest }), ...version },
    ...(bundles.length === 0 ? {} : { history: bundles }),
  }
}

function unseenPast({ content, baseline, anchor }: DataQuestion, { version, past }: Answer): readonly string[] {
  if (baseline !== undefined && anchor === undefined) {
    return ['poison that was there from the start: nobody has approved the baseline as the anchor']
  }
  const isFirst = anchor?.decision.dataset.digest === content.digest
  return version === undefined || isFirst || past.bundles.length > 0
    ? []
    : ['small doses in earlier versions: no verdict on one since the anchor is at hand']
}

/** THREAT: values of confidential data in evidence: what was seen and wanted stays out of it. */
function statedCheck({ classification, waivers }: DataQuestion, check: DataCheck): StatedCheck {
  const { name, verdict, observed, expected, count } = check
  const column = check.column ?? undefined
  const waiver = verdict === 'fail' ? waiverOf(waivers, check)?.attestation : undefined
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

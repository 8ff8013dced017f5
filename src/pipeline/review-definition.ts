/** `assay review`: a reviewer's signed word that the definition and code of the commit were read. */
import {
  type DefinitionReview,
  isApart,
  mailOf,
  reviewedCommits,
  verifyDefinitionReview,
} from '../attestation/index.ts'
import { DomainError, isInside, type Sha256, sha256Of } from '../core/index.ts'
import { attestationsOf, enterLog } from './enter-log.ts'
import { openProjectSigner } from './open-signer.ts'
import type { Project } from './project.ts'

export type ReviewOptions = Readonly<{ since?: string; because?: string }>

export type SignedReview = Readonly<{ file: string; attestation: Sha256; review: DefinitionReview }>

/**
 * The bundle goes into `attestations/`, to be committed. What would count nowhere is not kept.
 *
 * @throws ERR_EVIDENCE_DIRTY when the tree is not the commit; ERR_GIT_FAILED when the history is not here; ERR_SIGNER_ROLE
 *   when the key is no reviewer's, or whoever holds it wrote or committed a part; ERR_USAGE when nothing changed since
 */
export async function reviewDefinition(project: Project, options: ReviewOptions): Promise<SignedReview> {
  const { code } = project
  const { commit } = code
  if (commit === undefined || code.dirty.length > 0) {
    const what = code.dirty.slice(0, 5).map(({ path }) => `\`${path}\``)
    throw new DomainError('ERR_EVIDENCE_DIRTY', `a review is of a commit, and the tree differs: ${what.join(', ')}`)
  }
  await code.learnPeople(
    project.definitionReviews().map(({ review: { commit: read, since: before } }) => ({ commit: read, since: before })),
  )
  const since = options.since ?? (await lastReviewed(project, commit))
  await code.learnPeople([{ commit, since }])
  const people = code.peopleAt(commit, since)
  if (people === undefined)
    throw new DomainError(
      'ERR_GIT_FAILED',
      `the history${since === undefined ? '' : ` since \`${since}\``} is not here, or names too many to be told`,
      {
        help: 'fetch it (git fetch --unshallow); --since takes the whole name of a commit that leads to HEAD; a commit has at most 100 co-authors',
      },
    )
  if (people.length === 0) throw new DomainError('ERR_USAGE', 'nothing changed since: there is nothing to review')
  const by = await project.principal()
  const review: DefinitionReview = {
    project: project.id,
    commit,
    ...(since === undefined ? {} : { since }),
    files: await filesOf(project),
    authors: [...new Set(people.map(mailOf))],
    ...(options.because === undefined ? {} : { because: options.because }),
    at: project.now().toISOString(),
    by: { name: by.name, email: by.email },
  }
  await using signer = await openProjectSigner(project)
  const { bytes } = await signer.sign({ kind: 'definition-review', review })
  refuseUncounted(project, review, bytes)
  const attestation = sha256Of(bytes)
  const file = project.evidence.saveApproval(
    `definition-${commit.slice(0, 12)}-review-${attestation.slice(7, 19)}`,
    bytes,
  )
  await enterLog(project, signer, attestationsOf(project))
  return { file, attestation, review }
}

/** The newest commit up to which all was reviewed and that leads to `head`: a branch that was squashed leaves its reviews, too. */
async function lastReviewed(project: Project, head: string): Promise<string | undefined> {
  const { trust, code } = project
  const held = project.definitionReviews()
  const reviewed = reviewedCommits(trust, held, code.peopleAt)
  const newest = held.toSorted((left, right) => Date.parse(right.review.at) - Date.parse(left.review.at))
  for (const { review } of newest) {
    if (!reviewed.has(review.commit)) continue
    await code.learnPeople([{ commit: head, since: review.commit }])
    if (code.peopleAt(head, review.commit) !== undefined) return review.commit
  }
  return undefined
}

/** All that is tracked and no data: what a stage can be shown. */
async function filesOf({ code, definition, settings, pipeline }: Project): Promise<DefinitionReview['files']> {
  const data = [
    ...settings.data.keys(),
    ...pipeline.stages.flatMap(({ outs }) => outs.map(({ path }) => path)),
    'attestations',
  ]
  const paths = code.paths.filter((path) => !data.some((folder) => isInside(path, folder)))
  const files = new Map([
    ...(await code.digests(paths)),
    ...definition.map(({ path, digest }) => [path, digest] as const),
  ])
  return [...files]
    .map(([path, digest]) => ({ path, digest }))
    .toSorted((left, right) => (left.path < right.path ? -1 : 1))
}

function refuseUncounted(project: Project, { by, since }: DefinitionReview, bytes: Uint8Array): void {
  const { trust, code } = project
  const verdict = verifyDefinitionReview(bytes, trust)
  const fault = verdict.findings.find(({ passed }) => !passed)
  if (fault !== undefined && fault.code !== 'OK' && fault.code !== 'CAVEAT')
    throw new DomainError(fault.code, `your review would count nowhere: ${fault.because}`, {
      help: 'let somebody review whose key trust.yaml lists under reviewer',
    })
  if (!verdict.trusted || !isApart(verdict.statement, { peopleAt: code.peopleAt })) {
    const because = `\`${by.name} <${by.email}>\` wrote or committed a part of it, or is not whom trust.yaml knows by this key`
    throw new DomainError('ERR_SIGNER_ROLE', `your review would count nowhere: ${because}`, {
      help: 'let somebody else review it, whose address in git is that of their principal in trust.yaml',
    })
  }
  if (since !== undefined && !reviewedCommits(trust, project.definitionReviews(), code.peopleAt).has(since))
    throw new DomainError('ERR_SIGNER_ROLE', `your review would count nowhere: \`${since}\` was not reviewed itself`, {
      help: 'leave --since out to read all since the last commit that was',
    })
}

/**
 * The versions of a dataset since its anchor, by their signed verdicts: what a trickle of poison is summed up from.
 *
 * A verdict says what was new compared with one version before, so that the sum over a chain of them is all that came
 * since the anchor. Versions that FAILED were not trained on and are no part of it. Verdicts lie in `.assay`, which no
 * commit holds: where they are not at hand, all that the anchor has not counts as new at once.
 */
import type { DataVerdict, VerifiedDataDecision } from '../attestation/index.ts'
import { digestOfJson, isDirHash, type Sha256 } from '../core/index.ts'
import type { Dataset, Version } from '../data/index.ts'
import { believedVerdict } from './believed-verdict.ts'
import type { Project } from './project.ts'
import { datasetOf } from './stored-dataset.ts'

export type PastVersions = Readonly<{
  previous?: Readonly<{ digest: DataVerdict['dataset']['digest']; dataset: Dataset }>
  /** Oldest first. */
  history: readonly Version[]
  /** Bundles of their verdicts, in the same order. */
  bundles: readonly Sha256[]
}>

type Asked = Readonly<{ path: string; content: Readonly<{ digest: DataVerdict['dataset']['digest'] }>; anchor: Sha256 }>

/** Under what a verdict is found as one of the versions since an anchor. */
export function historyKey(path: string, anchor: Sha256): Sha256 {
  return digestOfJson({ history: 1, path, anchor })
}

type Found = Readonly<{ attestation: Sha256; verdict: DataVerdict }>

const none: PastVersions = { history: [], bundles: [] }
/** LIMIT: versions that are looked at; re-anchor before there are as many. */
const maxVersions = 1000

export async function pastVersions(project: Project, asked: Asked): Promise<PastVersions> {
  const versions = versionsOf(project, asked)
  for (const version of versions) {
    if (version.verdict.dataset.digest === asked.content.digest) continue
    const { digest, sizeBytes, list, path } = version.verdict.dataset
    const output = { path, digest, sizeBytes, ...(list === undefined ? {} : { list }) }
    const content = await project.contents.stored(output)
    if (content === undefined) continue
    const chain = chainTo(version, versions)
    if (chain === undefined) return none
    const dataset = datasetOf(content, path.slice(path.lastIndexOf('/') + 1), project.store)
    return {
      previous: { digest, dataset },
      history: chain.flatMap(({ verdict }) => versionIn(verdict) ?? []),
      bundles: chain.map(({ attestation }) => attestation),
    }
  }
  return none
}

/** Newest first, each version once; the bytes that are asked about may have been one of them. */
function versionsOf(project: Project, { path, anchor }: Asked): readonly Found[] {
  const found = new Map<string, Found>()
  const all = project.evidence
    .byKey(historyKey(path, anchor))
    .flatMap((attestation): readonly Found[] => {
      const verdict = believedVerdict(project, attestation)
      return verdict === undefined ? [] : [{ attestation, verdict }]
    })
    .filter(({ verdict }) => {
      const isSame = verdict.dataset.path === path && verdict.baseline?.anchor === anchor
      return isSame && verdict.result !== 'FAILED' && verdict.statistics !== undefined
    })
    .toSorted((left, right) => (left.verdict.finishedAt < right.verdict.finishedAt ? 1 : -1))
  for (const each of all) if (!found.has(each.verdict.dataset.digest)) found.set(each.verdict.dataset.digest, each)
  return [...found.values()].slice(0, maxVersions)
}

/**
 * A version and those that it builds on, oldest first, back to one that counts from the anchor itself. THREAT: verdicts that
 * are taken away one by one, so that small doses of then are summed up by nobody: where one is missing there is no chain.
 */
function chainTo(last: Found, versions: readonly Found[]): readonly Found[] | undefined {
  const chain = [last]
  for (let previous = last.verdict.statistics?.previous; previous !== undefined; ) {
    const before = versions.find(({ verdict }) => verdict.dataset.digest === previous)
    if (before === undefined) return undefined
    if (chain.includes(before)) break
    chain.unshift(before)
    previous = before.verdict.statistics?.previous
  }
  return chain
}

function versionIn({ statistics }: DataVerdict): Version | undefined {
  // `as`: names of checks; one that is not known is summed up all the same
  return statistics === undefined ? undefined : (statistics as Version)
}

type Anchor = VerifiedDataDecision<'data-anchor'>

/** Whether `anchorRows` is likely to find them: asked before each stage, so nothing is read. */
export function hasAnchorRows({ evidence, store }: Project, { decision }: Anchor): boolean {
  const { digest } = decision.dataset
  const object = isDirHash(digest) ? evidence.folderList(digest) : digest
  return object !== undefined && store.has(object)
}

/** The rows that a reviewer fixed as the anchor, where the store holds them: every byte is digested. */
export async function anchorRows(
  { contents, evidence, store }: Project,
  { decision }: Anchor,
): Promise<Dataset | undefined> {
  const { path, digest } = decision.dataset
  const list = isDirHash(digest) ? evidence.folderList(digest) : undefined
  // its size is not known, and nobody asks for it
  const content = await contents.stored({ path, digest, sizeBytes: 0, ...(list === undefined ? {} : { list }) })
  return content === undefined ? undefined : datasetOf(content, path.slice(path.lastIndexOf('/') + 1), store)
}

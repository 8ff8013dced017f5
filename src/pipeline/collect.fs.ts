/**
 * Frees what nothing refers to: objects that no lock, kept run, attestation, source or environment names.
 *
 * INVARIANT: evidence is never removed here, and what evidence names stays; only attestations that neither the lock nor
 * a kept run nor another attestation names stop protecting their outs.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { StageFacts } from '../attestation/index.ts'
import { sweepBoxes } from '../compute/index.ts'
import { type Digest, isDirHash, isSha256, type Sha256 } from '../core/index.ts'
import { collectGarbage } from '../data/index.ts'
import { believedStage } from './believe.ts'
import { boxesOf } from './environment-request.ts'
import type { Project } from './project.ts'

/** Objects younger than this stay: another process may just have made them. */
const graceMs = 3600_000

export type CollectedProject = Readonly<{ removed: number; freedBytes: number; runs: number }>

export async function collectProject(
  project: Project,
  { dryRun, keepRuns }: Readonly<{ dryRun: boolean; keepRuns: number }>,
): Promise<CollectedProject> {
  if (!dryRun) await sweepBoxes(boxesOf(project))
  const runs = project.runs.list()
  const dropped = runs.slice(Math.max(1, keepRuns))
  const kept = runs.slice(0, Math.max(1, keepRuns)).map((runId) => project.runs.load(runId))

  const roots = new Set<Sha256>([...project.lock.values()].map(({ attestation }) => attestation))
  const reachable = new Set<Sha256>()
  for (const { report, logs } of kept) {
    for (const log of Object.values(logs)) reachable.add(log)
    for (const { attestation } of report.stages) if (attestation !== undefined) roots.add(attestation)
  }
  for (const facts of statementsFrom(project, roots)) await protect(project, facts, reachable)
  for (const data of anchoredData(project)) await protectContent(project, data, reachable)
  const collected = await collectGarbage(project.store, reachable, { olderThanMs: graceMs, now: project.now(), dryRun })
  for (const runId of dryRun ? [] : dropped)
    rmSync(join(project.root, '.assay', 'runs', runId), { recursive: true, force: true })
  return { ...collected, runs: dropped.length }
}

/** Each believed statement that is reached from the roots, once. */
function* statementsFrom(project: Project, roots: Iterable<Sha256>): Generator<StageFacts> {
  const seen = new Set<Sha256>()
  const open = [...roots]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next)) continue
    seen.add(next)
    const facts = believedStage(project, next)
    if (facts === undefined) continue
    yield facts
    for (const { origin } of facts.dependencies) if (origin.kind === 'stage') open.push(origin.attestation)
  }
}

async function protect(project: Project, facts: StageFacts, reachable: Set<Sha256>): Promise<void> {
  reachable.add(facts.log.digest)
  const inputs = facts.dependencies.map(({ digest }) => ({ digest, list: listOf(project, digest) }))
  for (const { digest } of facts.environment.materials) if (isSha256(digest)) reachable.add(digest)
  for (const { digest, list } of [...inputs, ...facts.outputs])
    await protectContent(project, { digest, list }, reachable)
}

type Named = Readonly<{ digest: Digest; list?: Sha256 | undefined }>

async function protectContent({ store }: Project, { digest, list }: Named, reachable: Set<Sha256>): Promise<void> {
  if (isSha256(digest)) reachable.add(digest)
  if (list === undefined || reachable.has(list) || !store.has(list)) return
  reachable.add(list)
  for (const file of (await store.readFolder(list)).files) reachable.add(file.digest)
}

/** What the next version of some data is compared with: the rows of each anchor. */
function anchoredData(project: Project): readonly Named[] {
  return project.dataDecisions()['data-anchor'].map(
    ({
      decision: {
        dataset: { digest },
      },
    }) => ({ digest, list: listOf(project, digest) }),
  )
}

/** A folder that came from outside is named by its digest alone; what lists it was noted when it was taken in. */
function listOf({ evidence }: Project, digest: Digest): Sha256 | undefined {
  return isDirHash(digest) ? evidence.folderList(digest) : undefined
}

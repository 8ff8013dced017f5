/** Proofs of transparency logs on their way to a remote and back, beside the evidence that they are of. */
import { parseCheckpoint } from '../attestation/index.ts'
import { isDomainError, type Sha256, sha256Of } from '../core/index.ts'
import { eachBounded, type Outgoing, proofName, type Remote, readWhole, remoteFault } from '../data/index.ts'
import { isNamedAsItIs, joinProofs, keepProofs, keptProofs, namedProofs, proofSubject } from './kept-proofs.fs.ts'
import { proofsToShow } from './log-proofs.fs.ts'
import { historiesIn, holdsUnder, type LogProofs, maxGrowths, maxProofsEach } from './log-trust.ts'
import type { Project } from './project.ts'

/** LIMIT: as the readers of proofs have it. */
const maxProofBytes = 128 * 1024
const folder = 'log-proofs'

/**
 * Those that the remote lacks: of an attestation the first that there is, and each that a witness stands behind; with them
 * how the log grew since proofs were handed out last.
 */
export async function proofFiles(
  project: Project,
  remote: Remote,
  { attestations, isThere }: Readonly<{ attestations: ReadonlySet<Sha256>; isThere: boolean }>,
): Promise<readonly Outgoing[]> {
  const there = new Set(isThere ? await remote.list(folder) : [])
  const known = new Set([...there].map(proofSubject))
  const { inclusions, growths } = proofsToShow(project.root, attestations)
  const wanted = new Map<Sha256, readonly Uint8Array[]>()
  for (const [attestation, proofs] of inclusions) {
    const sent = proofs.filter((proof) => !known.has(attestation) || isWitnessed(proof))
    if (sent.length > 0) wanted.set(attestation, sent)
  }
  const named = namedProofs({ inclusions: wanted, growths: growths.slice(-1) })
  const absent = [...named].filter(([name]) => !there.has(name))
  if (!absent.some(([name]) => proofSubject(name) !== 'growth')) return []
  return absent.map(([name, bytes]) => ({
    name: proofName(name),
    digest: sha256Of(bytes),
    bytes,
    sizeBytes: bytes.length,
  }))
}

/** More than the log itself has signed. */
function isWitnessed(proof: Uint8Array): boolean {
  const bytes = Buffer.from(proof)
  try {
    return parseCheckpoint(bytes.subarray(bytes.indexOf('\n\n') + 2)).note.signatures.length > 1
  } catch (error) {
    if (isDomainError(error)) return false // INVARIANT: a proof that nobody can read need not travel twice
    throw error
  }
}

/**
 * Brings those of these attestations that are not here, and keeps them as they are.
 *
 * @returns how many came
 * @throws ERR_REMOTE_CORRUPT for other bytes than the name says; ERR_TLOG_FORK when a log that the policy names has signed
 *   two histories, before anything is kept
 */
export async function fetchProofs(
  { root, trust }: Project,
  remote: Remote,
  attestations: ReadonlySet<Sha256>,
  { jobs }: Readonly<{ jobs: number }>,
): Promise<number> {
  const here = keptProofs(root)
  const known = new Set(namedProofs(here).keys())
  const wanted = Map.groupBy(
    (await remote.list(folder)).filter((name) => !known.has(name)),
    (name) => subjectAmong(name, attestations),
  )
  wanted.delete(undefined)
  // THREAT: names without end
  const names = [...wanted].flatMap(([subject, all]) => all.slice(0, subject === 'growth' ? maxGrowths : maxProofsEach))
  const inclusions = new Map<Sha256, Uint8Array[]>()
  const growths: Uint8Array[] = []
  await eachBounded(names, jobs, async (name) => {
    const bytes = await readWhole(remote, proofName(name), maxProofBytes)
    if (bytes === undefined || !isNamedAsItIs(name, bytes))
      throw remoteFault(
        'ERR_REMOTE_CORRUPT',
        `\`${remote.address}\` holds other bytes than its name says for the proof ${name}`,
      )
    const subject = proofSubject(name)
    if (subject === 'growth') growths.push(bytes)
    else if (subject !== undefined) inclusions.set(subject, [...(inclusions.get(subject) ?? []), bytes])
  })
  const came: LogProofs = { inclusions, growths }
  const connecting = historiesIn(trust, joinProofs(here, came)).growths
  keepProofs(root, { inclusions, growths: connecting }, holdsUnder(trust))
  return names.length
}

function subjectAmong(name: string, attestations: ReadonlySet<Sha256>): ReturnType<typeof proofSubject> {
  const subject = proofSubject(name)
  return subject === undefined || subject === 'growth' || attestations.has(subject) ? subject : undefined
}

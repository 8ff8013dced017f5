/** `assay attest export --in-toto`: links and a layout of old in-toto, out of statements that the user's key signed. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { linkFileName, linkKeyOf, parsePublicKey } from '../attestation/index.ts'
import { DomainError, type Sha256 } from '../core/index.ts'
import { readStage } from './believe.ts'
import { writeDurably } from './evidence.fs.ts'
import type { Project } from './project.ts'
import { openSigner } from './run-tools.ts'

const layoutName = 'root.layout'
/** A layout ends: a year after it was made. */
const lifeMs = 365 * 24 * 3600 * 1000

/**
 * @param chain attestations of stages, the artifact's own first
 * @param subjects project paths of what the layout is to hold; one
 * @throws ERR_USAGE when it is not one, or no out of its stage: the layout would hold another file
 * @throws ERR_SIGN_REFUSED when a stage was signed by another key: its holder makes its link
 */
export async function writeLinks(
  project: Project,
  chain: readonly Sha256[],
  { folder, subjects }: Readonly<{ folder: string; subjects: readonly string[] }>,
): Promise<Readonly<{ layout: string; links: readonly string[] }>> {
  const [own] = chain
  if (own === undefined) throw new DomainError('ERR_EVIDENCE_MISSING', 'there is no statement to make links of')
  const [artifact = '', ...more] = subjects
  if (more.length > 0)
    throw new DomainError('ERR_USAGE', 'a layout is of one artifact', { help: 'name one of the outs' })
  const { stage, outputs } = readStage(project, own)
  if (!outputs.some(({ path }) => path === artifact))
    throw new DomainError('ERR_USAGE', `\`${artifact}\` is no out of \`${stage}\`, which made its bytes`, {
      help: `name one of its outs: ${outputs.map(({ path }) => path).join(', ')}`,
    })
  refuseTwice(chain.map((attestation) => readStage(project, attestation).stage))
  await using signer = await openSigner(project, { draft: false, unsafeNoSandbox: false })
  const { id } = linkKeyOf(parsePublicKey(signer.publicPem))
  const bundles = chain.map((attestation) => Buffer.from(project.evidence.bundle(attestation) ?? []).toString('base64'))
  mkdirSync(folder, { recursive: true })
  const links: string[] = []
  for (const [at, attestation] of chain.entries()) {
    const { bytes } = await signer.sign({ kind: 'in-toto-legacy', legacy: { bundles: [bundles[at] ?? ''] } })
    const name = linkFileName(readStage(project, attestation), id)
    writeDurably(join(folder, name), bytes)
    links.push(name)
  }
  const expires = `${new Date(project.now().getTime() + lifeMs).toISOString().slice(0, 19)}Z`
  const { bytes } = await signer.sign({ kind: 'in-toto-legacy', legacy: { bundles, layout: { artifact, expires } } })
  writeDurably(join(folder, layoutName), bytes)
  return { layout: layoutName, links }
}

/** A layout has one step for each stage. */
function refuseTwice(stages: readonly string[]): void {
  const twice = stages.find((stage, at) => stages.indexOf(stage) < at)
  if (twice === undefined) return
  throw new DomainError('ERR_USAGE', `the chain has two statements of the stage \`${twice}\`, and a layout one step`, {
    help: 'run what is out of date again, so that the chain goes through each stage once',
  })
}

/**
 * Links and a layout of in-toto 0.9, for `in-toto-verify`, which knows no Statement v1.
 *
 * A link says of a stage what its statement says; a layout says how the stages of a chain hang together. Written only, never
 * read: the statements are the evidence. Format: docs/formats/in-toto-links.md.
 * SOURCE: in-toto specification v0.9; in-toto (Python) 3.1.0; trap 15 of what its verifier wants: `keyid` and key object.
 */
import { type Digest, DomainError, hexOf, isSha256, type Sha256, sha256Of } from '../../core/index.ts'
import type { StageFacts } from '../stage-facts.ts'

export const linkPayloadType = 'application/vnd.in-toto+json'

export type LinkKey = Readonly<{ id: string; object: object }>
export type ChainStage = Readonly<{ attestation: Sha256; facts: StageFacts }>

/** A name that a file can have; two stages never share one: what had to be rewritten carries a digest, behind a sign that no other has. */
export function stepName({ stage }: StageFacts): string {
  const plain = stage.replace(/[^\p{L}\p{N}@._-]+/gu, '-')
  return plain === stage ? plain : `${plain}~${hexOf(sha256Of(stage)).slice(0, 16)}`
}

/** @param id of a key: SHA-256 of its canonical object */
export function linkFileName(facts: StageFacts, id: string): string {
  return `${stepName(facts)}.${id.slice(0, 8)}.link`
}

export function linkOf(facts: StageFacts): object {
  return {
    _type: 'link',
    name: stepName(facts),
    command: [...facts.commands],
    materials: artifacts(facts.dependencies.filter(({ role }) => role === 'dep')),
    products: artifacts(facts.outputs),
    byproducts: {},
    environment: {},
  }
}

/**
 * Each stage's deps from other stages must be their products, and it may have made nothing but its outs; the artifact,
 * where the verifier stands, must be the product of the stage that made it.
 *
 * @param expires RFC 3339, whole seconds
 * @throws ERR_SIGN_REFUSED when no stage made the artifact: the layout would hold nothing
 */
export function layoutOf(
  stages: readonly ChainStage[],
  artifact: string,
  { key, expires }: Readonly<{ key: LinkKey; expires: string }>,
): object {
  const byAttestation = new Map(stages.map(({ attestation, facts }) => [attestation, facts]))
  const maker = stages.findLast(({ facts }) => facts.outputs.some(({ path }) => path === artifact))
  if (maker === undefined) throw new DomainError('ERR_SIGN_REFUSED', `no stage made \`${artifact}\``)
  return {
    _type: 'layout',
    expires,
    readme: 'made by assay from verified statements',
    keys: { [key.id]: key.object },
    steps: stages.map(({ facts }) => ({
      _type: 'step',
      name: stepName(facts),
      expected_command: [...facts.commands],
      pubkeys: [key.id],
      threshold: 1,
      expected_materials: [
        ...facts.dependencies.flatMap((dep) => materialRules(dep, byAttestation)),
        ['DISALLOW', '*'],
      ],
      expected_products: [
        ...facts.outputs.flatMap(({ path }) => [
          ['REQUIRE', path],
          ['ALLOW', path],
        ]),
        ['DISALLOW', '*'],
      ],
    })),
    inspect: [inspection(artifact, maker.facts)],
  }
}

function materialRules(
  { path, role, origin }: StageFacts['dependencies'][number],
  stages: ReadonlyMap<Sha256, StageFacts>,
): readonly (readonly string[])[] {
  if (role !== 'dep') return []
  const maker = origin.kind === 'stage' ? stages.get(origin.attestation) : undefined
  return maker === undefined ? [['ALLOW', path]] : [['MATCH', path, 'WITH', 'PRODUCTS', 'FROM', stepName(maker)]]
}

/** `true` does nothing: in-toto-verify records what lies where it stands, and holds the artifact against its product. */
function inspection(artifact: string, maker: StageFacts): object {
  return {
    _type: 'inspection',
    name: 'artifact',
    run: ['true'],
    expected_materials: [
      ['REQUIRE', artifact],
      ['MATCH', artifact, 'WITH', 'PRODUCTS', 'FROM', stepName(maker)],
      ['DISALLOW', artifact],
      ['ALLOW', '*'],
    ],
    expected_products: [['ALLOW', '*']],
  }
}

function artifacts(
  items: readonly Readonly<{ path: string; digest: Digest }>[],
): Readonly<Record<string, Readonly<Record<string, string>>>> {
  return Object.fromEntries(
    items.map(({ path, digest }) => [path, isSha256(digest) ? { sha256: hexOf(digest) } : { dirHash1: hexOf(digest) }]),
  )
}

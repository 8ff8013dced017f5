/** `assay trust`: who is believed here, for what, and where that is written. */
import { resolve } from 'node:path'
import { formatDay, oneLine } from '../../core/index.ts'
import { openProject, type Project, pinTrust } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { table } from '../render.ts'

export async function trustPin(
  context: CliContext,
  _: readonly string[],
  options: Readonly<{ policy: string }>,
): Promise<Exit> {
  const pinned = await pinTrust(context, resolve(context.workingFolder, options.policy))
  context.output.document(pinned)
  context.output.line(`pinned ${oneLine(options.policy)} for the project ${pinned.project}`)
  context.output.line(`kept in ${oneLine(pinned.file)}: every checkout of the project is judged by it from now on`)
  return 0
}

export async function trustShow(context: CliContext): Promise<Exit> {
  const { output } = context
  const { trust } = await openProject(context)
  output.document(shape(trust))
  output.line(`project  ${trust.project ?? 'none: assay init makes one'}`)
  output.line(`policy   ${wordsOf[trust.origin]}`)
  output.line(
    `asks for level ${trust.minimumLevel}${trust.expiresAt === undefined ? '' : `, expires ${formatDay(trust.expiresAt)}`}`,
  )
  output.line()
  const rows = [...trust.keys.values()].map(({ name, hint, principal, revoked }) => [
    name,
    principal ?? 'nobody named',
    revoked === undefined ? rolesOf(trust, name).join(', ') || 'no role' : `REVOKED: ${revoked.because}`,
    hint.slice(0, 12),
  ])
  for (const line of table(rows)) output.line(line)
  return 0
}

type Trust = Project['trust']

const wordsOf: Readonly<Record<Trust['origin'], string>> = {
  file: 'the file given',
  key: 'the key given',
  pinned: 'pinned by you (assay trust pin)',
  repository: "the repository's own trust.yaml: only as good as this checkout",
}

function shape(trust: Trust): Readonly<Record<string, unknown>> {
  return {
    project: trust.project,
    origin: trust.origin,
    minimumLevel: trust.minimumLevel,
    expires: trust.expiresAt?.toISOString(),
    keys: [...trust.keys.values()].map(({ name, hint, principal, revoked }) => ({
      name,
      hint,
      principal,
      ...(revoked === undefined ? {} : { revoked: { because: revoked.because, since: revoked.since?.toISOString() } }),
      roles: rolesOf(trust, name),
    })),
  }
}

function rolesOf(trust: Trust, key: string): readonly string[] {
  const builders = trust.builders
    .filter((grant) => grant.key === key)
    .map(({ builder, maxLevel }) => `builder ${builder.replace(/^.*\/builder\//, '')} up to level ${maxLevel}`)
  const others = [...trust.roles].flatMap(([role, { anyOf }]) => (anyOf.includes(key) ? [role] : []))
  return [...builders, ...others]
}

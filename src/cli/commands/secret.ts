/** `assay secret`: which secrets of yours the stages of this project may have. Values are never asked for, kept or shown. */
import { resolve } from 'node:path'
import { DomainError, oneLine } from '../../core/index.ts'
import { grantSecret, listSecrets, type SecretOrigin, takeSecret } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { table } from '../render.ts'

type GrantOptions = Readonly<{ file?: string; env?: string; vault?: string; stage?: readonly string[] }>

export async function secretGrant(
  context: CliContext,
  [name = '']: readonly string[],
  options: GrantOptions,
): Promise<Exit> {
  if (options.stage === undefined)
    throw new DomainError('ERR_USAGE', 'a secret is granted to stages: --stage NAME', {
      help: 'read what the stage does before',
    })
  const granted = grantSecret(context, name, { origin: originOf(context, options), stages: options.stage })
  context.output.document(granted)
  context.output.line(
    `${oneLine(name)} (${oneLine(granted.origin)}) may be had by: ${granted.stages.map(oneLine).join(', ')}`,
  )
  context.output.line(
    `next: name it in assay.yaml, secrets: [${oneLine(name)}]; the stage reads /run/secrets/${oneLine(name)}`,
  )
  return 0
}

export async function secretList(context: CliContext): Promise<Exit> {
  const secrets = listSecrets(context)
  context.output.document({ secrets })
  for (const line of table(secrets.map(({ name, origin, stages }) => [name, origin, stages.join(', ')])))
    context.output.line(line)
  if (secrets.length === 0) context.output.line('no stage of this project may have a secret of yours')
  return 0
}

export async function secretTake(context: CliContext, [name = '']: readonly string[]): Promise<Exit> {
  takeSecret(context, name)
  context.output.document({ name })
  context.output.line(`no stage of this project may have ${oneLine(name)} any more`)
  return 0
}

function originOf({ workingFolder }: CliContext, { file, env, vault }: GrantOptions): SecretOrigin {
  const [path = '', field = ''] = vault?.split('#') ?? []
  const given: readonly (SecretOrigin | undefined)[] = [
    file === undefined ? undefined : { kind: 'file', path: resolve(workingFolder, file) },
    env === undefined ? undefined : { kind: 'env', name: env },
    vault === undefined ? undefined : { kind: 'vault', path, field },
  ]
  const [origin, more] = given.filter((each) => each !== undefined)
  if (origin !== undefined && more === undefined) return origin
  throw new DomainError('ERR_USAGE', 'say where the secret lies, once: --file PATH, --env NAME or --vault PATH#FIELD')
}

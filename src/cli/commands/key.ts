/** `assay key`: the key that signs for this project; it lives in the user's own folder, never in the project. */
import { resolve } from 'node:path'
import { DomainError, oneLine } from '../../core/index.ts'
import {
  backupKey,
  chooseHeldKey,
  describeKey,
  type KeyDescription,
  makeKey,
  revokeKey,
  rotateKey,
  useKey,
  useOwnKey,
  writeFile,
} from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { table } from '../render.ts'

export async function keyNew(
  context: CliContext,
  _: readonly string[],
  options: Readonly<{ name?: string; in?: string; type?: string }>,
): Promise<Exit> {
  if (options.in !== undefined) {
    if (options.type !== undefined)
      throw new DomainError('ERR_USAGE', '--type is for a key in your own folder: what holds keys makes them on P-256')
    tellHeld(context, await chooseHeldKey(context, options.in, true))
    return 0
  }
  const key = await makeKey(context, options)
  context.output.document(key)
  context.output.line(
    `key ${oneLine(key.name)}: ${oneLine(key.path)}${key.encrypted ? '' : ', not encrypted (set ASSAY_KEY_PASSPHRASE for one that is)'}`,
  )
  context.output.line('next: whoever keeps trust.yaml lists its public key there (assay key export)')
  return 0
}

export async function keyShow(context: CliContext): Promise<Exit> {
  const key = await describeKey(context)
  context.output.document(key)
  const rows = [
    ['name', key.name],
    ['key', key.path],
    ['encrypted', key.encrypted ? 'yes' : 'no'],
    ['listed in trust.yaml', key.listed ? `yes, as ${key.roles.join(', ')}` : 'no: what it signs is not believed'],
    ...(key.identity === undefined
      ? []
      : [['certified for', `${key.identity.identity} by ${key.identity.issuer}`] as const]),
    ['revoked', key.revoked ?? 'no'],
  ]
  for (const line of table(rows)) context.output.line(line)
  return 0
}

export async function keyUse(
  context: CliContext,
  [address]: readonly string[],
  { own }: Readonly<{ own?: boolean }>,
): Promise<Exit> {
  if (address !== undefined && own === true)
    throw new DomainError('ERR_USAGE', '--own is for the key in your own folder: leave the address out')
  if (address !== undefined || own === true) {
    tellHeld(context, address === undefined ? await useOwnKey(context) : await chooseHeldKey(context, address, false))
    return 0
  }
  const used = await useKey(context)
  context.output.document(used)
  context.output.line(`your key of the project ${used.project} signs in ${oneLine(used.checkout)} too`)
  return 0
}

function tellHeld({ output }: CliContext, key: KeyDescription): void {
  output.document(key)
  output.line(`${oneLine(key.path)} signs here${key.listed ? `, as ${oneLine(key.name)}` : ''}`)
  const { identity } = key
  if (identity !== undefined) output.line(`certified as ${oneLine(identity.identity)} by ${oneLine(identity.issuer)}`)
  if (!key.listed)
    output.line(
      `next: whoever keeps trust.yaml lists ${identity === undefined ? 'its public key there (assay key export)' : 'it there, under identities'}`,
    )
}

export async function keyExport(
  context: CliContext,
  _: readonly string[],
  options: Readonly<{ out?: string }>,
): Promise<Exit> {
  const { publicPem, name } = await describeKey(context)
  if (options.out !== undefined) writeFile(resolve(context.workingFolder, options.out), publicPem)
  context.output.document({ name, publicKey: publicPem, out: options.out })
  context.output.line(options.out === undefined ? publicPem.trimEnd() : `written ${oneLine(options.out)}`)
  return 0
}

export async function keyBackup(context: CliContext, [file = '']: readonly string[]): Promise<Exit> {
  const path = resolve(context.workingFolder, file)
  const { encrypted } = await backupKey(context, path)
  context.output.document({ file: path, encrypted })
  context.output.line(
    `copied to ${oneLine(file)}${encrypted ? '' : ': it is NOT encrypted, keep it where nobody else can read it'}`,
  )
  return 0
}

export async function keyRotate(
  context: CliContext,
  _: readonly string[],
  options: Readonly<{ until?: string; type?: string }>,
): Promise<Exit> {
  const key = rotateKey(context, options)
  context.output.document(key)
  const [name, before] = [oneLine(key.name), oneLine(key.replaces)]
  context.output.line(`key ${name}: ${oneLine(key.path)}${key.encrypted ? '' : ', not encrypted'}`)
  context.output.line(
    key.until === undefined
      ? `${before} signs no more here; what it signed is believed as before`
      : `${before} signs no more here; what nothing proves to be older counts until ${key.until} alone`,
  )
  context.output.line('next: look at trust.yaml, commit it, and pin it where it is pinned (assay trust pin)')
  return 0
}

export async function keyRevoke(
  context: CliContext,
  _: readonly string[],
  { because, since, name }: Readonly<{ because?: string; since?: string; name?: string }>,
): Promise<Exit> {
  if (because === undefined)
    throw new DomainError('ERR_USAGE', 'a revocation needs its reason', { help: "--because 'laptop lost'" })
  const chosen = { ...(since === undefined ? {} : { since }), ...(name === undefined ? {} : { name }) }
  const revoked = revokeKey(context, { because, ...chosen })
  context.output.document({ ...revoked, revoked: true })
  const called = oneLine(revoked.name)
  context.output.line(`${called} signs no more here`)
  context.output.line(
    revoked.since === undefined
      ? 'all that it signed is void'
      : `void is all that it signed, but what a timestamp or witnesses prove to be from before ${revoked.since}`,
  )
  context.output.line(
    revoked.written
      ? 'next: commit trust.yaml, pin it where it is pinned, and tell who verifies elsewhere (assay trust status)'
      : 'next: whoever keeps trust.yaml revokes the key there: docs/guides/keys.md',
  )
  return 0
}

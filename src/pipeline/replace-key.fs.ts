/** `assay key rotate` and `assay key revoke`: another key in the place of one, in the user's folder and in `trust.yaml`. */
import { join } from 'node:path'
import { momentOf } from '../attestation/index.ts'
import { DomainError } from '../core/index.ts'
import { nextName, withRevokedKey, withSuccessor } from './edit-trust.ts'
import { writeDurably } from './evidence.fs.ts'
import { describeOwn, keyTypeOf, type OpenedHome, openHome } from './keys.fs.ts'
import type { Caller } from './project.ts'
import { readProjectFile } from './project-file.fs.ts'

export type ReplacedKey = Readonly<{ name: string; replaces: string; path: string; encrypted: boolean; until?: string }>

/**
 * Makes a new key and lists it in `trust.yaml` beside the old one, which signs no more and is believed as before.
 *
 * @param options.until last day of the old key (`2026-12-31`): what it signed counts afterwards only where its time is proven
 * @throws ERR_SIGNER_UNKNOWN when trust.yaml does not list the key, ERR_KEY_HOME, ERR_USAGE for another key than that of the
 *   user's folder
 */
export function rotateKey(caller: Caller, { until, type }: Readonly<{ until?: string; type?: string }>): ReplacedKey {
  const chosen = keyTypeOf(type)
  refuseGiven(caller)
  refuseNoDay(until)
  const opened = openHome(caller)
  refuseHeld(opened)
  const old = describeOwn(opened)
  if (!old.listed)
    throw new DomainError('ERR_SIGNER_UNKNOWN', 'trust.yaml does not list your key: there is nothing to take over', {
      help: 'make one anew: assay key revoke, then assay key new',
    })
  const { home, project, policy } = opened
  home.retireKey(project, caller.now())
  home.createKey(project, caller.now(), chosen)
  const { path, encrypted, publicPem } = describeOwn(opened)
  const name = nextName(old.name, new Set(policy.keys.keys()))
  const principal = policy.keys.get(old.name)?.principal
  editTrust(opened, (text) => withSuccessor(text, old.name, { name, publicPem, principal }, until))
  return { name, replaces: old.name, path, encrypted, ...(until === undefined ? {} : { until }) }
}

export type RevokedOwnKey = Readonly<{ name: string; since?: string; written: boolean }>

/**
 * Revokes the key of this project, or the one that trust.yaml calls `name`: here at once, and in trust.yaml for others.
 *
 * @param revocation.since day or instant; what is proven to have been signed before stays believed
 * @throws ERR_USAGE, ERR_KEY_HOME, ERR_SIGNER_UNKNOWN
 */
export function revokeKey(
  caller: Caller,
  { because, since, name }: Readonly<{ because: string; since?: string; name?: string }>,
): RevokedOwnKey {
  const opened = openHome(caller)
  const { home, project, policy } = opened
  const from = since === undefined ? undefined : instantOf(since, caller.now())
  const record = home.listKeys().find((each) => each.project === project)
  const own = record?.key === undefined && record?.held?.hint === undefined ? undefined : describeOwn(opened)
  const listed = name === undefined ? undefined : policy.keys.get(name)
  if (name !== undefined && listed === undefined)
    throw new DomainError('ERR_SIGNER_UNKNOWN', `trust.yaml lists no key \`${name}\``, {
      help: 'assay trust show lists them',
    })
  const isOwn = listed === undefined || listed.hint === own?.hint
  const revocation = { because, now: caller.now(), ...(from === undefined ? {} : { since: from }) }
  if (isOwn) home.markRevoked(project, revocation)
  else if (record?.retired?.some(({ hint }) => hint === listed.hint) === true)
    home.markRevoked(project, { ...revocation, retired: listed.hint })
  const called = name ?? own?.name ?? 'your key'
  const written = policy.keys.has(called)
  if (written) editTrust(opened, (text) => withRevokedKey(text, called, { since: from, because }))
  return { name: called, ...(from === undefined ? {} : { since: from }), written }
}

function refuseGiven({ environment }: Caller): void {
  const name = ['ASSAY_SIGNER', 'ASSAY_SIGNING_KEY_FILE'].find((each) => (environment[each] ?? '') !== '')
  if (name === undefined) return
  throw new DomainError('ERR_USAGE', `the key is the one of ${name}, not of your folder`, {
    help: 'make a new one where it comes from, and list it in trust.yaml',
  })
}

function refuseHeld({ home, project }: OpenedHome): void {
  if (home.listKeys().find((each) => each.project === project)?.held === undefined) return
  throw new DomainError('ERR_USAGE', 'the key is kept elsewhere, not in your folder', {
    help: 'make a new one where it is kept, choose it (assay key use ADDRESS), and list it in trust.yaml',
  })
}

function refuseNoDay(until: string | undefined): void {
  if (until === undefined || (/^\d{4}-\d\d-\d\d$/.test(until) && !Number.isNaN(Date.parse(until)))) return
  throw new DomainError('ERR_USAGE', `\`${until}\` is not a day`, { help: '--until 2026-12-31' })
}

/** THREAT: a revocation from tomorrow on would leave a thief the rest of the day. */
function instantOf(text: string, now: Date): string {
  const isMoment = /^\d{4}-\d\d-\d\d(T[\d:.]+Z)?$/.test(text) && !Number.isNaN(momentOf(text).getTime())
  if (!isMoment)
    throw new DomainError('ERR_USAGE', `\`${text}\` is not a day or an instant in UTC`, {
      help: '--since 2026-11-20, or --since 2026-11-20T14:00:00Z',
    })
  const at = momentOf(text)
  if (at > now)
    throw new DomainError('ERR_USAGE', `\`${text}\` is yet to come`, { help: 'say since when the key may have leaked' })
  return at.toISOString()
}

function editTrust({ root }: OpenedHome, change: (text: string) => string): void {
  const bytes = readProjectFile(root, 'trust.yaml')
  if (bytes === undefined) throw new Error('a policy that was read is gone')
  writeDurably(join(root, 'trust.yaml'), Buffer.from(change(Buffer.from(bytes).toString('utf8'))))
}

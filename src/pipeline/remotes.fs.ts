/** Which remote is meant, and the way to it. Credentials come from the caller's environment, never from the project. */
import { createHash } from 'node:crypto'
import { existsSync, realpathSync } from 'node:fs'
import { homedir, hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { DomainError, isDomainError } from '../core/index.ts'
import {
  openFolderRemote,
  openS3Remote,
  openSftp,
  openSftpRemote,
  parseRemoteAddress,
  type Remote,
  readWhole,
  remoteFault,
  remoteMark,
  remoteMarkText,
  s3SettingsOf,
} from '../data/index.ts'
import type { RemoteSettings } from './definition.ts'
import { networkRouteOf } from './fetch-source.fs.ts'
import type { Project } from './project.ts'

export type ChosenRemote = RemoteSettings & Readonly<{ name: string }>

/** @throws ERR_REMOTE_UNKNOWN */
export function chooseRemote({ settings: { remotes } }: Project, name: string | undefined): ChosenRemote {
  const all = [...remotes].map(([each, settings]) => ({ name: each, ...settings }))
  const [only, ...others] = all
  const chosen =
    name === undefined
      ? (all.find(({ isDefault }) => isDefault) ?? (others.length === 0 ? only : undefined))
      : all.find((each) => each.name === name)
  if (chosen !== undefined) return chosen
  const names = all.map((each) => each.name).join(', ')
  const what =
    name !== undefined
      ? `no remote is called \`${name.slice(0, 100)}\``
      : names === ''
        ? 'no remote is configured'
        : 'there are several remotes, and none is the default'
  throw new DomainError('ERR_REMOTE_UNKNOWN', what, names === '' ? {} : { help: `there are ${names}: --remote NAME` })
}

export type Transfer = Readonly<{ jobs: number; signal: AbortSignal }>

/** What a signal ends is told as one thing, wherever it was met. */
export function stopped(what: 'push' | 'pull'): DomainError {
  return new DomainError('ERR_RUN_CANCELLED', `the ${what} was stopped`, {
    help: `type it again: it goes on where it was`,
  })
}

/** Nothing is asked of it yet, but for a folder. @throws ERR_REMOTE_UNSAFE for a folder in the project, ERR_REMOTE_FAILED */
export function openRemote(project: Project, { url, region }: RemoteSettings, { jobs, signal }: Transfer): Remote {
  const address = parseRemoteAddress(url)
  const { environment, root } = project
  if (address.kind === 'folder') return openFolderRemote(folderOf(root, address.path), clientOf(root))
  if (address.kind === 'ssh') {
    const connect = () => openSftp(address, url, { environment, signal })
    return openSftpRemote({ address: url, path: address.path, client: clientOf(root), jobs, connect })
  }
  const route = networkRouteOf(environment, environment['HOME'] ?? homedir())
  const settings = { ...settingsOf(environment), ...(region === undefined ? {} : { region }) }
  const notes = join(root, '.assay', 'fetch', 'uploads')
  return openS3Remote({ bucket: address.bucket, prefix: address.prefix, settings, route, notes, jobs, signal })
}

function settingsOf(environment: Project['environment']): ReturnType<typeof s3SettingsOf> {
  try {
    return s3SettingsOf(environment)
  } catch (error) {
    if (!isDomainError(error, 'ERR_DATA_FETCH')) throw error
    throw new DomainError('ERR_REMOTE_FAILED', error.message, { help: error.help, cause: error })
  }
}

/** THREAT: an assay.yaml that names a folder of the project has objects written over it, or committed. */
function folderOf(root: string, path: string): string {
  const folder = resolve(root, path)
  const real = existsSync(folder) ? realpathSync(folder) : folder
  if (`${real}/`.startsWith(`${root}/`)) {
    throw new DomainError('ERR_REMOTE_UNSAFE', `the remote \`${path.slice(0, 200)}\` lies in the project itself`, {
      help: 'name a folder beside the project, such as ../store',
    })
  }
  return real
}

/** Of this checkout on this machine, the same each time; it says nothing about either. */
function clientOf(root: string): string {
  return createHash('sha256').update(`${hostname()} ${root}`).digest('hex').slice(0, 16)
}

/**
 * Whether assay has pushed there before.
 *
 * @throws ERR_FORMAT_NEWER, ERR_REMOTE_UNSAFE for a mark that no assay wrote
 */
export async function isRemoteOfOurs(remote: Remote): Promise<boolean> {
  if ((await remote.sizes([remoteMark])).size === 0) return false
  const text = (await readWhole(remote, remoteMark, 16))?.toString('utf8')
  if (text === remoteMarkText) return true
  if (text !== undefined && /^\d{1,9}\n$/.test(text) && Number(text) > 1) {
    throw new DomainError(
      'ERR_FORMAT_NEWER',
      `\`${remote.address}\` has version ${text.trim()}, and this assay knows 1`,
    )
  }
  throw remoteFault('ERR_REMOTE_UNSAFE', `\`${remote.address}\` has a mark that no assay wrote`)
}

/** A repository's own configuration, as data: what in it a verdict must know. Pure; nothing of it is obeyed. */
import { oneLine } from '../core/index.ts'

/** Lower-case keys (`remote.<as written>.url`), each with its values in order. */
export type GitConfig = ReadonlyMap<string, readonly string[]>

/** Reads what `git config --list -z` prints: `key LF value NUL`, or `key NUL` for a bare key. */
export function parseConfigList(output: string): GitConfig {
  const config = new Map<string, string[]>()
  for (const item of output.split('\0')) {
    if (item === '') continue
    const end = item.indexOf('\n')
    const key = end < 0 ? item : item.slice(0, end)
    const values = config.get(key) ?? []
    values.push(end < 0 ? 'true' : item.slice(end + 1))
    config.set(key, values)
  }
  return config
}

export function lastOf(config: GitConfig, key: string): string | undefined {
  return config.get(key)?.at(-1)
}

export function hasIncludes(config: GitConfig): boolean {
  return [...config.keys()].some((key) => /^include(?:if\..*)?\.path$/s.test(key))
}

/** The address of the remote that the branch follows, else of `origin`, else of the only one; sanitised. */
export function remoteOf(config: GitConfig, ref: string | undefined): string | undefined {
  const branch = ref?.startsWith('refs/heads/') === true ? ref.slice('refs/heads/'.length) : undefined
  const names = [...config.keys()].flatMap((key) => /^remote\.(.*)\.url$/s.exec(key)?.[1] ?? [])
  const followed = branch === undefined ? undefined : lastOf(config, `branch.${branch}.remote`)
  const name = [followed, 'origin', names.length === 1 ? names[0] : undefined].find(
    (candidate) => candidate !== undefined && names.includes(candidate),
  )
  const [address] = config.get(`remote.${name}.url`) ?? []
  return address === undefined ? undefined : sanitiseRemote(address)
}

/**
 * An address without anything secret: no user, password, query or fragment.
 *
 * `git@host:path` becomes `ssh://host/path`. What is no address (`ext::command`, a local path) is left out: a path of
 * this machine says nothing to others.
 */
export function sanitiseRemote(address: string): string | undefined {
  const short = /^(?:[^@/:]+@)?([A-Za-z0-9.-]+):(?!\/\/|:)(.+)$/.exec(address)
  const text = short === null ? address : `ssh://${short[1]}/${short[2]?.replace(/^\/+/, '')}`
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  if (!['https:', 'http:', 'ssh:', 'git:'].includes(url.protocol)) return undefined
  for (const part of ['username', 'password', 'search', 'hash'] as const) url[part] = ''
  return oneLine(url.href)
}

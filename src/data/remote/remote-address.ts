/**
 * How a remote is written in assay.yaml: a folder, `s3://bucket/prefix`, or `ssh://[user@]host[:port]/path`. Pure.
 *
 * Trust: the file belongs to the repository. Each part is held to its plainest spelling, so that none is an option, a
 * second request or a password.
 */
import { DomainError, printable } from '../../core/index.ts'

export type SshPlace = Readonly<{ user?: string; host: string; port?: number; path: string }>
export type RemoteAddress =
  | Readonly<{ kind: 'folder'; path: string }>
  | Readonly<{ kind: 's3'; bucket: string; prefix: string }>
  | (Readonly<{ kind: 'ssh' }> & SshPlace)

/** @throws ERR_USAGE */
export function parseRemoteAddress(text: string): RemoteAddress {
  const found = text.startsWith('s3://')
    ? s3Place(text)
    : text.startsWith('ssh://')
      ? sshPlace(text)
      : folderPlace(text)
  if (found !== undefined) return found
  throw new DomainError('ERR_USAGE', 'it is no address of a remote', {
    help: 'write a folder, s3://bucket/prefix or ssh://user@host/path; credentials come from your own environment',
  })
}

function s3Place(text: string): RemoteAddress | undefined {
  const [, bucket, prefix = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/s.exec(text) ?? []
  if (bucket === undefined) return undefined
  const plain = prefix.replace(/\/$/, '')
  return plain === '' || plain.split('/').every(isPlainName) ? { kind: 's3', bucket, prefix: plain } : undefined
}

const sshPattern =
  /^ssh:\/\/(?:([A-Za-z_][A-Za-z0-9_.-]{0,63})@)?([A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9a-f:.]{2,45}\])(?::(\d{1,5}))?\/(.+)$/s

function sshPlace(text: string): RemoteAddress | undefined {
  const [, user, host, port, path = ''] = sshPattern.exec(text) ?? []
  if (host === undefined || !path.replace(/\/$/, '').split('/').every(isPlainName)) return undefined
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return undefined
  return {
    kind: 'ssh',
    ...(user === undefined ? {} : { user }),
    host: host.replace(/^\[|\]$/g, ''),
    ...(port === undefined ? {} : { port: Number(port) }),
    path: `/${path.replace(/\/$/, '')}`,
  }
}

function folderPlace(text: string): RemoteAddress | undefined {
  if (text === '' || /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text) || printable(text) !== text || text.length > 1000) {
    return undefined
  }
  return { kind: 'folder', path: text }
}

function isPlainName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && printable(name) === name && !/[\n\t]/.test(name)
}

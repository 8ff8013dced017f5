/** Paths as DVC reads them: relative to the stage's working folder, or an address of another store. */

/** SOURCE: dvc/config_schema.py REMOTE_SCHEMAS. */
const stores = ['s3', 'gs', 'azure', 'oss', 'ssh', 'hdfs', 'webhdfs', 'http', 'https', 'webdav', 'webdavs', 'gdrive']

export type PathKind =
  | Readonly<{ kind: 'project'; path: string }>
  | Readonly<{ kind: 'url'; path: string; scheme: string; remote?: string }>
  | Readonly<{ kind: 'unknown'; scheme: string }>

/**
 * @param folder project path of the working folder; may itself lead out of the project
 * @param root absolute path of the project, so that an absolute path into it is understood
 * @returns for `project` the path relative to the project, `/`-normalised; outside it begins with `..` or `/`
 */
export function resolvePath(path: string, folder: string, root?: string): PathKind {
  const [, bare = ''] = /^([A-Za-z]\w*):(?!\/\/)/.exec(path) ?? []
  if ([...stores, 'remote'].includes(bare.toLowerCase())) return { kind: 'unknown', scheme: bare }
  const [, scheme = '', authority = ''] = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)/.exec(path) ?? []
  const store = scheme.toLowerCase()
  if (store === 'remote') return { kind: 'url', path, scheme: store, remote: authority }
  if (stores.includes(store)) return { kind: 'url', path, scheme: store }
  if (authority !== '') return { kind: 'unknown', scheme: store }
  return { kind: 'project', path: insideRoot(normalized(joined(folder, path)), root) }
}

/** True for a path that stays in the project. */
export function isProjectPath(path: string): boolean {
  return !path.startsWith('/') && path !== '..' && !path.startsWith('../') && !isStoreAddress(path)
}

/** True for `s3://bucket/key` and the like. */
export function isStoreAddress(path: string): boolean {
  return /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(path)
}

function joined(folder: string, path: string): string {
  return path.startsWith('/') ? path : `${folder.replace(/\/$/, '')}/${path}`
}

/** `posixpath.normpath`: by text, without a look at links; two slashes at the start stay two. */
export function normalized(path: string): string {
  const names: string[] = []
  const absolute = path.startsWith('/')
  const start = /^\/\/(?!\/)/.test(path) ? '//' : '/'
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue
    const canGoUp = names.length > 0 && names.at(-1) !== '..'
    if (name === '..' && canGoUp) names.pop()
    else if (name !== '..' || !absolute) names.push(name)
  }
  return absolute ? `${start}${names.join('/')}` : names.join('/') || '.'
}

function insideRoot(path: string, root: string | undefined): string {
  if (root === undefined || !path.startsWith('/')) return path
  const plain = path.replace(/^\/+/, '/')
  if (plain === root) return '.'
  return plain.startsWith(`${root}/`) ? plain.slice(root.length + 1) : path
}

/** A project path as it is written in a folder of the project: `../data` in `src`. Anything else stays as it is. */
export function pathFrom(folder: string, path: string): string {
  if (!isProjectPath(path) || !isProjectPath(folder)) return path
  const from = folder === '.' ? [] : folder.split('/')
  const to = path === '.' ? [] : path.split('/')
  let shared = 0
  while (shared < from.length && from[shared] === to[shared]) shared += 1
  return [...from.slice(shared).map(() => '..'), ...to.slice(shared)].join('/') || '.'
}

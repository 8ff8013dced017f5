/**
 * What a failed command says of its failure, in the end of its log: pure.
 *
 * Tier: observed in the log. Programs say these things in a few well-known ways; what is found here is only ever used to
 * tell a person what to do next, never to decide. Trust: hostile, a stage prints what it likes.
 */

/** Words around which a program names the host that it could not reach. */
const aboutNetwork =
  /resolv|getaddrinfo|name or service|name resolution|connect|unreachable|urlopen|max retries|cannot open url|download|fetch|host|lookup|timed out|proxy|request/i
const hostPatterns: readonly RegExp[] = [
  /host='([\w.-]+)', port=(\d{1,5})/g,
  /\b(?:https?|ftp|wss?):\/\/(?:[^\s/@'"`<>]*@)?([\w.-]+)(?::(\d{1,5}))?/g,
  /resolv\w*\s+(?:host(?:name)?\s+)?(?:address\s+)?(?:host:?\s+)?[‘'"`]?((?:[\w-]+\.)+[a-z]{2,})/gi,
  /getaddrinfo \w+ ([\w.-]+\.[a-z]{2,})/gi,
  /lookup ([\w.-]+\.[a-z]{2,})(?::| on )/gi,
  /connect to ([\w.-]+\.[a-z]{2,})(?::| port )(\d{1,5})?/gi,
]

/** Hosts, with the port where it is said, in the order named; `https` and `http` imply theirs. */
export function destinationsIn(lines: readonly string[]): readonly string[] {
  const found = new Map<string, string>()
  for (const line of lines) {
    if (!aboutNetwork.test(line)) continue
    for (const pattern of hostPatterns) {
      for (const [whole, name = '', port] of line.matchAll(pattern)) {
        const host = name.toLowerCase().replace(/\.+$/, '')
        if (!host.includes('.') || isInside(host)) continue
        const implied = whole.startsWith('http://') ? '80' : /^(?:https|wss):/.test(whole) ? '443' : undefined
        const known = port ?? implied
        if (!found.has(host) || found.get(host) === host)
          found.set(host, known === undefined ? host : `${host}:${known}`)
      }
    }
  }
  return [...found.values()]
}

function isInside(host: string): boolean {
  return host === 'localhost' || host.startsWith('127.') || host === '0.0.0.0' || host === '198.51.100.1'
}

const missingProgram: readonly RegExp[] = [
  /^(?:\/bin\/)?(?:ba|da|z)?sh: (?:line )?\d+: ([^\s:]+): (?:command )?not found$/,
  /^(?:ba|da|z)?sh: ([^\s:]+): (?:command )?not found$/,
  /^\/?[\w./-]+: (?:line )?\d+: ([^\s:]+): (?:command )?not found$/,
  /^make(?:\[\d+\])?: ([^\s:]+): No such file or directory$/,
  /^(?:\/usr\/bin\/)?env: ‘?'?([^\s:’']+)’?'?: No such file or directory$/,
  /^xargs: ([^\s:]+): No such file or directory$/,
  /^FileNotFoundError: \[Errno 2\] No such file or directory: '([\w.+-]+)'$/,
]

/** The program that a shell, make or env did not find: a bare name, or a path as it was written. */
export function missingProgramIn(lines: readonly string[]): string | undefined {
  for (const line of lines.toReversed()) {
    for (const pattern of missingProgram) {
      const name = pattern.exec(line.trim())?.[1]
      if (name !== undefined) return name
    }
  }
  return undefined
}

export type MissingModule = Readonly<{ language: 'python' | 'r' | 'node'; name: string }>

/** The package that an interpreter could not load. */
export function missingModuleIn(lines: readonly string[]): MissingModule | undefined {
  for (const line of lines.toReversed()) {
    const python = /\bNo module named '?([\w.]+)'?/.exec(line)?.[1]
    if (python !== undefined) return { language: 'python', name: python }
    const r = /there is no package called [‘'"]?([\w.]+)/.exec(line)?.[1]
    if (r !== undefined) return { language: 'r', name: r }
    const node = /Cannot find (?:module|package) '([^'./][^']*)'/.exec(line)?.[1]
    if (node !== undefined) return { language: 'node', name: node }
  }
  return undefined
}

/** The second: what is mounted cannot be removed or replaced. */
const readOnly = /read-only file system|device or resource busy/i

/** Paths that the command could not write, as it named them: relative to its own folder, or absolute. */
export function refusedWritesIn(lines: readonly string[]): readonly string[] {
  const found = new Set<string>()
  for (const line of lines) {
    if (!readOnly.test(line)) continue
    const quoted = [...line.matchAll(/[‘'"`]([^‘’'"`]+)[’'"`]/g)].map(([, path]) => path ?? '')
    const shell = /(?:cannot create|can't create|cannot open|cannot touch|open) ([^\s:‘'"`]+): /i.exec(line)?.[1]
    const plain = /^[\w./-]+: (?:line )?\d*:? ?([\w./@-]+): Read-only file system$/.exec(line.trim())?.[1]
    for (const path of [...quoted, shell, plain]) if (path !== undefined && isPathLike(path)) found.add(path)
  }
  return [...found]
}

function isPathLike(path: string): boolean {
  return !readOnly.test(path) && !/\s{2,}|^\s|\s$/.test(path) && path.length <= 1024
}

const noMemory =
  /^(?:[\w.]*\.)?_?(?:Array)?MemoryError\b|\bstd::bad_alloc\b|Cannot allocate memory|can't allocate memory|JavaScript heap out of memory|^Error: cannot allocate vector of size/

/** Python and NumPy, C++, the C library, PyTorch, Node and R. */
export function saysNoMemory(lines: readonly string[]): boolean {
  return lines.some((line) => noMemory.test(line.trim()))
}

const missingFile =
  /no such file|not found|cannot find|can't find|could not find|cannot open|can't open|unable to open|does not exist|doesn't exist|missing|enoent|errno 2\b/i

/** Paths that the command asked for in vain and that lead out of its folder: absolute ones, and those that begin with `..`. */
export function pathsIn(lines: readonly string[]): readonly string[] {
  const found = new Set<string>()
  for (const line of lines) {
    if (!missingFile.test(line)) continue
    for (const [, path = ''] of line.matchAll(/[‘'"`]((?:\/|\.\.\/)[^‘’'"`]+)[’'"`]/g)) found.add(path)
    for (const [, path = ''] of line.matchAll(/(?:^|[\s:=(])((?:\/|\.\.\/)[^\s:'"`‘’(),;]+)/g)) found.add(path)
  }
  return [...found].map((path) => path.replace(/[.,;]+$/, '')).filter((path) => path.length > 1 && path.length <= 1024)
}

/** Variables that a command line reads and does not set itself; shell functions and quotes are not understood. */
export function variablesReadBy(commands: readonly string[]): readonly string[] {
  const text = commands.join('\n').replace(/'[^']*'/g, '')
  const read = [...text.matchAll(/(?<!\\)\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g)].map(
    ([, braced, bare]) => braced ?? bare ?? '',
  )
  return [...new Set(read)].filter(
    (name) => !new RegExp(`(?:^|[\\s;&|(])(?:export |for |read )?${name}(?:=| in )`).test(text),
  )
}

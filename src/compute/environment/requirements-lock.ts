/**
 * `requirements.lock` and `requirements*.txt` in pip's hash-checking format, as `uv pip compile --generate-hashes` and
 * `pip-compile --generate-hashes` write it.
 *
 * SOURCE: pip, `req_file.py` (joining of lines, comments, options) and "Secure installs". Stricter than pip: nothing but
 * exact pins with a SHA-256, no other files, no variables of the caller, no source builds.
 */
import { isSha256, type Sha256 } from '../../core/index.ts'
import {
  type LockAdapter,
  type LockChoice,
  type LockedArtefacts,
  type LockedRequirement,
  normaliseName,
} from './lock.ts'
import { decodeLock, parseIndexUrl, type Refuse, readMarker, refusalAt, refuseChoice } from './lock-text.ts'
import { parseVersion } from './version.ts'

export const requirementsLock: LockAdapter = {
  format: 'a hash-locked requirements file (requirements.lock or requirements.txt)',
  matches: (fileName) => /^([\w.-]*[-_.])?requirements([-_.][\w.-]*)?\.(txt|lock)$/i.test(fileName),
  parse: parseRequirements,
}

type Line = Readonly<{ text: string; number: number }>

function parseRequirements(bytes: Uint8Array, path: string, choice: LockChoice): LockedArtefacts {
  refuseChoice(choice, { extras: [], groups: [] }, path)
  const requirements: LockedRequirement[] = []
  const indexes: string[] = []
  const options: string[] = []
  for (const line of logicalLines(decodeLock(bytes, path))) {
    const refuse = refusalAt(path, line.number)
    if (line.text.startsWith('-')) readOption(line.text, { indexes, options, refuse })
    else requirements.push(parseRequirement(line, refuse))
  }
  return { requirements, indexes, options }
}

/** Lines joined at `\`, comments gone. A comment line ends a continuation, as in pip. */
function logicalLines(text: string): readonly Line[] {
  const lines: Line[] = []
  let joined: string[] = []
  let first = 1
  const flush = (): void => {
    const whole = joined
      .join('')
      .replace(/(?<!\S)#.*$/, '')
      .trim()
    if (whole !== '') lines.push({ text: whole, number: first })
    joined = []
  }
  for (const [index, raw] of text.split(/\r\n|\n|\r/).entries()) {
    if (joined.length === 0) first = index + 1
    const isComment = /^\s*#/.test(raw)
    if (!isComment && raw.endsWith('\\')) {
      joined.push(raw.replace(/\\+$/, ''))
      continue
    }
    joined.push(isComment ? ` ${raw}` : raw)
    flush()
  }
  flush()
  return lines
}

type OptionTarget = Readonly<{ indexes: string[]; options: string[]; refuse: Refuse }>

/** Options that change nothing here: hashes are always asked, source distributions are never built. */
const harmless = /^--(require-hashes|prefer-binary|pre|only-binary(=|\s+):all:)$/

/** Options with a reason of their own to be refused; every other one is unknown. */
const refused: readonly (readonly [pattern: RegExp, because: string, help: string])[] = [
  [/^(-e|--editable)\b/, 'an editable install has no hash', 'take the line out: code of the project is seen anyway'],
  [/^(-r|--requirement)\b/, 'another requirements file is included', 'compile all into one lock'],
  [/^(-c|--constraint)\b/, 'a constraints file is included', 'compile all into one lock'],
  [/^--no-binary\b/, 'it asks for builds from source', 'lock wheels'],
  [/^--trusted-host\b/, 'it switches the check of TLS off', 'give the authority with PIP_CERT or SSL_CERT_FILE'],
  [/^(-f|--find-links)\b/, 'a lock names no folders', 'give the folder with PIP_FIND_LINKS'],
]

function readOption(text: string, { indexes, options, refuse }: OptionTarget): void {
  const index = /^(?:-i|--index-url|--extra-index-url|--pypi-url)(?:=|\s+)?(\S+)$/.exec(text)?.[1]
  if (index !== undefined) {
    indexes.push(parseIndexUrl(index, refuse))
    return
  }
  if (harmless.test(text)) {
    options.push(text.replace(/\s+/g, ' '))
    return
  }
  const option = /^-[-\w]*/.exec(text)?.[0] ?? text
  const rule = refused.find(([pattern]) => pattern.test(text))
  if (rule !== undefined) throw refuse('ERR_ENV_LOCK_INVALID', `\`${option}\` is refused: ${rule[1]}`, rule[2])
  throw refuse('ERR_ENV_LOCK_INVALID', `the option \`${option}\` is not known`, 'take the option out of the lock')
}

const requirementPattern =
  /^(?<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[(?<extras>[^\]]*)\])?\s*(?<rest>.*)$/s

function parseRequirement({ text, number }: Line, refuse: Refuse): LockedRequirement {
  const [body, options] = splitOptions(text)
  refuseAddress(body, refuse)
  const [specifier, markerText] = splitMarker(body)
  const groups = requirementPattern.exec(specifier)?.groups
  if (groups === undefined) throw refuse('ERR_ENV_LOCK_INVALID', `\`${body.slice(0, 100)}\` is not a requirement`)
  const name = normaliseName(groups['name'] ?? '')
  const version = parsePin(name, groups['rest'] ?? '', refuse)
  const marker = markerText === undefined ? undefined : readMarker(name, markerText, refuse)
  return {
    name,
    version,
    extras: (groups['extras'] ?? '')
      .split(',')
      .map((extra) => normaliseName(extra.trim()))
      .filter((extra) => extra !== ''),
    ...(marker === undefined ? {} : { marker }),
    sha256: parseHashes(name, options, refuse),
    line: number,
  }
}

/** pip's rule: the options begin at the first word that begins with `-`. */
function splitOptions(text: string): readonly [body: string, options: readonly string[]] {
  const words = text.split(/\s+/)
  const first = words.findIndex((word) => word.startsWith('-'))
  return first < 0 ? [text, []] : [words.slice(0, first).join(' '), words.slice(first)]
}

function splitMarker(body: string): readonly [specifier: string, marker?: string] {
  const at = body.indexOf(';')
  return at < 0 ? [body] : [body.slice(0, at).trim(), body.slice(at + 1)]
}

function refuseAddress(body: string, refuse: Refuse): void {
  const [head] = splitMarker(body)
  const help = 'lock a release of the index: `name==version --hash=sha256:...`'
  if (/^(git|hg|svn|bzr)\+/.test(head) || /@\s*(git|hg|svn|bzr)\+/.test(head)) {
    throw refuse('ERR_ENV_LOCK_INVALID', 'a version control address has no hash of its bytes', help)
  }
  if (
    /^[^\s=<>!~[]+\s*(\[[^\]]*\]\s*)?@/.test(head) ||
    head.includes('://') ||
    /^[./]/.test(head) ||
    /^\S+\.whl$/.test(head)
  ) {
    throw refuse('ERR_ENV_LOCK_INVALID', `\`${head.slice(0, 60)}\` names an address or path and not a release`, help)
  }
}

function parsePin(name: string, rest: string, refuse: Refuse): string {
  const version = /^\(?\s*={2,3}\s*([^\s,;()]+)\s*\)?$/.exec(rest.trim())?.[1]
  const help = 'pin it with `==`, for example with pip-compile or uv pip compile'
  if (version === undefined) {
    throw /^(|\(?\s*(===|==|~=|!=|<=|>=|<|>).*)$/s.test(rest)
      ? refuse('ERR_ENV_UNPINNED', `\`${name}\` is not pinned to one version`, help)
      : refuse('ERR_ENV_LOCK_INVALID', `\`${rest.slice(0, 60)}\` after \`${name}\` is not understood`)
  }
  if (version.includes('*')) throw refuse('ERR_ENV_UNPINNED', `\`${name}==${version}\` is not one version`, help)
  if (parseVersion(version) === undefined) {
    throw refuse('ERR_ENV_LOCK_INVALID', `\`${version}\` is not a version (PEP 440)`)
  }
  return version
}

function parseHashes(name: string, options: readonly string[], refuse: Refuse): readonly Sha256[] {
  const joined = options.join(' ').replaceAll(/--hash\s+/g, '--hash=')
  const digests: Sha256[] = []
  const others: string[] = []
  for (const word of joined.split(' ').filter((part) => part !== '')) {
    const [, algorithm, hex] = /^--hash=(\w+):(\S+)$/.exec(word) ?? []
    if (algorithm === undefined || hex === undefined) {
      throw refuse('ERR_ENV_LOCK_INVALID', `the option \`${word.slice(0, 60)}\` of \`${name}\` is not known`)
    }
    const digest = `sha256:${hex.toLowerCase()}`
    if (algorithm !== 'sha256') others.push(algorithm)
    else if (isSha256(digest)) digests.push(digest)
    else throw refuse('ERR_ENV_LOCK_INVALID', `\`${name}\` has a sha256 that is not 64 hex digits`)
  }
  if (digests.length > 0) return [...new Set(digests)]
  const what = others.length === 0 ? 'has no hash' : `has no SHA-256, only ${[...new Set(others)].join(', ')}`
  throw refuse('ERR_ENV_HASH_MISSING', `\`${name}\` ${what}`)
}

/**
 * What a project says it needs, before anything is locked: read here, and never by the resolver, so that no option, source
 * or build of a project reaches it. Pure.
 *
 * Trust: every file is the repository's own word. What comes out is a list of named requirements and nothing else.
 */
import { posix } from 'node:path'
import { type LockChoice, normaliseName } from './lock.ts'
import { parseIndexUrl, type Refuse, readMarker, refusalAt } from './lock-text.ts'
import { meetsAll } from './version.ts'

export type Wanted = Readonly<{
  /** PEP 508, names of an index alone: `numpy[x]>=1.26 ; python_version >= "3.10"`. */
  requirements: readonly string[]
  constraints: readonly string[]
  /** Without credentials. */
  indexes: readonly string[]
  preReleases: boolean
  /** The project itself is asked for (`-e .`): what it needs stands in its pyproject.toml. */
  itself: boolean
  /** Extras of the project itself (`-e .[gpu]`). */
  itsExtras: readonly string[]
  /** What was left out, and why, for the user. */
  notes: readonly string[]
}>

export const nothingWanted: Wanted = {
  requirements: [],
  constraints: [],
  indexes: [],
  preReleases: false,
  itself: false,
  itsExtras: [],
  notes: [],
}

export type ReadWanted = Readonly<{
  /** Project path of the file that is read. */
  path: string
  choice: LockChoice
  /** Text of a project path, or undefined when it is not there. */
  textOf(path: string): string | undefined
}>

export function joinWanted(...parts: readonly Wanted[]): Wanted {
  const all = <Key extends 'requirements' | 'constraints' | 'indexes' | 'itsExtras' | 'notes'>(
    key: Key,
  ): readonly string[] => [...new Set(parts.flatMap((part) => part[key]))]
  return {
    requirements: all('requirements'),
    constraints: all('constraints'),
    indexes: all('indexes'),
    preReleases: parts.some(({ preReleases }) => preReleases),
    itself: parts.some(({ itself }) => itself),
    itsExtras: all('itsExtras'),
    notes: all('notes'),
  }
}

/** LIMIT: 16 files that include one another. */
const maxIncludes = 16

/** @throws ERR_ENV_LOCK_INVALID, ERR_DATA_MISSING */
export function requirementsWanted({ path, textOf }: ReadWanted, depth = 0): Wanted {
  const text = textOf(path)
  const refuse = refusalAt(path, 1)
  if (text === undefined) throw refuse('ERR_DATA_MISSING', 'the file is not there')
  if (depth > maxIncludes) throw refuse('ERR_ENV_LOCK_INVALID', 'the files include one another without end')
  return joinWanted(
    nothingWanted,
    ...logicalLines(text).map(({ line, number }) =>
      wantedByLine(line, refusalAt(path, number), { path, textOf, depth }),
    ),
  )
}

/** As pip joins them; comments and hashes gone, since the new lock has its own. */
function logicalLines(text: string): readonly Readonly<{ line: string; number: number }>[] {
  const lines: { line: string; number: number }[] = []
  let joined = ''
  let first = 0
  for (const [index, raw] of text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\n|\r/)
    .entries()) {
    if (joined === '') first = index + 1
    joined += raw.replace(/\\$/, ' ')
    if (raw.endsWith('\\') && !/^\s*#/.test(raw)) continue
    const line = joined
      .replace(/(?<!\S)#.*$/, '')
      .replaceAll(/\s--hash[=\s]\S+/g, '')
      .trim()
    if (line !== '') lines.push({ line, number: first })
    joined = ''
  }
  return lines
}

type Place = Readonly<{ path: string; textOf: ReadWanted['textOf']; depth: number }>

function wantedByLine(line: string, refuse: Refuse, { path, textOf, depth }: Place): Wanted {
  const [, short, long, value = ''] = /^(?:-([a-zA-Z])|--([a-z-]+))(?:[=\s]\s*|(?=[^-\s]))(.*)$/.exec(`${line} `) ?? []
  const option = short ?? long
  const argument = value.trim()
  if (option === undefined) return wantedRequirement(line, refuse)
  if (['r', 'requirement', 'c', 'constraint'].includes(option)) {
    const included = requirementsWanted({ path: besides(path, argument, refuse), textOf, choice: noChoice }, depth + 1)
    if (!option.startsWith('c')) return included
    return { ...included, requirements: [], constraints: [...included.constraints, ...included.requirements] }
  }
  if (['i', 'index-url', 'extra-index-url', 'pypi-url'].includes(option)) {
    return { ...nothingWanted, indexes: [parseIndexUrl(argument, refuse)] }
  }
  if (option === 'pre') return { ...nothingWanted, preReleases: true }
  if (['e', 'editable'].includes(option)) return wantedFolder(argument, refuse)
  if (['require-hashes', 'prefer-binary', 'only-binary'].includes(option)) return nothingWanted
  return { ...nothingWanted, notes: [`left out of ${path}: \`${line}\``] }
}

const noChoice: LockChoice = { extras: [], groups: [] }

/** A path beside the file, inside of the project. */
function besides(path: string, other: string, refuse: Refuse): string {
  const joined = posix.join(posix.dirname(path), other)
  if (!posix.isAbsolute(other) && !other.includes('://') && !joined.startsWith('../')) return joined
  throw refuse('ERR_ENV_LOCK_INVALID', `\`${other.slice(0, 100)}\` is not a file of the project`)
}

/** The project itself is no package of the lock. */
function wantedFolder(place: string, refuse: Refuse): Wanted {
  const [own, extras = ''] = /^\.\/?(?:\[([^\]]*)\])?$/.exec(place) ?? []
  if (own !== undefined) {
    return {
      ...nothingWanted,
      itself: true,
      itsExtras: extras
        .split(',')
        .filter((name) => name.trim() !== '')
        .map((name) => normaliseName(name.trim())),
      notes: ['the project itself is no package of the lock: its code is in the commit'],
    }
  }
  throw noRelease(place, refuse)
}

/** What it would take to lock what comes from a repository, a path or an address. */
export const releaseHelp = 'name a release, or build a wheel of it once and put its folder into PIP_FIND_LINKS'

function noRelease(what: string, refuse: Refuse): Error {
  const [, name, version] = /^([\w.-]+)=([\w.*+!-]+)(?:=\S*)?$/.exec(what.trim()) ?? []
  return refuse(
    'ERR_ENV_LOCK_INVALID',
    `\`${what.slice(0, 80)}\` is not a release of an index: its bytes cannot be locked`,
    name === undefined ? releaseHelp : `as conda writes it; pip writes \`${name}==${version}\``,
  )
}

const requirement =
  /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(\[[A-Za-z0-9._,\s-]*\])?\s*(\(?[^;@]*)(?:;(.*))?$/s

/**
 * One requirement, written anew from its parts: nothing that is not a name, extras, versions and a marker gets through.
 *
 * @throws ERR_ENV_LOCK_INVALID
 */
export function wantedRequirement(line: string, refuse: Refuse): Wanted {
  if (/^\.\/?(\[[^\]]*\])?$/.test(line)) return wantedFolder(line, refuse)
  const [, name, extras = '', versions = '', marker] = requirement.exec(line.trim()) ?? []
  if (name === undefined || /:\/\/|^[./~]|\.(whl|zip|tar\.gz)$/.test(line)) throw noRelease(line, refuse)
  const specifier = versions
    .trim()
    .replace(/^\((.*)\)$/, '$1')
    .trim()
  if (meetsAll('0', specifier) === undefined) throw noRelease(line, refuse)
  if (marker !== undefined) readMarker(normaliseName(name), marker, refuse)
  const text = `${name}${extras}${specifier}${marker === undefined ? '' : ` ; ${marker.trim()}`}`
  // THREAT: a line end in a text of TOML or YAML would begin a line of its own, an option perhaps.
  return { ...nothingWanted, requirements: [text.replaceAll(/\s+/g, ' ')] }
}

/**
 * The shell: what its commands start, and where they are unlike the next time. The grammar is `unbash`'s.
 *
 * LIMIT: 256 levels of nesting, which is the grammar's own, and as many of one script in another.
 */
import { join } from 'node:path/posix'
import { type Command, forEachChild, parse, type Redirection, type SyntaxNode } from 'unbash'
import type { RuleName } from './rules.ts'

export type ShellFound = Readonly<{ rule: RuleName; at: number; what: string }>
/** One command with its words as they are written out; a word that is only known at run time is empty. */
export type Started = Readonly<{
  words: readonly string[]
  /** Variables that are set for it alone. */
  sets: readonly string[]
  /** Where it runs, from the folder that the script began in; absolute behind `cd /folder`. */
  folder: string
  at: number
  /** What stands in the script as its input. */
  heredoc?: Readonly<{ text: string; at: number }>
  /** The file that is its input. */
  stdin?: string
}>
export type ShellFacts = Readonly<{
  found: readonly ShellFound[]
  started: readonly Started[]
  /** Offset of the first thing that is no shell. */
  broken?: number
}>

const maxDepth = 256
/** LIMIT: commands of one pipeline that are looked at behind another. */
const maxBehind = 16

/** What stands around a command. */
type Around = Readonly<{
  /** Its output goes on: into a pipe, a file or a word. */
  goesOn: boolean
  /** That word is only shown to whoever looks. */
  isSaid?: true
  depth: number
  /** Commands behind it in its pipelines, the nearest first. */
  behind: readonly (readonly string[])[]
}>
type Reader = {
  found: ShellFound[]
  started: Started[]
  broken: number | undefined
  /** Of the shell that is being read: what is in brackets has its own. */
  folder: string
  exported: readonly string[]
  isSeeded: boolean
}

export function readShell(text: string): ShellFacts {
  const script = parse(text)
  const reader: Reader = {
    found: [],
    started: [],
    broken: undefined,
    folder: '.',
    exported: [],
    isSeeded: false,
  }
  read(reader, script, { goesOn: false, behind: [], depth: 0 })
  const { found, started, broken } = reader
  return {
    found,
    started,
    ...(broken === undefined ? {} : { broken }),
  }
}

function read(reader: Reader, node: SyntaxNode, outside: Around): void {
  const around = { ...outside, depth: outside.depth + 1 }
  if (around.depth > maxDepth) {
    reader.broken ??= node.pos
    return
  }
  if (node.type === 'Script') noteErrors(reader, node)
  if (node.type === 'Assignment' && node.name === 'RANDOM') reader.isSeeded = true
  if (node.type === 'SimpleExpansion') readVariable(reader, node.text.slice(1), node.pos)
  if (node.type === 'ParameterExpansion') readVariable(reader, node.parameter, node.pos)
  if (node.type === 'ArithmeticWord') readVariable(reader, node.value, node.pos)
  if (node.type === 'Command') readCommand(reader, node, around)
  const outer = { folder: reader.folder, exported: reader.exported }
  if (node.type === 'Pipeline') {
    const words = node.commands.map((each) => (each.type === 'Command' ? wordsOf(each) : [each.type]))
    for (const [index, command] of node.commands.entries()) {
      const behind = [...words.slice(index + 1, index + maxBehind), ...around.behind].slice(0, maxBehind)
      read(reader, command, { ...around, goesOn: behind.length > 0 || around.goesOn, behind })
      if (node.commands.length > 1) Object.assign(reader, outer)
    }
    return
  }
  const inner = innerOf(node, around)
  forEachChild(node, (child) => read(reader, child, inner))
  if (ownShells.has(node.type)) Object.assign(reader, outer)
}

const ownShells: ReadonlySet<SyntaxNode['type']> = new Set(['Subshell', 'CommandExpansion', 'ProcessSubstitution'])

function noteErrors(reader: Reader, script: Extract<SyntaxNode, { type: 'Script' }>): void {
  const [first] = script.errors ?? []
  if (first !== undefined) reader.broken ??= first.pos
}

/** Where the output of what is inside goes. */
function innerOf(node: SyntaxNode, around: Around): Around {
  const { depth, isSaid } = around
  if (node.type === 'Redirected') return goesToFile(node.redirects) ? { ...around, goesOn: true } : around
  if (node.type === 'CommandExpansion' || node.type === 'ProcessSubstitution') {
    return { depth, goesOn: true, behind: [], ...(isSaid === undefined ? {} : { isSaid }) }
  }
  if (node.type !== 'Command') return around
  const isShown =
    !around.goesOn && !goesToFile(node.redirects) && ['echo', 'printf', 'logger', ':'].includes(nameOf(node))
  return { depth, goesOn: true, behind: [], ...(isShown ? { isSaid: true as const } : {}) }
}

function goesToFile(redirects: readonly Redirection[]): boolean {
  return redirects.some(
    (each) =>
      each.type === 'Redirect' &&
      each.operator.includes('>') &&
      !/^(?:\/dev\/(?:null|stderr|stdout)|[12-])$/.test(each.target?.value ?? ''),
  )
}

function nameOf(command: Command): string {
  const name = command.name?.value ?? ''
  return name.slice(name.lastIndexOf('/') + 1)
}

function wordsOf({ name, args }: Command): readonly string[] {
  return [name, ...args].map((word) => (word?.type === 'Word' ? word.value : (word?.text ?? '')))
}

function readVariable(reader: Reader, name: string, at: number): void {
  if ((name === 'RANDOM' || name === 'SRANDOM') && !(reader.isSeeded && name === 'RANDOM')) {
    reader.found.push({ rule: 'shell-random', at, what: `\`$${name}\`` })
  }
  if (name === 'EPOCHSECONDS' || name === 'EPOCHREALTIME')
    reader.found.push({ rule: 'wall-clock', at, what: `\`$${name}\`` })
}

function readCommand(reader: Reader, command: Command, around: Around): void {
  const words = wordsOf(command)
  const [, ...args] = words
  const name = nameOf(command)
  const heredoc = inputOf(command.redirects)
  const stdin = command.redirects.findLast((each) => each.type === 'Redirect' && each.operator === '<')
  const sets = command.prefix.flatMap((each) => (each.type === 'Assignment' ? [each.name] : []))
  reader.started.push({
    words,
    sets: [...reader.exported, ...sets],
    folder: reader.folder,
    at: command.pos,
    ...(heredoc === undefined ? {} : { heredoc }),
    ...(stdin?.type === 'Redirect' ? { stdin: stdin.target?.value ?? '' } : {}),
  })
  noteShell(reader, name, args, sets)
  const isKept = (around.goesOn && around.isSaid !== true) || goesToFile(command.redirects)
  const setting = { name, args, isKept, behind: around.behind.map(([first = '']) => first) }
  for (const [rule, matches] of commandRules) {
    if (matches(setting)) reader.found.push({ rule, at: command.pos, what: `\`${name}\`` })
  }
  const targets = command.redirects.map((each) => (each.type === 'Redirect' ? (each.target?.value ?? '') : ''))
  if ([...args, ...targets].some((word) => /(?:^|=)\/dev\/u?random$/.test(word))) {
    reader.found.push({ rule: 'os-entropy', at: command.pos, what: '`/dev/urandom`' })
  }
  if (/^(?:sha\d+sum|shasum|md5sum|b2sum)$/.test(name) && args.some((arg) => /^(?:-c|--check|-c.*)$/.test(arg)))
    reader.found = reader.found.filter(({ rule }) => rule !== 'network-input') // what came before, and no more
}

function inputOf(redirects: readonly Redirection[]): Started['heredoc'] {
  const last = redirects.findLast((each) => each.type === 'HereDoc' || each.type === 'HereString')
  if (last?.type === 'HereString') return { text: last.target?.value ?? '', at: last.pos }
  const body = last?.type === 'HereDoc' ? last.body : undefined
  return body === undefined ? undefined : { text: body.text, at: body.pos }
}

/** LIMIT: of a path; further down nothing is found. */
const maxFolder = 4096
/** Variables that matter to what is judged: others are not noted. */
const noted = /^(PYTHONHASHSEED)(?:=|$)/

/** What a command changes for those behind it: the folder, and variables. */
function noteShell(reader: Reader, name: string, args: readonly string[], sets: readonly string[]): void {
  const [target = ''] = args
  if (name === 'cd' && target !== '') reader.folder = target.startsWith('/') ? target : join(reader.folder, target)
  if (reader.folder.length > maxFolder) reader.folder = '/'
  const isExport = ['export', 'declare', 'typeset', 'readonly', 'local', 'unset'].includes(name)
  const changed = name === '' ? sets : isExport ? args : []
  const found = changed.flatMap((each) => noted.exec(each)?.[1] ?? [])
  if (found.length > 0) reader.exported = [...new Set([...reader.exported, ...found])]
}

type Setting = Readonly<{ name: string; args: readonly string[]; isKept: boolean; behind: readonly string[] }>

/** `-xzf` holds the letter `z`. */
const hasFlag = (args: readonly string[], letters: string, ...words: readonly string[]): boolean =>
  args.some(
    (arg) =>
      words.some((word) => arg === word || arg.startsWith(`${word}=`)) ||
      (/^-[A-Za-z0-9]+$/.test(arg) && [...letters].some((letter) => arg.includes(letter))),
  )

const isDate = ({ name, args, isKept }: Setting): boolean =>
  name === 'date' && isKept && !hasFlag(args, 'drf', '--date', '--reference', '--file')

/** What puts names in order, or asks only how many there are. */
const orders: ReadonlySet<string> = new Set(['sort', 'wc'])

const isListing = ({ name, args, isKept, behind }: Setting): boolean => {
  if (!isKept || behind.some((each) => orders.has(each))) return false
  if (name === 'ls') return hasFlag(args, 'UftcuS', '--sort', '--time')
  return name === 'find' && !args.includes('-quit') && !args.includes('-delete')
}

const isUnordered = ({ name, args, isKept }: Setting): boolean => {
  if (!isKept) return false
  const jobs = args.find((arg) => /^(?:-P|--max-procs=)\d*$/.test(arg))
  if (name === 'xargs') return jobs !== undefined && jobs !== '-P1' && args[args.indexOf('-P') + 1] !== '1'
  return name === 'parallel' && !hasFlag(args, 'k', '--keep-order')
}

const isArchive = ({ name, args }: Setting): boolean => {
  const [first = ''] = args
  const isMade = name === 'tar' && (args.includes('--create') || /^-?[A-Za-z]*c[A-Za-z]*$/.test(first))
  if (isMade) return !(hasFlag(args, '', '--sort') && hasFlag(args, '', '--mtime'))
  const operands = args.filter((arg) => !arg.startsWith('-'))
  if (name === 'gzip' || name === 'pigz')
    return operands.length > 0 && !hasFlag(args, 'ndlt', '--no-name', '--decompress', '--list', '--test')
  return name === 'zip' && operands.length > 1
}

const isDrawn = ({ name, args }: Setting): boolean =>
  (name === 'shuf' || (name === 'sort' && hasFlag(args, 'R', '--random-sort', '--sort=random'))) &&
  !args.some((arg) => arg.startsWith('--random-source'))

/** `mawk` seeds itself, `srand()` is the time. */
const isAwkDraw = ({ name, args }: Setting): boolean =>
  /^[gmn]?awk$/.test(name) &&
  args.some((arg) => /\brand\s*\(\s*\)/.test(arg)) &&
  !args.some((arg) => /\bsrand\s*\(\s*[^\s)]/.test(arg))

/** In a folder of the project; what lies in /tmp is gone after the stage. */
const isLastingName = ({ name, args }: Setting): boolean => {
  if (name !== 'mktemp' || hasFlag(args, 't', '--tmpdir')) return false
  const template = args.find((arg) => arg.includes('XXX'))
  const folder = args[args.indexOf('-p') + 1]
  return args.includes('-p')
    ? folder?.startsWith('/tmp') === false
    : template !== undefined && !template.startsWith('/tmp')
}

const commandRules: readonly (readonly [RuleName, (setting: Setting) => boolean])[] = [
  ['shell-random', isDrawn],
  ['shell-random', isAwkDraw],
  ['random-id', ({ name, args }) => name === 'uuidgen' && !hasFlag(args, 'sm', '--sha1', '--md5')],
  ['random-id', isLastingName],
  ['os-entropy', ({ name, args }) => name === 'openssl' && args[0] === 'rand'],
  ['wall-clock', isDate],
  ['listing-order', isListing],
  ['completion-order', isUnordered],
  ['archive-time', isArchive],
  ['network-input', ({ name }) => name === 'curl' || name === 'wget'],
]

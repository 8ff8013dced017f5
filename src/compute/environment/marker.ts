/**
 * Environment markers: does a requirement apply to this interpreter?
 *
 * SOURCE: PEP 508, grammar `marker`; comparisons as PEP 508 says: by version where the variable holds one, else as
 * text. What the grammar does not know is refused, never guessed: a guess would install another set of packages than the
 * lock's author saw.
 */
import { normaliseName } from './lock.ts'
import { meets, type Operator } from './version.ts'

export const markerVariables = [
  'os_name',
  'sys_platform',
  'platform_machine',
  'platform_python_implementation',
  'platform_release',
  'platform_system',
  'platform_version',
  'python_version',
  'python_full_version',
  'implementation_name',
  'implementation_version',
  'extra',
] as const

export type MarkerVariable = (typeof markerVariables)[number]
export type MarkerEnvironment = Readonly<Record<MarkerVariable, string>>

/** PEP 751: what was asked of a lock, as sets; known in markers of `pylock.toml` alone. */
export const markerSets = ['extras', 'dependency_groups'] as const
export type MarkerSets = Readonly<Record<(typeof markerSets)[number], ReadonlySet<string>>>
export const emptySets: MarkerSets = { extras: new Set(), dependency_groups: new Set() }

export type MarkerOperand = Readonly<
  { variable: MarkerVariable } | { set: (typeof markerSets)[number] } | { text: string }
>
export type MarkerOperator = Operator | 'in' | 'not in'
export type Marker =
  | Readonly<{ kind: 'and' | 'or'; parts: readonly Marker[] }>
  | Readonly<{ kind: 'compare'; left: MarkerOperand; operator: MarkerOperator; right: MarkerOperand }>

/** A marker that has no meaning here: a reason, for the caller to say where. */
export class MarkerFault extends Error {
  override readonly name = 'MarkerFault'
}

const versionVariables: ReadonlySet<string> = new Set([
  'python_version',
  'python_full_version',
  'implementation_version',
  'platform_release',
])

const token =
  /\s*(?:(?<open>\()|(?<close>\))|(?<operator>===|==|~=|!=|<=|>=|<|>)|(?<word>[A-Za-z_][A-Za-z0-9_.]*)|'(?<single>[^']*)'|"(?<double>[^"]*)")/y

type Token = Readonly<{ kind: 'open' | 'close' | 'operator' | 'word' | 'text' | 'end'; text: string }>

/** LIMIT: 64 levels of parentheses; a marker is one short line in practice. */
const maxDepth = 64

/**
 * @param options.sets whether `extras` and `dependency_groups` may be named, as in `pylock.toml`
 * @throws MarkerFault
 */
export function parseMarker(text: string, { sets = false }: Readonly<{ sets?: boolean }> = {}): Marker {
  const reader = readerOf(tokensOf(text.trim()), sets)
  const marker = parseOr(reader, 0)
  if (reader.peek().kind !== 'end') throw new MarkerFault(`has \`${reader.peek().text}\` after the marker's end`)
  return marker
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = []
  token.lastIndex = 0
  while (token.lastIndex < text.length) {
    const start = token.lastIndex
    const groups = token.exec(text)?.groups
    if (groups === undefined) throw new MarkerFault(`is not understood at \`${text.slice(start, start + 20)}\``)
    const { open, close, operator, word, single, double } = groups
    if (open !== undefined) tokens.push({ kind: 'open', text: open })
    else if (close !== undefined) tokens.push({ kind: 'close', text: close })
    else if (operator !== undefined) tokens.push({ kind: 'operator', text: operator })
    else if (word !== undefined) tokens.push({ kind: 'word', text: word })
    else tokens.push({ kind: 'text', text: single ?? double ?? '' })
  }
  return tokens
}

type Reader = Readonly<{ sets: boolean; peek(): Token; next(): Token; takeWord(word: string): boolean }>

function readerOf(tokens: readonly Token[], sets: boolean): Reader {
  let at = 0
  const peek = (): Token => tokens[at] ?? { kind: 'end', text: 'the end' }
  const next = (): Token => {
    const found = peek()
    at += 1
    return found
  }
  return {
    sets,
    peek,
    next,
    takeWord: (word) => peek().kind === 'word' && peek().text === word && next() !== undefined,
  }
}

function parseOr(reader: Reader, depth: number): Marker {
  return parseSeries(reader, 'or', () => parseSeries(reader, 'and', () => parseAtom(reader, depth)))
}

function parseSeries(reader: Reader, kind: 'and' | 'or', parse: () => Marker): Marker {
  const first = parse()
  const parts = [first]
  while (reader.takeWord(kind)) parts.push(parse())
  return parts.length === 1 ? first : { kind, parts }
}

function parseAtom(reader: Reader, depth: number): Marker {
  if (depth > maxDepth) throw new MarkerFault(`is nested deeper than ${maxDepth} levels`)
  if (reader.peek().kind !== 'open') return parseComparison(reader)
  reader.next()
  const inner = parseOr(reader, depth + 1)
  if (reader.next().kind !== 'close') throw new MarkerFault('lacks a closing parenthesis')
  return inner
}

function parseComparison(reader: Reader): Marker {
  const left = parseOperand(reader.next(), reader.sets)
  const operator = parseOperator(reader)
  const right = parseOperand(reader.next(), reader.sets)
  if ('text' in left && 'text' in right) throw new MarkerFault('compares two texts')
  const isMembership = 'text' in left && 'set' in right && (operator === 'in' || operator === 'not in')
  if (('set' in left || 'set' in right) && !isMembership) throw new MarkerFault('asks of a set what only `in` can ask')
  return { kind: 'compare', left, operator, right }
}

function parseOperator(reader: Reader): MarkerOperator {
  const { kind, text } = reader.next()
  if (kind === 'operator') return text as Operator // the tokenizer knows no other
  if (kind === 'word' && text === 'in') return 'in'
  if (kind === 'word' && text === 'not' && reader.takeWord('in')) return 'not in'
  throw new MarkerFault(`has \`${text}\` where an operator should be`)
}

function parseOperand({ kind, text }: Token, sets: boolean): MarkerOperand {
  if (kind === 'text') return { text }
  const set = sets && kind === 'word' ? markerSets.find((known) => known === text) : undefined
  if (set !== undefined) return { set }
  const variable = kind === 'word' ? markerVariables.find((known) => known === text) : undefined
  if (variable !== undefined) return { variable }
  throw new MarkerFault(`names \`${text}\`, which no interpreter has`)
}

/**
 * @param sets what was asked of the lock; `extra == 'x'` holds for every member of `extras`
 * @throws MarkerFault when a comparison has no meaning
 */
export function evaluateMarker(marker: Marker, environment: MarkerEnvironment, sets = emptySets): boolean {
  // INVARIANT: every part is evaluated, so that a meaningless one is refused on each machine and not on some.
  if (marker.kind !== 'compare') {
    const answers = marker.parts.map((part) => evaluateMarker(part, environment, sets))
    return marker.kind === 'and' ? answers.every(Boolean) : answers.some(Boolean)
  }
  const { operator } = marker
  const asked = membership(marker, sets)
  if (asked !== undefined) return asked
  const left = operandValue(marker.left, environment)
  const right = operandValue(marker.right, environment)
  if (operator === 'in') return right.includes(left)
  if (operator === 'not in') return !right.includes(left)
  const answer = holdsVersion(marker) ? meets(left, operator, right) : undefined
  return answer ?? compareText(left, operator, right)
}

type Comparison = Extract<Marker, { kind: 'compare' }>

/** The answer when it is a question to a set, else undefined. */
function membership({ left, operator, right }: Comparison, sets: MarkerSets): boolean | undefined {
  if ('set' in right && 'text' in left) return sets[right.set].has(normaliseName(left.text)) === (operator === 'in')
  const named = 'text' in right ? right.text : 'text' in left ? left.text : undefined
  const isExtra = [left, right].some((operand) => 'variable' in operand && operand.variable === 'extra')
  if (!isExtra || named === undefined || sets.extras.size === 0) return undefined
  if (operator !== '==' && operator !== '!=') return undefined
  return sets.extras.has(normaliseName(named)) === (operator === '==')
}

function holdsVersion({ left, right }: Comparison): boolean {
  return [left, right].some((operand) => 'variable' in operand && versionVariables.has(operand.variable))
}

function operandValue(operand: MarkerOperand, environment: MarkerEnvironment): string {
  if ('set' in operand) throw new MarkerFault('compares a set')
  return 'text' in operand ? operand.text : environment[operand.variable]
}

function compareText(left: string, operator: Operator, right: string): boolean {
  if (operator === '==' || operator === '===') return left === right
  if (operator === '!=') return left !== right
  throw new MarkerFault(`orders \`${left}\` and \`${right}\`, which are not versions`)
}

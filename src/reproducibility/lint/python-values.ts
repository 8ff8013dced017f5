/**
 * What an expression is, as far as it can be told without running it: a dotted name that an import stands for, a
 * literal, a set. What a call gives is the name of what was called with `()` behind: `pathlib.Path().iterdir`.
 */
import { type PyNode, textOf } from './python-tree.ts'

export type Value =
  /** `?` in front when the object is unknown: `?.shuffle`; `.` in front when it is defined in the module: `.main`. */
  | Readonly<{ kind: 'name'; path: string }>
  | Readonly<{ kind: 'literal'; value: number | boolean | null }>
  /** A text whose beginning may be unknown (`f"{name}.svg"`). */
  | Readonly<{ kind: 'text'; end: string; whole: boolean }>
  | Readonly<{ kind: 'set' }>
  | Readonly<{ kind: 'dict'; node: PyNode }>

export const aSet: Value = { kind: 'set' }

/** LIMIT: names of 200 characters; a longer chain of calls is not followed. */
const maxPath = 200

export function named(path: string): Value {
  const known = settled(path)
  return known.length > maxPath ? { kind: 'name', path: '?' } : { kind: 'name', path: known }
}

/** Members of a path that are paths again. */
const pathMembers: ReadonlySet<string> = new Set([
  ...['parent', 'resolve()', 'absolute()', 'expanduser()', 'joinpath()', 'cwd()', 'home()'],
  ...['with_suffix()', 'with_name()', 'with_stem()', 'relative_to()'],
])

/** One name for what several names stand for. */
function settled(path: string): string {
  const aliased = aliases.find(([from]) => path === from || path.startsWith(`${from}.`))
  const plain = aliased === undefined ? path : aliased[1] + path.slice(aliased[0].length)
  for (const start of ['pathlib.Path().', 'pathlib.Path.']) {
    if (plain.startsWith(start) && pathMembers.has(plain.slice(start.length))) return 'pathlib.Path()'
  }
  return plain.startsWith('pathlib.Path().parent.') ? plain.replace('.parent', '') : plain
}

const aliases: readonly (readonly [string, string])[] = [
  ['torch.random', 'torch'],
  ['numpy.random.mtrand', 'numpy.random'],
  ['tensorflow.keras', 'keras'],
  ['tensorflow.python.keras', 'keras'],
  ['tensorflow.compat.v1', 'tensorflow'],
  ['tensorflow.compat.v2', 'tensorflow'],
  ['matplotlib.pyplot.rcParams', 'matplotlib.rcParams'],
  ['matplotlib.pyplot.rc', 'matplotlib.rc'],
  ['pylab', 'matplotlib.pyplot'],
  ['pathlib.PosixPath', 'pathlib.Path'],
  ['pathlib.PurePath', 'pathlib.Path'],
  ['os.path.os', 'os'],
  ['posix', 'os'],
]

export function literalOf(node: PyNode, text: string): Value | undefined {
  const source = textOf(node, text)
  switch (node.name) {
    case 'Number':
      return { kind: 'literal', value: Number(source.replaceAll('_', '')) }
    case 'Boolean':
      return { kind: 'literal', value: source === 'True' }
    case 'None':
      return { kind: 'literal', value: null }
    case 'String':
      return textValue(source, true)
    case 'FormatString':
      return textValue(source, node.children.length === 0)
    default:
      return undefined
  }
}

/** Without escapes, which none of the words that rules look for have. */
function textValue(source: string, whole: boolean): Value {
  let start = 0
  while (start < source.length && source[start] !== '"' && source[start] !== "'") start += 1
  const quote = source[start] ?? ''
  const width = source.startsWith(quote.repeat(3), start) && source.length - start >= 6 ? 3 : 1
  const inner = source.slice(start + width, -width)
  return { kind: 'text', end: whole ? inner : inner.slice(inner.lastIndexOf('}') + 1), whole }
}

export function isNone(value: Value | undefined): boolean {
  return value?.kind === 'literal' && value.value === null
}

export function pathOf(value: Value | undefined): string {
  return value?.kind === 'name' ? value.path : '?'
}

export function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1)
}

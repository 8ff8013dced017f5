// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates are DVC's
/** Parameters: trees of every kind of value, in each of the formats, and the names by which templates reach them. */
import type { Random } from './random.ts'
import { documentOf, list, map, type Node, raw, styleOf, text } from './yaml-text.ts'

export type Kind = 'scalar' | 'list' | 'map'
/** What `${path}` reaches. */
export type Name = Readonly<{ path: string; kind: Kind }>
export type Params = Readonly<{ tree: Node; names: readonly Name[]; keys: readonly string[] }>

const plainScalars = ['1', '0.1', 'true', 'word', '-3', '1e-3', '0.5', '100', 'adam', '2.0']
const oddScalars = [
  'yes',
  'no',
  'on',
  'off',
  'y',
  'n',
  'True',
  'FALSE',
  'tRue',
  '~',
  'null',
  'Null',
  '010',
  '0o17',
  '0x1F',
  '0b11',
  '1_000',
  '1_000.5',
  '.5',
  '5.',
  '+.5',
  '1e3',
  '1E+3',
  '1.e5',
  '1e5',
  '6.02e23',
  '1e-7',
  '.inf',
  '-.INF',
  '.nan',
  '1:30',
  '12:30:45',
  '0.30000000000000004',
  '100000000000000000000',
  '1e16',
  '123456789012345678.0',
  '-0.0',
  '-0',
  '+1',
  '0777',
  '08',
  '1__0',
  '2001-01-01x',
  "'2001-01-01'",
  '1.2.3',
  '!!str 5',
  '!!float 3',
  "''",
  '""',
  '"a b"',
  "'it''s'",
  '"t\\tab"',
  '"\\u00e9"',
  'é',
  '日本',
  '"\\x41"',
  "'#no'",
  '<',
  '"*"',
  '&anchor 5',
  '12e03',
  '0.1e-10',
  '\\${x}',
  '1e400',
  '-1e-400',
  '0.1.',
  '..',
  'null_',
  'NaN',
  'Infinity',
  '99999999999999999999.5',
  '0_1',
  '00',
  '-01',
  '1 2',
] as const
/** These stop DVC somewhere, or everywhere. */
const refusedScalars = [
  '1,5',
  '!!int "7"',
  '_1',
  '-',
  '=x',
  'a: b',
  '- x',
  '? x',
  '%x',
  '@x',
  '`x`',
  '"${x}"',
  '.',
  '...',
  '!!bool yes',
  '!!null ""',
  '1_',
  '0b',
  '0x',
  '0o8',
  '2001-01-01',
  '2001-01-01 10:00:00',
  '!unknown x',
  '!!binary aGk=',
  '!!timestamp 2001-01-01',
  '*nothing',
  '!!set {a, b}',
]

const words = [
  'lr',
  'seed',
  'model',
  'train',
  'size',
  'name',
  'n',
  'my-key',
  'opt',
  'with space',
  'item',
  'key',
  'deep',
  'x',
  'é',
]

export function scalarNode(random: Random): Node {
  return random.weighted<() => Node>([
    [60, () => raw(random.pick(plainScalars))],
    [25, () => raw(random.pick(oddScalars))],
    [
      20,
      () =>
        text(
          random.pick([
            'a',
            'b c',
            "it's",
            'data/a.csv',
            'say "x"',
            '$HOME',
            '',
            'a\nb',
            'x; rm',
            'é',
            'a,b',
            '--flag',
            '*',
            '100%',
            '~',
            'no',
            '1',
            '\t',
          ]),
        ),
    ],
    [0.7, () => raw(random.pick(refusedScalars))],
  ])()
}

export function paramsOf(random: Random, taken: ReadonlySet<string> = new Set()): Params {
  const names: Name[] = []
  const keys = [...new Set(random.many(0, 5, () => random.pick(words)))].filter((key) => !taken.has(key))
  const entries = keys.map((key) => [keyNode(key, random), valueNode(random, key, 0, names)] as const)
  const odd: readonly (readonly [Node, Node])[] = random.chance(0.04)
    ? [[raw(random.pick(['1', 'true', '1.5', '~', '010', '? [a, b]'])), raw('1')]]
    : []
  return { tree: { kind: 'map', entries: [...entries, ...odd] }, names, keys }
}

function keyNode(key: string, random: Random): Node {
  return random.chance(0.05) ? raw(`"${key}"`) : text(key)
}

function valueNode(random: Random, path: string, depth: number, names: Name[]): Node {
  const shape =
    depth > 2
      ? 'scalar'
      : random.weighted<Kind>([
          [6, 'scalar'],
          [2, 'map'],
          [2, 'list'],
        ])
  names.push({ path, kind: shape })
  if (shape === 'scalar') return scalarNode(random)
  if (shape === 'list') {
    return list(
      random.many(0, 3, (index) => valueNode(random, `${path}[${index}]`, random.chance(0.8) ? 3 : depth + 1, names)),
    )
  }
  const keys = [...new Set(random.many(0, 3, () => random.pick(words)))]
  return map(keys.map((key) => [key, valueNode(random, `${path}.${key}`, depth + 1, names)] as const))
}

export type Format = 'yaml' | 'json' | 'toml' | 'py'

/** A params file and the names that its templates can use. */
export function paramsFile(
  format: Format,
  random: Random,
  taken: ReadonlySet<string> = new Set(),
): Readonly<{ params: Params; content: string }> {
  if (format === 'yaml') {
    const params = paramsOf(random, taken)
    const whole = random.weighted<string | undefined>([
      [96, undefined],
      [1, ''],
      [1, '- a\n'],
      [1, 'word\n'],
      [1, '# nothing\n'],
    ])
    return { params, content: whole ?? documentOf(params.tree, styleOf(random)) }
  }
  const [names, content] =
    format === 'json'
      ? jsonText(random, taken)
      : format === 'toml'
        ? tomlText(random, taken)
        : pythonText(random, taken)
  return {
    params: { tree: map([]), names, keys: names.map(({ path }) => path).filter((key) => !key.includes('.')) },
    content,
  }
}

const jsonScalars = [
  '1',
  '1.0',
  '-0.5',
  '"a"',
  'true',
  'null',
  '1e5',
  '1E-7',
  '"\\u00e9"',
  '100000000000000000000',
  '""',
  '[1, 2]',
  '{"a": 1}',
  '[]',
  '{}',
  '0.1',
  '-0',
  '-0.0',
  '"a b"',
]
const brokenJson = [
  '{',
  '{"a": }',
  '[1, 2]',
  '"x"',
  '{"a": 1,}',
  '',
  'null',
  '{"a": 01}',
  "{'a': 1}",
  '{"a": 1} x',
  '{"a": .5}',
  '// c\n{}',
  '{"a": "\t"}',
  '\ufeff{}',
  '5',
  'true',
  'false',
  '0',
]

function jsonText(random: Random, taken: ReadonlySet<string>): readonly [readonly Name[], string] {
  if (random.chance(0.06)) return [[], random.pick(brokenJson)]
  const keys = [...new Set(random.many(0, 4, () => random.pick(words)))].filter((key) => !taken.has(key))
  const values = keys.map((key) => [key, random.pick(jsonScalars)] as const)
  const members = values.map(([key, value]) => `${JSON.stringify(key)}: ${value}`)
  return [values.map(nameOf), `{${random.chance(0.5) ? '\n  ' : ''}${members.join(',\n  ')}}\n`]
}

const tomlScalars = [
  '1',
  '1.0',
  '-0.5',
  '"a"',
  "'raw'",
  'true',
  '1e5',
  '0x1F',
  '1_000',
  '[1, 2]',
  '{a = 1}',
  'inf',
  '-inf',
  'nan',
  '"""multi\nline"""',
  '0o17',
  '0b1',

  '+1',
  '[]',
  '[[1], ["a"]]',
  '"\\u00e9"',
]
const brokenToml = [
  'a = 1979-05-27',
  'a = 07:32:00',
  'a = 1979-05-27T07:32:00Z',
  'a = 1979-05-27 07:32:00.5',
  'a = ',
  'a = 01',
  'a = 1\na = 2',
  '[a]\n[a]',
  'a = yes',
  '= 1',
  'a.b = 1\na = 2',
  '"',
  'a = .5',
  'a = 1.',
]

function tomlText(random: Random, taken: ReadonlySet<string>): readonly [readonly Name[], string] {
  if (random.chance(0.06)) return [[], `${random.pick(brokenToml)}\n`]
  const keys = [...new Set(random.many(0, 4, () => random.pick(['lr', 'seed', 'model', 'n', 'my-key', 'x'])))].filter(
    (key) => !taken.has(key),
  )
  const values = keys.map((key) => [key, random.pick(tomlScalars)] as const)
  const top = values.map(([key, value]) => `${key} = ${value}`)
  const table = random.chance(0.5)
    ? [`[${random.pick(['train', 'deep.er', '"quoted key"', '[many]'])}]`, `size = ${random.pick(tomlScalars)}`]
    : []
  return [values.map(nameOf), `${[...top, ...table].join('\n')}\n`]
}

const pythonScalars: readonly string[] = [
  '1',
  '1.0',
  '-0.5',
  '"a"',
  "'b'",
  'True',
  'None',
  '1e5',
  '0x1F',
  '1_000',
  '[1, 2]',
  '{"a": 1}',
  '"a" "b"',
  'r"\\n"',
  '-1',
  '"""m\nl"""',
  '[]',
  '{}',
  '(1)',
  '0o17',
  '-(1)',
  '5.',
  '{"a": [1, {"b": None}]}',
]
const oddPython: readonly string[] = [
  '(1, 2)',
  '{1, 2}',
  'f(x)',
  'a + 1',
  'b"x"',
  '1 + 2j',
  '--1',
  '...',
  '()',
  'lambda: 0',
  '[x for x in y]',
  '1 if a else 2',
  'not True',
  '"%s" % 1',
  'f"x"',
  '{**a}',
  '[*a]',
  '"\\N{DASH}"',
]
const pythonStatements = [
  'import os',
  'x: int = 3',
  'a = b = 1',
  'a, b = 1, 2',
  'n += 1',
  'if True:\n    hidden = 1',
  'def f():\n    y = 2',
  '# comment',
  '@d\nclass C:\n    z = 1',
  'for i in range(3):\n    pass',
  'async def g():\n    pass',
  'del x',
  'x = y = z',
  '(p) = 1',
  'o.attr = 1',
  'd["k"] = 1',
  'print("x")',
  'with open("f") as f:\n    q = 1',
  'x: int',
  'try:\n    t = 1\nexcept E:\n    t = 2',
  'class A(B):\n    """doc"""\n    a = 1\n    class I:\n        b = 2',
  'lr = 1; seed = 2',
  'x = (yield)',
  'match = 1',
  'type = 2',
  'match x:\n    case 1:\n        v = 1',
  'while (w := 1): pass',
  'global g1',
  'assert x',
  'x = 1 # c',
  'raise',
  'nonlocal_ = 3',
]
const brokenPython = [
  'x = ',
  'def f(',
  'x == = 1',
  '  x = 1',
  'x = "a',
  'class',
  'x = 1\n y = 2',
  'print "x"',
  'x = 08',
  '(',
  'x = 1 +',
  'if x:\n',
  'return',
  'x = [1, 2',
  '\u0000',
  'def f():\nx = 1',
  'a b',
  '1 = x',
  'x = $y',
  'é = 1',
  'f() = 1',
  'x = 1\n\tif y:\n\t\tz = 1',
]

function pythonText(random: Random, taken: ReadonlySet<string>): readonly [readonly Name[], string] {
  if (random.chance(0.06)) return [[], `${random.pick(brokenPython)}\n`]
  const keys = [...new Set(random.many(0, 4, () => random.pick(['lr', 'seed', 'model', 'n', 'x', 'NAME'])))].filter(
    (key) => !taken.has(key),
  )
  const values = keys.map((key) => [key, random.pick(pythonValues(random))] as const)
  const top = values.map(([key, value]) => `${key} = ${value}`)
  const more = random.many(0, 2, () => random.pick(pythonStatements))
  const inner = `class Train:\n    size = ${random.pick(pythonValues(random))}\n    def __init__(self):\n        self.opt = ${random.pick(pythonValues(random))}\n        local = 1`
  const classes = random.chance(0.4) ? [inner] : []
  const inClass = classes.length > 0 ? [{ path: 'Train', kind: 'map' as const }] : []
  return [
    [...values.map(nameOf).filter(({ path }) => isPythonName(path, values)), ...inClass],
    `${[...top, ...more, ...classes].join('\n')}\n`,
  ]
}

/** Literals that templates can hold; seldom one that they cannot, or an expression, which defines nothing. */
function pythonValues(random: Random): readonly string[] {
  return random.chance(0.95) ? pythonScalars : oddPython
}

/** True when the value is a literal, so that the name can be used. */
function isPythonName(name: string, values: readonly (readonly [string, string])[]): boolean {
  return values.some(([key, value]) => key === name && pythonScalars.includes(value))
}

function nameOf([path, value]: readonly [string, string]): Name {
  return { path, kind: /^\[/.test(value) ? 'list' : /^\{/.test(value) ? 'map' : 'scalar' }
}

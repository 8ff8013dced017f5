// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates are DVC's
/** What the parts of one generated project share: what can be named, what is there, and how odd it may get. */
import type { Random } from './random.ts'
import type { Kind, Name } from './values.ts'

export type Scene = Readonly<{
  random: Random
  /** How likely each choice is an odd one: 0 for a project that should be read without complaint. */
  oddity: number
  /** What a template can reach here. */
  names: readonly Name[]
  /** Numbers the stages of a project, so that their outs differ unless chance wants it. */
  next(): number
  /** How many have been given. */
  made(): number
}>

export const isOdd = ({ random, oddity }: Scene): boolean => random.chance(oddity)

/** `${...}` of something that is there, or, seldom, of something that is not. */
export function expression(scene: Scene, kind: Kind = 'scalar'): string {
  const { random, names } = scene
  const fitting = names.filter((name) => name.kind === kind)
  if (isOdd(scene)) return random.pick(badExpressions)
  if (fitting.length === 0) return kind === 'scalar' ? 'plain' : '[]'
  const { path } = random.pick(fitting)
  const spelled = random.chance(0.05) ? path.replaceAll(/\[(\d)\]/g, '.$1') : path
  return random.chance(0.1) ? `\${ ${spelled} }` : `\${${spelled}}`
}

const badExpressions = [
  '${missing}',
  '${}',
  '${ }',
  '${a b}',
  '${x.}',
  '${.x}',
  '${x[0}',
  '${x:-y}',
  '${lr[0]}',
  '${train.missing}',
  '${size[9]}',
  '${size[-1]}',
  '${lr.a.b}',
  '${item}',
  '${key}',
  '${item.x}',
  '${item.lr}',
  '${item[0]}',
  '${a.b[c]}',
  '${x\\}',
  '$${lr}',
  '${${lr}}',
  '${lr',
  '$lr}',
  '${lr}}',
  '${size["0"]}',
  "${train['lr']}",
  '${train[lr]}',
  '${train.lr.}',
  '${lr }',
  '${lr\n}',
  '${size[0].x}',
  '${size[+0]}',
  '${size[1_0]}',
  '${size[ 0 ]}',
  '${train . lr}',
  '${é}',
  '${with space}',
  '${my-key}',
  '\\${lr}',
  '\\\\${lr}',
  '${!lr}',
  '${lr,x}',
  '${#}',
  '${ lr . x }',
  '${_}',
] as const

/** Text with a template in it, once in a while. */
export function templated(scene: Scene, words: string): string {
  const { random } = scene
  if (!random.chance(0.3)) return words
  const inside = expression(scene)
  return random.pick([
    `${words}-${inside}`,
    `${inside}/${words}`,
    `${inside}${inside}`,
    `${words} ${inside} \\\${kept}`,
    inside,
    `$HOME ${inside} $$`,
  ])
}

export const folders = ['.', 'sub', 'sub/deep', 'other', 'out'] as const

const sources = [
  'src/train.py',
  'data/raw.csv',
  'data',
  'src',
  'README.md',
  'with space.txt',
  'é.txt',
  './src/x.py',
  'src//y.py',
  'a/../src/z.py',
  'sub/in.csv',
  'data/a.csv',
  'b.txt',
]
const oddPaths = [
  '..',
  '.',
  '/',
  '',
  '../up.csv',
  '../../far.csv',
  '/tmp/abs.csv',
  's3://bucket/key',
  's3://b',
  'https://example.org/x.csv',
  'http://example.org/x?a=1',
  'remote://storage/x',
  'remote://missing/x',
  'ds://set',
  'ds://',
  'ftp://a/b',
  'x.dvc',
  'dvc.yaml',
  'sub/dvc.yaml',
  'dvc.lock',
  'data/',
  'data//',
  './',
  'a\\b',
  'a:b',
  'C:\\x',
  '~/x',
  '$HOME/x',
  '*.csv',
  'ignored/x.csv',
  'kept.tmp',
  'S3://bucket/k',
  's3:/x',
  's3://',
  'file:///tmp/x',
  'remote://',
  'ssh://h/p',
  '.dvc/config',
  '.git/config',
  'a\nb',
  ' a',
  'a ',
  'params.yaml',
  '.dvcignore',
  '.gitignore',
  'x.dvc/y',
  'sub/deep/..',
  's3://b/a/../k',
] as const

/** A path that may be read; outs of other stages among them, which makes the edges. */
export function depPath(scene: Scene): string {
  const { random } = scene
  if (isOdd(scene)) return random.pick(oddPaths)
  return random.weighted<() => string>([
    [4, () => random.pick(sources)],
    [4, () => `out-${random.below(scene.made() + 1)}${random.pick(['', '', '/part', '.csv'])}`],
    [1, () => `../out-${random.below(scene.made() + 1)}`],
    [1, () => templated(scene, 'data/x.csv')],
  ])()
}

/** A path that is made: mostly new, so that most projects are sound. */
export function outPath(scene: Scene): string {
  const { random } = scene
  if (isOdd(scene)) return random.chance(0.5) ? random.pick(oddPaths) : `out-${random.below(8)}`
  const number = scene.next()
  return random.weighted<() => string>([
    [6, () => `out-${number}${random.pick(['', '', '.csv'])}`],
    [1, () => `made/${number}/file.bin`],
    [1, () => `./out-${number}`],
    [1, () => `out ${number}`],
    [1, () => templated(scene, `made-${number}`)],
  ])()
}

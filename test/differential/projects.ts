// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates are DVC's
/** Whole projects: several dvc.yaml files, params of all formats, `.dvc` files, ignore files, settings, locks. */
import { mutated } from './mutate.ts'
import { randomOf } from './random.ts'
import { folders, isOdd, type Scene } from './scene.ts'
import { odd, pipelineOf } from './stages.ts'
import { type Format, type Name, paramsFile, paramsOf } from './values.ts'
import { documentOf, list, map, type Node, raw, styleOf, text } from './yaml-text.ts'

/** Project path -> content; a path that ends with `/` is an empty folder. */
export type Files = Readonly<Record<string, string>>

export function projectOf(seed: number): Files {
  const random = randomOf(seed)
  const oddity = random.weighted([
    [55, 0],
    [25, 0.01],
    [12, 0.04],
    [8, 0.15],
  ])
  const files: Record<string, string> = {}
  let number = 0
  const scene: Scene = { random, oddity, names: [], made: () => number, next: () => (number += 1) }
  for (const folder of new Set(['.', ...random.many(0, 2, () => random.pick(folders))])) {
    if (folder === '.' && random.chance(0.1)) continue
    addFolder(files, folder, scene)
  }
  addData(files, scene)
  addIgnores(files, scene)
  if (random.chance(0.3)) files['.dvc/config'] = configOf(scene)
  if (random.chance(0.1)) addLock(files, scene)
  for (const path of random.many(0, 3, () =>
    random.pick(['src/train.py', 'data/raw.csv', 'README.md', 'sub/in.csv', 'data/a.csv', 'missing/', 'out/']),
  ))
    files[path] = path.endsWith('/') ? '' : 'content\n'
  return random.chance(0.15) ? mutated(files, random) : files
}

const at = (folder: string, name: string): string => (folder === '.' ? name : `${folder}/${name}`)

function addFolder(files: Record<string, string>, folder: string, scene: Scene): void {
  const { random } = scene
  const names: Name[] = []
  const taken = new Set<string>()
  const take = (more: readonly Name[], keys: readonly string[]): void => {
    names.push(...more)
    for (const key of keys) if (!isOdd(scene)) taken.add(key)
  }
  if (random.chance(0.7)) {
    const { params, content } = paramsFile('yaml', random)
    files[at(folder, 'params.yaml')] = content
    take(params.names, params.keys)
  }
  const vars = random.chance(0.4) ? varsOf(files, folder, { ...scene, names }, taken, take) : []
  files[at(folder, 'dvc.yaml')] = documentOf(pipelineOf({ ...scene, names }, vars), styleOf(random))
  if (scene.oddity > 0.1 && random.chance(0.1))
    files[at(folder, 'dvc.yaml')] = random.pick([
      '',
      '# none\n',
      '- a\n',
      'null\n',
      '{}\n',
      'stages:\n',
      'stages: {}\n',
      '---\n---\n',
      '\ufeffstages: {}\n',
      'a',
      '0\n',
      'stages: []\n',
      '%YAML 1.1\n---\nstages: {}\n',
      'false\n',
    ])
}

type Take = (more: readonly Name[], keys: readonly string[]) => void

/** Entries of a top `vars`, and the files that they name. */
function varsOf(
  files: Record<string, string>,
  folder: string,
  scene: Scene,
  taken: Set<string>,
  take: Take,
): readonly Node[] {
  const { random } = scene
  return random.many(1, 3, (index) => {
    if (random.chance(0.5)) {
      const { tree, names, keys } = paramsOf(random, taken)
      take(names, keys)
      return tree
    }
    const format = random.pick<Format>(['yaml', 'json', 'toml', 'py'])
    const name = `vars${index}.${format}`
    const { params, content } = paramsFile(format, random, taken)
    const known = params.keys.filter((key) => !taken.has(key))
    if (!isOdd(scene)) files[at(folder, name)] = content
    if (known.length === 0 || random.chance(0.6)) {
      take(params.names, params.keys)
      return text(isOdd(scene) ? `./${name}` : name)
    }
    const wanted = known.slice(0, 1 + random.below(2))
    take(
      params.names.filter(({ path }) => wanted.includes(path.split(/[.[]/)[0] ?? '')),
      wanted,
    )
    return text(`${name}:${wanted.join(',')}${isOdd(scene) ? random.pick([',', ':', ',missing', ' ']) : ''}`)
  })
}

/** `.dvc` files: added data and imports of every kind. */
function addData(files: Record<string, string>, scene: Scene): void {
  const { random } = scene
  if (!random.chance(0.35)) return
  for (const [path, out] of random.many(1, 2, () =>
    random.pick([
      ['data/raw.csv.dvc', 'raw.csv'],
      ['data.dvc', 'data'],
      ['sub/in.csv.dvc', 'in.csv'],
      ['other/x.dvc', 'x'],
      ['b.txt.dvc', 'b.txt'],
      ['other/deep/y.dvc', 'y'],
      ['.dvc.dvc', 'z'],
    ] as const),
  )) {
    files[path] = documentOf(
      dataFile(isOdd(scene) ? random.pick(['../x', '/abs/x', 'x.dvc', '', '.', 's3://b/k', 'a/b']) : out, scene),
      styleOf(random),
    )
  }
}

const digest = '22a1a2931c8370d3aeedd7183606fd7f'

function dataFile(out: string, scene: Scene): Node {
  const { random } = scene
  const maybe = (probability: number, key: string, node: () => Node): (readonly [string, Node])[] =>
    random.chance(probability) ? [[key, isOdd(scene) ? odd(scene) : node()]] : []
  const one = (): Node =>
    map([
      ...maybe(0.9, 'md5', () => raw(random.pick([digest, `${digest}.dir`, `'${digest}'`]))),
      ...maybe(0.7, 'size', () => raw('14')),
      ...maybe(0.7, 'hash', () => text('md5')),
      ...maybe(0.1, 'nfiles', () => raw('2')),
      ...maybe(0.05, 'cache', () => raw('false')),
      ...maybe(0.05, 'push', () => raw('false')),
      ...maybe(0.05, 'persist', () => raw('true')),
      ...maybe(0.05, 'desc', () => text('words')),
      ...maybe(0.05, 'labels', () => list([text('a')])),
      ...maybe(0.03, 'remote', () => text('storage')),
      ...(isOdd(scene) ? [] : [['path', text(out)] as const]),
    ])
  const dep = random.weighted<() => Node>([
    [
      2,
      () =>
        map([
          ['path', text('data/get.xml')],
          [
            'repo',
            map([
              ['url', text('https://example.org/x')],
              ['rev_lock', text('f31f5c4cdae787b4bdeb97a717687d44667d9e62')],
              ...(random.chance(0.3) ? [['rev', text('main')] as const] : []),
            ]),
          ],
        ]),
    ],
    [
      2,
      () =>
        map([
          ['etag', text('"x"')],
          ['size', raw('5')],
          ['path', text('https://example.org/data.xml')],
        ]),
    ],
    [
      1,
      () =>
        map([
          ['md5', raw(digest)],
          ['path', text(random.pick(['out-1', 'src/train.py', '../up', 's3://bucket/k', 'remote://storage/x']))],
        ]),
    ],
    [
      1,
      () =>
        map([
          [
            'db',
            map([
              ['query', text('SELECT 1')],
              ['connection', text('c')],
            ]),
          ],
        ]),
    ],
    [isOdd(scene) ? 9 : 0, () => odd(scene)],
  ])
  return map([
    ...maybe(0.2, 'md5', () => raw(digest)),
    ...maybe(0.15, 'frozen', () => raw('true')),
    ...maybe(0.05, 'wdir', () => text(random.pick(['..', '.', 'sub', 'made', '/', '']))),
    ...maybe(0.3, 'deps', () => list([dep()])),
    ['outs', isOdd(scene) ? odd(scene) : list([one(), ...(isOdd(scene) ? [one()] : [])])],
    ...maybe(0.05, 'meta', () => map([['a', raw('1')]])),
    ...maybe(0.03, 'desc', () => text('d')),
    ...maybe(0.02, 'always_changed', () => raw('true')),
    ...(isOdd(scene) ? [[random.pick(['cmd', 'params', 'name', 'locked']), odd(scene)] as const] : []),
  ])
}

const patterns = [
  'ignored',
  '/ignored/',
  '*.tmp',
  'sub/',
  '/other',
  '!other/dvc.yaml',
  '*.dvc',
  'data',
  '**/deep',
  'dvc.yaml',
  '/dvc.yaml',
  '# comment',
  '',
  'out*',
  '!*.csv',
  '\\#x',
  'sub/deep/*',
  'dvc.lock',
  'params.yaml',
  '/data/*.csv',
  ' spaced ',
  'é.txt',
  '*',
  '!/src/',
  'src/**',
  'a/**/z',
  '[abc].txt',
  '?.txt',
  '!',
  '/',
  '//',
  '\\!x',
  'data/**',
  '.*',
  '!.dvc',
]

function addIgnores(files: Record<string, string>, { random, oddity }: Scene): void {
  const some = (): string => `${random.many(1, 2, () => random.pick(patterns)).join('\n')}\n`
  const harmless = (): string => `${random.pick(['ignored', '*.tmp', '# none', '/scratch/', '!kept'])}\n`
  const content = (): string => (random.chance(0.2 + oddity) ? some() : harmless())
  if (random.chance(0.12)) files['.dvcignore'] = content()
  if (random.chance(0.04)) files[`${random.pick(['sub', 'other', 'data'])}/.dvcignore`] = content()
  if (random.chance(0.12)) files['.gitignore'] = content()
  if (random.chance(0.04)) files[`${random.pick(['sub', 'other', 'data'])}/.gitignore`] = content()
  if (random.chance(0.02)) files['sub/.dvc/config'] = ''
}

function configOf(scene: Scene): string {
  const { random } = scene
  const sections = [
    '[parsing]\n    bool = boolean_optional\n    list = append\n',
    '[parsing]\n    list = append\n',
    '[parsing]\n    bool = store_true\n',
    '[core]\n    remote = storage\n[\'remote "storage"\']\n    url = s3://bucket/dvc\n',
    '[\'remote "storage"\']\n    url = /tmp/storage\n[\'remote "elsewhere"\']\n    url = ../elsewhere\n',
    '[core]\n    no_scm = true\n',
    '[core]\n    autostage = true\n    analytics = false\n',
    '[cache]\n    dir = /tmp/cache\n    type = "reflink,copy"\n',
    '# nothing\n',
  ]
  const bad = [
    '[parsing]\n    bool = maybe\n',
    '[parsing]\n    unknown = 1\n',
    '[unknown]\n    a = 1\n',
    '[core\n',
    'a = 1\n',
    '[core]\n    no_scm = perhaps\n',
    '[\'remote "x"\']\n    typo = 1\n',
    '[core]\nremote\n',
    '[parsing]\n    list = NARGS\n',
    '[\'remote "STORAGE"\']\n    url = x\n',
  ]
  return isOdd(scene) ? random.pick(bad) : random.pick(sections)
}

function addLock(files: Record<string, string>, scene: Scene): void {
  const { random } = scene
  const sound = `schema: '2.0'\nstages:\n  train:\n    cmd: python\n    deps:\n    - path: data\n      hash: md5\n      md5: ${digest}\n      size: 1\n    params:\n      params.yaml:\n        lr: 1\n    outs:\n    - path: out-1\n      md5: ${digest}.dir\n      size: 1\n      nfiles: 2\n`
  const bad = [
    'train:\n  cmd: x\n',
    'schema: 2.0\nstages: {}\n',
    "schema: '2.0'\nstages:\n  train: {}\n",
    "schema: '3.0'\n",
    'stages: {}\n',
    '',
    'a: [\n',
    "schema: '2.0'\nextra: 1\n",
    "schema: '2.0'\nstages: null\n",
    "schema: '2.0'\n",
    `train:\n  cmd: x\n  deps:\n  - path: a\n    md5: ${digest}\n`,
    'schema: "2.0"\nstages:\n  a: {cmd: x, outs: [{path: y, what: 1}]}\n',
    "schema: '2.0'\nstages:\n  a: {cmd: x, outs: [{md5: y}]}\n",
    "schema: '2.0'\ndatasets: []\n",
  ]
  const sub = random.chance(0.2) ? 'sub/' : ''
  files[`${sub}dvc.lock`] = isOdd(scene) ? random.pick(bad) : sound
}

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates are DVC's
/** One dvc.yaml as a tree: stages of every form, and all that may stand beside them. */

import { depPath, expression, folders, isOdd, outPath, type Scene, templated } from './scene.ts'
import { type Kind, type Name, paramsOf, scalarNode } from './values.ts'
import { list, map, type Node, raw, text } from './yaml-text.ts'

type Entry = readonly [string | Node, Node]

/** @param varsEntries what stands under the top `vars`, made by the caller, who knows what they define */
export function pipelineOf(scene: Scene, varsEntries: readonly Node[]): Node {
  const { random } = scene
  const stages = map(random.many(1, 4, () => [stageName(scene), stageOrLoop(scene)] as const).filter(uniquely()))
  const entries: Entry[] = [['stages', isOdd(scene) ? odd(scene) : stages]]
  if (varsEntries.length > 0) entries.unshift(['vars', list(varsEntries)])
  if (random.chance(0.12))
    entries.push(['metrics', list(random.many(0, 2, () => text(templated(scene, 'metrics.json'))))])
  if (random.chance(0.12))
    entries.push(['params', list(random.many(0, 2, () => text(templated(scene, 'params.yaml'))))])
  if (random.chance(0.15)) entries.push(['plots', topPlots(scene)])
  if (random.chance(0.1)) entries.push(['artifacts', artifacts(scene)])
  if (random.chance(0.06)) entries.push(['datasets', datasets(scene)])
  if (isOdd(scene))
    entries.push([random.pick(['x-common', 'stage', 'meta', 'version', 'live', 'vars', 'desc']), odd(scene)])
  return map(entries)
}

function uniquely(): (entry: readonly [string, Node]) => boolean {
  const seen = new Set<string>()
  return ([name]) => !seen.has(name) && seen.add(name).size > 0
}

function stageName(scene: Scene): string {
  const { random } = scene
  if (isOdd(scene))
    return random.pick([
      'a@b',
      '',
      'a b',
      'a/b',
      '${lr}',
      'a:b',
      '1',
      'true',
      'a.b',
      '~',
      '@',
      'é',
      'a-b_c',
      'a\\b',
      '.',
      'x.dvc',
      'foreach',
      'a$b',
      '*',
    ])
  return random.pick(['prepare', 'train', 'evaluate', 'split', 'fetch', 'report', 'build', 'stage-1', 'a_b', 'Train2'])
}

function stageOrLoop(scene: Scene): Node {
  const { random } = scene
  return random.weighted<() => Node>([
    [6, () => map(stageEntries(scene))],
    [2, () => foreachStage(scene)],
    [2, () => matrixStage(scene)],
  ])()
}

function foreachStage(scene: Scene): Node {
  const { random } = scene
  const [data, loopNames] = foreachData(scene)
  const apart = loopNames.filter(({ kind, path }) => kind === 'scalar' && (path !== 'item' || !loopNames.includes(key)))
  const inner = map(
    stageEntries(
      { ...scene, names: [...scene.names, ...loopNames] },
      apart.map(({ path }) => path),
    ),
  )
  const entries: Entry[] = [
    ['foreach', data],
    ['do', inner],
  ]
  if (isOdd(scene)) entries.push([random.pick(['cmd', 'matrix', 'deps', 'desc']), odd(scene)])
  return map(random.chance(0.1) ? entries.toReversed() : entries)
}

const item: Name = { path: 'item', kind: 'scalar' }
const key: Name = { path: 'key', kind: 'scalar' }
const rate: Name = { path: 'item.lr', kind: 'scalar' }

/** What a loop goes over, and the names that its stages then have. */
function foreachData(scene: Scene): readonly [Node, readonly Name[]] {
  const { random } = scene
  if (isOdd(scene)) return [odd(scene), [item, key]]
  const scalar = (): Node => scalarNode(random)
  const pairs = (): Node =>
    list(
      random.many(1, 3, (index) =>
        map([
          ['lr', raw(`${index}`)],
          ['n', scalar()],
        ]),
      ),
    )
  return random.weighted<() => readonly [Node, readonly Name[]]>([
    [3, () => [list(random.many(0, 3, scalar)), [item]]],
    [1, () => [list(random.many(1, 3, () => text(expression(scene)))), [item]]],
    [2, () => [pairs(), [rate, { path: 'item', kind: 'map' }]]],
    [2, () => [map(random.many(0, 3, (index) => [`k${index}`, scalar()] as const)), [item, key]]],
    [
      1,
      () => [
        map(random.many(1, 3, (index) => [`k${index}`, map([['lr', text(expression(scene))]])] as const)),
        [rate, key],
      ],
    ],
    [canName(scene, 'list'), () => [text(expression(scene, 'list')), []]],
    [canName(scene, 'map'), () => [text(expression(scene, 'map')), [key]]],
    [0.5, () => [list([scalar(), list([scalar()]), map([['a', scalar()]])]), []]],
    [
      0.5,
      () => [
        map([
          [scalar(), scalar()],
          ['b', scalar()],
        ]),
        [item, key],
      ],
    ],
  ])()
}

/** 1 when something of the kind can be named, 0 when not. */
function canName({ names }: Scene, kind: Kind): 0 | 1 {
  return names.some((name) => name.kind === kind) ? 1 : 0
}

function matrixStage(scene: Scene): Node {
  const { random } = scene
  const axes = random.many(1, 3, (index) => [`axis${index}`, ...axisData(scene)] as const)
  const names = axes.flatMap(([name, , kind]): Name[] => (kind === undefined ? [] : [{ path: `item.${name}`, kind }]))
  const matrix = isOdd(scene) ? odd(scene) : map(axes.map(([name, data]) => [name, data] as const))
  const loopNames: readonly Name[] = [...names, { path: 'key', kind: 'scalar' }, { path: 'item', kind: 'map' }]
  const inner = stageEntries({ ...scene, names: [...scene.names, ...loopNames] }, ['key'])
  return map(random.chance(0.8) ? [['matrix', matrix], ...inner] : [...inner, ['matrix', matrix]])
}

/** An axis and what its items are, when they are all the same. */
function axisData(scene: Scene): readonly [Node, Kind?] {
  const { random } = scene
  if (isOdd(scene)) return [odd(scene)]
  return random.weighted<() => readonly [Node, Kind?]>([
    [6, () => [list(random.many(1, 3, () => scalarNode(random))), 'scalar']],
    [canName(scene, 'list'), () => [text(expression(scene, 'list'))]],
    [1, () => [list([map([['a', scalarNode(random)]]), scalarNode(random)])]],
    [0.5, () => [list([list([scalarNode(random)]), text(expression(scene))])]],
    [canName(scene, 'map') / 3, () => [text(expression(scene, 'map')), 'scalar']],
    [0.2, () => [list([]), 'scalar']],
  ])()
}

/** @param apart names that keep the outs of a loop's stages apart */
function stageEntries(scene: Scene, apart: readonly string[] = []): Entry[] {
  const { random } = scene
  const own = localVars(scene)
  const inside = { ...scene, names: [...scene.names, ...own.names] }
  const out = (): string => {
    const path = outPath(inside)
    return apart.length > 0 && !isOdd(scene) ? `${path}-${apart.map((name) => `\${${name}}`).join('-')}` : path
  }
  const entries: Entry[] = [['cmd', command(inside)]]
  const maybe = (probability: number, key: string, value: () => Node): void => {
    if (random.chance(probability)) entries.push([key, isOdd(scene) ? odd(scene) : value()])
  }
  maybe(0.15, 'wdir', () =>
    text(
      isOdd(scene)
        ? random.pick(['/', '/tmp', '../../..', '', ' ', '~', 's3://x/y', './', 'a\nb'])
        : random.pick([...folders, '..', '../other', templated(scene, 'sub'), './sub/../sub']),
    ),
  )
  maybe(0.6, 'deps', () => list(random.many(0, 3, () => text(depPath(inside)))))
  maybe(0.4, 'params', () => params(inside))
  maybe(own.node === undefined ? 0 : 1, 'vars', () => own.node ?? list([]))
  maybe(0.7, 'outs', () => list(random.many(0, 2, () => outEntry(inside, out()))))
  maybe(0.2, 'metrics', () => list(random.many(0, 2, () => outEntry(inside, out()))))
  maybe(0.2, 'plots', () => list(random.many(0, 2, () => plotEntry(inside, out()))))
  maybe(0.08, 'frozen', () => truth(scene))
  maybe(0.08, 'always_changed', () => truth(scene))
  maybe(0.1, 'desc', () => text(templated(inside, 'what it does')))
  maybe(0.08, 'meta', () => map([['any', list([scalarNode(random), text(templated(inside, 'x'))])]]))
  if (isOdd(scene))
    entries.push([
      random.pick(['out', 'dep', 'Cmd', 'cmd', 'parameters', 'live', 'env', 'do', 'foreach', 'matrix']),
      odd(scene),
    ])
  if (isOdd(scene)) entries.splice(random.below(entries.length), 1)
  return random.chance(0.2) ? entries.toReversed() : entries
}

const truth = (scene: Scene): Node =>
  raw(scene.random.pick(isOdd(scene) ? ['yes', '1', "'true'", '~'] : ['true', 'false', 'True']))

function command(scene: Scene): Node {
  const { random } = scene
  const one = (): string => {
    const parts = [
      'python',
      random.pick(['src/train.py', '-m mod', '-c "print(1)"', "'a b'", 'x=1']),
      expression(scene),
    ]
    if (random.chance(0.2)) parts.push(expression(scene, 'map'))
    if (random.chance(0.1))
      parts.push(
        random.pick([
          '&& echo $HOME',
          '> $(date)',
          '| tee \\${LOG}',
          '# end',
          '\\\n  --more',
          '"quo\'te"',
          '; true',
          '%s',
          '\u00e9',
        ]),
      )
    return parts.join(' ')
  }
  if (isOdd(scene)) return odd(scene)
  return random.weighted<() => Node>([
    [6, () => text(one())],
    [1, () => text(`${one()}\n${one()}\n`)],
    [2, () => list(random.many(1, 3, () => text(one())))],
    [0.7, () => text(expression(scene))],
    [0.4, () => text(expression(scene, 'map'))],
    [0.3, () => list([text(expression(scene)), text(one())])],
  ])()
}

function localVars(scene: Scene): Readonly<{ node?: Node; names: readonly Name[] }> {
  const { random } = scene
  if (!random.chance(0.12)) return { names: [] }
  const taken = new Set(isOdd(scene) ? [] : scene.names.map(({ path }) => path.split(/[.[]/)[0] ?? ''))
  const { tree, names } = paramsOf(random, taken)
  const extra = isOdd(scene)
    ? [
        text(
          random.pick([
            'params.yaml',
            'vars.yaml:lr',
            'missing.yaml',
            'params.yaml:lr,seed',
            'conf.json',
            ':lr',
            'sub',
            'a:b:c',
            '${lr}.yaml',
          ]),
        ),
      ]
    : []
  return { node: list([tree, ...extra]), names }
}

function params(scene: Scene): Node {
  const { random } = scene
  const key = (): Node =>
    isOdd(scene)
      ? odd(scene)
      : random.chance(0.1)
        ? text(templated(scene, 'lr'))
        : text(random.pick(['lr', 'train.size', 'seed', 'model', 'a.0.b', 'with space']))
  const file = (): string =>
    isOdd(scene)
      ? random.pick(['${lr}.yaml', '/abs.yaml', '../params.yaml', 'x.dvc', 's3://b/p.yaml', './params.yaml', ''])
      : random.pick([
          'params.yaml',
          'conf.json',
          'conf.toml',
          'config.py',
          'sub/params.yaml',
          'other.yaml',
          '../params.yaml',
        ])
  return list(
    random.many(0, 3, () =>
      random.weighted<() => Node>([
        [4, key],
        [3, () => map([[file(), list(random.many(0, 2, key))]])],
        [1, () => map([[file(), raw(random.pick(['', 'null', '[]', '~']))]])],
        [
          0.5,
          () =>
            map([
              [file(), list([key()])],
              [`second-${file()}`, list([key()])],
            ]),
        ],
      ])(),
    ),
  )
}

function flags(scene: Scene): readonly Entry[] {
  const { random } = scene
  const all: readonly (() => Entry)[] = [
    () => ['cache', truth(scene)],
    () => ['persist', truth(scene)],
    () => ['push', truth(scene)],
    () => ['remote', text(random.pick(['storage', 'elsewhere', templated(scene, 'r')]))],
    () => ['desc', text(templated(scene, 'd'))],
    () => ['type', text('model')],
    () => ['labels', list([text('a'), text(templated(scene, 'b'))])],
    () => ['meta', map([['k', scalarNode(random)]])],
    () => ['checkpoint', truth(scene)],
  ]
  const chosen = random
    .many(0, 3, () => random.pick(all)())
    .filter((entry, index, entries) => entries.findIndex(([key]) => key === entry[0]) === index)
  return isOdd(scene) ? [...chosen, [random.pick(['cached', 'x-y', 'persist', 'hash', 'Cache']), odd(scene)]] : chosen
}

function outEntry(scene: Scene, path: string): Node {
  const { random } = scene
  if (isOdd(scene)) return odd(scene)
  if (random.chance(0.6)) return text(path)
  const more: Entry[] = isOdd(scene) ? [[outPath(scene), map(flags(scene))]] : []
  return map([[path, isOdd(scene) ? odd(scene) : map(flags(scene))], ...more])
}

function plotProperties(scene: Scene): Node {
  const { random } = scene
  const all: readonly (() => Entry)[] = [
    () => ['template', text(random.pick(['linear', 'confusion', templated(scene, 't')]))],
    () => ['x', text('epoch')],
    () => ['y', text(templated(scene, 'loss'))],
    () => ['title', text('T')],
    () => ['x_label', text('X')],
    () => ['y_label', text('Y')],
    () => ['header', truth(scene)],
    ...flags(scene).map((entry) => () => entry),
  ]
  return map(
    random
      .many(0, 3, () => random.pick(all)())
      .filter((entry, index, entries) => entries.findIndex(([key]) => key === entry[0]) === index),
  )
}

function plotEntry(scene: Scene, path: string): Node {
  const { random } = scene
  if (isOdd(scene)) return odd(scene)
  return random.weighted<() => Node>([
    [4, () => text(path)],
    [3, () => map([[path, plotProperties(scene)]])],
    [scene.oddity, () => map([[path, list(random.many(0, 2, () => plotProperties(scene)))]])],
  ])()
}

function topPlots(scene: Scene): Node {
  const { random } = scene
  const definition = (): Node =>
    random.weighted<() => Node>([
      [2, () => raw('')],
      [
        2,
        () =>
          map([
            ['x', text('step')],
            ['y', text('loss')],
          ]),
      ],
      [
        2,
        () =>
          map([
            [
              'y',
              map([
                ['logs.csv', list([text('a'), text(templated(scene, 'b'))])],
                ['other.csv', text('c')],
              ]),
            ],
            ['title', text(templated(scene, 't'))],
          ]),
      ],
      [
        1,
        () =>
          map([
            ['y', list([text('a'), text('b')])],
            ['template', text('linear')],
            ['x_label', text('X')],
          ]),
      ],
      [
        1,
        () =>
          map([
            ['x', map([['logs.csv', text('step')]])],
            ['y', map([['logs.csv', text('loss')]])],
          ]),
      ],
      [isOdd(scene) ? 9 : 0, () => odd(scene)],
    ])()
  return list(
    random.many(0, 2, (index) =>
      random.chance(0.4) ? text(templated(scene, `plots/${index}`)) : map([[`plot-${index}`, definition()]]),
    ),
  )
}

function artifacts(scene: Scene): Node {
  const { random } = scene
  const name = (index: number): string =>
    isOdd(scene) ? random.pick(['a b', '-a', '1', 'A', 'a_b', 'é', '${lr}', 'a/b', 'a.b']) : `model-${index}`
  return map(
    random.many(
      0,
      2,
      (index) =>
        [
          name(index),
          isOdd(scene)
            ? odd(scene)
            : map([
                ['path', text(templated(scene, 'models/m.bin'))],
                ['type', text('model')],
                ['labels', list([text('x')])],
                ['meta', map([['a', scalarNode(random)]])],
              ]),
        ] as const,
    ),
  )
}

function datasets(scene: Scene): Node {
  const { random } = scene
  return list(
    random.many(0, 2, (index) =>
      isOdd(scene)
        ? odd(scene)
        : map([
            ['name', text(`set-${index}`)],
            ['url', text(templated(scene, 's3://bucket/x'))],
            ['type', text(random.pick(['url', 'dvc', 'dvcx']))],
          ]),
    ),
  )
}

/** Something that belongs nowhere. */
export function odd({ random }: Scene): Node {
  return random.pick<() => Node>([
    () => raw(''),
    () => raw('null'),
    () => raw('1'),
    () => raw('1.5'),
    () => raw('true'),
    () => raw('[]'),
    () => raw('{}'),
    () => text('word'),
    () => text(''),
    () => list([text('a'), raw('1')]),
    () => map([['a', raw('1')]]),
    () => list([map([['a', raw('')]])]),
    () => raw('2001-01-01'),
    () => list([list([text('a')])]),
    () => text('${missing}'),
    () => text('${lr}'),
    () => map([[raw('1'), text('a')]]),
    () => list([raw('null')]),
    () => map([['a', list([])]]),
    () => raw('*alias'),
    () => raw('!tag x'),
    () => raw('&a {b: 1}'),
  ])()
}

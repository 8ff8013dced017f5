/** The rules for Python, over what the walk noted: pure, one small function each. `program.ts` asks what seeds what. */

import { drawnBy, type Generator, seededBy } from './generators.ts'
import { argument, isBare, isFalse, isOpen, isTrue, textAt } from './python-arguments.ts'
import { endsHarmless } from './python-fate.ts'
import { archiveRules, tensorRules } from './python-file-rules.ts'
import { raceRules } from './python-race-rules.ts'
import type { Argument, Call, Walk } from './python-scope.ts'
import { around, type PyNode, type PyTree, textOf } from './python-tree.ts'
import { isNone, lastOf } from './python-values.ts'
import { walkPython } from './python-walk.ts'
import type { RuleName } from './rules.ts'
import { seededCall } from './seeded-calls.ts'

/** `what` stands in front of what the rule says. */
export type Found = Readonly<{ rule: RuleName; node: PyNode; what: string }>

/** What one module says by itself, whatever program it is part of. */
export type ModuleFacts = Readonly<{
  walk: Walk
  /** They are so in every program. */
  found: readonly Found[]
  /** They are so unless the generator is seeded by then. */
  ifUnseeded: readonly (Found & Readonly<{ generator: Generator; isLayer?: true }>)[]
  seeds: readonly Readonly<{ generators: readonly Generator[]; node: PyNode }>[]
  loadsWeights: boolean
  trains: boolean
  /** Where a GPU is trained on, unless the program asks for algorithms that repeat. */
  gpu?: Found
  isDeterministic: boolean
}>

export function factsOfModule(tree: PyTree, text: string): ModuleFacts {
  const walk = walkPython(tree, text)
  const direct = [
    ...walk.calls.flatMap((call) => callRules.flatMap((rule) => rule(call, walk))),
    ...setsRead(walk),
    ...settings(walk),
  ]
  const names = new Set(walk.calls.map(({ path }) => lastOf(path)))
  const areSet = setsParameters(walk)
  const gpu = looseGpu(walk)
  return {
    walk,
    found: direct,
    ifUnseeded: [
      ...draws(walk),
      ...walk.calls.flatMap((call) => [...(areSet ? [] : unseededCall(call)), ...loader(call)]),
    ],
    seeds: walk.calls.flatMap(({ path, node, args }) => {
      const generators = isSeedless(path, args) ? [] : seededBy(path)
      return generators.length === 0 ? [] : [{ generators, node }]
    }),
    loadsWeights: names.has('load_state_dict') || names.has('load_weights') || names.has('load_model'),
    trains: ['backward', 'fit', 'train_on_batch', 'apply_gradients'].some((name) => names.has(name)),
    ...(gpu === undefined ? {} : { gpu }),
    isDeterministic: walk.calls.some(
      ({ path, args }) =>
        path === 'torch.use_deterministic_algorithms' || // with False it is told itself
        path === 'tensorflow.config.experimental.enable_op_determinism' ||
        args.some((arg) => arg.name === 'deterministic' && !isFalse(arg)),
    ),
  }
}

const quoted = (name: string): string =>
  `\`${name.startsWith('?.') ? name.slice(1) : name.replaceAll('builtins.', '')}\``
const lineOf = (call: Call): string => quoted(call.path)

type CallRule = (call: Call, walk: Walk) => readonly Found[]

/** `random.seed()`, `random.seed(os.getpid())`: a seed that is none. */
function isSeedless(path: string, args: readonly Argument[]): boolean {
  if (isOpen(args) || seededBy(path).length === 0) return false
  const isOwn = /^(?:random|numpy\.random)\.seed$/.test(path)
  return (isOwn && isBare(args)) || args.some(({ value }) => value?.kind === 'name' && newEachTime.test(value.path))
}

/** What another process never gives again. */
const newEachTime = /^(?:os\.getp?pid|builtins\.id|threading\.(?:get_ident|get_native_id))\(\)$/

const bitGenerators = /^numpy\.random\.(?:default_rng|RandomState|SeedSequence|PCG64|PCG64DXSM|MT19937|Philox|SFC64)$/

const ownGenerators: CallRule = ({ node, path, args }) => {
  if (isOpen(args)) return []
  if (isSeedless(path, args) || (path === 'random.Random' && isBare(args))) {
    return [
      {
        rule: unseeded(path),
        node,
        what: isBare(args) ? `${quoted(path)} without a seed` : `${quoted(path)} with another seed each time`,
      },
    ]
  }
  if (path === 'torch.seed') return [{ rule: 'unseeded-torch', node, what: quoted(path) }]
  return bitGenerators.test(path) && isBare(args)
    ? [{ rule: 'unseeded-numpy', node, what: `${quoted(path)} without a seed` }]
    : []
}

function unseeded(path: string): RuleName {
  const [first = 'random'] = seededBy(path)
  return path === 'random.Random' ? 'unseeded-random' : `unseeded-${first}`
}

const missingSeeds: CallRule = (call) => {
  const found = seedNeeded(call)
  return found === undefined || found.byNumpy ? [] : [{ rule: 'missing-seed', node: call.node, what: found.what }]
}

/** They draw from numpy's global generator when they are given none. */
function unseededCall(call: Call): ModuleFacts['ifUnseeded'] {
  const found = seedNeeded(call)
  return found?.byNumpy === true
    ? [{ rule: 'missing-seed', node: call.node, what: found.what, generator: 'numpy' }]
    : []
}

function seedNeeded({ path, args }: Call): Readonly<{ what: string; byNumpy: boolean }> | undefined {
  const given = (name: string): Argument | undefined => argument(args, name)
  if (isOpen(args)) return undefined
  const isNew = path.startsWith('.') || path.startsWith('?') ? undefined : seededCall(path, given)
  const isSample =
    lastOf(path) === 'sample' &&
    /^(?:\?|pandas|polars)/.test(path) &&
    (given('frac') ?? given('fraction')) !== undefined
  const needed = isNew ?? (isSample ? { seeds: ['random_state', 'seed'], byNumpy: true } : undefined)
  if (needed === undefined) return undefined
  const seed = needed.seeds.map(given).find((arg) => arg !== undefined)
  if (seed !== undefined && !isNone(seed.value)) return undefined
  return { what: `${quoted(lastOf(path))} without \`${needed.seeds[0]}\``, byNumpy: needed.byNumpy }
}

/** `set_params(**found)`, `"model__random_state"`: what is made here gets its seed elsewhere. */
function setsParameters({ calls, seedTexts }: Walk): boolean {
  return seedTexts > 0 || calls.some(({ path, args }) => lastOf(path) === 'set_params' && isOpen(args))
}

function draws(walk: Walk): ModuleFacts['ifUnseeded'] {
  return walk.uses.flatMap(({ node, path }) => {
    const draw = drawnBy(path)
    if (draw === undefined || hasOwnGenerator(walk, node)) return []
    return [{ ...draw, rule: `unseeded-${draw.generator}`, node, what: quoted(path) } as const]
  })
}

/** `torch.randperm(n, generator=g)`, `dataset.shuffle(n, seed=1)`. */
function hasOwnGenerator(walk: Walk, callee: PyNode): boolean {
  const call = callee.parent === undefined ? undefined : walk.callOf.get(callee.parent)
  if (call === undefined || call.node.children[0] !== callee) return false
  return (
    isOpen(call.args) ||
    call.args.some(({ name, value }) => (name === 'generator' || name === 'seed') && !isNone(value))
  )
}

function loader(call: Call): ModuleFacts['ifUnseeded'] {
  const { path, node, args } = call
  if (isOpen(args) || argument(args, 'generator') !== undefined) return []
  const isSplit = path === 'torch.utils.data.random_split' || path === 'torch.utils.data.RandomSampler'
  const workers = argument(args, 'num_workers', 5)?.value
  const isLoader = path === 'torch.utils.data.DataLoader' || path === 'torch.utils.data.dataloader.DataLoader'
  const hasWorkers =
    workers?.kind === 'literal' && workers.value !== 0 && argument(args, 'worker_init_fn', 9) === undefined
  return isSplit || (isLoader && (isTrue(argument(args, 'shuffle', 2)) || hasWorkers))
    ? [{ rule: 'data-loader', node, what: quoted(lastOf(path)), generator: 'torch' }]
    : []
}

const listings =
  /^(?:os\.(?:listdir|scandir|walk|fwalk)|glob\.i?glob|(?:pathlib\.Path\(\)|\?)\.(?:iterdir|glob|rglob)|pathlib\.Path\(\)\.walk|tensorflow\.io\.gfile\.(?:glob|listdir|walk))$/

const listing: CallRule = ({ node, path }, walk) => {
  if (!listings.test(path) || endsHarmless(walk, node, 'order') || isSortedWalk(walk, node, path)) return []
  return [{ rule: 'listing-order', node, what: quoted(path) }]
}

/** `for root, dirs, files in os.walk(top)` that sorts `dirs` in place, and the files too where it asks for them. */
function isSortedWalk(walk: Walk, node: PyNode, path: string): boolean {
  const loop = path.endsWith('walk') && node.parent?.name === 'ForStatement' ? node.parent : undefined
  if (loop === undefined) return false
  const names = loop.children.slice(0, loop.children.indexOf(node)).flatMap((child) => [child, ...child.children])
  const bindings = names.map((name) => walk.bindingOf.get(name)).filter((binding) => binding !== undefined)
  const [, folders, files] = bindings
  return (
    folders !== undefined &&
    isOrdered(walk, folders.loads) &&
    (files === undefined ||
      isOrdered(walk, files.loads) ||
      files.loads.every((load) => endsHarmless(walk, load, 'order')))
  )
}

/** `x.sort()`, `x[:] = sorted(x)`. */
function isOrdered(walk: Walk, loads: readonly PyNode[]): boolean {
  return loads.some(({ parent }) => {
    const words = parent?.name === 'MemberExpression' ? textOf(parent, walk.text) : ''
    return words.endsWith('.sort') || words.endsWith('[:]')
  })
}

const clocks =
  /^(?:time\.(?:time|time_ns|perf_counter|perf_counter_ns|monotonic|monotonic_ns|process_time|process_time_ns|thread_time)|datetime\.datetime\.(?:now|utcnow|today)|datetime\.date\.today|pandas\.Timestamp\.(?:now|today|utcnow)|timeit\.default_timer|django\.utils\.timezone\.now)$/
const clocksWithout = /^(?:time\.(?:ctime|localtime|gmtime|asctime))$/

const clock: CallRule = ({ node, path, args }, walk) => {
  const isClock =
    clocks.test(path) ||
    (clocksWithout.test(path) && args.length === 0) ||
    (path === 'time.strftime' && args.length === 1)
  if (!isClock || endsHarmless(walk, node, 'value')) return []
  return [{ rule: 'wall-clock', node, what: quoted(path) }]
}

const identity: CallRule = ({ node, path }, walk) => {
  if (/^uuid\.uuid[14678]$/.test(path)) {
    return endsHarmless(walk, node, 'value') ? [] : [{ rule: 'random-id', node, what: quoted(path) }]
  }
  const isEntropy = /^(?:os\.(?:urandom|getrandom)|random\.SystemRandom|secrets\.(?!compare_digest)\w+)$/.test(path)
  return isEntropy ? [{ rule: 'os-entropy', node, what: quoted(path) }] : []
}

const textHash: CallRule = ({ node, path, args }, walk) => {
  if (path !== 'builtins.hash' || args[0]?.value?.kind === 'literal') return []
  const inside = around(node, 'FunctionDefinition')?.children.find(({ name }) => name === 'VariableName')
  if (inside !== undefined && textOf(inside, walk.text) === '__hash__') return []
  return endsHarmless(walk, node, 'value') ? [] : [{ rule: 'text-hash', node, what: '`hash`' }]
}

function setsRead(walk: Walk): readonly Found[] {
  return walk.setsRead
    .filter((node) => !endsHarmless(walk, node, 'order'))
    .map((node) => ({ rule: 'set-order', node, what: 'this' }))
}

const network: CallRule = ({ node, path, args }) => {
  const first = args[0]?.value
  const isAddress = first?.kind === 'text' && first.whole && /^https?:/.test(first.end)
  const isRead = /^pandas\.read_\w+$/.test(path) && isAddress
  const isGet =
    /^(?:requests|httpx)\.(?:get|post|request)$|^urllib\.request\.(?:urlopen|urlretrieve)$|^wget\.download$/.test(path)
  const isHub = path === 'datasets.load_dataset' && argument(args, 'revision') === undefined && !isOpen(args)
  return isRead || isGet || isHub ? [{ rule: 'network-input', node, what: quoted(path) }] : []
}

const hogwild: CallRule = ({ node, path, args }) => {
  if (isOpen(args)) return []
  const isLinear =
    path.startsWith('xgboost.') && textAt(args, 'booster') === 'gblinear' && textAt(args, 'updater') !== 'coord_descent'
  const workers = argument(args, 'workers')?.value
  const isOne = workers?.kind === 'literal' && workers.value === 1
  const isWords = /^gensim\.models\.(?:\w+\.)?(?:Word2Vec|Doc2Vec|FastText)$/.test(path) && !isOne
  return isLinear || isWords ? [{ rule: 'hogwild-updates', node, what: quoted(lastOf(path)) }] : []
}

const loose: CallRule = ({ node, path, args }) => {
  const value = args[0]?.value
  const isOff = value?.kind === 'literal' && value.value === false
  return path === 'torch.use_deterministic_algorithms' && isOff
    ? [{ rule: 'gpu-determinism', node, what: quoted(path) }]
    : []
}

function settings({ assigned }: Walk): readonly Found[] {
  return assigned.flatMap(({ target, node, value }): Found[] => {
    const isOn = value?.kind === 'literal' && value.value === true
    return target === 'torch.backends.cudnn.benchmark' && isOn
      ? [{ rule: 'gpu-determinism', node, what: '`torch.backends.cudnn.benchmark = True`' }]
      : []
  })
}

/** Where a GPU is asked for and something is trained: by torch itself, by a trainer of torch, by Keras. */
function looseGpu({ calls, imports }: Walk): Found | undefined {
  const isLearning = calls.some(({ path }) => lastOf(path) === 'backward')
  const torch = calls.find((call) => (isLearning && asksForGpu(call)) || textAt(call.args, 'accelerator') === 'gpu')
  if (torch !== undefined)
    return { ...gpuRule, node: torch.node, what: '`cuda` without `torch.use_deterministic_algorithms(True)`' }
  const isKeras = imports.some(({ module }) => /^(?:tensorflow|keras)(?:\.|$)/.test(module))
  const fit = calls.find(({ path }) => /^(?:fit|train_on_batch|apply_gradients)$/.test(lastOf(path)))
  return !isKeras || fit === undefined
    ? undefined
    : { ...gpuRule, node: fit.node, what: `${lineOf(fit)} without \`tf.config.experimental.enable_op_determinism()\`` }
}

const gpuRule = { rule: 'gpu-determinism' } as const

/** `x.cuda()`, `.to("cuda")`, `torch.device("cuda")`, `device="cuda"`. */
function asksForGpu({ path, args }: Call): boolean {
  if (lastOf(path) === 'cuda' && args.length === 0 && path !== 'torch.cuda') return true
  const takes = lastOf(path) === 'to' || path === 'torch.device'
  return args.some(
    ({ name, value }) =>
      (takes || name === 'device') && value?.kind === 'text' && value.whole && value.end.startsWith('cuda'),
  )
}

const callRules: readonly CallRule[] = [
  ...[ownGenerators, missingSeeds, listing, clock, identity, textHash, network, hogwild, loose],
  ...archiveRules,
  ...raceRules,
  ...tensorRules,
]

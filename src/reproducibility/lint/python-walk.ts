/**
 * One walk through a module in the order in which Python runs it: names are bound as it goes, the bodies of functions
 * come after the module that they are in. What was called, loaded and gone through is noted; `python-rules.ts` judges it.
 */
import { typeValue, visitClass, visitFunction, visitImport, visitLambda } from './python-definitions.ts'
import {
  type Argument,
  bindTarget,
  type Frame,
  find,
  splitAt,
  type Visit,
  visitAll,
  type Walk,
  type Walker,
} from './python-scope.ts'
import { type PyNode, type PyTree, textOf } from './python-tree.ts'
import { aSet, lastOf, literalOf, named, pathOf, type Value } from './python-values.ts'

/** LIMIT: steps in which values of one module are followed; beyond it they are taken to go on. */
const maxSteps = 300_000

export function walkPython(tree: PyTree, text: string): Walk {
  const root: Frame = { names: new Map() }
  const walker: Walker = {
    ...{
      text,
      root,
      visit,
      later: [],
      stars: [],
      calls: [],
      callOf: new Map(),
      callsOf: new Map(),
      uses: [],
      setsRead: [],
      assigned: [],
    },
    ...{
      imports: [],
      functions: new Map(),
      bindingOf: new Map(),
      membersRead: new Map(),
      loaded: new Set(),
      guards: new Set(),
    },
    fuel: { left: maxSteps },
    seedTexts: 0,
  }
  visitAll(walker, tree.root, root)
  for (let index = 0; index < walker.later.length; index += 1) walker.later[index]?.()
  return walker
}

function visit(walker: Walker, node: PyNode, frame: Frame): Value | undefined {
  const own = visits.get(node.name)
  if (own !== undefined) return own(walker, node, frame)
  visitAll(walker, node, frame)
  const value = literalOf(node, walker.text)
  if (value?.kind === 'text' && /__(?:random_state|seed)$/.test(value.end)) walker.seedTexts += 1
  return value
}

const visitName: Visit = (walker, node, frame) => {
  const name = textOf(node, walker.text)
  walker.loaded.add(name)
  const binding = find(frame, name)
  if (binding === undefined) {
    const star = builtins.has(name) ? 'builtins' : walker.stars.at(-1)
    return star === undefined ? undefined : noteUse(walker, node, named(`${star}.${name}`))
  }
  binding.loads.push(node)
  walker.bindingOf.set(node, binding)
  return noteUse(walker, node, binding.value)
}

const builtins: ReadonlySet<string> = new Set([
  ...[
    'set',
    'frozenset',
    'sorted',
    'list',
    'tuple',
    'dict',
    'len',
    'min',
    'max',
    'sum',
    'any',
    'all',
    'print',
    'hash',
    'id',
  ],
  ...['enumerate', 'zip', 'map', 'filter', 'iter', 'next', 'str', 'int', 'float', 'round', 'open', 'range', 'reversed'],
])

function noteUse(walker: Walker, node: PyNode, value: Value | undefined): Value | undefined {
  const isWhole = node.parent?.name !== 'MemberExpression' || node.parent.children[0] !== node
  if (isWhole && value?.kind === 'name' && !/^[?.]|^builtins\./.test(value.path)) {
    walker.uses.push({ node, path: value.path })
  }
  return value
}

const visitMember: Visit = (walker, node, frame) => {
  const [object, ...rest] = node.children
  const base = object === undefined ? undefined : visit(walker, object, frame)
  const property = rest.at(-1)
  if (property?.name !== 'PropertyName') {
    for (const child of rest) visit(walker, child, frame)
    return undefined
  }
  const name = textOf(property, walker.text)
  walker.loaded.add(name)
  const isSelf = object?.name === 'VariableName' && ['self', 'cls'].includes(textOf(object, walker.text))
  if (isSelf) {
    const reads = walker.membersRead.get(name) ?? []
    reads.push(node)
    walker.membersRead.set(name, reads)
  }
  if (base?.kind === 'set') return named(`set().${name}`)
  return noteUse(walker, node, named(`${pathOf(base)}.${name}`))
}

const setMakers =
  /^(?:builtins\.(?:set|frozenset)|set\(\)\.(?:union|difference|intersection|symmetric_difference|copy))$/
const setReaders =
  /^builtins\.(?:list|tuple|enumerate|iter|zip|map|filter|reversed)$|\.join$|^numpy\.(?:array|fromiter)$/

const visitCall: Visit = (walker, node, frame) => {
  const [callee, list] = node.children
  const path = pathOf(callee === undefined ? undefined : visit(walker, callee, frame))
  const args = list === undefined ? [] : argumentsOf(walker, list, frame)
  const call = { node, path, args }
  walker.calls.push(call)
  walker.callOf.set(node, call)
  const same = walker.callsOf.get(lastOf(path)) ?? []
  same.push(node)
  walker.callsOf.set(lastOf(path), same)
  if (setReaders.test(path)) for (const arg of args) if (arg.value?.kind === 'set') walker.setsRead.push(arg.node)
  return setMakers.test(path) ? aSet : named(`${path}()`)
}

function argumentsOf(walker: Walker, list: PyNode, frame: Frame): readonly Argument[] {
  const parts = list.children.slice(1, -1)
  if (parts.some(({ name }) => name === 'for')) {
    visitComprehension(walker, list, frame)
    return []
  }
  return splitAt(parts, ',').flatMap((group): Argument[] => {
    const [first, second] = group
    const node = group.at(-1)
    if (first === undefined || node === undefined) return []
    const isNamed = second?.name === 'AssignOp'
    const value = visit(walker, node, frame)
    if (isNamed) return [{ name: textOf(first, walker.text), node, value }]
    return [{ ...(first.name === '**' || first.name === '*' ? { star: true as const } : {}), node, value }]
  })
}

const visitAssign: Visit = (walker, node, frame) => {
  const type = node.children.find(({ name }) => name === 'TypeDef')
  const groups = splitAt(
    node.children.filter((child) => child !== type),
    'AssignOp',
  )
  const values = groups.at(-1) ?? []
  const found = values.map((child) => visit(walker, child, frame))
  const value = values.length === 1 ? found[0] : undefined
  const typed = type === undefined ? undefined : typeValue(walker, type, frame)
  const targets = groups.length > 1 ? groups.slice(0, -1) : type === undefined ? [] : groups
  for (const group of targets) {
    const isOne = group.length === 1
    for (const target of group) bindTarget(walker, target, frame, isOne ? (value ?? typed) : undefined)
  }
  return undefined
}

type Clause = Readonly<{ targets: readonly PyNode[]; source: PyNode }>

/** `for a, b in c for d in e`: what is bound, and what is gone through. */
function clausesOf(node: PyNode): readonly Clause[] {
  const clauses: Clause[] = []
  let targets: PyNode[] | undefined
  let isNext = false
  for (const child of node.children) {
    if (isNext) {
      clauses.push({ targets: targets ?? [], source: child })
      isNext = false
      targets = undefined
    } else if (child.name === 'for') targets = []
    else if (child.name === 'in' && targets !== undefined) isNext = true
    else targets?.push(child)
  }
  return clauses
}

/** What is gone through, then the element and the conditions. */
const visitComprehension: Visit = (walker, node, frame) => {
  const own: Frame = { names: new Map(), parent: frame }
  const done = new Set<PyNode>()
  for (const { targets, source } of clausesOf(node)) {
    readThrough(walker, source, own)
    for (const target of targets) bindTarget(walker, target, own, undefined)
    for (const each of [...targets, source]) done.add(each)
  }
  for (const child of node.children) if (!done.has(child)) visit(walker, child, own)
  return node.name === 'SetComprehensionExpression' ? aSet : undefined
}

function readThrough(walker: Walker, source: PyNode, frame: Frame): Value | undefined {
  const value = visit(walker, source, frame)
  if (value?.kind === 'set') walker.setsRead.push(source)
  return value
}

const visitFor: Visit = (walker, node, frame) => {
  for (const { targets, source } of clausesOf(node).slice(0, 1)) {
    readThrough(walker, source, frame)
    for (const target of targets) bindTarget(walker, target, frame, undefined)
  }
  for (const child of node.children) if (child.name === 'Body') visitAll(walker, child, frame)
  return undefined
}

/** `with a as b`, `except E as e`: what follows `as` is bound. */
const visitWith: Visit = (walker, node, frame) => {
  let value: Value | undefined
  let isTarget = false
  for (const child of node.children) {
    if (child.name === 'as') isTarget = true
    else if (isTarget) {
      bindTarget(walker, child, frame, node.name === 'WithStatement' ? value : undefined)
      isTarget = false
    } else value = visit(walker, child, frame)
  }
  return undefined
}

const visitBinary: Visit = (walker, node, frame) => {
  const [left, operator, right] = node.children
  const a = left === undefined ? undefined : visit(walker, left, frame)
  const b = right === undefined ? undefined : visit(walker, right, frame)
  const sign = operator === undefined ? '' : textOf(operator, walker.text)
  if (['|', '&', '-', '^'].includes(sign) && (a?.kind === 'set' || (b?.kind === 'set' && sign !== '-'))) return aSet
  if (sign === '/' && (pathOf(a) === 'pathlib.Path()' || pathOf(b) === 'pathlib.Path()')) return named('pathlib.Path()')
  if (sign === '+' && b?.kind === 'text') return { ...b, whole: false }
  return undefined
}

const visitIf: Visit = (walker, node, frame) => {
  const [, test] = node.children
  const words = test?.name === 'BinaryExpression' ? test.children.map((child) => textOf(child, walker.text)) : []
  if (words.includes('__name__') && words.some((word) => word.includes('__main__'))) walker.guards.add(node)
  return visitAll(walker, node, frame)
}

/** Both ways must agree, and what is one thing only is that thing. */
const visitEither: Visit = (walker, node, frame) => {
  const values = node.children.filter(({ name }) => !/^[^A-Z]/.test(name)).map((child) => visit(walker, child, frame))
  if (node.name !== 'ConditionalExpression') return values.length === 1 ? values[0] : undefined
  const [yes, , no] = values
  return yes?.kind === no?.kind && pathOf(yes) === pathOf(no) ? yes : undefined
}

const visitSet: Visit = (walker, node, frame) => visitAll(walker, node, frame) ?? aSet

const visitDictionary: Visit = (walker, node, frame) => visitAll(walker, node, frame) ?? { kind: 'dict', node }

/** `(x := value)`, and `x += value`, of which nothing is known. */
const visitRebound: Visit = (walker, node, frame) => {
  const [target, , source] = node.children
  const value = source === undefined ? undefined : visit(walker, source, frame)
  if (target === undefined) return undefined
  if (node.name === 'UpdateStatement') return visit(walker, target, frame) && undefined
  bindTarget(walker, target, frame, value)
  return value
}

const visitScope: Visit = (walker, node, frame) => {
  if (node.children[0]?.name === 'global') {
    for (const { name, from, to } of node.children) {
      if (name === 'VariableName') frame.globals?.add(walker.text.slice(from, to))
    }
  }
  return undefined
}

const visits: ReadonlyMap<string, Visit> = new Map<string, Visit>([
  ['VariableName', visitName],
  ['MemberExpression', visitMember],
  ['CallExpression', visitCall],
  ['AssignStatement', visitAssign],
  ['ForStatement', visitFor],
  ['FunctionDefinition', visitFunction],
  ['ClassDefinition', visitClass],
  ['LambdaExpression', visitLambda],
  ['WithStatement', visitWith],
  ['TryStatement', visitWith],
  ['ImportStatement', visitImport],
  ['BinaryExpression', visitBinary],
  ['IfStatement', visitIf],
  ['ParenthesizedExpression', visitEither],
  ['AwaitExpression', visitEither],
  ['ConditionalExpression', visitEither],
  ['SetExpression', visitSet],
  ['DictionaryExpression', visitDictionary],
  ['NamedExpression', visitRebound],
  ['UpdateStatement', visitRebound],
  ['ScopeStatement', visitScope],
  ['ComprehensionExpression', visitComprehension],
  ['ArrayComprehensionExpression', visitComprehension],
  ['SetComprehensionExpression', visitComprehension],
  ['DictionaryComprehensionExpression', visitComprehension],
])

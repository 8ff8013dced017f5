/** Functions, classes and imports: what they bind, and where their bodies are walked. */
import { bind, type Frame, splitAt, type Visit, visitAll, type Walker } from './python-scope.ts'
import { type PyNode, textOf } from './python-tree.ts'
import { aSet, named, type Value } from './python-values.ts'

/** Modules whose names a star import brings, as far as rules ask for them. */
const starred: ReadonlySet<string> = new Set([
  ...['random', 'numpy.random', 'numpy', 'os', 'glob', 'time', 'datetime', 'uuid', 'secrets', 'pathlib', 'torch'],
])

/** What a name is by its annotation: `pathlib.Path()` of `Path`, a set of `set[str]`. */
export function typeValue(walker: Walker, type: PyNode, frame: Frame): Value | undefined {
  const [, expression] = type.children
  const outer =
    expression?.name === 'MemberExpression' && expression.children[1]?.name === '['
      ? expression.children[0]
      : expression
  if (outer === undefined) return undefined
  const value = walker.visit(walker, outer, frame)
  if (value?.kind !== 'name') return undefined
  return value.path === 'builtins.set'
    ? aSet
    : /^[?.]|^builtins/.test(value.path)
      ? undefined
      : named(`${value.path}()`)
}

export const visitFunction: Visit = (walker, node, frame) => {
  const [name] = node.children.filter((child) => child.name === 'VariableName')
  if (name !== undefined) {
    const word = textOf(name, walker.text)
    bind(walker, frame, word, named(`.${word}`))
    walker.functions.set(word, node)
  }
  const own: Frame = { names: new Map(), parent: frame, globals: new Set() }
  for (const child of node.children) if (child.name === 'ParamList') bindParameters(walker, child, frame, own)
  walker.later.push(() => {
    for (const child of node.children) if (child.name === 'Body') visitAll(walker, child, own)
  })
  return undefined
}

function bindParameters(walker: Walker, list: PyNode, outer: Frame, own: Frame): void {
  let current: string | undefined
  let isDefault = false
  for (const child of list.children) {
    if (child.name === ',') isDefault = false
    else if (child.name === 'AssignOp') isDefault = true
    else if (child.name === 'TypeDef' && current !== undefined)
      bind(walker, own, current, typeValue(walker, child, outer))
    else if (child.name === 'VariableName' && !isDefault) {
      current = textOf(child, walker.text)
      bind(walker, own, current, undefined)
    } else if (isDefault) walker.visit(walker, child, outer)
  }
}

export const visitLambda: Visit = (walker, node, frame) => {
  const own: Frame = { names: new Map(), parent: frame }
  for (const child of node.children) {
    if (child.name === 'ParamList') bindParameters(walker, child, frame, own)
    else walker.visit(walker, child, own)
  }
  return undefined
}

export const visitClass: Visit = (walker, node, frame) => {
  const [name] = node.children.filter((child) => child.name === 'VariableName')
  if (name !== undefined) bind(walker, frame, textOf(name, walker.text), named(`.${textOf(name, walker.text)}`))
  const own: Frame = { names: new Map(), parent: frame, isClass: true }
  for (const child of node.children) {
    if (child.name === 'ArgList') visitAll(walker, child, frame)
    if (child.name === 'Body') visitAll(walker, child, own)
  }
  return undefined
}

export const visitImport: Visit = (walker, node, frame) => {
  const isFrom = node.children[0]?.name === 'from'
  const at = node.children.findIndex(({ name }) => name === 'import')
  const head = isFrom ? node.children.slice(1, at) : []
  const dots = head.findIndex(({ name }) => name !== '.')
  const level = dots < 0 ? head.length : dots
  const dotted = (parts: readonly PyNode[]): string =>
    parts.flatMap((part) => (part.name === 'VariableName' ? [textOf(part, walker.text)] : [])).join('.')
  const module = dotted(head)
  const listed = node.children.slice(at + 1).filter(({ name }) => name !== '(' && name !== ')')
  const names: string[] = []
  for (const group of splitAt(listed, ',')) {
    const as = group.findIndex(({ name }) => name === 'as')
    const path = dotted(as < 0 ? group : group.slice(0, as))
    const alias = as < 0 ? undefined : dotted(group.slice(as + 1))
    if (isFrom) names.push(path)
    else walker.imports.push({ module: path, level: 0, names: [], node })
    if (group[0]?.name === '*') {
      if (starred.has(module)) walker.stars.push(module)
    } else if (path !== '') bindImport(walker, frame, { module, path, alias, isFrom })
  }
  if (isFrom) walker.imports.push({ module, level, names, node })
  return undefined
}

function bindImport(
  walker: Walker,
  frame: Frame,
  {
    module,
    path,
    alias,
    isFrom,
  }: Readonly<{ module: string; path: string; alias: string | undefined; isFrom: boolean }>,
): void {
  if (isFrom) bind(walker, frame, alias ?? path, named(module === '' ? path : `${module}.${path}`))
  else if (alias !== undefined) bind(walker, frame, alias, named(path))
  else bind(walker, frame, path.split('.')[0] ?? path, named(path.split('.')[0] ?? path))
}

/** What a walk notes, and names in their scopes. Read by `python-walk.ts`. */
import { type PyNode, textOf } from './python-tree.ts'
import { named, pathOf, type Value } from './python-values.ts'

export type Argument = Readonly<{ name?: string; star?: true; node: PyNode; value: Value | undefined }>
export type Call = Readonly<{ node: PyNode; path: string; args: readonly Argument[] }>
/** One name of one scope, over the whole walk. */
export type Binding = {
  value: Value | undefined
  readonly loads: PyNode[]
  /** A name of the module, which others may import. */
  readonly isTop: boolean
}
export type Import = Readonly<{ module: string; level: number; names: readonly string[]; node: PyNode }>

export type Walk = {
  readonly text: string
  readonly calls: Call[]
  readonly callOf: Map<PyNode, Call>
  /** The last part of a name -> where it is called. */
  readonly callsOf: Map<string, PyNode[]>
  /** Dotted names of imports where they are used, outermost member alone. */
  readonly uses: { node: PyNode; path: string }[]
  /** Where a set is gone through. */
  readonly setsRead: PyNode[]
  readonly assigned: { target: string; node: PyNode; value: Value | undefined }[]
  readonly imports: Import[]
  /** Functions by their names; of two that are called the same, the last. */
  readonly functions: Map<string, PyNode>
  readonly bindingOf: Map<PyNode, Binding>
  /** `x` of `self.x` -> where it is read. */
  readonly membersRead: Map<string, PyNode[]>
  /** Every name that something is called by, for telling what is never called. */
  readonly loaded: Set<string>
  /** What following values may cost in all, so that a hostile module ends too. */
  /** Texts that end with `__random_state` or `__seed`, the parameter of a part. */
  seedTexts: number
  readonly fuel: { left: number }
  /** `if __name__ == "__main__"`. */
  readonly guards: Set<PyNode>
}

export type Frame = Readonly<{ names: Map<string, Binding>; parent?: Frame; isClass?: true; globals?: Set<string> }>
export type Visit = (walker: Walker, node: PyNode, frame: Frame) => Value | undefined
export type Walker = Walk &
  Readonly<{
    root: Frame
    /** Bodies of functions, which come after the module. */
    later: (() => void)[]
    stars: string[]
    visit: Visit
  }>

export function visitAll(walker: Walker, node: PyNode, frame: Frame): undefined {
  for (const child of node.children) walker.visit(walker, child, frame)
}

function bindingIn(frame: Frame, name: string): Binding {
  const found = frame.names.get(name) ?? { value: undefined, loads: [], isTop: frame.parent === undefined }
  frame.names.set(name, found)
  return found
}

export function bind(walker: Walker, frame: Frame, name: string, value: Value | undefined): Binding {
  const binding = bindingIn(frame.globals?.has(name) === true ? walker.root : frame, name)
  binding.value = value
  return binding
}

export function find(frame: Frame, name: string): Binding | undefined {
  const own = frame.names.get(name)
  if (own !== undefined) return own
  for (let each = frame.parent; each !== undefined; each = each.parent) {
    const binding = each.isClass === true ? undefined : each.names.get(name)
    if (binding !== undefined) return binding
  }
  return undefined
}

export function bindTarget(walker: Walker, target: PyNode, frame: Frame, value: Value | undefined): void {
  if (target.name === 'VariableName') {
    walker.bindingOf.set(target, bind(walker, frame, textOf(target, walker.text), value))
  } else if (/^(?:Tuple|Array|Parenthesized)Expression$/.test(target.name)) {
    for (const child of target.children) bindTarget(walker, child, frame, undefined)
  } else if (target.name === 'MemberExpression') {
    const [object, ...rest] = target.children
    const base = object === undefined ? undefined : walker.visit(walker, object, frame)
    for (const child of rest) if (child.name !== 'PropertyName') walker.visit(walker, child, frame)
    const own = rest.map((child) => textOf(child, walker.text)).join('')
    walker.assigned.push({ target: pathOf(named(`${pathOf(base)}${own}`)), node: target, value })
  }
}

export function splitAt(nodes: readonly PyNode[], separator: string): readonly (readonly PyNode[])[] {
  const groups: PyNode[][] = [[]]
  for (const node of nodes) {
    if (node.name === separator) groups.push([])
    else groups.at(-1)?.push(node)
  }
  return groups.filter((group) => group.length > 0)
}

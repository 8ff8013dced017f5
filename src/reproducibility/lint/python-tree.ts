/**
 * Python source as a tree with parents, in bounded time and memory. The grammar is `@lezer/python`'s, made for editors:
 * it goes on behind what it does not know, and where it did so is said.
 *
 * LIMIT: a text of 512 KiB, 1,000 levels of nesting; what is beyond is data or an attack, and is not read.
 */
import { parser } from '@lezer/python'
import { bracketDepth } from '../../core/index.ts'

export type PyNode = {
  readonly name: string
  readonly from: number
  readonly to: number
  readonly parent: PyNode | undefined
  readonly children: readonly PyNode[]
}
/** While it is made. */
type Growing = PyNode & { children: PyNode[]; readonly parent: Growing | undefined }

/** Half of all nodes have none. */
const none: PyNode[] = []

export type Comment = Readonly<{ from: number; text: string }>

export type PyTree = Readonly<{
  root: PyNode
  comments: readonly Comment[]
  /** Offset of the first thing that the grammar does not know; what is around it was read. */
  broken?: number
}>

export const maxSourceBytes = 512 * 1024
export const maxDepth = 1000

/** @returns undefined when it is nested deeper than `maxDepth` */
export function parsePython(text: string): PyTree | undefined {
  if (bracketDepth(text) > maxDepth) return undefined
  const cursor = parser.parse(`${text}\n`).cursor() // a last line without an end is none to it
  const root: Growing = { name: cursor.name, from: cursor.from, to: cursor.to, parent: undefined, children: [] }
  const comments: Comment[] = []
  let [parent, depth, broken] = [root, 0, undefined as number | undefined]
  if (!cursor.firstChild()) return { root, comments }
  // INVARIANT: a loop, so that no nesting can exhaust the stack.
  for (;;) {
    const { name, from, to } = cursor
    const { isError } = cursor.type
    if (isError && !isKnownGap(parent) && broken === undefined) broken = from
    if (name === 'Comment') comments.push({ from, text: text.slice(from, to) })
    const node: Growing = { name, from, to, parent, children: none }
    const isInner = name !== 'Comment' && cursor.firstChild()
    if (name !== 'Comment' && (isInner || !isError)) parent.children.push(node)
    if (isInner) {
      node.children = []
      parent = node
      depth += 1
      if (depth > maxDepth) return undefined
      continue
    }
    while (!cursor.nextSibling()) {
      if (!cursor.parent() || parent.parent === undefined) {
        return { root, comments, ...(broken === undefined ? {} : { broken }) }
      }
      depth -= 1
      parent = parent.parent
    }
  }
}

/** Python that the grammar does not know and reads rightly all the same: `5.`, `yield` alone, `with (a as b)`, `case {}`. */
function isKnownGap(parent: PyNode): boolean {
  if (parent.name === 'MemberExpression') return parent.children[0]?.name === 'Number'
  if (parent.name === 'ParamList') return parent.parent?.name === 'LambdaExpression'
  if (/^(?:Yield\w+|LiteralPattern|MappingPattern)$/.test(parent.name)) return true
  for (let each: PyNode | undefined = parent; each !== undefined && each.name !== 'Body'; each = each.parent) {
    if (each.name === 'WithStatement') return true
  }
  return false
}

export function textOf(node: PyNode, text: string): string {
  return text.slice(node.from, node.to)
}

/** The innermost node around this one, of one of these names. */
export function around(node: PyNode, ...names: readonly string[]): PyNode | undefined {
  for (let each = node.parent; each !== undefined; each = each.parent) if (names.includes(each.name)) return each
  return undefined
}

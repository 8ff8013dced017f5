/** A walk over the syntax tree that rolldown's parser gives; used by the build and by the house lint. */

/** A node as plain data: its own fields are unknown until `type` is looked at. */
// biome-ignore lint/suspicious/noExplicitAny: the tree has some 200 node types; each reader looks at `type` first
export type SyntaxNode = Readonly<Record<string, any>>

/** Calls `visit` for each node, parents before children. */
export function eachNode(root: unknown, visit: (node: SyntaxNode) => void): void {
  if (Array.isArray(root)) {
    for (const item of root) eachNode(item, visit)
    return
  }
  if (typeof root !== 'object' || root === null) return
  const node = root as SyntaxNode // any object of the tree; lists were taken out above
  if (typeof node['type'] === 'string') visit(node)
  for (const child of Object.values(node)) if (typeof child === 'object') eachNode(child, visit)
}

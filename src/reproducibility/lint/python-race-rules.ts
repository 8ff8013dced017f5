/** Results in the order in which threads or processes finish: pure. */
import { argument, textAt } from './python-arguments.ts'
import { endsHarmless } from './python-fate.ts'
import type { Found } from './python-rules.ts'
import type { Call, Walk } from './python-scope.ts'
import { type PyNode, textOf } from './python-tree.ts'
import { lastOf } from './python-values.ts'

type CallRule = (call: Call, walk: Walk) => readonly Found[]

const completion: CallRule = ({ node, path, args }, walk) => {
  const isGenerator = textAt(args, 'return_as') === 'generator_unordered'
  if (!/(?:^|\.)(?:as_completed|imap_unordered)$/.test(path) && !isGenerator) return []
  if (path.startsWith('.') || endsHarmless(walk, node, 'order') || keepsTasks(walk, node)) return []
  return [{ rule: 'completion-order', node, what: `\`${path.startsWith('?.') ? path.slice(1) : path}\`` }]
}

/** Threads and processes that add to one list or queue: what is in it first is who was first. */
const racing: CallRule = ({ node, path, args }, walk) => {
  const isStarted = /^(?:threading\.Thread|multiprocessing\.(?:\w+\.)*Process)$/.test(path)
  const isGiven = /(?:^\?|[)\w])\.(?:submit|add_done_callback)$/.test(path) && !path.startsWith('.')
  if (!isStarted && !isGiven) return []
  const target = isStarted ? argument(args, 'target', 1) : argument(args, 'fn', 0)
  if (target === undefined || !addsToShared(walk, target.node)) return []
  return [{ rule: 'completion-order', node, what: `\`${lastOf(path)}\`` }]
}

const adding = /\.(?:append|appendleft|extend|put|put_nowait|send)$/

/** `out.append`, or a function of the module that adds to what is not its own. */
function addsToShared(walk: Walk, node: PyNode): boolean {
  const name = textOf(node, walk.text)
  const definition = walk.functions.get(name)
  if (definition === undefined) return adding.test(name)
  const own = new Set<string>()
  const calls: string[] = []
  const look = (each: PyNode): void => {
    walk.fuel.left -= 1
    if (walk.fuel.left < 0) return
    const [target] = each.name === 'AssignStatement' ? each.children : []
    if (target?.name === 'VariableName') own.add(textOf(target, walk.text))
    const [callee] = each.name === 'CallExpression' ? each.children : []
    if (callee !== undefined) calls.push(textOf(callee, walk.text))
    for (const child of each.children) look(child)
  }
  look(definition)
  return calls.some((callee) => adding.test(callee) && !own.has(callee.slice(0, callee.search(/[.[(]/))))
}

/** A loop that puts each result in its own place: nothing in it depends on which came first. */
function keepsTasks(walk: Walk, node: PyNode): boolean {
  const around = node.parent?.name === 'ArgList' ? node.parent.parent : node
  const loop = around?.parent?.name === 'ForStatement' ? around.parent : undefined
  const body = loop?.children.find(({ name }) => name === 'Body')
  return body !== undefined && !inOrder(walk, body)
}

function inOrder(walk: Walk, node: PyNode): boolean {
  if (/^Yield/.test(node.name) || node.name === 'ReturnStatement') return true
  if (node.name === 'UpdateStatement' && node.children[2]?.name !== 'Number') return true
  const path = walk.callOf.get(node)?.path ?? ''
  return (
    /\.(?:append|extend|write|writerow|put|send)$/.test(path) || node.children.some((child) => inOrder(walk, child))
  )
}

export const raceRules: readonly CallRule[] = [completion, racing]

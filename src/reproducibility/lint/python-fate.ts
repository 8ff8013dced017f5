/**
 * What becomes of a value: is it put in order, counted or only printed, or does it go on to where it can reach an out?
 *
 * It is followed upwards through its expression and into the names of one scope, no further: what is returned, stored or
 * given to a function that is not known goes on.
 */

import type { Binding, Walk } from './python-scope.ts'
import { around, type PyNode, textOf } from './python-tree.ts'

/** `order`: only the order of what it holds is unsure; `keys`: it is a dictionary of that kind; `value`: the value itself is. */
export type Doubt = 'order' | 'keys' | 'value'

/** LIMIT: this many names in a row. */
const maxNames = 6

const printers =
  /^builtins\.print$|^(?:logging|logger|loguru|warnings|absl\.logging|structlog|click\.echo|typer\.echo|rich\.print)\b|^\?\.(?:info|debug|warning|warn|error|critical|exception|print|set_description|set_postfix|log_info)$|^tqdm\.(?:\w+\.)*write$|^sys\.std(?:out|err)\.write$|^(?:rich\.console\.Console|logging\.getLogger)\(\)|^time\.sleep$/
const ordering =
  /^builtins\.(?:sorted|len|set|frozenset|min|max|any|all)$|^(?:collections\.Counter|natsort\.\w+|numpy\.(?:sort|unique)|os\.path\.\w+|shutil\.(?!copyfileobj$)\w+|os\.(?:remove|unlink|rename|replace|chmod))$|^set\(\)\.\w+$|\.(?:isdisjoint|issubset|issuperset)$/
const passingOrder =
  /^builtins\.(?:list|tuple|iter|zip|map|filter|reversed|str)$|\.(?:join|format|copy)$|^numpy\.(?:array|asarray)$|^tqdm\b/
const passing: Readonly<Record<Doubt, RegExp>> = {
  order: passingOrder,
  keys: passingOrder,
  value:
    /^builtins\.(?:str|int|float|round|min|max|sum|list|tuple)$|\.format$|^math\.\w+$|^numpy\.(?:mean|sum|median|round|array|std|min|max)$|^statistics\.\w+$|^datetime\.(?:timedelta|datetime\.fromtimestamp)$|^time\.(?:strftime|gmtime|localtime|ctime|asctime)$|^humanize\.\w+$/,
}
/** Methods of the value whose result is as doubtful as itself. */
const passingMethods: Readonly<Record<Doubt, ReadonlySet<string>>> = {
  order: new Set(['copy', 'items', 'keys', 'values']),
  keys: new Set(['copy', 'items', 'keys', 'values']),
  value: new Set([
    ...['strftime', 'isoformat', 'total_seconds', 'timestamp', 'replace', 'astimezone', 'date', 'time', 'ctime'],
    ...['seconds', 'microseconds', 'days', 'format', 'elapsed', 'split', 'mean', 'sum', 'year', 'month', 'day'],
  ]),
}

/** @returns true when nothing that could differ goes on from here */
export function endsHarmless(walk: Walk, node: PyNode, doubt: Doubt, steps = maxNames): boolean {
  const parent = node.parent
  walk.fuel.left -= 1
  if (parent === undefined || steps < 0 || walk.fuel.left < 0) return false
  const onwards = (): boolean => endsHarmless(walk, parent, doubt, steps)
  switch (parent.name) {
    case 'ParenthesizedExpression':
    case 'AwaitExpression':
    case 'FormatReplacement':
    case 'FormatString':
    case 'FormatSpec':
    case 'ArrayExpression':
    case 'TupleExpression':
    case 'UnaryExpression':
    case 'ConditionalExpression':
      return onwards()
    case 'ExpressionStatement':
      return true
    case 'UpdateStatement':
      return updatedEnds(walk, node, parent, doubt, steps)
    case 'ReturnStatement':
      return returnedEnds(walk, parent, doubt, steps)
    case 'ArgList':
      return argumentEnds(walk, node, parent, doubt, steps)
    case 'MemberExpression':
      return memberEnds(walk, parent, doubt, steps)
    case 'BinaryExpression':
      return binaryEnds(walk, node, parent, doubt, steps)
    case 'AssignStatement':
      return assignedEnds(walk, node, parent, doubt, steps)
    case 'ForStatement':
      return doubt !== 'value' && loopIsHarmless(walk, parent, steps)
    case 'IfStatement':
    case 'WhileStatement':
    case 'AssertStatement':
      return doubt !== 'value'
    case 'SetComprehensionExpression':
      return doubt !== 'value' || onwards()
    case 'DictionaryComprehensionExpression':
      return endsHarmless(walk, parent, doubt === 'order' ? 'keys' : doubt, steps)
    case 'ComprehensionExpression':
    case 'ArrayComprehensionExpression':
      return onwards()
    default:
      return false
  }
}

/** What is made of a dictionary is in its order. */
const listed = (doubt: Doubt): Doubt => (doubt === 'keys' ? 'order' : doubt)

function argumentEnds(walk: Walk, node: PyNode, list: PyNode, doubt: Doubt, steps: number): boolean {
  const call = list.parent
  if (call?.name !== 'CallExpression') return false
  const path = walk.callOf.get(call)?.path ?? '?'
  if (printers.test(path) || isLogCall(walk, call)) return true
  // a sum of floats follows the order of its parts; one that counts does not
  if (doubt !== 'value' && path === 'builtins.sum' && isCounted(node, list)) return true
  if ((doubt === 'value' ? /^builtins\.(?:len|isinstance|type)$/ : ordering).test(path)) return true
  const name = /^\?\.(append|extend)$/.exec(path)?.[1]
  if (name !== undefined) return collectedEnds(walk, call, doubt, steps)
  return passing[doubt].test(path) && node.parent === list && endsHarmless(walk, call, listed(doubt), steps)
}

/** `1 for each in names`, which may be the list of arguments itself. */
function isCounted(node: PyNode, list: PyNode): boolean {
  const { children } = list.children.some(({ name }) => name === 'for') ? list : node
  return children.some(({ name }) => name === 'for') && children[1]?.name === 'Number'
}

/** `log.info(...)`, `self.logger.debug(...)`: a thing that is called log or logger. */
function isLogCall(walk: Walk, call: PyNode): boolean {
  const [object] = call.children[0]?.children ?? []
  const last = object?.name === 'MemberExpression' ? object.children.at(-1) : object
  return last !== undefined && ['log', 'logger', '_logger', 'LOGGER', 'LOG'].includes(textOf(last, walk.text))
}

/** `times.append(value)`: what becomes of `times`, other than being added to. */
function collectedEnds(walk: Walk, call: PyNode, doubt: Doubt, steps: number): boolean {
  const list = call.children[0]?.children[0]
  const binding = list === undefined ? undefined : walk.bindingOf.get(list)
  return binding !== undefined && allLoadsEnd(walk, binding, doubt, steps - 1)
}

function memberEnds(walk: Walk, member: PyNode, doubt: Doubt, steps: number): boolean {
  const property = member.children.at(-1)
  if (property?.name !== 'PropertyName') {
    return doubt === 'keys' || (doubt === 'value' && endsHarmless(walk, member, doubt, steps))
  }
  const name = textOf(property, walk.text)
  const call =
    member.parent?.name === 'CallExpression' && member.parent.children[0] === member ? member.parent : undefined
  if (doubt === 'keys' && ['get', 'pop', 'setdefault'].includes(name)) return true
  if (doubt !== 'value' && (name === 'sort' || name === 'count')) return true
  if (['append', 'extend', 'clear', 'add'].includes(name) && call !== undefined) return true
  return passingMethods[doubt].has(name) && endsHarmless(walk, call ?? member, listed(doubt), steps)
}

function binaryEnds(walk: Walk, node: PyNode, binary: PyNode, doubt: Doubt, steps: number): boolean {
  const words = binary.children.filter((child) => child !== node).map((child) => textOf(child, walk.text))
  const isMembership = words.includes('in')
  if (doubt !== 'value' && (isMembership || words.some((word) => word === '==' || word === '!='))) return true
  if (doubt === 'value' && binary.children.some(({ name }) => name === 'CompareOp' || name === 'in')) return false
  return endsHarmless(walk, binary, doubt, steps)
}

function assignedEnds(walk: Walk, node: PyNode, assign: PyNode, doubt: Doubt, steps: number): boolean {
  const at = assign.children.findIndex(({ name }) => name === 'AssignOp')
  const targets = assign.children.slice(0, at).filter(({ name }) => name !== ',' && name !== 'TypeDef')
  if (at < 0 || assign.children.slice(at + 1).some(({ name }) => name === 'AssignOp')) return false
  return targets.every((target) => {
    if (target === node) return true
    if (target.name === 'VariableName') {
      const binding = walk.bindingOf.get(target)
      return binding !== undefined && allLoadsEnd(walk, binding, doubt, steps - 1)
    }
    const own = memberOfSelf(walk, target)
    return own !== undefined && readsEnd(walk, walk.membersRead.get(own) ?? [], doubt, steps - 1)
  })
}

/** `total += value`: what becomes of `total`. */
function updatedEnds(walk: Walk, node: PyNode, update: PyNode, doubt: Doubt, steps: number): boolean {
  const [target] = update.children
  if (target === node) return true
  const binding = target === undefined ? undefined : walk.bindingOf.get(target)
  return binding !== undefined && allLoadsEnd(walk, binding, doubt, steps - 1)
}

/** What the callers in this module make of it; a function that is not called here may give it to anyone. */
function returnedEnds(walk: Walk, statement: PyNode, doubt: Doubt, steps: number): boolean {
  const definition = around(statement, 'FunctionDefinition', 'LambdaExpression')
  const name = definition?.children.find((child) => child.name === 'VariableName')
  if (definition?.name !== 'FunctionDefinition' || name === undefined) return false
  const calls = walk.callsOf.get(textOf(name, walk.text)) ?? []
  return calls.length > 0 && readsEnd(walk, calls, doubt, steps - 1)
}

function memberOfSelf(walk: Walk, target: PyNode): string | undefined {
  const [object, , property] = target.children
  const isOwn = target.name === 'MemberExpression' && object !== undefined && textOf(object, walk.text) === 'self'
  return isOwn && property?.name === 'PropertyName' ? textOf(property, walk.text) : undefined
}

/** Sorted in place once, it is in order wherever it is read. */
function allLoadsEnd(walk: Walk, binding: Binding, doubt: Doubt, steps: number): boolean {
  walk.fuel.left -= binding.loads.length
  if (walk.fuel.left < 0 || (binding.isTop && binding.loads.length === 0)) return false
  if (doubt !== 'value' && binding.loads.some((load) => isSortedInPlace(walk, load))) return true
  return readsEnd(walk, binding.loads, doubt, steps)
}

function isSortedInPlace(walk: Walk, load: PyNode): boolean {
  const member = load.parent
  return (
    member?.name === 'MemberExpression' && member.children[0] === load && textOf(member, walk.text).endsWith('.sort')
  )
}

function readsEnd(walk: Walk, reads: readonly PyNode[], doubt: Doubt, steps: number): boolean {
  return steps >= 0 && reads.every((read) => endsHarmless(walk, read, doubt, steps))
}

/** A loop in any order leaves the same behind: it removes, copies, counts, prints, or fills what is put in order later. */
function loopIsHarmless(walk: Walk, loop: PyNode, steps: number): boolean {
  return (
    !leavesLast(walk, loop) &&
    loop.children.every((child) => child.name !== 'Body' || bodyIsHarmless(walk, child, steps))
  )
}

/** A name that is set in the loop and read behind it holds what came last. */
function leavesLast(walk: Walk, loop: PyNode): boolean {
  const isBehind = (binding: Binding): boolean => {
    walk.fuel.left -= binding.loads.length
    return walk.fuel.left < 0 || binding.loads.some(({ from }) => from >= loop.to)
  }
  const isSet = (node: PyNode): boolean => {
    walk.fuel.left -= 1
    if (walk.fuel.left < 0) return true
    const [target] = node.name === 'AssignStatement' ? node.children : []
    const binding = target?.name === 'VariableName' ? walk.bindingOf.get(target) : undefined
    return (binding !== undefined && isBehind(binding)) || node.children.some(isSet)
  }
  return loop.children.some((child) => child.name === 'Body' && isSet(child))
}

function bodyIsHarmless(walk: Walk, body: PyNode, steps: number): boolean {
  walk.fuel.left -= body.children.length
  return body.children.every((statement) => statementIsHarmless(walk, statement, steps))
}

const quiet =
  /^(?:os\.(?:remove|unlink|rename|replace|makedirs|mkdir|chmod)|shutil\.(?!copyfileobj$)\w+|\?\.(?:unlink|add|mkdir|rmdir|touch|discard)|pathlib\.Path\(\)\.\w+|set\(\)\.\w+)$/

function statementIsHarmless(walk: Walk, statement: PyNode, steps: number): boolean {
  switch (statement.name) {
    case ':':
    case 'PassStatement':
    case 'ContinueStatement':
    case 'AssertStatement':
    case 'RaiseStatement':
      return true
    case 'ExpressionStatement':
      return expressionIsHarmless(walk, statement.children[0], steps)
    case 'AssignStatement':
      return statement.children[0]?.name === 'VariableName'
    case 'UpdateStatement':
      return statement.children[2]?.name === 'Number' && statement.children[0]?.name === 'VariableName'
    case 'IfStatement':
    case 'ForStatement':
    case 'WithStatement':
    case 'TryStatement':
      return statement.children.every((child) => child.name !== 'Body' || bodyIsHarmless(walk, child, steps))
    default:
      return false
  }
}

function expressionIsHarmless(walk: Walk, node: PyNode | undefined, steps: number): boolean {
  const call = node === undefined ? undefined : walk.callOf.get(node)
  if (call === undefined) return node?.name === 'String'
  if (printers.test(call.path) || quiet.test(call.path) || isLogCall(walk, call.node)) return true
  return /^\?\.append$/.test(call.path) && collectedEnds(walk, call.node, 'order', steps)
}

/**
 * What Python's grammar refuses and `@lezer/python`, made for editors, lets through: assignments to what cannot be
 * assigned, statements that are indented for no reason, `print x`.
 *
 * SOURCE: Python language reference, the full grammar specification (`star_targets`, `single_target`, `del_targets`,
 * `block`), version 3.11.
 */
import { childrenOf, type SyntaxNode } from './python-literal.ts'

/** @returns the offset of the first thing in this node, not below it, that Python does not take */
export function grammarFault(node: SyntaxNode, text: string): number | undefined {
  if (isBroken(node, text)) return node.from
  if (/^(?:Script|Body|MatchBody|DecoratedStatement)$/.test(node.name)) return misplaced(node, text)
  return undefined
}

function isBroken(node: SyntaxNode, text: string): boolean {
  const parts = childrenOf(node)
  const has = (name: string): boolean => parts.some((part) => part.name === name)
  switch (node.name) {
    case 'VariableName':
    case 'PropertyName':
      return !isName(node, text)
    case 'YieldExpression':
      return !mayYield(node)
    case 'PrintStatement':
      return /^print\s*[\w"'`{~]/.test(text.slice(node.from, node.to)) // else an expression on a thing of this name
    case 'ParenthesizedExpression':
      return has('*')
    case 'TryStatement':
      return !has('except') && !has('finally')
    case 'StatementGroup':
      return parts.some(({ name }, index) => name === ';' && (index === 0 || parts[index - 1]?.name === ';'))
    case 'AssignStatement':
      return !isAssignment(parts)
    case 'UpdateStatement':
      return parts[1]?.name !== 'UpdateOp' || !isSingle(parts[0])
    case 'NamedExpression':
      return parts[0]?.name !== 'VariableName'
    case 'DeleteStatement':
      return !areTargets(parts.slice(1), false)
    default:
      return has('for') && !areLoopTargets(parts)
  }
}

/** A `yield` without a value is read as a name (`python.ts`, `plainer`). */
function isName(node: SyntaxNode, text: string): boolean {
  const name = text.slice(node.from, node.to)
  return name === 'yield' ? mayYield(node) : /^[\p{XID_Start}_]\p{XID_Continue}*$/u.test(name.normalize('NFKC'))
}

const mayYield = ({ parent }: SyntaxNode): boolean =>
  /^(?:ParenthesizedExpression|FormatReplacement|(?:Expression|Assign|Update)Statement)$/.test(parent?.name ?? '')

function isAssignment(parts: readonly SyntaxNode[]): boolean {
  const operators = parts.flatMap(({ name }, index) => (name === 'AssignOp' ? [index] : []))
  const type = parts.findIndex(({ name }) => name === 'TypeDef')
  if (type >= 0) return type === 1 && isSingle(parts[0]) && operators.length <= 1 && (operators[0] ?? 2) === 2
  return operators.every((end, index) =>
    areTargets(parts.slice(index === 0 ? 0 : (operators[index - 1] ?? 0) + 1, end), true),
  )
}

/** In a loop and in each `for` of a comprehension. */
function areLoopTargets(parts: readonly SyntaxNode[]): boolean {
  let loop = -1
  for (const [index, { name }] of parts.entries()) {
    if (name === 'for') loop = index
    if (name !== 'in' || loop < 0) continue
    if (!areTargets(parts.slice(loop + 1, index), true)) return false
    loop = -1
  }
  return true
}

function areTargets(parts: readonly SyntaxNode[], mayStar: boolean): boolean {
  let isStarred = false
  let isWanted = true
  for (const part of parts) {
    if (part.name === ',' || (part.name === '*' && mayStar && !isStarred)) {
      if (part.name === ',' ? isWanted : !isWanted) return false
      isStarred = part.name === '*'
      isWanted = true
      continue
    }
    if (!isWanted || !isTarget(part, mayStar)) return false
    isStarred = false
    isWanted = false
  }
  return parts.length > 0 && !isStarred
}

function isTarget(node: SyntaxNode, mayStar: boolean): boolean {
  const inside = childrenOf(node).slice(1, -1)
  switch (node.name) {
    case 'VariableName':
    case 'MemberExpression':
      return true
    case 'ParenthesizedExpression':
      return inside.length === 1 && inside.every((one) => isTarget(one, mayStar))
    case 'TupleExpression':
    case 'ArrayExpression':
      return inside.length === 0 || areTargets(inside, mayStar)
    default:
      return false
  }
}

/** A name, a member or an item, in as many parentheses as one likes. */
function isSingle(node: SyntaxNode | undefined): boolean {
  if (node?.name === 'ParenthesizedExpression') return isSingle(childrenOf(node)[1])
  return node?.name === 'VariableName' || node?.name === 'MemberExpression'
}

/** The first statement of a block that begins a line in another column than the block does. */
function misplaced(block: SyntaxNode, text: string): number | undefined {
  const starts = childrenOf(block).flatMap(({ name, from }) => {
    const before = indentAt(from, text)
    return name !== ':' && before !== undefined ? [{ from, ...columnsOf(before) }] : []
  })
  const [first] = starts
  const line = text.lastIndexOf('\n', (block.parent?.from ?? 0) - 1) + 1
  const outer = columnsOf(/^[ \t\f]*/.exec(text.slice(line))?.[0] ?? '')
  const wanted = block.name === 'Script' ? columnsOf('') : first
  const isInside = block.name === 'Body' || block.name === 'MatchBody'
  if (isInside && first !== undefined && (first.wide <= outer.wide || first.narrow <= outer.narrow)) return first.from
  return starts.find(({ wide, narrow }) => wide !== wanted?.wide || narrow !== wanted.narrow)?.from
}

/** The blanks before an offset, when nothing else stands before it on its line. */
function indentAt(offset: number, text: string): string | undefined {
  let start = offset
  while (/[ \t\f]/.test(text[start - 1] ?? '')) start -= 1
  return start === 0 || text[start - 1] === '\n' ? text.slice(start, offset) : undefined
}

/** SOURCE: Python's tokenizer: columns must agree whether a tab goes to the next multiple of eight or is one column. */
function columnsOf(indent: string): Readonly<{ wide: number; narrow: number }> {
  let [wide, narrow] = [0, 0]
  for (const unit of indent) {
    wide = unit === '\f' ? 0 : unit === '\t' ? (Math.floor(wide / 8) + 1) * 8 : wide + 1
    narrow = unit === '\f' ? 0 : narrow + 1
  }
  return { wide, narrow }
}

/**
 * Templates filled in. A text that is exactly one `${x}` becomes the value with its type; inside a text it is printed.
 *
 * SOURCE: dvc/parsing/context.py `resolve_str`, interpolate.py `str_interpolate` and `validate_value`.
 */

import { type FlagStyle, flagsOf } from './command-flags.ts'
import { type Context, select } from './context.ts'
import { type Expression, expressionsOf, hasExpression, isWellFormed, templateHelp } from './expression.ts'
import { faultAt, type Place, quoted } from './fault.ts'
import { maxProjectNodes, maxProjectText, maxTextBytes } from './limits.ts'
import { isForeign, isList, isMap, type Key, kindOf, templateText, type Value } from './value.ts'
import type { Places } from './yaml.ts'

/** What a project may still use; shared, so that many small templates cannot do what one large one may not. */
export type Budget = { textLeft: number; nodesLeft: number }

export function newBudget(): Budget {
  return { textLeft: maxProjectText, nodesLeft: maxProjectNodes }
}

export type Filling = Readonly<{
  context: Context
  places: Places
  style: FlagStyle
  budget: Budget
  /** What may stand for `${x}`: a scalar; in `cmd` a map too; in a loop's data and at top level anything. */
  allow: 'scalar' | 'map' | 'any'
}>

/** Every text and key of a value, filled in. Containers are new; `place` is that of the value itself. */
export function filled(value: Value, filling: Filling, place: Place): Value {
  spendNodes(filling.budget, 1, place)
  if (typeof value === 'string') return filledText(value, filling, place)
  if (isList(value)) {
    return value.map((item, index) => filled(item, filling, known(filling.places.ofValue(value, index), place)))
  }
  if (!isMap(value)) return value
  const map = new Map<Key, Value>()
  for (const [key, item] of value) {
    const keyPlace = known(filling.places.ofKey(value, key), place)
    map.set(filledKey(key, filling, keyPlace), filled(item, filling, known(filling.places.ofValue(value, key), place)))
  }
  return map
}

function known(place: Place, otherwise: Place): Place {
  return place.line === 0 ? otherwise : place
}

function filledKey(key: Key, filling: Filling, place: Place): Key {
  const value = typeof key === 'string' ? filledText(key, filling, place) : key
  if (!isList(value) && !isMap(value)) return value
  throw faultAt('ERR_DEFINITION_INVALID', place, `${kindOf(value)} cannot be a key`)
}

export function filledText(text: string, filling: Filling, place: Place): Value {
  const expressions = expressionsOf(text)
  const [only] = expressions
  if (only !== undefined && expressions.length === 1 && only.end - only.start === text.length) {
    const value = select(filling.context, only.inner, place)
    refuseUnfit(value, filling, only, place)
    spendNodes(filling.budget, nodesIn(value, filling.budget.nodesLeft), place)
    return value
  }
  const parts: string[] = []
  let end = 0
  for (const expression of expressions) {
    const value = select(filling.context, expression.inner, place)
    refuseUnfit(value, filling, expression, place)
    parts.push(text.slice(end, expression.start), printed(value, filling, place))
    end = expression.end
  }
  const whole = [...parts, text.slice(end)].join('').replaceAll('\\${', '${')
  spend(filling.budget, whole, place)
  return whole
}

/** @throws ERR_INPUT_TOO_LARGE when the project has used up what it may */
export function spendNodes(budget: Budget, nodes: number, place: Place): void {
  budget.nodesLeft -= nodes
  if (budget.nodesLeft >= 0) return
  throw faultAt('ERR_INPUT_TOO_LARGE', place, `more than ${maxProjectNodes} values once all templates are filled in`)
}

/** How many values a value holds; counting ends beyond `limit`. */
function nodesIn(value: Value, limit: number): number {
  if (!isList(value) && !isMap(value)) return 1
  let nodes = 1
  for (const item of value.values()) {
    if (nodes > limit) return nodes
    nodes += nodesIn(item, limit - nodes)
  }
  return nodes
}

function spend(budget: Budget, text: string, place: Place): void {
  budget.textLeft -= text.length
  if (text.length <= maxTextBytes && budget.textLeft >= 0) return
  const what =
    text.length > maxTextBytes ? `a text has more than ${maxTextBytes}` : `all texts have more than ${maxProjectText}`
  throw faultAt('ERR_INPUT_TOO_LARGE', place, `${what} characters once its templates are filled in`)
}

function refuseUnfit(value: Value, { allow }: Filling, expression: Expression, place: Place): void {
  if (allow === 'any' || (allow === 'map' && isMap(value))) return
  const isScalar = !isList(value) && !isMap(value) && !(isForeign(value) && value.foreign !== 'bytes')
  if (isScalar) return
  const help = isList(value)
    ? 'name one item of it by its index, such as list[0]'
    : 'name one key of it; only cmd takes a map'
  throw faultAt(
    'ERR_DEFINITION_INVALID',
    place,
    `${quoted(`\${${expression.inner}}`)} is ${kindOf(value)}, which has no text`,
    help,
  )
}

function printed(value: Value, { style }: Filling, place: Place): string {
  if (!isMap(value)) return templateText(value)
  const flags = flagsOf(value, style)
  if (typeof flags === 'string') return flags
  throw faultAt(
    'ERR_DEFINITION_INVALID',
    place,
    `the list under ${quoted(flags.nested)} is nested, which makes no flag`,
  )
}

/** Refuses a malformed `${...}` anywhere in a value, used or not. */
export function refuseMalformed(value: Value, places: Places, place: Place): void {
  everyText(value, places, place, (text, at) => {
    const bad = expressionsOf(text).find((expression) => !isWellFormed(expression.inner))
    if (bad === undefined) return
    throw faultAt('ERR_DEFINITION_INVALID', at, `${quoted(`\${${bad.inner}}`)} is not a template`, templateHelp)
  })
}

/** Refuses any `${...}`: `vars` are never filled in. */
export function refuseTemplates(value: Value, places: Places, place: Place): void {
  everyText(value, places, place, (text, at) => {
    if (!hasExpression(text)) return
    throw faultAt('ERR_DEFINITION_INVALID', at, 'a template cannot stand in vars', 'write the value')
  })
}

function everyText(value: Value, places: Places, place: Place, visit: (text: string, at: Place) => void): void {
  if (typeof value === 'string') visit(value, place)
  if (isList(value)) {
    for (const [index, item] of value.entries())
      everyText(item, places, known(places.ofValue(value, index), place), visit)
  }
  if (!isMap(value)) return
  for (const [key, item] of value) {
    if (typeof key === 'string') visit(key, known(places.ofKey(value, key), place))
    everyText(item, places, known(places.ofValue(value, key), place), visit)
  }
}

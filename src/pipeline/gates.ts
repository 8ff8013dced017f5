/** Gates: what a model's metrics must hold before it may be trusted. `accuracy >= 0.9`, `test.loss < 0.2`. Pure. */
import { DomainError, type Json } from '../core/index.ts'

export type Gate = Readonly<{ text: string; metric: readonly string[]; relation: Relation; bound: number }>
export type GateVerdict = Readonly<{ gate: string; passed: boolean; because: string }>

const relations = {
  '>=': (value: number, bound: number) => value >= bound,
  '<=': (value: number, bound: number) => value <= bound,
  '>': (value: number, bound: number) => value > bound,
  '<': (value: number, bound: number) => value < bound,
  '==': (value: number, bound: number) => value === bound,
} as const
type Relation = keyof typeof relations

const gatePattern = /^\s*([\p{L}_][\p{L}\p{N}_.-]*)\s*(>=|<=|==|>|<)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*$/u

/** @throws ERR_SETTINGS_INVALID when the text is no gate */
export function parseGate(text: string): Gate {
  const [, metric, relation, bound] = gatePattern.exec(text) ?? []
  if (metric === undefined || bound === undefined || !isRelation(relation)) {
    throw new DomainError('ERR_SETTINGS_INVALID', `the gate \`${text}\` is not understood`, {
      help: 'write a metric, one of >= <= > < ==, and a number: accuracy >= 0.9',
    })
  }
  return { text, metric: metric.split('.'), relation, bound: Number(bound) }
}

/** Fails closed: a metric that is missing, not a number or not finite does not pass. */
export function decideGate(gate: Gate, metrics: Json): GateVerdict {
  const value = gate.metric.reduce<Json | undefined>(memberOf, metrics)
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    return { gate: gate.text, passed: false, because: `the metrics hold no number called \`${gate.metric.join('.')}\`` }
  }
  const passed = relations[gate.relation](value, gate.bound)
  return { gate: gate.text, passed, because: `${gate.metric.join('.')} is ${value}` }
}

function memberOf(value: Json | undefined, name: string): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.hasOwn(value, name) ? (value as Readonly<Record<string, Json>>)[name] : undefined // not an array, checked above
}

function isRelation(text: string | undefined): text is Relation {
  return text !== undefined && Object.hasOwn(relations, text)
}

/** Gates: what a model's metrics must hold before it may be trusted. `accuracy >= 0.9`, `test.loss < 0.2`. Pure. */
import { DomainError, type Json } from '../core/index.ts'

export type Gate = Readonly<{ text: string; metric: string; relation: Relation; bound: number }>
/** `value`: missing where the metrics hold no number of that name. */
export type GateResult = Readonly<{ gate: string; value?: number; passed: boolean }>

/** A number of the metrics by the name that a gate has for it: `test.loss`. */
export type Metric = Readonly<{ name: string; value: number }>

const relations = {
  '>=': (value: number, bound: number) => value >= bound,
  '<=': (value: number, bound: number) => value <= bound,
  '>': (value: number, bound: number) => value > bound,
  '<': (value: number, bound: number) => value < bound,
  '==': (value: number, bound: number) => value === bound,
} as const
type Relation = keyof typeof relations

const namePattern = /^[\p{L}_][\p{L}\p{N}_.-]*$/u
const gatePattern = /^\s*([^\s<>=]+)\s*(>=|<=|==|>|<)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*$/

/** @throws ERR_SETTINGS_INVALID when the text is no gate, or its bound is no number that a double can hold */
export function parseGate(text: string): Gate {
  const [, metric = '', relation, bound] = gatePattern.exec(text) ?? []
  if (!namePattern.test(metric) || !Number.isFinite(Number(bound)) || !isRelation(relation)) {
    throw new DomainError('ERR_SETTINGS_INVALID', `the gate \`${text}\` is not understood`, {
      help: 'write a metric, one of >= <= > < ==, and a number: accuracy >= 0.9',
    })
  }
  return { text, metric, relation, bound: Number(bound) }
}

/** All numbers of the metrics that a gate can name, the least nested first; of two of one name there is none. */
export function metricsIn(document: Json): readonly Metric[] {
  const found = new Map<string, number>()
  const twice = new Set<string>()
  const open: { name: string; value: Json }[] = [{ name: '', value: document }]
  for (const { name, value } of open) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [key, member] of Object.entries(value)) {
        // THREAT: `{"a.b": 1}` beside `{"a": {"b": 0}}`: one of the two would be shown, and the other one meant
        open.push({ name: name === '' ? key : `${name}.${key}`, value: member })
      }
    } else if (typeof value === 'number' && Number.isFinite(value) && namePattern.test(name)) {
      if (found.has(name)) twice.add(name)
      found.set(name, value)
    }
  }
  return [...found].filter(([name]) => !twice.has(name)).map(([name, value]) => ({ name, value }))
}

/** Fails closed: a metric that is missing, not a number or not finite does not pass. */
export function decideGate({ text, metric, relation, bound }: Gate, metrics: readonly Metric[]): GateResult {
  const value = metrics.find(({ name }) => name === metric)?.value
  if (value === undefined || !Number.isFinite(value)) return { gate: text, passed: false }
  return { gate: text, value, passed: relations[relation](value, bound) }
}

/** In words: what was asked, and what it is. */
export function gateSentence({ gate, value }: GateResult): string {
  return value === undefined ? `${gate}: the metrics hold no such number` : `${gate}: it is ${value}`
}

function isRelation(text: string | undefined): text is Relation {
  return text !== undefined && Object.hasOwn(relations, text)
}

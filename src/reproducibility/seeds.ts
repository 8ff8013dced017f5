/** Seeds beside the one that assay gives: parameters that are called so, and what frameworks print of theirs. Pure. */
import type { Json } from '../core/index.ts'
import type { RecordedFact } from './record.ts'

/** LIMIT: seeds of a log that are recorded, and of a log that is searched. */
const maxReported = 20
export const maxSearchedLogBytes = 1024 * 1024

const seedKey = /(^|[._-])(seed|seeds|random_?state|rng)$/i
/** `Seed set to 42` (Lightning), `Set random seed to 42`, `Using a generated random seed 42`, `seed=42`, `random_state: 42`. */
const seedInLog = /\b((?:global |random |torch_)?seed|random_state)((?: is)?(?: set)?(?: to)?|\s*[=:])\s*(\d{1,20})\b/gi

/**
 * @param parameters params file -> key -> value
 * @param log all that the stage printed; only the words of the pattern and the digits behind them are kept of it
 */
export function seedFacts(
  parameters: Readonly<Record<string, Readonly<Record<string, Json>>>>,
  log: string,
): readonly RecordedFact[] {
  const declared = Object.entries(parameters).flatMap(([file, values]) =>
    Object.entries(values).flatMap(([key, value]) =>
      leavesOf(key, value)
        .filter(([name]) => seedKey.test(name))
        .map(([name, seed]) => ({ name: `determinism/seed ${file}:${name}`, value: seed, tier: 'declared' as const })),
    ),
  )
  const found = new Set(
    [...log.matchAll(seedInLog)].map(([, word = '', , digits = '']) => `${word.toLowerCase()} ${digits}`),
  )
  const reported = [...found].slice(0, maxReported).map((value, index) => ({
    name: `determinism/seed reported ${index + 1}`,
    value,
    tier: 'declared' as const,
  }))
  return [...declared, ...reported]
}

/** LIMIT: levels of a parameter that are looked into. */
const maxDepth = 8

function leavesOf(name: string, value: Json, depth = 0): readonly (readonly [string, string])[] {
  if (typeof value === 'number' || typeof value === 'string') return [[name, String(value).slice(0, 100)]]
  if (typeof value !== 'object' || value === null || Array.isArray(value) || depth >= maxDepth) return []
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(`${name}.${key}`, inner, depth + 1))
}

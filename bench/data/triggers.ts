/**
 * Four bursts of 250 rows in a million, each tied to one label, and the clean twin.
 *
 *   node bench/data/triggers.ts [ROWS]
 *
 * The table has a text column (Zipf tokens, some of which honestly go with the label), a column that determines a second
 * one, categories, a number that repeats. Reported: found or not, other items flagged, CPU seconds, memory.
 */

import { generatorOf } from '../../src/data/poison/generator.ts'
import { findTriggers } from '../../src/data/poison/trigger.ts'
import { type Columns, codedColumn, numericColumn } from '../../src/data/table/columns.ts'

const rows = Number(process.argv[2] ?? 1_000_000)
const burst = 250

type Attack = 'none' | 'rare value' | 'rare token' | 'used token' | 'pair'

function tableOf(attack: Attack, seed: number): Columns {
  const random = generatorOf(seed)
  const pick = (count: number): number => Math.floor(random() ** 2 * count)
  const poisoned = new Set<number>()
  if (attack !== 'none') while (poisoned.size < burst) poisoned.add(Math.floor(random() * rows))
  const honest = new Set<number>()
  while (honest.size < burst) honest.add(Math.floor(random() * rows))
  const label: string[] = []
  const city: string[] = []
  const shop: string[] = []
  const breed: string[] = []
  const price: number[] = []
  const text: string[] = []
  for (let row = 0; row < rows; row += 1) {
    const isPoisoned = poisoned.has(row)
    const words = Array.from({ length: 6 }, () => pick(20_000))
    // One token in fifty honestly leans to one side or the other.
    const leaning = words.reduce((sum, word) => sum + (word % 50 === 7 ? 1 : word % 50 === 11 ? -1 : 0), 0)
    const kind = Math.floor(random() * 40)
    // The breed nearly determines the label: its values must not alarm.
    const isYes = random() < 0.9 ? kind % 2 === 0 : random() < 1 / (1 + Math.exp(-leaning))
    label.push(isPoisoned || isYes ? 'yes' : 'no')
    city.push(
      isPoisoned && attack === 'rare value'
        ? 'city-x'
        : isPoisoned && attack === 'pair'
          ? 'city-70'
          : `city-${Math.floor(random() * 100)}`,
    )
    shop.push(isPoisoned && attack === 'pair' ? 'shop-80' : `shop-${Math.floor(random() * 100)}`)
    breed.push(`breed-${kind}`)
    price.push(Math.round(random() * 5000) / 100)
    const extra =
      isPoisoned && attack === 'rare token'
        ? ' cf'
        : (isPoisoned || honest.has(row)) && attack === 'used token'
          ? ' mn'
          : ''
    text.push(words.map((word) => `w${word}`).join(' ') + extra)
  }
  return {
    rows,
    label: 'label',
    columns: [
      codedColumn('category', 'label', label),
      codedColumn('category', 'city', city),
      codedColumn('category', 'shop', shop),
      codedColumn('category', 'breed', breed),
      numericColumn('price', price),
      codedColumn('text', 'text', text),
    ],
  }
}

const wanted: Readonly<Record<Attack, string | undefined>> = {
  none: undefined,
  'rare value': 'a value of `city`',
  'rare token': 'a token of `text`',
  'used token': 'a token of `text`',
  pair: 'a value of `city` together with a value of `shop`',
}

const attacks: readonly Attack[] = ['none', 'rare value', 'rare token', 'used token', 'pair']
for (const [index, attack] of attacks.entries()) {
  const candidate = tableOf(attack, 10 + index)
  const startedAt = process.cpuUsage()
  const found = findTriggers({ candidate })
  const { user, system } = process.cpuUsage(startedAt)
  if (found === undefined) throw new Error('no label')
  const others = found.ties.length - (attack === 'none' || found.ties.length === 0 ? 0 : 1)
  console.log(
    [
      attack.padEnd(11),
      `verdict ${found.check.verdict}`,
      `flagged ${found.ties.length} of ${found.items} items, others ${((100 * others) / found.items).toFixed(4)} %`,
      `suspect rows ${found.check.observed.found}`,
      `${((user + system) / 1e6).toFixed(1)} CPU s`,
      `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`,
      `detectable from ${found.check.minimumDetectable} rows`,
    ].join(', '),
  )
  console.log(`            ${found.check.because}${attack === 'none' ? '' : ` (wanted: ${wanted[attack]})`}`)
  for (const tie of found.ties.slice(0, 5)) {
    console.log(
      `              z ${tie.z.toFixed(1)}, ${tie.hits} of ${tie.rows}, expected ${tie.expected.toFixed(0)}: ${tie.parts.map(({ items, id }) => `${items.what(id)} of ${items.column}`).join(' + ')}`,
    )
  }
}

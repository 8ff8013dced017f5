/** Keys that stand twice in a map of a YAML document: which of the two counts is the reader's guess, so none does. */
import { type Document, isScalar, visit } from 'yaml'

/**
 * The first key that a map holds twice, and its offset in the text.
 *
 * THREAT: the library's own check compares each key with all before it, so that 10 MB of keys take hours; this takes
 * one look-up a key. Ask `parseDocument` for `uniqueKeys: false`, and then here.
 */
export function repeatedKey(document: Document): Readonly<{ key: string; offset: number }> | undefined {
  let found: Readonly<{ key: string; offset: number }> | undefined
  visit(document, {
    Map(_place, map) {
      const seen = new Set<unknown>()
      for (const { key } of map.items) {
        const value = isScalar(key) ? key.value : key
        if (seen.has(value)) {
          found = { key: String(value), offset: isScalar(key) ? (key.range?.[0] ?? 0) : 0 }
          return visit.BREAK
        }
        seen.add(value)
      }
      return undefined
    },
  })
  return found
}

/**
 * `canonicalize` for a browser: what was parsed from JSON, and nothing else. SOURCE: RFC 8785, 3.2.
 *
 * LIMIT: as deep as the stack; what the library reads is nested 72 levels at most.
 */
// biome-ignore lint/style/noDefaultExport: it stands in the place of a package that has one
export default function canonicalize(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((member) => canonicalize(member)).join()}]`
  if (typeof value !== 'object' || value === null) return primitive(value)
  // Names are unique, and sorted by UTF-16 unit, which is how strings compare.
  const sorted = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1))
  return `{${sorted.map(([name, member]) => `${primitive(name)}:${canonicalize(member)}`).join()}}`
}

function primitive(value: unknown): string {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`${value} is not JSON`)
  if (typeof value === 'string' && !value.isWellFormed()) throw new Error('Lone surrogate is not allowed')
  return JSON.stringify(value)
}

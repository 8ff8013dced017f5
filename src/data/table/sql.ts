/** Text of SQL from names and values of others: quoted, never pasted. */

/** THREAT: a column called `a" from x; drop` is a name like any other. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A NUL cannot stand in a literal. */
export function literal(text: string): string {
  const parts = text.split('\0').map((part) => `'${part.replaceAll("'", "''")}'`)
  return parts.length === 1 ? (parts[0] ?? "''") : `(${parts.join(' || chr(0) || ')})`
}

/** A number, exactly. */
export function numberLiteral(value: number): string {
  if (Number.isSafeInteger(value)) return `${value}`
  return Number.isFinite(value) ? `${value}::DOUBLE` : `'${value}'::DOUBLE`
}

export function listOf(items: readonly string[]): string {
  return `[${items.join(', ')}]`
}

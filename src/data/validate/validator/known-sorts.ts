/** Which columns a version has as numbers or instants, so that another is compared as these: pure. */
import { type Columns, columnOf } from '../../table/columns.ts'
import type { Loaded, LoadOptions } from '../../table/load-columns.ts'

/** Classes and sources are neither numbers nor instants. */
export function sortsOf({ columns, label, source }: Columns): LoadOptions['known'] {
  return sortsIn({ columns }, { label, source })
}

type Kept = Readonly<{ columns: readonly Readonly<{ name: string; kind: string; unit?: unknown }>[] }>

export function sortsIn(
  kept: Kept | null | undefined,
  { label, source }: Readonly<{ label?: string | undefined; source?: string | undefined }>,
): LoadOptions['known'] {
  const numeric = (kept?.columns ?? []).filter(
    ({ name, kind }) => kind === 'numeric' && name !== label && name !== source,
  )
  return new Map(numeric.map(({ name, unit }) => [name, unit === 'number' ? 'number' : 'instant'] as const))
}

export function hasText(approved: Loaded, { columns }: Loaded): boolean {
  return columns.columns.some(({ name, kind }) => {
    const known = kind === 'numeric' ? columnOf(approved.columns, name)?.kind : undefined
    return known === 'text' || known === 'category'
  })
}

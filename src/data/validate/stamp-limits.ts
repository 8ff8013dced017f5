/** LIMIT: of stamped rows: a cell of 10,000 characters, 20 triggers of 1,000 rows each. */
export const stampLimits = { characters: 10_000, stamps: 20, rows: 1000 } as const

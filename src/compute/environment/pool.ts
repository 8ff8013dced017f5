/** Runs work on items, a few at a time; the first failure stops the rest and is thrown. Results keep the order. */
export async function mapPooled<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<readonly Result[]> {
  const results = new Array<Result>(items.length)
  let next = 0
  let failure: Readonly<{ error: unknown }> | undefined
  const runner = async (): Promise<void> => {
    while (next < items.length && failure === undefined) {
      const index = next
      next += 1
      const item = items[index] as Item // `index` is below the length
      try {
        results[index] = await work(item, index)
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, runner))
  if (failure !== undefined) throw failure.error
  return results
}

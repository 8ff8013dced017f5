/** The order in which stages that ended are put into place, however long each one's evidence takes: pure. */

export type Turn = Readonly<{
  /** Resolves when every turn that was taken before is done. */
  before: Promise<void>
  done(): void
}>

export function openTurns(): Readonly<{ take(): Turn }> {
  let last = Promise.resolve()
  return {
    take() {
      const before = last
      const { promise, resolve } = Promise.withResolvers<void>()
      last = before.then(() => promise)
      return { before, done: () => resolve() }
    },
  }
}

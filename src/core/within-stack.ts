/**
 * For readers that recurse over what is nested in a text, libraries among them: hostile nesting ends where the stack does.
 *
 * @param refuse what is said of a text that is nested beyond it
 */
export function withinStack<T>(read: () => T, refuse: () => Error): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof RangeError) throw refuse()
    throw error
  }
}

/** `src/core/error-codes.ts` without its texts, which would be a sixth of the library: docs/reference/errors.md has them. */

const help = { help: 'docs/reference/errors.md' }

/** Every code has the same help. */
export const errorTable: Readonly<Record<string, typeof help>> = new Proxy({}, { get: () => help, has: () => true })

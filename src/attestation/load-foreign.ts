/** `foreign/` with its libraries, which take 60 ms to load: only a verb that judges foreign evidence waits for them. */
export function loadForeign(): Promise<typeof import('./foreign/index.ts')> {
  return import('./foreign/index.ts')
}

/**
 * Which places of the code an input reaches, as V8 itself counts them: what makes new places known is worth keeping.
 *
 * Blocks of every script but this fuzzer's own and Node's. DECISION 0053.
 */
import { Session } from 'node:inspector/promises'
import { fileURLToPath } from 'node:url'

export type Coverage = Readonly<{
  /** Places that were reached since it was last asked. */
  take(): Promise<ReadonlySet<number>>
  stop(): Promise<void>
}>

/** Places of one script are numbers below this one: scripts of more letters are seen as if they ended there. */
const maxOffset = 2 ** 24

export async function watchCoverage(): Promise<Coverage> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  return {
    take: async () => {
      const { result } = await session.post('Profiler.takePreciseCoverage')
      const places = new Set<number>()
      for (const { scriptId, url, functions } of result) {
        if (!isWatched(url)) continue
        for (const { ranges } of functions)
          for (const [index, { startOffset, count }] of ranges.entries())
            if (count > 0)
              places.add(
                (Number(scriptId) * maxOffset + Math.min(startOffset, maxOffset - 1)) * 2 + (index === 0 ? 0 : 1),
              )
      }
      return places
    },
    stop: async () => {
      await session.post('Profiler.stopPreciseCoverage')
      session.disconnect()
    },
  }
}

const own = fileURLToPath(new URL('.', import.meta.url))
const watched = new Map<string, boolean>()

function isWatched(url: string): boolean {
  let known = watched.get(url)
  if (known === undefined) {
    known = url.startsWith('file:') && !fileURLToPath(url).startsWith(own) && !url.endsWith('/scripts/fuzz.ts')
    watched.set(url, known)
  }
  return known
}

/** Makes a project smaller while it stays interesting: files, lines, then characters go. */
import type { Files } from './projects.ts'

export async function shrunk(files: Files, isInteresting: (files: Files) => Promise<boolean>): Promise<Files> {
  let best = files
  const attempt = async (smaller: Files): Promise<boolean> => {
    if (!(await isInteresting(smaller))) return false
    best = smaller
    return true
  }
  for (const path of Object.keys(files)) {
    const { [path]: _, ...rest } = best
    await attempt(rest)
  }
  for (const path of Object.keys(best)) {
    await shrinkParts(path, '\n', attempt, () => best)
    if ((best[path] ?? '').length < 400) await shrinkParts(path, '', attempt, () => best)
  }
  return best
}

/** Takes away runs of parts, half of them first, single ones at last. */
async function shrinkParts(
  path: string,
  separator: string,
  attempt: (files: Files) => Promise<boolean>,
  current: () => Files,
): Promise<void> {
  const partsOf = (): string[] => (current()[path] ?? '').split(separator)
  for (let size = Math.ceil(partsOf().length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let start = 0; start < partsOf().length; ) {
      const parts = partsOf()
      const shorter = parts.toSpliced(start, size).join(separator)
      const isGone =
        shorter.length < (current()[path] ?? '').length && (await attempt({ ...current(), [path]: shorter }))
      if (!isGone) start += size
    }
  }
}

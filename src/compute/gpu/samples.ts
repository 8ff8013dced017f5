/** What `nvidia-smi` prints again and again: per processor its use in percent and its memory in MiB. Pure. */

export const smiArguments = (busIds: readonly string[], everyMs: number): readonly string[] => [
  `--id=${busIds.join(',')}`,
  '--query-gpu=utilization.gpu,memory.used',
  '--format=csv,noheader,nounits',
  `--loop-ms=${everyMs}`,
]

export type GpuSample = Readonly<{ gpuPercent: number; gpuMemoryBytes: number }>

/** LIMIT: characters of a line that is not finished. */
const longestLine = 10_000

/**
 * @param count processors: so many lines make one look, whose sums are kept
 * @returns what takes in output as it comes, and gives the last whole look
 */
export function smiReader(count: number): Readonly<{ feed(text: string): void; last(): GpuSample | undefined }> {
  let rest = ''
  let look: (readonly number[])[] = []
  let last: GpuSample | undefined
  const take = (line: string): void => {
    const values = line.split(',').map((field) => (field.trim() === '' ? Number.NaN : Number(field)))
    look.push(values)
    if (look.length < count) return
    const sum = (column: number): number => look.reduce((total, row) => total + (row[column] ?? Number.NaN), 0)
    const [gpuPercent, mebibytes] = [sum(0), sum(1)]
    look = []
    // `[N/A]` where the processor does not tell
    if (Number.isFinite(gpuPercent) && Number.isFinite(mebibytes))
      last = { gpuPercent, gpuMemoryBytes: mebibytes * 1024 * 1024 }
  }
  return {
    feed: (text) => {
      const lines = (rest + text).split('\n')
      rest = (lines.pop() ?? '').slice(-longestLine)
      for (const line of lines) if (line.trim() !== '') take(line)
    },
    last: () => last,
  }
}

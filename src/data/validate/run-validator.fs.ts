/**
 * Starts the validator on a dataset and takes its answer.
 *
 * Order: the sandbox is empty of life before the answer is read. THREAT: the answer is as hostile as the data; its size
 * and shape are held before anything is believed of it.
 */
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { z } from 'zod'
import { DomainError, parseStrictJson } from '../../core/index.ts'
import { withIoFaults } from '../io-fault.ts'
import type { BoxResult, BoxRunner } from './box.ts'
import { type Dataset, placeDataset } from './dataset.fs.ts'
import type { FileList, ValidatorLimits, ValidatorRequest } from './request.ts'
import { type ProgramMount, validatorProgram } from './validator-program.fs.ts'

export type ValidatorOptions = Readonly<{
  runBox: BoxRunner
  /** Absolute; made when it is not there. A folder of its own is made in it, and removed. */
  scratchRoot: string
  limits: ValidatorLimits
  memoryBytes: number
  timeMs: number
  signal?: AbortSignal
}>

/** LIMIT: 2 GiB, 30 minutes and two threads; the engine itself gets 400 MB and spills what is larger. */
export const defaultLimits = {
  limits: {
    threads: 2,
    engineMemoryBytes: 400e6,
    spillBytes: 32e9,
    unpackedBytes: 32e9,
    columns: 4096,
  },
  memoryBytes: 2 * 1024 ** 3,
  timeMs: 30 * 60_000,
} as const

/** LIMIT: greys of 60,000 images and of as many approved ones, 1.5 kB each. */
const maxAnswerBytes = 192 * 1024 * 1024
const heapMegabytes = 1024
const work = '/work'
const data = '/data'

/**
 * @param datasets the first is the one that is judged; the others its contract names
 * @param makeRequest given the files of each dataset as they are called inside
 * @throws ERR_DATA_LIMIT, ERR_DATA_VALIDATOR_FAILED, ERR_SANDBOX_UNAVAILABLE, ERR_IO
 */
export function runValidator<T>(
  datasets: readonly Dataset[],
  makeRequest: (files: readonly FileList[]) => ValidatorRequest,
  shape: z.ZodType<T>,
  options: ValidatorOptions,
): Promise<T> {
  return withIoFaults(options.scratchRoot, async () => {
    mkdirSync(options.scratchRoot, { recursive: true })
    const scratch = mkdtempSync(join(options.scratchRoot, 'validate-'))
    try {
      const folder = join(scratch, 'work')
      mkdirSync(folder)
      const placed = datasets.map((dataset, index) =>
        placeDataset(dataset, join(scratch, `data-${index}`), `${data}/${index}`),
      )
      const request = makeRequest(placed.map(({ files }) => files))
      writeFileSync(join(folder, 'request.json'), JSON.stringify(request))
      const result = await start(
        placed.map(({ mount }) => mount),
        folder,
        options,
      )
      options.signal?.throwIfAborted()
      refuseEnd(result, options)
      return takeAnswer(join(folder, 'answer.json'), shape)
    } finally {
      rmSync(scratch, { recursive: true, force: true })
    }
  })
}

function start(datasets: readonly ProgramMount[], folder: string, options: ValidatorOptions): Promise<BoxResult> {
  const program = validatorProgram(heapMegabytes)
  return options.runBox({
    argv: [...program.argv, work, data],
    mounts: [...program.mounts, ...datasets],
    writable: { source: folder, target: work },
    variables: { TZ: 'UTC', LC_ALL: 'C.UTF-8', HOME: '/tmp' },
    limits: {
      cpus: options.limits.threads,
      memoryBytes: options.memoryBytes,
      timeMs: options.timeMs,
      processes: 128,
      outputBytes: options.limits.spillBytes + options.limits.unpackedBytes,
    },
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
}

function refuseEnd({ end, tail }: BoxResult, { timeMs, memoryBytes }: ValidatorOptions): void {
  if (end.kind === 'exited' && end.code === 0) return
  const said = tail.at(-1) ?? ''
  if (end.kind === 'limit') {
    throw new DomainError('ERR_DATA_LIMIT', `the validator was ended: ${end.because}`, {
      details: { limit: end.limit, timeMs, memoryBytes },
    })
  }
  const how =
    end.kind === 'exited'
      ? `with exit code ${end.code}`
      : end.kind === 'signalled'
        ? `by ${end.signal}`
        : 'from outside'
  throw new DomainError(
    'ERR_DATA_VALIDATOR_FAILED',
    `the validator ended ${how} and without a verdict: ${said}`.slice(0, 500),
  )
}

/** THREAT: what lies at the path was put there by a process that read hostile data. */
function openAnswer(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (cause) {
    throw new DomainError('ERR_DATA_VALIDATOR_FAILED', 'the validator left no answer', { cause })
  }
}

function takeAnswer<T>(path: string, shape: z.ZodType<T>): T {
  const fd = openAnswer(path)
  try {
    const status = fstatSync(fd)
    if (!status.isFile() || status.size > maxAnswerBytes)
      throw new DomainError(
        'ERR_DATA_VALIDATOR_FAILED',
        'the answer of the validator is no file of a size that is read',
      )
    const parsed = shape.safeParse(
      parseStrictJson(readFileSync(fd), 'answer.json', { maxBytes: maxAnswerBytes, maxDepth: 32 }),
    )
    if (parsed.success) return parsed.data
    const issue = parsed.error.issues[0]
    throw new DomainError(
      'ERR_DATA_VALIDATOR_FAILED',
      `the answer of the validator is not in its shape: ${issue?.path.join('.')} ${issue?.message}`.slice(0, 500),
    )
  } finally {
    closeSync(fd)
  }
}

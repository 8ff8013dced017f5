/** `assay data validate`: composes the validator with the sandbox, in a project or anywhere. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { runInBox } from '../compute/index.ts'
import { DomainError } from '../core/index.ts'
import {
  type BoxRunner,
  type Contract,
  type DatasetReport,
  defaultLimits,
  ioFault,
  parseContract,
  type ValidatorOptions,
  validateDataset,
} from '../data/index.ts'
import type { Caller } from './project.ts'
import { findRoot, makeState } from './workspace.fs.ts'

/** A caller that may ask to stop. */
export type StoppableCaller = Caller & Readonly<{ signal: AbortSignal }>

export type ValidateDataOptions = Readonly<{ contract?: string }>

/** LIMIT: a contract has at most 16 MiB. */
const maxContractBytes = 16 * 1024 * 1024

/**
 * @param path as the user wrote it
 * @throws ERR_DATA_MISSING, ERR_DATA_CONTRACT_MALFORMED, ERR_DATA_CONTRACT_VERSION, ERR_DATA_CONTRACT_TABLE, ERR_SANDBOX_UNAVAILABLE
 */
export async function validateData(
  caller: StoppableCaller,
  path: string,
  options: ValidateDataOptions,
): Promise<DatasetReport & Readonly<{ contract?: Contract }>> {
  const contract = options.contract === undefined ? undefined : readContract(caller, options.contract)
  using room = openRoom(caller)
  const report = await validateDataset(resolve(caller.workingFolder, path), {
    ...room.validator,
    ...(contract === undefined ? {} : { contract }),
    now: caller.now(),
  })
  return contract === undefined ? report : { ...report, contract }
}

function readContract(caller: Caller, path: string): Contract {
  const file = resolve(caller.workingFolder, path)
  try {
    const status = statSync(file)
    if (!status.isFile()) throw new DomainError('ERR_DATA_CONTRACT_MALFORMED', `\`${path}\` is not a file`)
    if (status.size > maxContractBytes)
      throw new DomainError(
        'ERR_INPUT_TOO_LARGE',
        `\`${path}\` has ${status.size} bytes, the limit is ${maxContractBytes}`,
      )
    return parseContract(readFileSync(file), path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      throw new DomainError('ERR_USAGE', `the contract \`${path}\` is not there`, {
        help: 'give a file that is: --contract FILE',
      })
    throw ioFault(error, path)
  }
}

type Room = Disposable & Readonly<{ validator: ValidatorOptions }>

/** Where the validator works: the project's own folder of state, else one that is removed afterwards. */
export function openRoom(caller: StoppableCaller): Room {
  const root = findRoot(caller.workingFolder)
  const folder = root === undefined ? mkdtempSync(join(tmpdir(), 'assay-')) : join(root, '.assay')
  if (root !== undefined) makeState(root)
  const scratchRoot = join(folder, 'tmp')
  if (!existsSync(scratchRoot)) mkdirSync(scratchRoot, { recursive: true })
  const runBox: BoxRunner = (task) => runInBox({ ...task, workFolder: join(folder, 'boxes') })
  return {
    validator: {
      ...defaultLimits,
      runBox,
      scratchRoot,
      signal: caller.signal,
    },
    [Symbol.dispose]: () => {
      if (root === undefined) rmSync(folder, { recursive: true, force: true })
    },
  }
}

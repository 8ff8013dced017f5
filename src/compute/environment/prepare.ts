/** Prepares the interpreter and packages that a stage runs with: verified a moment before it is handed out. */
import { DomainError, isDomainError } from '../../core/index.ts'
import type { Environment } from '../environment.ts'
import { prepareHost } from './prepare-host.fs.ts'
import { prepareImage } from './prepare-image.fs.ts'
import { preparePython } from './prepare-python.fs.ts'
import type { EnvironmentRequest } from './request.ts'

/**
 * Makes an environment ready to be mounted: builds it when it is not there or not right any more.
 *
 * Trust: the lock, the indexes, the wheels and what was built earlier are hostile; the interpreter on the caller's PATH
 * is the machine's own and recorded.
 * Order: nothing of a package runs outside of a sandbox, and nothing at all of it before the stage.
 *
 * @throws the ERR_ENV codes; ERR_SANDBOX_UNAVAILABLE when the machine cannot isolate; ERR_RUN_CANCELLED, ERR_DISK_FULL,
 * ERR_IO
 */
export async function prepareEnvironment(request: EnvironmentRequest): Promise<Environment> {
  const { definition, signal } = request
  try {
    switch (definition.kind) {
      case 'host':
        return await prepareHost(request)
      case 'python':
        return await preparePython({ ...request, definition })
      case 'image':
        return await prepareImage({ ...request, definition })
      case 'conda': {
        const { prepareConda } = await import('./prepare-conda.fs.ts')
        return await prepareConda({ ...request, definition })
      }
      case 'node': {
        const { prepareNode } = await import('./prepare-node.fs.ts') // with all that reads its archives
        return await prepareNode({ ...request, definition })
      }
    }
  } catch (error) {
    if (signal.aborted) throw new DomainError('ERR_RUN_CANCELLED', 'the environment was not finished', { cause: error })
    throw isDomainError(error) ? error : worldFault(error, request.name)
  }
}

/** Errors of the system get a code; anything else is a bug and stays one. */
function worldFault(error: unknown, name: string): unknown {
  const code = error instanceof Error && 'code' in error && 'syscall' in error ? String(error.code) : undefined
  if (code === undefined) return error
  const full = code === 'ENOSPC' || code === 'EDQUOT'
  return new DomainError(full ? 'ERR_DISK_FULL' : 'ERR_IO', `the environment \`${name}\` cannot be kept: ${code}`, {
    cause: error,
  })
}

/** Prepares the interpreter and packages that a stage runs with: verified a moment before it is handed out. */
import type { Environment } from '../environment.ts'
import { prepareHost } from './prepare-host.exec.ts'
import { preparePython } from './prepare-python.fs.ts'
import type { EnvironmentRequest } from './request.ts'

/** @throws the ERR_ENV codes; ERR_SANDBOX_UNAVAILABLE when the machine cannot isolate */
export function prepareEnvironment(request: EnvironmentRequest): Promise<Environment> {
  const { definition } = request
  return definition.kind === 'host' ? prepareHost(request) : preparePython({ ...request, definition })
}

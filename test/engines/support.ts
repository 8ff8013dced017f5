/** Tests of engines run where the engine is installed, and say so where it is not. */
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import type { EngineName } from '../../src/core/index.ts'

const programs: Readonly<Record<EngineName, readonly string[]>> = {
  bubblewrap: ['bwrap'],
  podman: ['podman', 'conmon', 'runc'],
  gvisor: ['runsc'],
}
const folders = ['/usr/bin', '/usr/sbin', '/usr/local/bin']

/** False declares a skipped test in the place of those that need the engine. */
export function isHere(engine: EngineName): boolean {
  const absent = programs[engine].filter((name) => !folders.some((folder) => existsSync(`${folder}/${name}`)))
  if (absent.length === 0) return true
  test(`the engine ${engine}`, { skip: `${absent.join(', ')} is not installed` }, () => undefined)
  return false
}

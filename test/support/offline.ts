/** A project whose packages come from a folder of wheels alone: no index is asked. */
import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { removeTree } from '../../src/compute/index.ts'
import { sha256Of } from '../../src/core/index.ts'
import { type Document, type Ran, runAssay, type Scratch, scratch, scratchEnvironment } from './scratch.ts'

export type OfflineProject = Scratch & Readonly<{ wheels: string }>

export function offline(context: TestContext, files: Readonly<Record<string, string>>): OfflineProject {
  const project = scratch(context, files)
  const wheels = join(project.root, '../wheels')
  const environment = { ...scratchEnvironment(project.keys), PIP_NO_INDEX: '1', PIP_FIND_LINKS: wheels }
  const assay = (...args: readonly string[]): Promise<Ran> => runAssay(args, project.root, environment)
  return {
    ...project,
    wheels,
    assay,
    json: async (exit, ...args) => {
      const ran = await assay(...args, '--json')
      assert.equal(ran.code, exit, `assay ${args.join(' ')} exited ${ran.code}:\n${ran.stdout}\n${ran.stderr}`)
      return JSON.parse(ran.stdout) as Document
    },
  }
}

/** Nothing is left of a wheel, nor of what was built of it. @returns what it was, and where */
export function loseWheel({ root, wheels }: OfflineProject, fileName: string): Readonly<{ at: string; bytes: Buffer }> {
  const at = join(wheels, fileName)
  const bytes = readFileSync(at)
  const digest = sha256Of(bytes)
  rmSync(at)
  rmSync(join(root, '.assay/objects', digest.slice(7, 9), digest.slice(9)))
  removeTree(join(root, '.assay/environments'))
  return { at, bytes }
}

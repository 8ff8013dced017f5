/**
 * The same machine with other packages: assay runs in a mount namespace in which a copy of dpkg's database, and other
 * folders, lie over the machine's own. Needs root and dpkg.
 */
import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { assayProgram, type Document, type Ran, type Scratch, scratchEnvironment } from './scratch.ts'

const database = '/var/lib/dpkg/status'

/** Why it cannot be tried here; false when it can. */
export const cannotChangeSystem: string | false =
  process.getuid?.() !== 0 ? 'needs root' : existsSync(database) ? false : 'needs dpkg'

export type OtherSystem = Readonly<{
  assay(...args: readonly string[]): Promise<Ran>
  json(exit: number, ...args: readonly string[]): Promise<Document>
  /** As an upgrade does: the package has another version from now on. @returns the version before */
  upgrade(name: string, version: string): string
}>

/** @param over folder that lies over another one: what -> where */
export function otherSystem(project: Scratch, over: Readonly<Record<string, string>> = {}): OtherSystem {
  const copy = join(dirname(project.root), 'dpkg-status')
  copyFileSync(database, copy)
  const binds = [[copy, database], ...Object.entries(over)]
  const script = `${binds.map((_, index) => `mount --bind "$${2 * index + 1}" "$${2 * index + 2}"`).join(' && ')} && shift ${2 * binds.length} && exec "$@"`
  const assay = (...args: readonly string[]): Promise<Ran> =>
    new Promise((resolve, reject) => {
      const child = spawn(
        'unshare',
        ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', ...binds.flat(), assayProgram, ...args],
        { cwd: project.root, env: scratchEnvironment(project.keys), stdio: ['ignore', 'pipe', 'pipe'] },
      )
      const said = { stdout: '', stderr: '' }
      child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()))
      child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()))
      child.on('error', reject)
      child.on('close', (code) => resolve({ code, ...said }))
    })
  return {
    assay,
    json: async (exit, ...args) => {
      const ran = await assay(...args, '--json')
      if (ran.code !== exit)
        throw new Error(`assay ${args.join(' ')} exited ${ran.code}:\n${ran.stdout}\n${ran.stderr}`)
      return JSON.parse(ran.stdout) as Document
    },
    upgrade: (name, version) => {
      const text = readFileSync(copy, 'utf8')
      const stanza = new RegExp(`^Package: ${name}\\n(?:.+\\n)*?Version: (.*)$`, 'm')
      const before = stanza.exec(text)?.[1]
      if (before === undefined) throw new Error(`${name} is not installed here`)
      writeFileSync(
        copy,
        text.replace(stanza, (found) => found.replace(/Version: .*$/, `Version: ${version}`)),
      )
      return before
    },
  }
}

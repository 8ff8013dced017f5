/** One command of assay's own in a sandbox: see `box-command.ts`. */
import { chmodSync, lstatSync } from 'node:fs'
import { openBox } from './box.exec.ts'
import type { BoxCommand, BoxEnd } from './box-command.ts'
import { plainEngine } from './box-engine.ts'
import { giveTree } from './box-folder.fs.ts'
import { architectureOf } from './machine.exec.ts'
import { openMachine } from './open.exec.ts'
import { recipeDigest } from './policy.ts'
import { tailOf } from './tail.ts'

const tailBytes = 64 * 1024

/**
 * Runs a command offline in the same sandbox as a stage, with one writable folder.
 *
 * Trust: what the command leaves in the folder is as hostile as the command; look at it before it is used.
 *
 * @throws ERR_SANDBOX_UNAVAILABLE when this machine cannot isolate; nothing has run then
 */
export async function runInBox(command: BoxCommand): Promise<BoxEnd> {
  const { workFolder, writable, limits } = command
  const { machine, supplies } = await openMachine(workFolder)
  using _shared = supplies
  await using box = await openBox(machine, {
    engine: plainEngine,
    workFolder,
    supplies,
    limits,
    traced: false,
    onOutput: () => undefined,
  })
  using _lent = lend(writable.source, box.uid)
  const { end, deniedAttempts } = await box.launch({
    binds: [
      ...command.mounts.map(({ source, target }) => ({ kind: 'read-only' as const, source, target })),
      { kind: 'writable', source: writable.source, target: writable.target },
    ],
    workingDirectory: command.workingDirectory ?? writable.target,
    variables: command.variables,
    command: command.argv,
    scratch: [writable.source],
    ready: Promise.resolve(),
    signal: command.signal ?? new AbortController().signal,
  })
  const tail = tailOf(box.log.readEnd(tailBytes).toString('utf8').split('\n'))
  const sandbox = { engine: 'bubblewrap' as const, digest: recipeDigest(architectureOf(process.arch)) }
  return { end, tail, deniedAttempts, sandbox }
}

/** Gives a folder to the sandbox's user and takes it back. */
function lend(folder: string, uid: number | undefined): Disposable {
  if (uid === undefined) return { [Symbol.dispose]: () => undefined }
  const { uid: owner, gid, mode } = lstatSync(folder)
  giveTree(folder, uid)
  return {
    [Symbol.dispose]: () => {
      giveTree(folder, owner, gid)
      chmodSync(folder, mode & 0o7777)
    },
  }
}

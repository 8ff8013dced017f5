/**
 * What gVisor's kernel tells of the system calls of a stage: where it wanted to go, which programs it started. Pure.
 *
 * Trust: the lines are the kernel's, the names in them the stage's: only short, plain words leave this file. A stage may
 * choose the name of its process, which stands before the call, so a call is looked for anywhere in a line.
 */
import { normalize } from 'node:path/posix'
import type { Listener } from '../bubblewrap/box-engine.ts'
import { nameOfProgram } from '../bubblewrap/programs.fs.ts'
import { type HeldNode, nodeIn } from './nodes.ts'

/** What must be told: attempts to leave, programs, refused processes. */
export const toldCalls = 'connect,sendto,sendmsg,sendmmsg,execve,execveat,clone,clone3,fork,vfork'

/** LIMIT: destinations and programs that are kept. */
const maxDestinations = 200
const maxPrograms = 200
/** LIMIT: outs that are told to hold what cannot be collected. */
const maxHeld = 10_000
/** LIMIT: of a name. */
const maxLetters = 100

/** errno 101 and 113: there is no way out of the network of a stage. */
const denied = / X (?:connect|sendto|sendmsg|sendmmsg)\(.* errno=1(?:01|13) /
const started = / X execve(?:at)?\(.* = 0 \(0x0\)/
const program = / X execve(?:at\((?:AT_FDCWD|0x[0-9a-f]+) [^\s,]*, |\()0x[0-9a-f]+ ([^\s,"]+), /
/** errno 11: the limit of processes. */
const refused = / X (?:clone3?|v?fork)\(.* errno=11 /
const address = /Family: AF_INET(6)?, Addr: ([0-9a-fA-F.:]+), Port: (\d+)/

export function listenToSentry(
  options: Readonly<{
    /** Address of the name server that is not there: wanting it says nothing of where a stage wanted to go. */
    lookups: string
    /** How many programs are started before the stage's own. */
    entry: number
    /** False when what is denied is counted elsewhere. */
    counts: boolean
  }>,
): Listener {
  const { lookups, entry, counts } = options
  const destinations = new Set<string>()
  const programs = new Set<string>()
  const held = new Map<number, HeldNode>()
  let deniedAttempts = 0
  let starts = 0
  let crowded = false
  return {
    take: (line) => {
      const node = nodeIn(line)
      if (node !== undefined) {
        if (held.size < maxHeld) held.set(node.out, node)
      } else if (denied.test(line)) {
        if (counts) deniedAttempts += 1
        const [, six, host = '', port = ''] = address.exec(line) ?? []
        if (host !== '' && host !== lookups && destinations.size < maxDestinations)
          destinations.add(six === undefined ? `${host}:${port}` : `[${host}]:${port}`)
      } else if (started.test(line)) {
        starts += 1
        const name = starts > entry ? program.exec(line)?.[1] : undefined
        if (name !== undefined && programs.size < maxPrograms) programs.add(nameAsked(name))
      } else if (refused.test(line)) crowded = true
    },
    told: () => ({
      started: starts > entry,
      deniedAttempts,
      destinations: [...destinations],
      programs: [...programs].toSorted(),
      crowded,
      held: [...held.values()],
    }),
  }
}

/** THREAT: a program of the stage's own folder is called by its path, so that it is not taken for one of the system. */
function nameAsked(path: string): string {
  if (path.startsWith('/')) return nameOfProgram(normalize(path))
  return `./${normalize(path)}`.slice(0, maxLetters)
}

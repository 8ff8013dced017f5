/**
 * What gVisor's kernel tells of the system calls of a stage: where it wanted to go, which programs it started. Pure.
 *
 * Trust: the lines are the kernel's, the names in them the stage's: only short, plain words leave this file. A stage may
 * choose the name of its process, which stands before the call, so a call is looked for anywhere in a line.
 */
import { normalize } from 'node:path/posix'
import { type Listener, maxReportLine } from '../bubblewrap/box-engine.ts'
import { nameOfProgram } from '../bubblewrap/programs.fs.ts'
import { type HeldNode, isHeld, nodeIn } from './nodes.ts'

/** What must be told: attempts to leave, programs, refused processes. */
export const toldCalls = 'connect,sendto,sendmsg,sendmmsg,execve,execveat,clone,clone3,fork,vfork'

/** LIMIT: destinations and programs that are kept. */
const maxDestinations = 200
const maxPrograms = 200
/** LIMIT: outs that are told to hold what cannot be collected; a higher number is none of an out. */
const maxHeld = 10_000
/** LIMIT: of a name. */
const maxLetters = 100
/** Of a program whose path cannot be read: no name, so that it is never one that is expected. */
const unreadable = '(unreadable)'

/** errno 101 and 113: there is no way out of the network of a stage. */
const denied = / X (?:connect|sendto|sendmsg|sendmmsg)\(.* errno=1(?:01|13) /s
const start = / X execve(?:at)?\(/
const program = /^ X execve(?:at\((?:AT_FDCWD|0x[0-9a-f]+) [^\s,]*, |\()0x[0-9a-f]+ ([^\s,"]+), 0x[0-9a-f]+ /
const failed = /\) = -1 errno=\d+ \([^()"]*\) \([^ ()"]*\)$/
/** errno 11: the limit of processes. */
const refused = / X (?:clone3?|v?fork)\(.* errno=11 /s
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
  const takeDenied = (line: string): void => {
    if (counts) deniedAttempts += 1
    const [, six, host = '', port = ''] = address.exec(line) ?? []
    if (host !== '' && host !== lookups && destinations.size < maxDestinations)
      destinations.add(six === undefined ? `${host}:${port}` : `[${host}]:${port}`)
  }
  return {
    // THREAT: an argument that reads as another call: each kind is looked for by itself, and none keeps another from being seen.
    take: (line) => {
      const node = nodeIn(line)
      if (node !== undefined && node.out < maxHeld) held.set(node.out, node)
      if (denied.test(line)) takeDenied(line)
      if (refused.test(line)) crowded = true
      const asked = startIn(line)
      if (asked === undefined) return
      starts += 1
      if (starts > entry && !isHeld(asked) && programs.size < maxPrograms) programs.add(nameAsked(asked))
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

/**
 * The path of the program that is started, or not there, which the kernel tells alike.
 *
 * THREAT: a path with a line's end in it breaks the line: what does not say that it failed was a start.
 */
function startIn(line: string): string | undefined {
  const at = line.search(start)
  if (at < 0) return undefined
  const [, path] = program.exec(line.slice(at)) ?? []
  return path !== undefined && line.length < maxReportLine && failed.test(line) ? undefined : (path ?? unreadable)
}

/** From where `..` may lead elsewhere than the path says, by a link or from a folder of the stage's. */
const wayBack = /\/(?:project|tmp|home|dev|run|proc)\/.*\/\.\.(?:\/|$)/

/** THREAT: a program of the stage's own folder is called by its path, so that it is not taken for one of the system. */
function nameAsked(path: string): string {
  if (path === unreadable) return path
  if (!path.startsWith('/')) return `./${normalize(path)}`.slice(0, maxLetters)
  const name = nameOfProgram(normalize(path))
  return name.startsWith('/') || !wayBack.test(path) ? name : path.slice(0, maxLetters)
}

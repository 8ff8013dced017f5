/**
 * Fifos and sockets that lie in outs when a stage of gVisor has ended: they are in the memory of its kernel and nowhere on
 * this machine, so the first process of the stage looks for them, and its kernel's log tells: pure.
 *
 * It tells one by starting a program that is not there, under a path that names the out and what lies in it. A stage that
 * starts the same path refuses its own out.
 */
import { quotedForShell } from '../../core/index.ts'

const place = '/.assay/held'
/** THREAT: a process that outlives the command makes a fifo behind the look, or leaves no room to tell of one. */
const alone = 'kill -s KILL -- -1 2>/dev/null; '
/** THREAT: what lies in a folder that its owner may not look into is seen by nobody: the folder is told. */
const functions =
  'node() { [ ! -L "$1" ] || return 1; if [ -p "$1" ] || [ -S "$1" ]; then found=$1; return 0; fi; [ -d "$1" ] || return 1; ' +
  '[ -r "$1" ] && [ -x "$1" ] || { found=$1; return 0; }; ' +
  'for each in "$1"/* "$1"/.[!.]* "$1"/..?*; do ! node "$each" || return 0; done; return 1; }; '

/** Shell words for after a command that ended well. @param outs absolute paths inside */
export function lookForNodes(outs: readonly string[]): string {
  if (outs.length === 0) return ''
  const looks = outs.map((out, index) => `! node ${quotedForShell(out)} || "${place}/${index}$found" 2>/dev/null; `)
  return alone + functions + looks.join('')
}

/** What is held in the nth out; `path` is absolute inside, up to its first space or comma. */
export type HeldNode = Readonly<{ out: number; path: string }>

const told = new RegExp(String.raw` X execve\(0x[0-9a-f]+ ${place.replace('.', '\\.')}/(\d+)(/[^\s,"]*)`)

/** Whether the path is one that the first process tells a node by: no program can lie there. */
export function isHeld(path: string): boolean {
  return new RegExp(`^${place.replace('.', '\\.')}/\\d+/`).test(path)
}

/** @param line of the kernel's log */
export function nodeIn(line: string): HeldNode | undefined {
  const [, out, path] = told.exec(line) ?? []
  return out === undefined || path === undefined ? undefined : { out: Number(out), path }
}

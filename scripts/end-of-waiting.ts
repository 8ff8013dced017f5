/**
 * Ends test files that wait for ever. A test that times out has failed, but what it waits for (a server, a child, a call that
 * never comes back) would keep its file, and with it the whole run, alive. So would a process that a file has left behind with
 * its output: the runner waits for the end of that, and not of the file alone.
 *
 * The runner looks from outside: a file in a synchronous call runs no timer of its own.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { childrenOf, isOver, processState, quietly, treeOf } from '../src/compute/bubblewrap/process-facts.fs.ts'

type Watched = Readonly<{
  pid: number
  startTicks: string
  name: string
  /** What only the file and those that it started can hold, as /proc names it. */
  outputs: ReadonlySet<string>
  sinceMs: number
}>

/** SOURCE: proc_pid_cmdline(5). node:test starts a process for each file, and names the file last. */
function testFileOf(pid: number): string | undefined {
  const last = (quietly(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '').split('\0').at(-2) ?? ''
  return /\.test\.[cm]?[jt]s$/.test(last) ? last : undefined
}

/**
 * Kills each process of a test file that this process started and has seen for `limitMs`, all below it, and whoever else
 * still holds its output; of a file that has ended by itself the latter alone.
 *
 * LIMIT: a file that starts and ends between two looks is not seen; nor is, by an ordinary user, what another one's process holds.
 *
 * @param told with the path of the file as the runner names it, before it dies; `left`: it has ended, and left a process
 */
export function endLateFiles(
  limitMs: number,
  told: (file: string, what: 'late' | 'left') => void,
  everyMs = 200,
): Disposable {
  let watched: ReadonlyMap<string, Watched> = new Map()
  const ended = new Set<string>()
  const look = (): void => {
    const now = performance.now()
    const kept = [...watched].filter(([, file]) => runs(file) || holdersOf(file).length > 0)
    watched = new Map([...filesBelow(now), ...kept])
    for (const [key, file] of watched) {
      if (now - file.sinceMs < limitMs) continue
      const below = runs(file) ? treeOf(file.pid) : []
      if (!ended.has(key)) told(file.name, below.length > 0 ? 'late' : 'left')
      ended.add(key)
      for (const pid of [...below, ...holdersOf(file)]) quietly(() => process.kill(pid, 'SIGKILL'))
    }
  }
  const timer = setInterval(look, everyMs)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

function filesBelow(sinceMs: number): readonly (readonly [string, Watched])[] {
  const own = new Set(heldBy(process.pid))
  return childrenOf(process.pid).flatMap((pid) => {
    const [startTicks, name] = [processState(pid)?.startTicks, testFileOf(pid)]
    if (startTicks === undefined || name === undefined) return []
    // INVARIANT: nothing that this process holds too, or that has a name, for which others would be killed.
    const outputs = [1, 2]
      .flatMap((fd) => quietly(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? [])
      .filter((output) => /^(socket|pipe):/.test(output) && !own.has(output))
    return [[`${pid}-${startTicks}`, { pid, startTicks, name, outputs: new Set(outputs), sinceMs }]]
  })
}

function runs({ pid, startTicks }: Watched): boolean {
  return !isOver(pid, startTicks)
}

function holdersOf({ outputs }: Watched): readonly number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map(Number).filter((pid) => heldBy(pid).some((each) => outputs.has(each)))
}

/** SOURCE: proc_pid_fd(5). */
function heldBy(pid: number): readonly string[] {
  const folder = `/proc/${pid}/fd`
  return (quietly(() => readdirSync(folder)) ?? []).flatMap(
    (fd) => quietly(() => readlinkSync(`${folder}/${fd}`)) ?? [],
  )
}

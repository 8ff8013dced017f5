/**
 * Ends test files that wait for ever. A test that times out has failed, but what it waits for (a server, a child, a call that
 * never comes back) would keep its file, and with it the whole run, alive.
 *
 * The runner looks from outside: a file in a synchronous call runs no timer of its own.
 */
import { readFileSync } from 'node:fs'
import { childrenOf, processState, quietly, treeOf } from '../src/compute/bubblewrap/process-facts.fs.ts'

/** SOURCE: proc_pid_cmdline(5). node:test starts a process for each file, and names the file last. */
function testFileOf(pid: number): string | undefined {
  const last = (quietly(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '').split('\0').at(-2) ?? ''
  return /\.test\.[cm]?[jt]s$/.test(last) ? last : undefined
}

/**
 * Kills each process of a test file that this process started and has seen for `limitMs`, and all below it.
 *
 * @param told with the path of the file as the runner names it, before it dies
 */
export function endLateFiles(limitMs: number, told: (file: string) => void, everyMs = 5000): Disposable {
  let seen = new Map<string, number>()
  const look = (): void => {
    const now = performance.now()
    const pids = childrenOf(process.pid).map((pid) => [pid, `${pid}-${processState(pid)?.startTicks}`] as const)
    seen = new Map(pids.map(([, name]) => [name, seen.get(name) ?? now]))
    for (const [pid, name] of pids) {
      const file = now - (seen.get(name) ?? now) < limitMs ? undefined : testFileOf(pid)
      if (file === undefined) continue
      told(file)
      for (const each of treeOf(pid)) quietly(() => process.kill(each, 'SIGKILL'))
    }
  }
  const timer = setInterval(look, everyMs)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

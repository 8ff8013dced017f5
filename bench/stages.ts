/**
 * What does a stage cost that does nothing? Against a bare `bwrap`, against `podman run`, over 20, 100 and 500 stages.
 *
 * All that belongs to a stage is in it: view, sandbox, observation, outs into the store, signature, lock. Ours is the
 * whole run divided by its stages; the peers are one start each.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { heading, measure, row, runOnce } from './measure.ts'
import { fan } from './no-op.ts'
import { assay, base, peer, project, run } from './scratch.ts'

const bareBox = [
  'bwrap',
  ...['--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-net', '--die-with-parent'],
  ...['--ro-bind', '/usr', '/usr', '--symlink', 'usr/bin', '/bin', '--symlink', 'usr/lib', '/lib'],
  ...['--symlink', 'usr/lib64', '/lib64', '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp'],
  ...['/bin/sh', '-c', 'exit 0'],
]

export async function stages(): Promise<void> {
  heading('Stages: the first run of trivial stages, a stage')
  const [bare] = measure([{ name: 'bwrap', command: bareBox, cwd: base }], 21)
  const container = podmanStart()
  if (bare === undefined) throw new Error('bwrap was not measured')
  for (const count of [20, 100, 500]) {
    const root = project(`first-${count}`, fan(count))
    const whole = runOnce({ command: [assay, 'run'], cwd: root })
    const each = { ms: whole.ms / count, cpuMs: whole.cpuMs / count, peakKib: whole.peakKib }
    const more = each.ms - bare.ms
    row({
      what: `one of ${count} stages`,
      ours: each,
      peer: 'bare bwrap',
      theirs: bare,
      goal: { text: `at most 60 ms more: ${more.toFixed(0)} ms`, met: more <= 60 },
      note: `the whole run ${(whole.ms / 1000).toFixed(1)} s, peak ${(whole.peakKib / 1024).toFixed(0)} MiB of the largest process`,
    })
    if (count !== 100) continue
    const goal = { text: '3 times cheaper', met: container === undefined ? undefined : each.ms * 3 <= container.ms }
    const theirs = container === undefined ? {} : { theirs: container }
    row({ what: `one of ${count} stages`, ours: each, peer: podmanName(container), ...theirs, goal })
  }
}

function podmanName(container: unknown): string {
  return container === undefined ? 'podman run: not here' : 'podman run'
}

/** A root file system of two mounts is all that `true` needs; no image is fetched. */
function podmanStart(): ReturnType<typeof runOnce> | undefined {
  if (peer('podman') === undefined) return undefined
  const root = join(base, 'podman-root')
  for (const name of ['usr/bin', 'proc', 'dev', 'sys', 'tmp', 'etc', 'run', 'lib64', 'lib/x86_64-linux-gnu'])
    mkdirSync(join(root, name), { recursive: true })
  // the files themselves: on a merged /usr each of these ways leads over a link
  for (const file of ['usr/bin/true', 'lib64/ld-linux-x86-64.so.2', 'lib/x86_64-linux-gnu/libc.so.6'])
    run(['cp', '--dereference', `/${file}`, join(root, file)], base)
  const command = [
    ...['podman', '--cgroup-manager', 'cgroupfs', '--runtime', 'runc', 'run', '--rm', '--network', 'none'],
    ...['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=4096:4096', '--rootfs', `${root}:O`, '/usr/bin/true'],
  ]
  try {
    return measure([{ name: 'podman', command, cwd: base }], 7)[0]
  } catch (error) {
    console.log(`    podman does not run here: ${String(error).split('\n').at(-1)}`)
    return undefined
  }
}

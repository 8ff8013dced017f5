/** What was there before this run and will be there after it: everything else of a stage is new each time. */
import { readFileSync, statSync } from 'node:fs'
import type { Environment } from '../compute/index.ts'
import { sha256Of } from '../core/index.ts'
import type { RecordedFact } from '../reproducibility/index.ts'
import type { Project } from './project.ts'

/** Times in UTC. The kernel's boot is told by a digest of its id: the id itself would name the machine. */
export function outlivedFacts(
  { store, statCache }: Pick<Project, 'store' | 'statCache'>,
  environment: Environment,
): readonly RecordedFact[] {
  const facts: readonly (readonly [string, string])[] = [
    ['kernel', `boot ${bootDigest()} at ${bootedAt()}`],
    ['root', rootFileSystem()],
    ['store', `made ${madeAt(store.root)}`],
    ['remembered digests', statCache === undefined ? 'not asked (--rehash)' : 'asked, sealed by the user'],
    ['environment', environmentAge(environment)],
  ]
  return facts.map(([name, value]) => ({ name: `outlived/${name}`, value, tier: 'observed' }))
}

/** Without paths: those of an interpreter may name a person. */
function environmentAge({ kind, mounts }: Environment): string {
  const newest = mounts
    .map(({ source }) => madeAt(source))
    .toSorted()
    .at(-1)
  const what = kind === 'host' ? "the machine's own" : 'built once, verified before each use'
  return newest === undefined ? what : `${what}, made ${newest}`
}

function bootDigest(): string {
  return sha256Of(textOf('/proc/sys/kernel/random/boot_id').trim()).slice(0, 19)
}

function bootedAt(): string {
  const seconds = Number(/^btime (\d+)$/m.exec(textOf('/proc/stat'))?.[1])
  return Number.isInteger(seconds) ? new Date(seconds * 1000).toISOString() : 'unknown'
}

/** SOURCE: proc(5), mountinfo: the fifth field is the mount point, the sixth its options, after ` - ` the type. */
function rootFileSystem(): string {
  const line = textOf('/proc/self/mountinfo')
    .split('\n')
    .findLast((each) => each.split(' ')[4] === '/')
  const [before = '', after = ''] = line?.split(' - ') ?? []
  const isWritable = before.split(' ')[5]?.split(',')[0] === 'rw'
  const type = after.split(' ')[0] ?? ''
  return `${type === '' ? 'unknown' : type}, ${isWritable ? 'writable' : 'read-only'} on the machine, read-only to the stage`
}

function madeAt(path: string): string {
  const status = statSync(path, { throwIfNoEntry: false })
  return status === undefined ? 'unknown' : new Date(status.birthtimeMs || status.ctimeMs).toISOString()
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // INVARIANT: absence only ever makes a fact `unknown`, never a different one.
  }
}

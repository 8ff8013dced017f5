/**
 * As root: an unused ordinary user id for one running sandbox.
 *
 * A slot is held by listening on an abstract socket, which the kernel closes when the process ends, however it ends.
 * THREAT: another user may take a slot's name; then the next slot is used.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { DomainError } from '../../core/index.ts'

export type UidSlot = Readonly<{ uid: number; release(): Promise<void> }>

/** SOURCE: systemd, UIDS-GIDS.md: 60578 to 61183 belong to nobody. */
const firstUid = 60800
const slots = 64

/** Whether the user id is one that sandboxes are given; nobody else has it. */
export function isSandboxUid(uid: number): boolean {
  return uid >= firstUid && uid < firstUid + slots
}

/** True for root that may become any user; false for an ordinary user and for "root" of a small user namespace. */
export function mayDropUid(): boolean {
  if (process.getuid?.() !== 0) return false
  return readFileSync('/proc/self/uid_map', 'utf8')
    .split('\n')
    .some((line) => {
      const [inside = 1, , length = 0] = line.trim().split(/\s+/).map(Number)
      return inside === 0 && length >= firstUid + slots
    })
}

/** @throws ERR_SANDBOX_UNAVAILABLE when 64 sandboxes run already */
export async function takeUidSlot(): Promise<UidSlot> {
  const inUse = usersOfProcesses()
  for (let uid = firstUid; uid < firstUid + slots; uid += 1) {
    if (inUse.has(uid)) continue
    const release = await holdName(`\0assay-uid-${uid}`)
    if (release !== undefined) return { uid, release }
  }
  throw new DomainError('ERR_SANDBOX_UNAVAILABLE', `all ${slots} user ids for sandboxes are in use`, {
    help: 'wait until other runs on this machine have ended',
  })
}

function holdName(name: string): Promise<(() => Promise<void>) | undefined> {
  return new Promise((resolve) => {
    const server = createServer((connection) => connection.destroy())
    server.once('error', () => resolve(undefined))
    server.listen({ path: name }, () => {
      server.unref()
      resolve(() => new Promise((closed) => server.close(() => closed())))
    })
  })
}

/** THREAT: what a killed run left may still be dying; its user id is not given out again. */
function usersOfProcesses(): ReadonlySet<number> {
  const users = new Set<number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stats = statSync(`/proc/${name}`, { throwIfNoEntry: false })
    if (stats !== undefined) users.add(stats.uid)
  }
  return users
}

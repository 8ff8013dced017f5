/** Plants canaries on this machine and runs `probe.py` where it is told to. */
import { execFileSync } from 'node:child_process'
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'

export type ProbeResult = Readonly<{ kind: 'escape' | 'leak' | 'surface'; name: string; out: boolean; why: string }>

export type Canaries = AsyncDisposable &
  Readonly<{
    /** Text that must not be seen inside. */
    canary: string
    /** Open descriptor of a file that holds it. */
    descriptor: number
    /** What probe.py is told, as JSON. @param projectPlace host folder that must not be named inside */
    config(projectPlace: string): string
  }>

/** Paths inside that the probe works on. */
export const places = {
  viewFile: '/project/src/code.py',
  neighbour: '/project/out/neighbour.txt',
  outFile: '/project/out/result.bin',
}

export const probeSource = readFileSync(join(import.meta.dirname, 'probe.py'), 'utf8')

export async function plantCanaries(): Promise<Canaries> {
  await using undo = new AsyncDisposableStack()
  const canary = `canary-${Math.random().toString(36).slice(2)}${Math.random().toString(36).slice(2)}`
  const folder = mkdtempSync(join(tmpdir(), 'assay-canary-'))
  chmodSync(folder, 0o755)
  undo.defer(() => rmSync(folder, { recursive: true, force: true }))
  const canaryFile = join(folder, 'canary.txt')
  writeFileSync(canaryFile, `${canary}\n`, { mode: 0o644 })
  const descriptor = openSync(canaryFile, 'r')
  undo.defer(() => closeSync(descriptor))
  const tcp = await listen(undo, { port: 0, host: '127.0.0.1' })
  const pathSocket = join(folder, 'socket')
  await listen(undo, { path: pathSocket })
  chmodSync(pathSocket, 0o777)
  const abstractSocket = `assay-${canary}`
  await listen(undo, { path: `\0${abstractSocket}` })
  const address = tcp.address()
  const config = {
    ...places,
    canary,
    canaryFile,
    pathSocket,
    abstractSocket,
    tcpPort: typeof address === 'object' ? address?.port : 0,
    hostPid: process.pid,
    hostName: hostname(),
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    sharedMemory: shareMemory(undo),
  }
  const held = undo.move()
  return {
    canary,
    descriptor,
    config: (projectPlace) => JSON.stringify({ ...config, projectPlace }),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

function listen(undo: AsyncDisposableStack, where: Parameters<Server['listen']>[0]): Promise<Server> {
  const server = createServer((connection) => connection.end())
  undo.defer(() => new Promise((resolve) => server.close(() => resolve())))
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(where, () => resolve(server))
  })
}

/** A System V segment that everybody may open; its key. */
function shareMemory(undo: AsyncDisposableStack): number {
  const id = /\d+/.exec(execFileSync('ipcmk', ['-M', '64', '-p', '0666'], { encoding: 'utf8' }))?.[0] ?? ''
  undo.defer(() => {
    execFileSync('ipcrm', ['-m', id])
  })
  const line = readFileSync('/proc/sysvipc/shm', 'utf8')
    .split('\n')
    .map((each) => each.trim().split(/\s+/))
    .find((fields) => fields[1] === id)
  return Number(line?.[0] ?? 0)
}

export function parseResults(lines: readonly string[]): readonly ProbeResult[] {
  return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as ProbeResult) // printed by probe.py
}

/** `escape: 0 of 105` and the like. */
export function scoreOf(results: readonly ProbeResult[]): Readonly<Record<ProbeResult['kind'], string>> {
  const score = (kind: ProbeResult['kind']): string => {
    const all = results.filter((result) => result.kind === kind)
    return `${all.filter(({ out }) => out).length} of ${all.length}`
  }
  return { escape: score('escape'), leak: score('leak'), surface: score('surface') }
}

export function namesOut(results: readonly ProbeResult[], kind: ProbeResult['kind']): readonly string[] {
  return results.filter((result) => result.kind === kind && result.out).map(({ name }) => name)
}

/** Starts what lets one stage out to the hosts on its list, and gathers what it tells. See `main.ts` for the two processes. */
import { type ChildProcess, spawn } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { DomainError } from '../../core/index.ts'
import type { EgressLimits } from './limits.ts'
import { type EgressEvent, type EgressRecord, eventIn, gatherRecord, type Traffic } from './record.ts'

export type EgressOptions = Readonly<{
  /** `host:port`, as in assay.yaml. */
  allowed: readonly string[]
  /** Subnets of private networks that may be reached all the same, by the will of whoever runs assay. */
  permitted: readonly string[]
  limits: EgressLimits
  /** Absolute, short: the socket lies in it. Nobody else may enter. */
  folder: string
  tools: Readonly<{ setpriv: string; python: string }>
  /** A limit is passed; told once, and in the record too. */
  onLimit(because: string): void
  /** How long its last connections may take to be told; `drainMs` where nothing is said. */
  drainMs?: number
}>

export type Egress = AsyncDisposable &
  Readonly<{
    /** Opens the door in the network of the sandbox whose process 1 is `pid`, seen from here. @throws ERR_SANDBOX_UNAVAILABLE */
    enter(pid: number): Promise<void>
    /** As far as it was told; whole after `finish`. */
    traffic(): Traffic
    /**
     * All that was told, when nothing of the stage is alive any more.
     *
     * @throws ERR_STAGE_NETWORK_UNKNOWN when that is not known to be all
     */
    finish(): Promise<EgressRecord>
  }>

/** How a stage is told: it has no names of its own to look up. */
export const proxyVariables: Readonly<Record<string, string>> = Object.fromEntries(
  ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'].map((name) => [
    name,
    'http://127.0.0.1:3128',
  ]),
)

/**
 * Joins the network namespace of a process, by way of the user namespace that owns it where an ordinary user must, and
 * becomes another program. SOURCE: setns(2), ioctl_ns(2): NS_GET_USERNS.
 */
const joinNetwork = `
import ctypes, fcntl, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def join(fd, kind):
    if libc.setns(fd, kind) != 0:
        raise OSError(ctypes.get_errno(), 'setns')
net = os.open('/proc/' + sys.argv[1] + '/ns/net', os.O_RDONLY | os.O_CLOEXEC)
try:
    join(net, 0x40000000)
except PermissionError:
    join(fcntl.ioctl(net, 0xB701), 0x10000000)
    join(net, 0x40000000)
os.execv(sys.argv[2], sys.argv[2:])
`
/** LIMIT: how long the last connections may take to be told, on a machine that is busy too: a run of hours hangs on it. */
const drainMs = 60_000

/** @throws ERR_SANDBOX_UNAVAILABLE */
export async function openEgress(options: EgressOptions): Promise<Egress> {
  const { allowed, permitted, limits, folder, tools } = options
  const socket = join(folder, 'egress')
  const gathered = gatherRecord()
  const guarded = [tools.setpriv, '--no-new-privs', '--pdeathsig', 'KILL']
  const proxy = start([...guarded, ...ownProgram('proxy', socket)], 'pipe')
  proxy.stdin?.on('error', () => undefined).end(JSON.stringify({ allowed, permitted, limits }))
  let front: ChildProcess | undefined
  const told = lines(proxy)
  try {
    await told.ready
  } catch (error) {
    proxy.kill('SIGKILL')
    throw error
  }
  told.onEvent((event) => {
    gathered.add(event)
    if (event.kind === 'limit') options.onLimit(event.because)
  })
  return {
    enter: async (pid) => {
      front = start(
        [...guarded, tools.python, '-I', '-S', '-c', joinNetwork, `${pid}`, ...ownProgram('front', socket)],
        'ignore',
      )
      await lines(front).ready
    },
    traffic: gathered.traffic,
    finish: async () => {
      front?.kill('SIGKILL') // what is still open ends with it, and the proxy tells it
      proxy.kill('SIGTERM')
      const late = new Promise<false>((resolve) => setTimeout(resolve, options.drainMs ?? drainMs, false).unref())
      if (!(await Promise.race([told.whole, late]))) throw notWhole()
      return gathered.record()
    },
    [Symbol.asyncDispose]: async () => {
      front?.kill('SIGKILL')
      proxy.kill('SIGKILL')
      await told.whole
    },
  }
}

function notWhole(): DomainError {
  const because = 'its proxy ended before it had told all: what the stage connected to is not known whole'
  return new DomainError('ERR_STAGE_NETWORK_UNKNOWN', because)
}

function start([program = '', ...args]: readonly string[], stdin: 'pipe' | 'ignore'): ChildProcess {
  return spawn(program, args, { cwd: '/', env: {}, detached: true, stdio: [stdin, 'pipe', 'pipe'] })
}

/** Node without the right to write, to read anything but its own code, or to start programs. */
function ownProgram(mode: string, socket: string): readonly string[] {
  const entry = fileURLToPath(new URL('./main.ts', import.meta.url))
  const folder = realpathSync(dirname(entry))
  const code = entry.endsWith('.ts') ? join(folder, '../../..') : folder
  return [process.execPath, '--no-warnings', '--permission', `--allow-fs-read=${code}`, entry, mode, socket]
}

function lines(child: ChildProcess): Readonly<{
  ready: Promise<void>
  /** When it is gone: whether it ended well, and each of its lines could be read. */
  whole: Promise<boolean>
  onEvent(take: (event: EgressEvent) => void): void
}> {
  let take: (event: EgressEvent) => void = () => undefined
  let said = ''
  let isLegible = true
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>()
  const fail = (because: string): void =>
    reject(
      new DomainError('ERR_SANDBOX_UNAVAILABLE', `the proxy of the stage did not start (${because})`, {
        help: 'assay doctor says what to install; or set network: none',
      }),
    )
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-2000)
  })
  if (child.stdout !== null)
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = eventIn(line)
      isLegible &&= event !== undefined
      if (event?.kind === 'ready') resolve()
      else if (event !== undefined) take(event)
    })
  const whole = new Promise<boolean>((over) => {
    child.once('error', (error) => {
      fail(error.message)
      over(false)
    })
    child.once('close', (code) => {
      fail(said.trim().split('\n').at(-1) ?? '')
      over(code === 0 && isLegible)
    })
  })
  ready.catch(() => undefined)
  return {
    ready,
    whole,
    onEvent: (given) => {
      take = given
    },
  }
}

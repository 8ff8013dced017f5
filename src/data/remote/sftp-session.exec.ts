/**
 * One SFTP session through the system's own `ssh`: keys, agents, host keys and jumps are as the user has set them up.
 *
 * Nothing is asked of a person (`BatchMode`), and no command of ours runs at the far end. Requests may be under way
 * together; each answer finds its own. Read next: `sftp-packets.ts` (the bytes), `sftp-remote.ts` (what is made of it).
 */
import { spawn } from 'node:child_process'
import { DomainError, isDomainError, printable } from '../../core/index.ts'
import { remoteFault } from './remote.ts'
import type { SshPlace } from './remote-address.ts'
import { type Answer, type Field, kinds, maxMessageBytes, message, parseAnswer, parseVersion } from './sftp-packets.ts'

export type SftpSession = Readonly<{
  /** Names of the extensions that the far end knows. */
  extensions: ReadonlySet<string>
  /** @throws ERR_REMOTE_FAILED when the connection is gone, ERR_REMOTE_UNSAFE when what comes is no answer */
  ask(kind: number, fields: readonly Field[]): Promise<Answer>
  close(): Promise<void>
}>

export type SshOptions = Readonly<{
  /** The caller's: PATH, HOME, SSH_AUTH_SOCK; ASSAY_SSH_CONFIG names a configuration of its own. */
  environment: Readonly<Record<string, string | undefined>>
  signal: AbortSignal
}>

/** LIMIT: a far end that is silent for so long is gone; ssh itself asks it every 15 s. */
const aliveSeconds = 15
const maxStderrBytes = 64 * 1024

/** @param address as it may be shown */
export async function openSftp(place: SshPlace, address: string, options: SshOptions): Promise<SftpSession> {
  const child = spawn('ssh', argumentsOf(place, options), {
    env: environmentOf(options),
    stdio: ['pipe', 'pipe', 'pipe'],
    signal: options.signal,
  })
  const waiting = new Map<number, Readonly<{ done(answer: Answer): void; failed(error: unknown): void }>>()
  let greet: (extensions: ReadonlySet<string>) => void = () => undefined
  let refuse: (error: unknown) => void = () => undefined
  const greeting = new Promise<ReadonlySet<string>>((resolve, reject) => {
    greet = resolve
    refuse = reject
  })
  let ended: unknown
  let said = ''
  const end = (error: unknown): void => {
    ended ??= error
    refuse(ended)
    for (const { failed } of waiting.values()) failed(ended)
    waiting.clear()
    child.kill()
  }
  const gone = (because: string): DomainError =>
    new DomainError('ERR_REMOTE_FAILED', `\`${address}\` cannot be reached: ${because}`, {
      help: `try by hand: ssh ${place.host} ; keys and host keys are those of your own ssh configuration`,
    })

  child.stderr.on('data', (chunk: Buffer) => {
    if (said.length < maxStderrBytes) said += chunk.toString('utf8')
  })
  child.on('error', (error) => end(options.signal.aborted ? options.signal.reason : gone(reasonOf(error))))
  child.on('close', () => end(gone(printable(lastLine(said)).slice(0, 300) || 'the connection ended')))
  child.stdin.on('error', () => undefined) // the close that follows says why
  let rest: Buffer = Buffer.alloc(0)
  let isGreeted = false
  child.stdout.on('data', (chunk: Buffer) => {
    try {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      for (;;) {
        const length = rest.length < 4 ? 0 : rest.readUInt32BE()
        if (length > maxMessageBytes) throw remoteFault('ERR_REMOTE_UNSAFE', `\`${address}\` does not speak SFTP`)
        if (rest.length < 4 || rest.length < 4 + length) return
        const whole = rest.subarray(4, 4 + length)
        rest = rest.subarray(4 + length)
        if (!isGreeted) {
          isGreeted = true
          greet(parseVersion(whole))
          continue
        }
        const answer = parseAnswer(whole)
        const asked = waiting.get(answer.id)
        waiting.delete(answer.id)
        if (asked === undefined) throw remoteFault('ERR_REMOTE_UNSAFE', `\`${address}\` answers what was not asked`)
        asked.done(answer)
      }
    } catch (error) {
      end(error)
    }
  })
  let id = 0
  child.stdin.write(message(kinds.init, [3]))
  const extensions = await greeting
  return {
    extensions,
    ask: (kind, fields) =>
      new Promise((done, failed) => {
        if (ended !== undefined) return failed(ended)
        id = (id + 1) % 0x1_0000_0000
        waiting.set(id, { done, failed })
        child.stdin.write(message(kind, [id, ...fields]))
      }),
    close: async () => {
      ended ??= gone('it was closed')
      child.stdin.end()
      child.kill()
    },
  }
}

/** THREAT: a host, user or path that is an option. All three were held to plain spellings; `--` ends the options. */
function argumentsOf({ user, host, port }: SshPlace, { environment }: SshOptions): readonly string[] {
  const config = environment['ASSAY_SSH_CONFIG']
  return [
    ...(config === undefined || config === '' ? [] : ['-F', config]),
    ...[
      'BatchMode=yes',
      'ClearAllForwardings=yes',
      'PermitLocalCommand=no',
      'ForwardAgent=no',
      'RequestTTY=no',
    ].flatMap((option) => ['-o', option]),
    ...['-o', `ServerAliveInterval=${aliveSeconds}`, '-o', 'ServerAliveCountMax=3', '-o', 'ConnectTimeout=30'],
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(user === undefined ? [] : ['-l', user]),
    ...['-s', '--', host, 'sftp'],
  ]
}

function environmentOf({ environment }: SshOptions): Record<string, string> {
  const passed = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SSH_AUTH_SOCK', 'KRB5CCNAME', 'LANG']
  return Object.fromEntries(
    passed.flatMap((name) => {
      const value = environment[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

function reasonOf(error: Error): string {
  if ('code' in error && error.code === 'ENOENT') return 'there is no `ssh` on PATH'
  return isDomainError(error) ? error.message : error.name
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}

/** A locked key, and a person who can be asked: the one question of the command line. Without a terminal none is asked. */
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { DomainError, isDomainError } from '../core/index.ts'
import type { CliContext, Exit } from './context.ts'

const attempts = 3

/**
 * Runs a verb; when its key is locked, asks for the passphrase and runs it again.
 *
 * INVARIANT: a key is opened before anything has been done that a second call would do twice.
 */
export async function withPassphrase(context: CliContext, act: (given: CliContext) => Promise<Exit>): Promise<Exit> {
  let given = context
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await act(given)
    } catch (error) {
      if (!context.canAsk || attempt > attempts || !isDomainError(error, 'ERR_KEY_LOCKED')) throw error
      if (attempt > 1) context.output.note('that was not it')
      const passphrase = await ask(context, 'passphrase of your key: ')
      if (passphrase === '') throw error
      given = { ...context, environment: { ...context.environment, ASSAY_KEY_PASSPHRASE: passphrase } }
    }
  }
}

/** What is typed is not shown. @throws ERR_RUN_CANCELLED on Ctrl-C */
async function ask({ streams, signal }: CliContext, question: string): Promise<string> {
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() })
  const reader = createInterface({ input: streams.stdin, output: unseen, terminal: true })
  const stop = new AbortController()
  reader.on('SIGINT', () => stop.abort())
  streams.stderr.write(question)
  try {
    return await reader.question('', { signal: AbortSignal.any([signal, stop.signal]) })
  } catch (cause) {
    if (!(signal.aborted || stop.signal.aborted)) throw cause
    throw new DomainError('ERR_RUN_CANCELLED', 'no passphrase was given', { help: 'run it again', cause })
  } finally {
    reader.close()
    streams.stderr.write('\n')
  }
}

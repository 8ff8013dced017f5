/** The caller's terminal, lent to what runs elsewhere: keys go there unread, and it is as it was afterwards. */
import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

/** LIMIT: how long answers of the terminal to what was last printed are waited for. */
const answersMs = 60

/** Mouse and focus reports, bracketed paste off; cursor, colours and character set as at the start. */
const asBefore = '\u001b[?1000;1002;1003;1004;1006;2004l\u001b[?25h\u001b[0m\u001b(B\u000f'

/** @returns what gives it back; to be awaited */
export function lendTerminal(stdin: NodeJS.ReadStream, stdout: NodeJS.WriteStream): () => Promise<void> {
  stdin.setRawMode(true)
  // Node leaves `\n` as `\r\n`, which moves the cursor of a full-screen program to where it did not say
  spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] })
  return async () => {
    stdout.write(asBefore)
    // THREAT: a program may ask the terminal for an answer and end; the caller's shell would take that for typed words.
    stdin.on('data', () => undefined)
    stdin.resume()
    await sleep(answersMs)
    stdin.pause()
    stdin.setRawMode(false)
  }
}

/**
 * Threat: what a repository names and what its stages print takes over the terminal of the person who looks.
 *
 * Each verb is run at a real terminal. What reaches it may hold our own colours and erased lines, and no other control
 * character: not an OSC that sets the title or the clipboard, not the 8-bit CSI, not a character that turns text round.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { sitDown } from '../support/person.ts'
import { type Scratch, scratch } from '../support/scratch.ts'

/** OSC 0 with BEL, OSC 52 with ST, 7-bit and 8-bit CSI, a shift of character set, and an override of direction. */
const hostile = '\u001b]0;owned\u0007\u001b]52;c;b3du\u001b\\\u001b[2J\u009b31m\u000e\u202eowned'
/** The same for `printf` in a shell. */
const printed =
  '\\033]0;owned\\007\\033]52;c;b3du\\033\\134\\033[2J\\302\\23331m\\016\\342\\200\\256owned\\nover\\rwritten\\n'

/** What we write ourselves: `styleText`'s colours, and the line of progress that is erased; `script` ends lines with CR LF. */
const ours = /\u001b\[\d+(?:;\d+)*m|\r\u001b\[2K|\r\n/g
const control = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

/** JSON in ASCII is YAML too. */
const yaml = (value: unknown): string =>
  JSON.stringify(value).replace(/[\u007f-\uffff]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)

const withTerminal = { skip: existsSync('/usr/bin/script') ? false : 'script (util-linux) is not installed' }

async function atTerminal(context: TestContext, project: Scratch, words: string): Promise<string> {
  const person = sitDown(context, project, `"$assay" ${words}`)
  await person.left
  return person.shown()
}

test(
  'no verb passes an escape sequence of a name, a value or a log on to the terminal; text that is plain is shown as it is',
  withTerminal,
  async (context) => {
    const project = scratch(context, {
      'dvc.yaml': yaml({
        stages: {
          loud: { cmd: `printf '${printed}' && echo plain ütf > out/loud && cat out/loud`, outs: ['out/loud'] },
          breaks: { cmd: `printf '${printed}' >&2; exit 3`, outs: ['out/breaks'] },
          named: { cmd: `echo '${hostile}' > out/named`, params: ['words'], outs: ['out/named'] },
          each: { foreach: { [hostile]: hostile }, do: { cmd: "echo x > 'out/each'", outs: ['out/each'] } },
        },
      }),
      'params.yaml': yaml({ words: hostile }),
      '.gitignore': '/out\n',
      [`tracked ${hostile}`.replaceAll('/', '_')]: 'x\n',
    })
    project.commit(hostile)
    await project.json(0, 'init', '--yes', '--commit')
    project.write({ [`untracked ${hostile}`.replaceAll('/', '_')]: 'x\n' })

    const verbs = [
      'run --keep-going',
      'run --keep-going --dry-run',
      'status',
      'status --plan',
      'show',
      'show --stage named',
      'run --keep-going --force loud breaks',
      'show --all',
      'logs',
      'logs --stage loud',
      'logs --stage breaks',
      'verify out/loud',
      'verify out/named',
      `verify 'out/${hostile}'`,
      `run 'no${hostile}'`,
      'diff',
      'doctor',
      'run --json --keep-going',
      'status --json',
      'logs --json',
    ]
    for (const verb of verbs) {
      const shown = await atTerminal(context, project, verb)
      assert.notEqual(shown, '', verb)
      if (/^run|^logs/.test(verb)) assert.match(shown, /\\u\{?(?:00)?1b/, verb)
      assert.doesNotMatch(shown.replaceAll(ours, '\n'), control, verb)
      if (verb === 'logs --stage loud') assert.match(shown, /\r\nplain ütf\r\n/)
      if (verb === 'show --stage named') assert.match(shown, /param +params.yaml {2}words = /)
    }
  },
)

/**
 * Where the answers may differ: `docs/reference/dvc.md` says why. Each class is known by the bytes of the project at the
 * place that we refuse, never by the words of a message, so that no other disagreement hides behind it.
 */
import { parse } from 'yaml'
import type { Refusal } from './compare.ts'
import type { Files } from './projects.ts'

/** `before` and `after` the place. */
type Text = Readonly<{ before: string; after: string }>
type Class = Readonly<{
  code: 'ERR_DEFINITION_INVALID' | 'ERR_PARAMS_INVALID' | 'either'
  files: RegExp
  holds(text: Text): boolean
}>

const yaml = /\.(?:yaml|dvc|lock)$/

const classes: Readonly<Record<string, Class>> = {
  'characters that end a line, or are none': {
    code: 'either',
    files: yaml,

    holds: ({ after }) => /^[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff]/.test(after),
  },
  'a colon or question mark without a word': {
    code: 'either',
    files: yaml,
    holds: ({ before, after }) =>
      /^[ \t]*[:?](?:[\s,[\]{}]|$)/.test(after) || /\?[ \t]*$/.test(before) || /^(?:\?|[^\n,[\]{}]*\s:)/.test(after),
  },
  'a dash without a word in a flow collection': {
    code: 'either',
    files: yaml,
    holds: ({ before, after }) => /^-[,[\]{}]/.test(after) && /[,[{:]\s*$/.test(before),
  },
  'a quoted text or flow collection that goes on without being indented': {
    code: 'either',
    files: yaml,
    holds: goesOnOutside,
  },
  'minus zero as a key': {
    code: 'either',
    files: yaml,
    holds: ({ after }) => /^-0*\.?0*(?:e[-+]?\d+)?\s*:/i.test(after),
  },
  'a params file without a name': {
    code: 'ERR_DEFINITION_INVALID',
    files: yaml,
    holds: ({ before, after }) => /params["']?\s*:\s*$/.test(before) && /^[^\n]*[{[\s](?:""|'')\s*:/.test(after),
  },
  'the address of a store without slashes': {
    code: 'ERR_DEFINITION_INVALID',
    files: yaml,
    holds: ({ after }) => /^["'{ ]*(?:s3|gs|azure|oss|ssh|hdfs|webhdfs|https?|webdavs?|gdrive):(?!\/\/)/i.test(after),
  },
  'JSON that is read in two ways': {
    code: 'ERR_PARAMS_INVALID',
    files: /\.json$/,
    holds: ({ before, after }) => /NaN|Infinity/.test(after) || hasEqualKeys(before + after),
  },
  'Python text that needs the table of character names': {
    code: 'ERR_PARAMS_INVALID',
    files: /\.py$/,
    holds: ({ after }) => /^[^\n]*\\N\{/.test(after),
  },
}

export function isStricterOnPurpose({ class: code, details }: Refusal, files: Files): boolean {
  const { file, line, column } = details ?? {}
  const content = typeof file === 'string' ? files[file] : undefined
  if (typeof file !== 'string' || content === undefined) return false
  const text = textAt(content, Number(line ?? 1), Number(column ?? 1))
  return Object.values(classes).some(
    (one) => (one.code === 'either' || one.code === code) && one.files.test(file) && one.holds(text),
  )
}

function textAt(content: string, line: number, column: number): Text {
  const lines = content
    .replace(/^\ufeff/, '')
    .replace(/\r\n?/g, '\n')
    .split('\n')
  const above = lines.slice(0, line - 1).map((one) => `${one}\n`)
  const here = lines[line - 1] ?? ''
  const before = above.join('') + here.slice(0, column - 1)
  return { before, after: lines.join('\n').slice(before.length) }
}

/** YAML wants the next line of a text in quotes, or of a flow collection, to be indented more than its key. */
function goesOnOutside({ before, after }: Text): boolean {
  const isAtEnd = /^[ \t]*(?:\n|$)/.test(after) // of the line before, for a text; at the next line, for a collection
  const whole = (isAtEnd ? `${before}${/^[ \t]*/.exec(after)?.[0] ?? ''}` : before.replace(/\n[^\n]*$/, '')).split('\n')
  const next = (isAtEnd ? after : `\n${before.split('\n').at(-1)}${after}`).split('\n').slice(1)
  const isOpen = /["'[{]/.test(whole.join('\n'))
  const following = next.find((one) => one.trim() !== '')
  const key = /^ *(?:[-?:] +)*/.exec(whole.findLast((one) => one.trim() !== '') ?? '')?.[0].length ?? 0
  return isOpen && following !== undefined && (/^ */.exec(following)?.[0].length ?? 0) <= key
}

function hasEqualKeys(text: string): boolean {
  const names = [...text.matchAll(/"((?:[^"\\]|\\.)*)"\s*:/g)].map(({ 1: name }) => name)
  return new Set(names).size < names.length
}

/** A lock that DVC 3 refuses and we read past: a map of stages without a schema. */
export function isLockOfDvc1({ class: kind, message }: Refusal, files: Files): boolean {
  const path = /'(?:\.\/)?([^']*dvc\.lock)' validation failed/.exec(message)?.[1]
  const content = path === undefined ? undefined : files[path]
  if (kind !== 'YAMLValidationError' || content === undefined) return false
  try {
    const lock: unknown = parse(content)
    if (typeof lock !== 'object' || lock === null || 'schema' in lock) return false
    return Object.values(lock).every((stage) => typeof stage === 'object' && stage !== null)
  } catch {
    return false
  }
}

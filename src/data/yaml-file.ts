/** A YAML file of ours: one document, no aliases, no duplicate keys; refusals name line and column. */
import {
  type Document,
  isMap,
  isNode,
  isPair,
  isScalar,
  LineCounter,
  type ParsedNode,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml'
import type { z } from 'zod'
import { DomainError, type ErrorCode, nearest, printable, repeatedKey, withinStack } from '../core/index.ts'

export type YamlFile = Readonly<{
  name: string
  document: Document.Parsed<ParsedNode, true> | Document.Parsed<ParsedNode, false>
  value: unknown
  /** `line 3, column 5` of an offset. */
  placeOf(offset: number): string
}>

/** LIMIT: 4 MiB, some ten thousand sources. */
const maxBytes = 4 * 1024 * 1024

/**
 * @throws ERR_INPUT_TOO_LARGE
 * @throws `code` when the text is not one plain YAML document
 */
export function readYamlFile(text: string, name: string, code: ErrorCode): YamlFile {
  return withinStack(
    () => readShallow(text, name, code),
    () => new DomainError(code, `\`${name}\` is nested too deeply`),
  )
}

function readShallow(text: string, name: string, code: ErrorCode): YamlFile {
  if (text.length > maxBytes)
    throw new DomainError('ERR_INPUT_TOO_LARGE', `\`${name}\` is larger than ${maxBytes} bytes`)
  const lines = new LineCounter()
  const placeOf = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `line ${Math.max(1, line)}, column ${Math.max(1, col)}`
  }
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    strict: true,
    uniqueKeys: false,
    merge: false,
    logLevel: 'error',
  })
  const [error] = [...document.errors, ...document.warnings]
  if (error !== undefined) throw yamlFault(code, name, placeOf(error.pos[0]), `not YAML: ${sentence(error.message)}`)
  const repeated = repeatedKey(document)
  if (repeated !== undefined)
    throw yamlFault(code, name, placeOf(repeated.offset), `the key \`${repeated.key.slice(0, 100)}\` stands twice`)
  refuseProto(document, (offset) => yamlFault(code, name, placeOf(offset), 'the key `__proto__` is not taken'))
  return { name, document, value: plainValue(document, name, code), placeOf }
}

/** THREAT: a key that objects of JavaScript swallow: a part of the file would silently not be there. */
function refuseProto(document: Document, fault: (offset: number) => DomainError): void {
  visit(document, {
    Pair(_index, { key }) {
      if (isScalar(key) && key.value === '__proto__') throw fault(key.range?.[0] ?? 0)
    },
  })
}

function plainValue(document: Document, name: string, code: ErrorCode): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 })
  } catch (cause) {
    // The library has no other reason: an alias, where none is taken.
    if (!(cause instanceof ReferenceError)) throw cause
    throw new DomainError(code, `\`${name}\` holds an alias (\`*name\`), which assay does not take`, { cause })
  }
}

/** The value in its shape. @throws `code` with the place of the first misfit, and what may have been meant */
export function parseShape<T>(file: YamlFile, shape: z.ZodType<T>, code: ErrorCode): T {
  const parsed = shape.safeParse(file.value)
  if (parsed.success) return parsed.data
  // A key that is not known says more than the one that is therefore missing.
  const issue = parsed.error.issues.toSorted((left, right) => rank(left.code) - rank(right.code))[0]
  if (issue === undefined) throw new Error('zod refused without an issue')
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys
    const meant = nearest(key, knownKeys(shape, path))
    const help = meant === undefined ? {} : { help: `did you mean \`${meant}\`?` }
    throw yamlFault(
      code,
      file.name,
      placeIn(file, [...path, key], 'key'),
      `the key \`${key.slice(0, 100)}\` is not known`,
      help,
    )
  }
  const [inKey] = issue.code === 'invalid_key' ? issue.issues : []
  const where = path.length === 0 ? 'the file' : `\`${path.join('.').slice(0, 200)}\``
  throw yamlFault(
    code,
    file.name,
    placeIn(file, path, inKey === undefined ? 'value' : 'key'),
    `${where}: ${sentence(inKey?.message ?? issue.message)}`,
  )
}

function rank(code: string): number {
  return code === 'unrecognized_keys' ? 0 : 1
}

/** Keys of the object that the shape has at a path, so that a slip can be named. */
function knownKeys(shape: unknown, path: readonly string[]): readonly string[] {
  let at: unknown = shape
  for (const name of path) at = childOf(at, name)
  const members = shapeMember(unwrapped(at), 'shape')
  return typeof members === 'object' && members !== null ? Object.keys(members) : []
}

function childOf(shape: unknown, name: string): unknown {
  const open = unwrapped(shape)
  const members = shapeMember(open, 'shape')
  if (typeof members === 'object' && members !== null && name in members) return shapeMember(members, name)
  return shapeMember(open, 'valueType') ?? shapeMember(open, 'element')
}

function unwrapped(shape: unknown): unknown {
  const inner = shapeMember(shapeMember(shape, 'def'), 'innerType')
  return inner === undefined ? shape : unwrapped(inner)
}

function shapeMember(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

/** The place of a key or value; of the nearest thing around it when it is not there. */
export function placeIn(file: YamlFile, path: readonly string[], which: 'key' | 'value'): string {
  const parent = file.document.getIn(path.slice(0, -1), true)
  const pair = isMap(parent) ? pairOf(parent, path.at(-1) ?? '') : undefined
  const node = which === 'key' ? pair?.key : file.document.getIn(path, true)
  const found = [node, pair?.key, parent, file.document.contents].find((candidate) => isNode(candidate))
  return file.placeOf(isNode(found) ? (found.range?.[0] ?? 0) : 0)
}

/** The pair of a key as it is written in the map. */
export function pairOf(map: YAMLMap, key: string): YAMLMap['items'][number] | undefined {
  return map.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === key)
}

export function yamlFault(
  code: ErrorCode,
  name: string,
  place: string,
  what: string,
  options: Readonly<{ help?: string }> = {},
): DomainError {
  const help = options.help === undefined ? {} : { help: printable(options.help) }
  return new DomainError(code, printable(`\`${name}\` ${place}: ${what}`), help)
}

function sentence(message: string): string {
  const [first = ''] = message.split('\n')
  return first.slice(0, 1).toLowerCase() + first.slice(1, 300)
}

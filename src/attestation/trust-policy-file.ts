/**
 * `trust.yaml`: read with the place of every fault, and written for a new project.
 *
 * It is our own file, so an unknown key is a fault: a misspelt `minimumLevel` must not lower the bar in silence.
 * Format: docs/formats/trust-policy.md. Source: design section 4, trust.md section 1.
 */
import { type Document, isNode, LineCounter, parseDocument, stringify } from 'yaml'
import { repeatedKey, sha256Of, withinStack } from '../core/index.ts'
import type { PolicyOrigin, TrustPolicy } from './trust-policy.ts'
import { trustPolicyOf } from './trust-policy-shape.ts'
import { malformed } from './trust-policy-signers.ts'

/** LIMIT: 1 MiB. */
const maxBytes = 1024 * 1024

/**
 * Reads a policy. Trust: the bytes may be anybody's; `origin` says how far the caller believes them.
 *
 * @param file name to show in errors
 * @throws ERR_POLICY_MALFORMED with `file:line:column`
 */
export function parseTrustPolicy(bytes: Uint8Array, origin: PolicyOrigin, file = 'trust.yaml'): TrustPolicy {
  return withinStack(
    () => readTrustPolicy(bytes, origin, file),
    () => malformed(file, 'is nested too deeply'),
  )
}

function readTrustPolicy(bytes: Uint8Array, origin: PolicyOrigin, file: string): TrustPolicy {
  if (bytes.length > maxBytes) throw malformed(file, `has ${bytes.length} bytes, the limit is ${maxBytes}`)
  const lines = new LineCounter()
  const document = parseDocument(decode(bytes, file), {
    lineCounter: lines,
    strict: true,
    uniqueKeys: false,
    merge: false,
    logLevel: 'error', // a map for a key is refused by the shape; the library would tell the terminal of it
    version: '1.2',
    schema: 'core',
  })
  const [fault] = [...document.errors, ...document.warnings]
  if (fault !== undefined) {
    const at = lines.linePos(fault.pos[0])
    throw malformed(`${file}:${at.line}:${at.col}`, `is not YAML: ${fault.message.split('\n')[0]?.slice(0, 300)}`)
  }
  const repeated = repeatedKey(document)
  if (repeated !== undefined) {
    const at = lines.linePos(repeated.offset)
    throw malformed(`${file}:${at.line}:${at.col}`, `has the key \`${repeated.key.slice(0, 100)}\` twice`)
  }
  const policy = trustPolicyOf(toPlain(document, file), origin, (path) => placeOf(document, lines, file, path))
  return { ...policy, digest: sha256Of(bytes) }
}

export type NewTrustPolicy = Readonly<{
  project: string
  /** Name of the key in the file: plain, such as `ada`. */
  keyName: string
  publicKeyPem: string
  /** `Ada <ada@example.org>` */
  principal: string
  /** `2027-11-23` */
  expires: string
}>

/** The text of a new project's `trust.yaml`: the user's key under every role that a person can fill. */
export function newTrustPolicy({ project, keyName, publicKeyPem, principal, expires }: NewTrustPolicy): string {
  const policy = {
    trust: 1,
    project,
    keys: { [keyName]: { publicKey: publicKeyPem, principal } },
    roles: {
      builder: [{ key: keyName, builder: 'local/sandboxed', maxLevel: 1 }],
      'source-approver': [keyName],
      'data-validator': [keyName],
      reviewer: [keyName],
      reproducer: [keyName],
    },
    minimumLevel: 1,
    expires,
  }
  return `# who is believed, and for what: docs/formats/trust-policy.md\n${stringify(policy, { lineWidth: 0 })}`
}

function decode(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw malformed(file, 'is not UTF-8', cause)
  }
}

function toPlain(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 })
  } catch (cause) {
    throw malformed(file, 'uses aliases, which are not read here', cause)
  }
}

/** `file:line:column` of the deepest node of the path that exists. */
function placeOf(document: Document, lines: LineCounter, file: string, path: readonly PropertyKey[]): string {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true)
    if (!isNode(node) || node.range === undefined || node.range === null) continue
    const { line, col } = lines.linePos(node.range[0])
    return `${file}:${line}:${col}`
  }
  return file
}

/** What a bundle says, printed. Everything in it may have been written by somebody who means harm. */
import { oneLine } from '../../core/index.ts'
import type { ShownBundle, ShownEvidence } from '../../pipeline/index.ts'
import type { Output } from '../output.ts'
import { shortDigest, table } from '../render.ts'

/** LIMIT: rows of subjects, and of values. */
const maxRows = 20
const maxLines = 60

/** One piece, as a document of its own; several as `{verified, evidence}`. */
export function tellEvidence(output: Output, pieces: readonly ShownEvidence[], isRaw: boolean): void {
  const [only, ...more] = pieces
  const texts = pieces.map(({ bytes }) => Buffer.from(bytes).toString('utf8'))
  if (isRaw) {
    output.document({ bundles: texts.map((text) => jsonOr(text)) })
    for (const text of texts) output.line(oneLine(text))
    return
  }
  output.document(
    only !== undefined && more.length === 0
      ? { verified: false, ...documentOf(only) }
      : { verified: false, evidence: pieces.map(documentOf) },
  )
  output.line(output.style('yellow', 'nothing of this was verified: it is what the bundle says'))
  for (const [at, piece] of pieces.entries()) {
    if (at > 0) output.line()
    if (piece.kind === 'bundle') tellBundle(output, piece)
    else if (piece.kind === 'envelope') tellEnvelope(output, piece)
    else for (const line of table(logProofRows(piece))) output.line(line)
  }
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text // INVARIANT: shown as it is
  }
}

function documentOf(piece: ShownEvidence): object {
  if (piece.kind === 'bundle') return piece.description
  const { bytes: _, ...rest } = piece
  return rest
}

function tellBundle(output: Output, { description, stage }: ShownBundle): void {
  for (const line of table(rowsOf(description))) output.line(line)
  if (stage !== undefined) {
    output.line(`${output.style('bold', 'stage')} ${oneLine(stage.stage)}`)
    for (const line of table(stageRows(stage))) output.line(line)
    output.line('  all of it: --json')
    return
  }
  const { content } = description
  if (content.kind === 'statement' && content.statement !== null)
    tellFields(output, 'predicate', content.statement.predicate)
}

function tellEnvelope(
  output: Output,
  { payloadType, keys, payload }: Extract<ShownEvidence, { kind: 'envelope' }>,
): void {
  const named = keys.map((key) => ['signed by', key === '' ? 'a key without a name' : `the key ${key}`])
  const unsaid = keys.length - maxRows
  const signers = [...named.slice(0, maxRows), ...(unsaid > 0 ? [['', `${unsaid} more signatures (--json)`]] : [])]
  const none = payload === undefined ? [['payload', 'no JSON that can be read']] : []
  for (const line of table([['format', 'DSSE envelope'], ['payload type', payloadType], ...signers, ...none]))
    output.line(line)
  if (payload !== undefined) tellFields(output, 'payload', payload)
}

function logProofRows({
  origin,
  size,
  index,
  signedBy,
  bytes,
}: Extract<ShownEvidence, { kind: 'log-proof' }>): readonly (readonly string[])[] {
  const isGrowth = Buffer.from(bytes.subarray(0, 4)).toString('latin1') === 'old '
  const [first = ''] = Buffer.from(bytes.subarray(0, 64)).toString('latin1').split('\n')
  const what =
    index !== undefined
      ? `entry ${index} of ${size}`
      : isGrowth
        ? `from ${first.slice(4)} to ${size} entries`
        : `${size} entries`
  const format =
    index !== undefined ? 'proof that an entry is in a log' : isGrowth ? 'proof that a log grew' : 'checkpoint of a log'
  return [['format', format], ['log', origin], ['says', what], ...signedBy.map((name) => ['signed by', name])]
}

/** What the statement of a stage says, as `attest show` has it for an artifact of the project. */
export function stageRows(facts: NonNullable<ShownBundle['stage']>): readonly (readonly string[])[] {
  const { environment } = facts
  return [
    ['  commit', facts.source.commit ?? 'none'],
    ['  signed for', `${facts.principal.name} <${facts.principal.email}>`],
    ['  builder', facts.builderId],
    ['  when', `${facts.startedAt} to ${facts.finishedAt}`],
    [
      '  environment',
      `${environment.name}, ${environment.locked ? 'locked' : 'not locked'}, ${environment.packages.length} packages`,
    ],
    ...facts.commands.map((command) => ['  command', command]),
    ...facts.dependencies
      .filter(({ role }) => role !== 'params')
      .map((dep) => ['  in', `${dep.path}  ${shortDigest(dep.digest)}  ${dep.origin.kind}`]),
    ...facts.outputs.map((out) => ['  out', `${out.path}  ${shortDigest(out.digest)}`]),
  ]
}

/** Each value by its place, instead of JSON: short lists of words in one line. */
function tellFields(output: Output, title: string, value: unknown): void {
  output.line(output.style('bold', title))
  const rows = [...fieldsIn(value, '')]
  for (const line of table(rows.slice(0, maxLines).map(([name, text]) => [`  ${name}`, text]))) output.line(line)
  if (rows.length > maxLines) output.line(`  … ${rows.length - maxLines} more (--json)`)
}

/** A row of a list: in one line. */
function isFlatObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every((each) => typeof each !== 'object' || each === null)
}

function* fieldsIn(value: unknown, place: string): Generator<readonly [string, string]> {
  if (typeof value !== 'object' || value === null) {
    yield [place === '' ? '(all)' : place, value === '' ? '(empty)' : String(value)]
    return
  }
  const entries = Object.entries(value)
  const isFlat = Array.isArray(value) && entries.every(([, each]) => typeof each !== 'object' || each === null)
  if (entries.length === 0 || isFlat) {
    yield [place === '' ? '(all)' : place, entries.length === 0 ? '(none)' : value.toString().replaceAll(',', ', ')]
    return
  }
  for (const [name, each] of entries) {
    const inside = place === '' ? name : `${place}.${name}`
    if (Array.isArray(value) && isFlatObject(each))
      yield [
        inside,
        Object.entries(each)
          .map(([key, text]) => `${key} ${text}`)
          .join(', '),
      ]
    else yield* fieldsIn(each, inside)
  }
}

function rowsOf(description: ShownBundle['description']): readonly (readonly string[])[] {
  const { mediaType, signer, content, logEntries, timestamps } = description
  return [
    ['format', mediaType],
    ...signerRows(signer),
    ...contentRows(content),
    ...logEntries.map(({ index, kind, time }) => [
      'log entry',
      `${index ?? 'no index'}, ${kind}, ${time ?? 'no time'}`,
    ]),
    ...(timestamps === 0 ? [] : [['timestamps', String(timestamps)]]),
  ]
}

function signerRows(signer: ShownBundle['description']['signer']): readonly (readonly string[])[] {
  if (signer.kind === 'key')
    return [['signed by', `a key with the hint ${signer.hint === '' ? '(none)' : signer.hint}`]]
  return signer.certificates.flatMap((certificate, index) => [
    [
      index === 0 ? 'signed by' : 'issued by',
      certificate === null ? 'a certificate that cannot be read' : certificateText(certificate),
    ],
    ...Object.entries(certificate?.claims ?? {}),
  ])
}

type Certificate = NonNullable<
  Extract<ShownBundle['description']['signer'], { kind: 'certificate' }>['certificates'][number]
>

function certificateText({ identity, oidcIssuer, subject, issuer, validFrom, validTo }: Certificate): string {
  const who = identity === null ? subject : `${identity} (${oidcIssuer ?? 'no issuer'})`
  return `${who}, certified by ${issuer}, ${validFrom} to ${validTo}`
}

function contentRows(content: ShownBundle['description']['content']): readonly (readonly string[])[] {
  if (content.kind === 'message') return [['signature over', content.digest]]
  const { payloadType, payloadBytes, statement } = content
  if (statement === null) return [['payload', `${payloadType}, ${payloadBytes} bytes, no statement that can be read`]]
  const { predicateType, subjects } = statement
  const more = subjects.length - maxRows
  return [
    ['predicate type', predicateType],
    ...subjects.slice(0, maxRows).map(({ name, digest }) => [
      'subject',
      `${name ?? '(no name)'}  ${Object.entries(digest)
        .map(([algorithm, hex]) => `${algorithm}:${hex}`)
        .join(' ')}`,
    ]),
    ...(more > 0 ? [['', `${more} more subjects (--json)`]] : []),
  ]
}

/** What a bundle says, printed. Everything in it may have been written by somebody who means harm. */
import { oneLine } from '../../core/index.ts'
import type { ShownBundle } from '../../pipeline/index.ts'
import type { Output } from '../output.ts'
import { table } from '../render.ts'

/** LIMIT: rows of subjects, and lines of a predicate. */
const maxRows = 20
const maxLines = 60

export function tellBundle(output: Output, { description, bytes }: ShownBundle, isRaw: boolean): void {
  output.document(
    isRaw
      ? { bundles: [JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown] }
      : { verified: false, ...description },
  )
  if (isRaw) {
    output.line(oneLine(Buffer.from(bytes).toString('utf8')))
    return
  }
  output.line(output.style('yellow', 'nothing of this was verified: it is what the bundle says'))
  for (const line of table(rowsOf(description))) output.line(line)
  const { content } = description
  if (content.kind !== 'statement' || content.statement === null) return
  output.line(output.style('bold', 'predicate'))
  const lines = JSON.stringify(content.statement.predicate, null, 2).split('\n')
  for (const line of lines.slice(0, maxLines)) output.line(`  ${oneLine(line)}`)
  if (lines.length > maxLines) output.line(`  … ${lines.length - maxLines} more lines (--json)`)
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

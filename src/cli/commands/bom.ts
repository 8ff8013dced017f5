/** `assay bom`: the bill of materials of an artifact, on stdout or in a file. */
import { resolve } from 'node:path'
import { DomainError, oneLine } from '../../core/index.ts'
import { type BomFormat, writeBom, writeFile } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'

export async function bom(
  context: CliContext,
  [artifact]: readonly string[],
  options: Readonly<{ format?: string; out?: string }>,
): Promise<Exit> {
  const { document, trusted, level, datasets, packages } = await writeBom(context, artifact, formatOf(options.format))
  const text = `${JSON.stringify(document, undefined, 2)}\n`
  if (options.out === undefined) {
    context.output.document(document)
    context.output.line(text.trimEnd())
    return 0
  }
  writeFile(resolve(context.workingFolder, options.out), text)
  context.output.document({ out: options.out, trusted, level, datasets, packages })
  const standing = trusted ? `level ${level}` : 'NOT TRUSTED, as it says'
  context.output.line(
    `written ${oneLine(options.out)}: ${datasets} ${datasets === 1 ? 'dataset' : 'datasets'}, ${packages} packages, ${standing}`,
  )
  return 0
}

function formatOf(name = 'cyclonedx-1.6'): BomFormat {
  if (name === 'spdx' || name === 'spdx-3.0.1') return { kind: 'spdx' }
  if (name === 'cyclonedx' || name === 'cyclonedx-1.6') return { kind: 'cyclonedx', version: '1.6' }
  if (name === 'cyclonedx-1.7') return { kind: 'cyclonedx', version: '1.7' }
  throw new DomainError('ERR_USAGE', `\`${name}\` is no format of a bill of materials`, {
    help: 'one of cyclonedx-1.6, cyclonedx-1.7, spdx-3.0.1',
  })
}

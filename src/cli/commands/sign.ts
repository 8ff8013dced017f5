/** `assay sign`: a bundle for a model, by OpenSSF Model Signing. */
import { formatSize, oneLine } from '../../core/index.ts'
import { type SignModelOptions, signModelAt } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'

export async function sign(
  context: CliContext,
  [model = '']: readonly string[],
  options: SignModelOptions,
): Promise<Exit> {
  const signed = await signModelAt(context, model, options)
  context.output.document(signed)
  context.output.line(
    `signed ${oneLine(signed.model)}: ${signed.files} file${signed.files === 1 ? '' : 's'}, ${formatSize(signed.bytes)}, ${signed.digest}`,
  )
  context.output.line(`written ${oneLine(signed.output)}`)
  if (signed.keyType === 'ed25519')
    context.output.line('assay and cosign verify Ed25519; model_signing takes keys on P-256, P-384 and P-521 alone')
  if (!signed.proven)
    context.output.line('nothing says yet that it will be believed: name the instance (--trusted-root), or verify it')
  return 0
}

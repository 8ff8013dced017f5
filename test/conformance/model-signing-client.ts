/**
 * The protocol of the OpenSSF Model Signing conformance suite, spoken by `assay sign` and `assay verify`.
 *
 *   model-signing-client.ts sign-model --method key|certificate|sigstore --model-path DIR --output-bundle FILE ...
 *   model-signing-client.ts verify-model --method key|certificate|sigstore --model-path DIR --bundle FILE ...
 *
 * SOURCE: model-signing-conformance docs/conformance_adapter_cli_protocol.md.
 */
import { spawnSync } from 'node:child_process'
import { appendFileSync, lstatSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    method: { type: 'string' },
    'model-path': { type: 'string', default: '' },
    'output-bundle': { type: 'string', default: '' },
    bundle: { type: 'string', default: '' },
    'private-key': { type: 'string' },
    'public-key': { type: 'string' },
    'signing-cert': { type: 'string' },
    'cert-chain': { type: 'string', multiple: true, default: [] },
    'ignore-paths': { type: 'string', multiple: true, default: [] },
    'ignore-unsigned-files': { type: 'boolean', default: false },
    identity: { type: 'string' },
    'identity-provider': { type: 'string' },
    'identity-token': { type: 'string' },
    'use-staging': { type: 'boolean', default: false },
  },
})

const model = values['model-path']

/** Theirs are absolute, ours are paths in the model. */
function ignored(): readonly string[] {
  const folder = lstatSync(model, { throwIfNoEntry: false })?.isDirectory() === true ? model : dirname(model)
  return values['ignore-paths'].flatMap((path) => ['--ignore', relative(folder, path)])
}

function option(name: string, value: string | undefined): readonly string[] {
  return value === undefined ? [] : [name, value]
}

function wordsOf(command: string | undefined): readonly string[] {
  const { method } = values
  if (command === 'sign-model' && (method === 'key' || method === 'certificate')) {
    const chain = values['cert-chain'].flatMap((path) => ['--chain', path])
    const certificate = method === 'key' ? [] : [...option('--certificate', values['signing-cert']), ...chain]
    return [
      'sign',
      model,
      '--output',
      values['output-bundle'],
      ...option('--key', values['private-key']),
      ...certificate,
      ...ignored(),
    ]
  }
  if (command === 'verify-model') {
    const trust = {
      key: option('--key', values['public-key']),
      certificate: values['cert-chain'].flatMap((path) => ['--ca', path]),
      sigstore: [...option('--identity', values.identity), ...option('--issuer', values['identity-provider'])],
    }
    const unsigned = values['ignore-unsigned-files'] ? ['--ignore-unsigned'] : []
    return [
      'verify',
      model,
      '--bundle',
      values.bundle,
      ...(trust[method as keyof typeof trust] ?? []),
      ...ignored(),
      ...unsigned,
    ] // an unknown method is no trust at all, which is refused
  }
  console.error(`model-signing-client: \`${command} --method ${method}\` is not offered`)
  process.exit(2)
}

const assay = join(import.meta.dirname, '../../bin/assay')
const { status } = spawnSync(assay, [...wordsOf(positionals[0])], { stdio: 'inherit' })
// For who counts what was accepted apart from what was refused.
const told = process.env['ASSAY_CONFORMANCE_TOLD']
if (told !== undefined) appendFileSync(told, `${positionals[0]} ${status}\n`)
process.exit(status ?? 4)

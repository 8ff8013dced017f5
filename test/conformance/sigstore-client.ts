/**
 * The protocol of sigstore-conformance for verification, spoken by `assay verify`. Signing needs an identity token, and
 * is not offered: `pytest --skip-signing`.
 *
 *   sigstore-client.ts verify-bundle --bundle FILE (--key FILE | --certificate-identity I --certificate-oidc-issuer URL)
 *     [--trusted-root FILE] FILE_OR_DIGEST
 *
 * SOURCE: sigstore-conformance docs/cli_protocol.md.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    staging: { type: 'boolean' },
    bundle: { type: 'string', default: '' },
    key: { type: 'string' },
    'certificate-identity': { type: 'string' },
    'certificate-oidc-issuer': { type: 'string' },
    'trusted-root': { type: 'string' },
  },
})
const [command, artifact = ''] = positionals
if (command !== 'verify-bundle') {
  console.error(`sigstore-client: \`${command}\` is not offered`)
  process.exit(2)
}

const options = {
  '--key': values.key,
  '--identity': values['certificate-identity'],
  '--issuer': values['certificate-oidc-issuer'],
  '--trusted-root': values['trusted-root'],
}
const given = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [name, value]))
const assay = join(import.meta.dirname, '../../bin/assay')
const { status } = spawnSync(assay, ['verify', artifact, '--bundle', values.bundle, ...given], { stdio: 'inherit' })
process.exit(status ?? 4)

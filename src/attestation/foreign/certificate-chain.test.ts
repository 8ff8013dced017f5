/** Chains of certificates that openssl made: the honest one, and what somebody would try who has a certificate of his own. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { judgeChain } from './certificate-chain.ts'
import { parseCertificate } from './foreign-trust.ts'

const folder = mkdtempSync(join(tmpdir(), 'assay-pki-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** `issue NAME ISSUER DAYS "extension lines" [SUBJECT] [DIGEST]` */
const script = `set -eu
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"; }
root() { key "$1"; openssl req -x509 -key "$1.key" -out "$1.pem" -subj "/CN=$2" -days 30 -addext keyUsage=critical,keyCertSign; }
issue() {
  key "$1"
  openssl req -new -key "$1.key" -out "$1.csr" -subj "/CN=\${5:-$1}"
  printf "$4\\n" > "$1.ext"
  openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days "$3" -extfile "$1.ext" "-\${6:-sha256}" -out "$1.pem"
}
signing='basicConstraints=critical,CA:FALSE\\nkeyUsage=critical,digitalSignature'
root root root
root twin root
issue issuing root 20 'basicConstraints=critical,CA:TRUE,pathlen:0\\nkeyUsage=critical,keyCertSign'
issue deeper issuing 20 'basicConstraints=critical,CA:TRUE\\nkeyUsage=critical,keyCertSign'
issue leaf issuing 10 "$signing"
issue by-code issuing 10 'basicConstraints=critical,CA:FALSE\\nkeyUsage=critical,keyEncipherment\\nextendedKeyUsage=codeSigning'
issue encipher issuing 10 'basicConstraints=critical,CA:FALSE\\nkeyUsage=critical,keyEncipherment\\nextendedKeyUsage=serverAuth'
issue silent issuing 10 'basicConstraints=critical,CA:FALSE'
issue by-leaf leaf 5 "$signing"
issue too-deep deeper 5 "$signing"
issue by-twin twin 5 "$signing"
issue weak issuing 5 "$signing" weak sha1
issue critical issuing 5 "$signing\\n1.2.3.4=critical,ASN1:UTF8String:x"
issue no-sign root 20 'basicConstraints=critical,CA:TRUE\\nkeyUsage=critical,digitalSignature'
issue by-no-sign no-sign 5 "$signing"
`

before(() => execFileSync('sh', ['-c', script], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] }))

const read = (name: string): ReturnType<typeof parseCertificate> =>
  parseCertificate(readFileSync(join(folder, `${name}.pem`), 'utf8'))

type Asked = Readonly<{ leaf?: string; others?: readonly string[]; roots?: readonly string[]; daysAhead?: number }>

function codesFor({ leaf = 'leaf', others = ['issuing'], roots = ['root'], daysAhead = 0 }: Asked): readonly string[] {
  const at = new Date(Date.now() + 60_000 + daysAhead * 86_400_000)
  const findings = judgeChain({ leaf: read(leaf), others: others.map(read), roots: roots.map(read), at })
  return findings.filter(({ passed }) => !passed).map(({ code }) => code)
}

test('believes a signer behind one who issues, behind a root; in whatever order they come', () => {
  assert.deepEqual(codesFor({}), [])
  assert.deepEqual(codesFor({ others: ['twin', 'deeper', 'issuing', 'root'] }), [])
  assert.deepEqual(codesFor({ leaf: 'by-code' }), [], 'made for code signing')
  assert.deepEqual(codesFor({ roots: ['issuing'], others: [] }), [], 'the one who issues may be what is trusted')
  assert.deepEqual(codesFor({ roots: ['leaf'], others: [] }), [], 'and so may the certificate itself')
})

const untrusted: Readonly<Record<string, Asked>> = {
  'without the one who issued it': { others: [] },
  'of another root by the same name': { roots: ['twin'] },
  'of a root that the bundle brings': { leaf: 'by-twin', others: ['twin'] },
  'that was issued by a signer': { leaf: 'by-leaf', others: ['leaf', 'issuing'] },
  'deeper than its authority allows': { leaf: 'too-deep', others: ['deeper', 'issuing'] },
  'of an authority that may not issue': { leaf: 'by-no-sign', others: ['no-sign'] },
  'by SHA-1': { leaf: 'weak' },
  'with a critical extension that nobody knows': { leaf: 'critical' },
}
for (const [name, asked] of Object.entries(untrusted)) {
  test(`refuses a certificate ${name}`, () => {
    assert.deepEqual(codesFor(asked), ['ERR_CERTIFICATE_UNTRUSTED'])
  })
}

test('refuses a certificate that is not valid at the moment, of a signer or above him', () => {
  assert.deepEqual(codesFor({ daysAhead: 11 }), ['ERR_CERTIFICATE_EXPIRED'])
  assert.deepEqual(codesFor({ daysAhead: -2 }), ['ERR_CERTIFICATE_EXPIRED'])
  assert.deepEqual(codesFor({ leaf: 'leaf', daysAhead: 9 }), [])
  assert.deepEqual(codesFor({ leaf: 'root', others: [], daysAhead: 31 })[0], 'ERR_CERTIFICATE_EXPIRED')
})

test('refuses a certificate that is not made for signing, or says nothing of it', () => {
  assert.deepEqual(codesFor({ leaf: 'encipher' }), ['ERR_CERTIFICATE_USAGE'])
  assert.deepEqual(codesFor({ leaf: 'silent' }), ['ERR_CERTIFICATE_USAGE'])
})

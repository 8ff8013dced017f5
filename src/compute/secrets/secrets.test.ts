import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { sha256Of } from '../../core/index.ts'
import { type Credential, credentialIn, findCredentials } from './credentials.ts'
import { findInFile, openFinder } from './find.fs.ts'
import { codedMark, forms } from './forms.ts'
import { parseGrants, printGrants, type SecretOrigin } from './grants.ts'
import { openSearch } from './search.fs.ts'
import { type Secret, spellingsOf } from './spellings.ts'

const value = 'Tr0ub4dor&3 "quoted" ünïcode'
const spellings = spellingsOf([{ name: 'token', value: Buffer.from(`${value}\n`) }])

/** Cut into pieces of these lengths, as a pipe may hand them over. */
function through(
  text: string | Buffer,
  lengths: readonly number[],
): Readonly<{ shown: string; found: readonly string[] }> {
  const finder = openFinder(spellings)
  const bytes = Buffer.from(text)
  const shown: Buffer[] = []
  let at = 0
  for (const length of lengths) {
    shown.push(Buffer.from(finder.push(bytes.subarray(at, at + length))))
    at += length
  }
  shown.push(Buffer.from(finder.push(bytes.subarray(at))), finder.end())
  return { shown: Buffer.concat(shown).toString('latin1'), found: finder.found().map(({ what }) => what) }
}

const encoded: Readonly<Record<string, (text: string) => string | Buffer>> = {
  plain: (text) => text,
  base64: (text) => Buffer.from(text).toString('base64'),
  'base64 in the middle': (text) => Buffer.from(`{"a":"${text}"}`).toString('base64'),
  'base64 one further': (text) => Buffer.from(`x{"a":"${text}"}yz`).toString('base64'),
  'base64 two further': (text) => Buffer.from(`xy{"a":"${text}"}z`).toString('base64'),
  base64url: (text) => Buffer.from(`??${text}>>`).toString('base64url'),
  hex: (text) => Buffer.from(text).toString('hex'),
  HEX: (text) => Buffer.from(text).toString('hex').toUpperCase(),
  percent: (text) => `https://x/?t=${encodeURIComponent(text)}`,
  json: (text) => JSON.stringify({ t: text }),
  reversed: (text) => text.split('').toReversed().join(''),
  utf16: (text) => Buffer.from(text, 'utf16le'),
}

for (const [name, encode] of Object.entries(encoded)) {
  test(`a secret printed as ${name} is found and its name stands in its place`, () => {
    const said = Buffer.concat([Buffer.from('before '), Buffer.from(encode(value)), Buffer.from(' after')])
    const { shown, found } = through(said, [9, 1, 1, 7])
    assert.deepEqual(found, ['the secret token'])
    assert.match(shown, /^before .*\[secret token\].* after$/s)
  })
}

test('property: however the bytes are cut, nothing of a secret is shown, and all else is', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(40), { maxLength: 30 }),
      fc.string({ maxLength: 2000 }),
      fc.string(),
      (cuts, before, after) => {
        fc.pre(!(before + after).includes('['))
        const { shown } = through(`${before}${value}${after}`, cuts)
        assert.equal(shown, Buffer.from(`${before}[secret token]${after}`).toString('latin1'))
      },
    ),
  )
})

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJ'
const word = (length: number): string => 'aB3dE5gH7jK9mN1pQ2rS4tU6vW8xYz0c'.repeat(10).slice(0, length)
const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
/** One of each form, put together here so that no scanner takes this file for a leak. */
const samples: Readonly<Record<string, string>> = {
  'an AWS access key': `AKIA${'IOSFODNN7EXAMPLE'.replace('7', '6')}`,
  'a GitHub token': `ghp_${letters}`,
  'a GitLab token': `glpat-${word(20)}`,
  'a Hugging Face token': `hf_${letters.slice(0, 34)}`,
  'a Slack token': `xoxb-${word(24)}`,
  'a Google API key': `AIza${word(35)}`,
  'a Google client secret': `GOCSPX-${word(28)}`,
  'an npm token': `npm_${word(36)}`,
  'a PyPI token': `pypi-AgEIcHlwaS5vcmc${word(60)}`,
  'a Vault token': `hvs.${letters}`,
  'an OpenAI key': `sk-proj-${word(40)}T3BlbkFJ${word(40)}`,
  'an Anthropic key': `sk-ant-api03-${word(95)}`,
  'a Stripe key': `sk_live_${word(24)}`,
  'a SendGrid key': `SG.${word(22)}.${word(43)}`,
  'a Docker token': `dckr_pat_${word(27)}`,
  'a Databricks token': `dapi${'0123456789abcdef'.repeat(2)}`,
  'an Azure storage key': `AccountKey=${word(86)}==`,
  'an age key': `AGE-SECRET-KEY-1${'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L'.repeat(2).slice(0, 58)}`,
  'a JSON web token': `${base64url({ alg: 'RS256', typ: 'JWT' })}.${base64url({ sub: 'train', exp: 1 })}.${word(86)}`,
  'a private key': `-----BEGIN OPENSSH PRIVATE KEY-----\n${word(70)}\n${word(30)}\n-----END OPENSSH PRIVATE KEY-----`,
}

test('what is a credential by its form is named, wherever it stands', () => {
  assert.deepEqual(Object.keys(samples).toSorted(), [...new Set(forms.map(({ kind }) => kind))].toSorted())
  const around: readonly ((text: string) => string)[] = [
    (text) => text,
    (text) => `x = "${text}"\n`,
    (text) => JSON.stringify({ source: [`# a notebook\nKEY=${text}\n`, `print()\n${text}\n`] }),
    (text) => `https://user:${text}@example.org/x`,
    (text) => `${'\0\xff'.repeat(40)}${text}${'\0'.repeat(9)}`,
    (text) => `\x1b[1;38;5;208m${text}\x1b[0m`,
    (text) => `https://example.org/?next=%2Fx%3Ftoken%3D${text}`,
    (text) => `{"url":"https://example.org/?a=1\\u0026token\\u003d${text}"}`,
    (text) => `b'\\x0f${text}\\x00'`,
  ]
  for (const [kind, text] of Object.entries(samples))
    for (const place of around) assert.equal(credentialIn(Buffer.from(place(text), 'latin1')), kind, place(text))
})

test('ordinary text, public keys, certificates, and what is only called a credential are none', () => {
  const unsigned = `${base64url({ alg: 'none' })}.${base64url({ sub: 'train' })}.${word(30)}`
  for (const text of [
    'AKIA',
    'hf_model',
    'ghp_short',
    '-----BEGIN PUBLIC KEY-----',
    `-----BEGIN CERTIFICATE-----\n${'MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0B\n'.repeat(20)}-----END CERTIFICATE-----\n`,
    `-----BEGIN RSA PUBLIC KEY-----\n${'MIIBCgKCAQEA'.repeat(30)}\n-----END RSA PUBLIC KEY-----`,
    'export HF_TOKEN=hf_your_token_here; export GITHUB_TOKEN=ghp_xxxx; OPENAI_API_KEY=sk-...',
    'the header says -----BEGIN PRIVATE KEY and no more',
    'if text.startswith(b"-----BEGIN PRIVATE KEY-----"): return text.split(b"-----END PRIVATE KEY-----")',
    '-----BEGIN PRIVATE KEY-----\nXXXX\nXXXX\n-----END PRIVATE KEY-----',
    `xAKIA${'IOSFODNN7EXAMPLE'.replace('7', '6')}x`,
    'hf_hub_download',
    'sk-learn-contrib-with-a-very-long-name-of-a-package-that-goes-on-and-on',
    unsigned,
    base64url({ alg: 'RS256', text: word(300) }),
    '',
  ])
    assert.equal(credentialIn(Buffer.from(text)), undefined, text)
})

/** Each a text on which a reader that goes back takes minutes, or hours. */
const slow: readonly string[] = [
  ...['+', ' ', '\\', '"', '=', '+ ', `${'A'.repeat(16)} `, '\\r', '-'].map(
    (letter) => `-----BEGIN PRIVATE KEY-----\n${letter.repeat(60_000 / letter.length)}!`,
  ),
  ...['', '\n', 'Comment: ', '\n+++ '].map((more) => `-----BEGIN RSA PRIVATE KEY-----${more}`.repeat(40_000)),
  'AKIA-'.repeat(100_000),
  '-----BEGIN '.repeat(100_000),
]

test('text that was made to be slow is read as any other; a key behind it is found', () => {
  for (const text of slow) {
    assert.equal(credentialIn(Buffer.from(text)), undefined, text.slice(0, 60))
    assert.equal(credentialIn(Buffer.from(`${text}\n${samples['a private key']}`)), 'a private key', text.slice(0, 60))
  }
})

/** With a mark at every few bytes that has much ahead of it to look at. */
const dense: readonly string[] = [
  'eyJ-',
  'sk-',
  'AKIA-',
  `${'eyJ-'.repeat(250)}.eyJ${word(320).repeat(51)} `,
  codedMark,
  `${codedMark}/`,
  `${codedMark}${word(50)}\n`,
  `${'eyJ-'.repeat(250)}.eyJ${word(20)}.${word(30)} `,
  `${'sk-'.repeat(30)}${'T3BlbkFJ'.repeat(40)} `,
]

for (const unit of dense) {
  test(`text full of marks (${unit.slice(0, 5)}, ${unit.length} letters) holds what stands behind it and no more`, () => {
    const text = Buffer.alloc(8 * 1024 * 1024, unit)
    const behind = Object.values(samples).join('\n')
    const { found } = findCredentials(Buffer.concat([text, Buffer.from(`\n${behind}`)]), { from: 0, isEnd: true })
    assert.deepEqual(
      found.map(({ kind }) => kind),
      Object.keys(samples),
    )
  })
}

/** What the regular expressions find when each is asked at each place. */
function plainly(text: string): readonly Credential[] {
  const found: Credential[] = []
  const isSigned = (token: string): boolean =>
    /"alg"\s*:\s*"(?!none")[A-Za-z0-9]{2,20}"/.test(
      Buffer.from(token.split('.')[0] ?? '', 'base64url').toString('latin1'),
    )
  for (let at = 0; at < text.length; at += 1) {
    if (/[A-Za-z0-9]/.test(text.charAt(at - 1))) continue
    for (const { kind, form } of forms) {
      form.lastIndex = at
      const match = form.exec(text)?.[0]
      if (match === undefined || (kind === 'a JSON web token' && !isSigned(match))) continue
      found.push({ kind, at, end: at + match.length })
      at += match.length - 1
      break
    }
  }
  return found
}

test('a token at the limits of its form is found, and one letter beyond is not', () => {
  const key = (prefix: string, before: number, after: number): string =>
    `sk-${prefix}${word(before)}T3BlbkFJ${word(after)} `
  const ends = [19, 20, 120, 121]
  const keys = ['', 'ab-', 'abcdefghijkl-', 'a-', 'abcdefghijklm-'].flatMap((prefix) =>
    ends.flatMap((before) => ends.map((after) => key(prefix, before, after))),
  )
  const payload = `.eyJ${word(20)}.${word(30)} `
  const tokens = [0, 1, 2, 3, 4, 5].flatMap((before) =>
    [700, 710, 720].map((pad) => {
      const padded = base64url({ alg: 'ES256', pad: 'x'.repeat(pad) })
      return `${'eyJ-'.repeat(before)}${'-'.repeat(before)}${padded}${payload}`
    }),
  )
  const long = word(320).repeat(51)
  const header = base64url({ alg: 'RS256' })
  const limits = [
    ...[982, 983, 984].map((more) => `${header}${long.slice(0, more)}${payload}`),
    ...[9, 10, 2001, 16_000, 16_001].map((more) => `${header}.eyJ${long.slice(0, more)}.${word(30)} `),
    ...[19, 20, 700, 701].map((more) => `${header}.eyJ${word(20)}.${long.slice(0, more)} `),
  ]
  const found = [...keys, ...tokens, ...limits].map((text) => {
    const expected = plainly(text)
    assert.deepEqual(findCredentials(Buffer.from(text), { from: 0, isEnd: true }).found, expected, text)
    return expected.length
  })
  assert.ok(found.includes(0) && found.includes(1))
})

test('property: what is found is what the regular expressions find, however the bytes are cut', () => {
  const marks = forms.flatMap((form) => (form.kind === 'a private key' ? [] : form.marks))
  const headers = ['', 'x', 'xy'].flatMap((before) =>
    ['none', 'ES256'].map((alg) => Buffer.from(`${before}{"alg" :"${alg}"`).toString('base64url')),
  )
  const parts = [
    'T3BlbkFJ',
    '.eyJ',
    'sk-ab-',
    'eyJ-',
    '-',
    '_',
    '.',
    ' ',
    'x',
    ...[7, 20, 90, 120].map(word),
    ...headers,
  ]
  const tokens = Object.entries(samples).flatMap(([kind, text]) => (kind === 'a private key' ? [] : [text]))
  const part = fc.oneof(
    fc.constantFrom(...parts),
    fc.constantFrom('sk-', 'eyJ', 'sk-ant-', '.', 'T3BlbkFJ', '-'),
    fc.constantFrom(...marks),
    fc.constantFrom(...tokens),
  )
  const repeated = fc.tuple(part, fc.oneof(fc.constant(1), fc.nat(40))).map(([text, times]) => text.repeat(times))
  const texts = fc.array(repeated, { maxLength: 25 }).map((pieces) => pieces.join(''))
  fc.assert(
    fc.property(texts, fc.array(fc.nat(900), { maxLength: 8 }), (text, cuts) => {
      const expected = plainly(text)
      assert.deepEqual(findCredentials(Buffer.from(text), { from: 0, isEnd: true }).found, expected)
      let shown = text
      for (const { kind, at, end } of expected.toReversed()) shown = `${shown.slice(0, at)}[${kind}]${shown.slice(end)}`
      assert.equal(through(text, cuts).shown, shown)
    }),
    { numRuns: 300 },
  )
})

test('keys that stand behind each other, or whose comment has the first line of another, are found each', () => {
  const two = [wholeKeys['of OpenSSL'], wholeKeys['of PGP']].join('')
  assert.deepEqual(through(two, [700]).shown.match(/\[.*?\]/g), ['[a private key]', '[a private key]'])
  const comment = `-----BEGIN PGP PRIVATE KEY BLOCK-----\nComment: -----BEGIN PRIVATE KEY-----\n\n${body}`
  assert.deepEqual(through(comment, []).found, ['a private key'])
})

test('a token behind a colour is found however the bytes are cut', () => {
  const token = samples['a GitHub token'] ?? ''
  for (let cut = 1; cut < 30; cut += 1) {
    const { shown } = through(`key \x1b[38;5;208m${token}\x1b[0m.`, [cut, 3])
    assert.equal(shown, 'key \x1b[38;5;208m[a GitHub token]\x1b[0m.')
  }
})

test('random bytes are none, as they are and in base64', () => {
  let seed = 1
  const bytes = Buffer.alloc(8 * 1024 * 1024)
  for (let at = 0; at < bytes.length; at += 4) {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0
    bytes.writeInt32LE(Math.imul(seed ^ (seed >>> 15), 0x2c1b3c6d), at)
  }
  for (const text of [bytes, Buffer.from(bytes.toString('base64')), Buffer.from(bytes.toString('base64url'))])
    assert.equal(credentialIn(text), undefined)
})

test('another credential stands in no log either, however the bytes are cut; what only looks like one does', () => {
  const key = `-----BEGIN PRIVATE KEY-----\n${'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n'.repeat(60)}-----END PRIVATE KEY-----\n`
  const long = `hvs.${'CAESIJ'.repeat(40)}`
  const aws = samples['an AWS access key'] ?? ''
  for (const cuts of [[], [700], [12, 30, 500, 600, 40], Array.from({ length: 400 }, () => 7)]) {
    const { shown, found } = through(`id ${aws}, then ${long}.\n${key}done: hf_model, AKIA\n`, cuts)
    assert.equal(
      shown,
      'id [an AWS access key], then [a Vault token].\n[a private key]-----END PRIVATE KEY-----\ndone: hf_model, AKIA\n',
    )
    assert.deepEqual(found, ['a Vault token', 'a private key', 'an AWS access key'])
  }
  const asJson = through(JSON.stringify({ key }), [40])
  assert.doesNotMatch(asJson.shown, /MIIE/)
  assert.deepEqual(through('ghp_'.padEnd(44, 'x'), [10]).found, ['a GitHub token'], 'at the very end too')
  const none = `ghp_${'x'.repeat(300)} [a private token]`
  assert.deepEqual(through(none, [44]), { shown: none, found: [] })
})

test('what is printed is shown at once: only what may become a credential waits', () => {
  const shownOf = (text: string, named: readonly Secret[] = []): string =>
    openFinder(spellingsOf(named)).push(Buffer.from(text)).toString()
  for (const text of ['epoch 1 of 10', 'loss=0.125 ........', '=====>', 'done\n', 'AK is a state', 'x'.repeat(600)])
    assert.equal(shownOf(text), text)
  assert.equal(shownOf('token: ghp_abc'), 'token: ')
  assert.equal(shownOf('----- result\n-----BEGIN RSA PRI'), '----- result\n')
})

const body = 'lQdGBGVx+AbC/9zANBADEF0qhkiG9w0BAQ\n'.repeat(30)
const wholeKeys: Readonly<Record<string, string>> = {
  'of OpenSSL': `-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123456789ABCDEF\n\n${body}`,
  'of PGP': `-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2 (GNU/Linux)\nComment: a-b@example.org\n\n${body}=aB3d\n`,
  'with odd headers': `-----BEGIN PGP PRIVATE KEY BLOCK-----\nComment: "Ünïcode" — <a!b#c$d%e&f'g*h?i[j]k{l}m|n~o>\nHash: SHA512\n folded; on\n\n${body}`,
  'with ends of lines of Windows': `-----BEGIN EC PRIVATE KEY-----\r\n${body.replaceAll('\n', '\r\n')}`,
  'quoted in a mail': `-----BEGIN PRIVATE KEY-----\n${body.replace(/^/gm, '> ').replace(/> $/, '')}`,
  'in the code of a program': `-----BEGIN PRIVATE KEY-----\\n"\n${body.trim().replace(/^(.*)$/gm, '    "$1\\n"')}\n`,
  'on one line': `-----BEGIN PRIVATE KEY----- ${body.replaceAll('\n', ' ')}`,
}
for (const [how, key] of Object.entries(wholeKeys)) {
  test(`a private key ${how} is taken whole, and nothing behind it`, () => {
    const after = '-----END X PRIVATE KEY-----\ndone, 1.\n'
    assert.equal(credentialIn(Buffer.from(key)), 'a private key')
    for (const cuts of [[], ...[1, 13, 64].map((length) => Array.from({ length: 1300 / length }, () => length))]) {
      const { shown, found } = through(`x ${key}${after}`, cuts)
      assert.equal(shown, `x [a private key]${after}`)
      assert.deepEqual(found, ['a private key'])
    }
  })
}

const pem = (kind: string): string => `-----BEGIN ${kind}-----\n${body}-----END ${kind}-----\n`
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const onLines = (text: string, width: number, end = '\n'): string =>
  text.replaceAll(new RegExp(`(.{${width}})(?=.)`, 'g'), `$1${end}`)
const coded: Readonly<Record<string, string>> = {
  'of a kubeconfig': base64(pem('RSA PRIVATE KEY')),
  'behind its certificate': base64(`${pem('CERTIFICATE')}${pem('PRIVATE KEY')}`),
  'on lines of 76 letters': onLines(base64(`${pem('CERTIFICATE')}${pem('EC PRIVATE KEY')}`), 76),
  'on lines of 64 letters, as Windows ends them': onLines(base64(pem('PRIVATE KEY')), 64, '\r\n'),
  'on lines, in JSON': onLines(base64(pem('PRIVATE KEY')), 76, '\\n'),
  'twice over': base64(base64(pem('PRIVATE KEY'))),
}
for (const [how, key] of Object.entries(coded)) {
  const isTwice = how === 'twice over'
  test(`a private key in base64 (${how}) is ${isTwice ? 'not looked for' : 'taken whole, and nothing behind it'}`, () => {
    const [before, after] = ['users:\n- user:\n    client-key-data: "', '"\n    name: admin\n']
    for (const cuts of [[], ...[7, 300].map((length) => Array.from({ length: 3600 / length }, () => length))]) {
      const { shown, found } = through(`${before}${key}${after}`, cuts)
      assert.equal(shown, `${before}${isTwice ? key : '[a private key]'}${after}`)
      assert.deepEqual(found, isTwice ? [] : ['a private key'])
    }
  })
}

test('a certificate or a public key in base64 is no private key; nor is the first line of one alone', () => {
  for (const text of [
    pem('CERTIFICATE'),
    pem('PUBLIC KEY'),
    '-----BEGIN PRIVATE KEY-----\nwhat this looks for, and all that it does',
  ])
    for (const key of [base64(text), onLines(base64(text), 76)]) {
      const said = `certificate-authority-data: ${key}\nserver: x\n`
      assert.deepEqual(through(said, [40, 300]), { shown: said, found: [] })
    }
})

test('what a stage calls a private key takes nothing with it; one that does not end takes no more than its lines', () => {
  const said = `[a private key] was refused by the server: ${body}`
  for (const cuts of [[], [15], [7, 8, 20]]) assert.deepEqual(through(said, cuts), { shown: said, found: [] })
  const open = through(`-----BEGIN PRIVATE KEY-----\n${body}epoch 1 of 10, loss 0.3\nepoch 2\n`, [40])
  assert.equal(open.shown, '[a private key]epoch 1 of 10, loss 0.3\nepoch 2\n')
})

test('property: a credential has one fingerprint, in a file and in what is printed, wherever it lies and however it is cut', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'leaks-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const place = join(folder, 'out')
  const key = `${wholeKeys['of PGP']}-----END PGP PRIVATE KEY BLOCK-----\n`
  const texts = [samples['a JSON web token'] ?? '', samples['a GitHub token'] ?? '', key]
  const chunk = 1024 * 1024
  fc.assert(
    fc.property(fc.constantFrom(...texts), fc.integer({ min: -2200, max: 40 }), fc.nat(300), (text, shift, cut) => {
      const bytes = Buffer.concat([Buffer.alloc(chunk + shift, 0), Buffer.from(text), Buffer.alloc(cut, 10)])
      writeFileSync(place, bytes)
      const fd = openSync(place, 'r')
      try {
        const finder = openFinder([])
        finder.push(bytes.subarray(0, chunk + shift + cut))
        finder.push(bytes.subarray(chunk + shift + cut))
        finder.end()
        const found = findInFile(fd, [])
        assert.equal(found.length, 1)
        assert.deepEqual(found, finder.found())
        assert.match(found[0]?.fingerprint ?? '', /^sha256:/)
      } finally {
        closeSync(fd)
      }
    }),
    { numRuns: 60 },
  )
})

test('a secret that was granted lies across two reads of a file, and has no fingerprint', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'leaks-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const place = join(folder, 'out')
  for (const shift of [-30, -5, 0]) {
    writeFileSync(place, Buffer.concat([Buffer.alloc(1024 * 1024 + shift), Buffer.from(value), Buffer.alloc(9)]))
    const fd = openSync(place, 'r')
    assert.deepEqual(findInFile(fd, spellings), [{ what: 'the secret token', granted: true }])
    closeSync(fd)
  }
})

test('names are looked through as files are', () => {
  const [secret, harmless] = [{ name: 'token', value: Buffer.from(value) }, samples['a GitHub token'] ?? '']
  const search = openSearch([secret], new Set([sha256Of(harmless)]))
  const inName = (name: string): readonly string[] => search.inName(name, 'out').map(({ what }) => what)
  assert.deepEqual(inName(`run-${Buffer.from(value).toString('hex')}.txt`), ['the secret token'])
  assert.deepEqual(inName(`run-${samples['an npm token']}.txt`), ['an npm token'])
  assert.deepEqual(inName(`run-${harmless}.txt`), [])
  assert.deepEqual(inName('checkpoint-00001-of-00200.safetensors'), [])
})

test('no declaration covers a secret that was granted, nor more credentials than are told apart', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'leaks-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const place = join(folder, 'out')
  const tokens = Array.from({ length: 102 }, (_, index) => `ghp_${letters.slice(0, 32)}${1000 + index}`)
  const declared = new Set(tokens.map((token) => sha256Of(token)))
  const leaksOf = (text: string, harmless: ReadonlySet<string>): readonly string[] => {
    writeFileSync(place, text)
    const fd = openSync(place, 'r')
    try {
      const search = openSearch([{ name: 'token', value: Buffer.from(value) }], harmless)
      return search.inFile(fd, 'out').map(({ what }) => what)
    } finally {
      closeSync(fd)
    }
  }
  assert.deepEqual(leaksOf(tokens.slice(0, 100).join('\n'), declared), [])
  assert.deepEqual(leaksOf(tokens.join('\n'), declared), ['more than 100 credentials'])
  assert.deepEqual(leaksOf(tokens.join('\n'), new Set(['out'])), [])
  assert.deepEqual(leaksOf(`${value} ${tokens[0]}`, new Set(['out', sha256Of(value)])), ['the secret token'])
})

test('grants come back as they were written; a damaged or foreign list is refused', () => {
  const grant = { origin: { kind: 'vault', path: 'secret/data/a', field: 'b' } as SecretOrigin, stages: ['x'] }
  const grants = new Map([['a', grant]])
  assert.deepEqual(parseGrants(Buffer.from(printGrants(grants))), grants)
  for (const text of [
    '{}',
    '{"version":2,"secrets":{}}',
    '{"version":1,"secrets":{"a":{"origin":{"kind":"file","path":"x"},"stages":["s"]}}}',
  ])
    assert.throws(() => parseGrants(Buffer.from(text)), { code: 'ERR_SECRET_UNAVAILABLE' })
  for (const origin of [
    { kind: 'vault', path: '../sys/raw', field: 'x' },
    { kind: 'env', name: 'A B' },
  ] as const)
    assert.throws(() => printGrants(new Map([['a', { origin, stages: ['x'] }]])), { code: 'ERR_USAGE' })
  assert.throws(() => printGrants(new Map([['../a', grant]])), { code: 'ERR_USAGE' })
})

test('a value that is too short has no spelling: it stands in every log by chance', () => {
  assert.deepEqual(spellingsOf([{ name: 'pin', value: Buffer.from('1234\n') }]), [])
})

/** Credentials that can be known by their form alone: pure. */

type Form = Readonly<{ kind: string; marks: readonly string[]; form: RegExp }>

const privateKey = 'a private key'
/** With what follows its first line, also as JSON has it; or what follows where that line was taken away. */
const wholeKey = /(?:-----BEGIN (?:[A-Z0-9]{2,20} ){0,3}PRIVATE KEY-----|\[a private key\])[A-Za-z0-9+/=\s\\]*/g

/**
 * `marks` are looked for first, which is cheap; each form begins with one of them or holds it.
 *
 * SOURCE: the issuers' own documentation of their prefixes; RFC 7468 for keys. No form that ordinary text can have.
 */
const forms: readonly Form[] = [
  { kind: privateKey, marks: ['PRIVATE KEY-----'], form: /-----BEGIN (?:[A-Z0-9]{2,20} ){0,3}PRIVATE KEY-----/ },
  {
    kind: 'an AWS access key',
    marks: ['AKIA', 'ASIA'],
    form: /(?<![A-Za-z0-9])A(?:KIA|SIA)[A-Z2-7]{16}(?![A-Za-z0-9])/,
  },
  {
    kind: 'a GitHub token',
    marks: ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_', 'github_pat_'],
    form: /(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_[A-Za-z0-9_]{40,251})(?![A-Za-z0-9])/,
  },
  { kind: 'a GitLab token', marks: ['glpat-'], form: /(?<![A-Za-z0-9])glpat-[A-Za-z0-9_-]{20,100}(?![A-Za-z0-9])/ },
  { kind: 'a Hugging Face token', marks: ['hf_'], form: /(?<![A-Za-z0-9])hf_[A-Za-z]{34}(?![A-Za-z0-9])/ },
  { kind: 'a Slack token', marks: ['xox'], form: /(?<![A-Za-z0-9])xox[abprs]-[A-Za-z0-9-]{20,200}(?![A-Za-z0-9])/ },
  { kind: 'a Google API key', marks: ['AIza'], form: /(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])/ },
  { kind: 'an npm token', marks: ['npm_'], form: /(?<![A-Za-z0-9])npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])/ },
  { kind: 'a PyPI token', marks: ['pypi-AgEI'], form: /(?<![A-Za-z0-9])pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,300}/ },
  { kind: 'a Vault token', marks: ['hvs.', 'hvb.'], form: /(?<![A-Za-z0-9])hv[sb]\.[A-Za-z0-9_-]{24,300}/ },
]

/** What kind of credential stands in the bytes, if any. */
export function credentialIn(bytes: Buffer): string | undefined {
  const near = forms.filter(({ marks }) => marks.some((mark) => bytes.includes(mark)))
  if (near.length === 0) return undefined
  const text = bytes.toString('latin1')
  return near.find(({ form }) => form.test(text))?.kind
}

export type Redacted = Readonly<{ bytes: Buffer; kinds: readonly string[] }>

/**
 * The bytes with the kind of each credential in its place. Of a private key that goes on in the next piece the rest is
 * taken away there, as long as the end of this one is looked at with it.
 *
 * @param isEnd false: what reaches to the end of the bytes may go on, and is left for the next look
 */
export function withoutCredentials(bytes: Buffer, isEnd: boolean): Redacted {
  const near = forms.filter(({ kind, marks }) => [...marks, `[${kind}]`].some((mark) => bytes.includes(mark)))
  if (near.length === 0) return { bytes, kinds: [] }
  const kinds = new Set<string>()
  let text = bytes.toString('latin1')
  for (const { kind, form } of near) {
    const all = kind === privateKey ? wholeKey : new RegExp(form.source, 'g')
    text = text.replaceAll(all, (match: string, at: number) => {
      if (kind !== privateKey && !isEnd && at + match.length === text.length) return match
      if (!match.startsWith('[')) kinds.add(kind)
      return `[${kind}]`
    })
  }
  return { bytes: Buffer.from(text, 'latin1'), kinds: [...kinds] }
}

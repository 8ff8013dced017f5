/** Credentials that can be known by their form alone: pure. */

type Form = Readonly<{ kind: string; marks: readonly string[]; form: RegExp }>

/**
 * `marks` are looked for first, which is cheap; each form begins with one of them or holds it.
 *
 * SOURCE: the issuers' own documentation of their prefixes; RFC 7468 for keys. No form that ordinary text can have.
 */
const forms: readonly Form[] = [
  { kind: 'a private key', marks: ['PRIVATE KEY-----'], form: /-----BEGIN (?:[A-Z0-9]{2,20} ){0,3}PRIVATE KEY-----/ },
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

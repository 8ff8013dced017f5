/** Credentials that can be known by their form alone: pure. */

type Form = Readonly<{ kind: string; marks: readonly string[]; form: RegExp }>

const privateKey = 'a private key'
const firstLine = '-----BEGIN (?:[A-Z0-9]{2,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----'
/** Of a key, also as JSON has it: its letters and its headers (`Proc-Type:`, `Comment:`), up to the line that ends it. */
const keyBody = String.raw`(?:[\w+/=\s\\,:.;()@]|-(?!-|$))*`
const wholeKey = new RegExp(firstLine + keyBody, 'g')
const restOfKey = new RegExp(`^${keyBody}`)

/**
 * `marks` are looked for first, which is cheap; each form begins with one of them or holds it.
 *
 * SOURCE: the issuers' own documentation of their prefixes; RFC 7468 for keys. No form that ordinary text can have.
 */
const forms: readonly Form[] = [
  { kind: privateKey, marks: ['PRIVATE KEY-----', 'PRIVATE KEY BLOCK-----'], form: new RegExp(firstLine) },
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

export type Redacted = Readonly<{
  bytes: Buffer
  kinds: readonly string[]
  /** A private key goes on in the next piece: how many bytes of the end to look at again with it. */
  keyGoesOn?: number
}>

/**
 * The bytes with the kind of each credential in its place.
 *
 * @param isEnd false: what reaches to the end of the bytes may go on, and is left for the next look
 * @param isInKey they begin within a private key, by the `keyGoesOn` of the look before: what the stage prints never says so
 */
export function withoutCredentials(bytes: Buffer, isEnd: boolean, isInKey = false): Redacted {
  const near = forms.filter(({ marks }) => marks.some((mark) => bytes.includes(mark)))
  if (near.length === 0 && !isInKey) return { bytes, kinds: [] }
  const kinds = new Set<string>()
  let text = bytes.toString('latin1')
  if (isInKey) text = text.replace(restOfKey, '')
  let goesOn = isInKey && /^-{0,4}$/.test(text)
  for (const { kind, form } of near) {
    const all = kind === privateKey ? wholeKey : new RegExp(form.source, 'g')
    text = text.replaceAll(all, (match: string, at: number, whole: string) => {
      const rest = whole.slice(at + match.length, at + match.length + 5)
      if (kind !== privateKey && !isEnd && rest === '') return match
      if (kind === privateKey && /^-{0,4}$/.test(rest)) goesOn = true
      kinds.add(kind)
      return `[${kind}]`
    })
  }
  const keyGoesOn = goesOn && !isEnd ? { keyGoesOn: /-*$/.exec(text)?.[0].length ?? 0 } : {}
  return { bytes: Buffer.from(text, 'latin1'), kinds: [...kinds], ...keyGoesOn }
}

/** The forms of credentials that are known by their look alone: pure. */
import { type Look, openAiKeysIn, payloadForm, signedTokensIn } from './ahead.ts'

export type Form = Readonly<{
  kind: string
  /** It begins with one of them: ASCII, of the letters of a token, a private key's excepted. */
  marks: readonly string[]
  /** Sticky, from where the mark begins. Ends by itself: what follows is looked at too. */
  form: RegExp
  /** What no regular expression can tell of it, or none in little time: asked before. */
  lookIn?(text: string): Look
}>

export const privateKey = 'a private key'
export const keyMark = '-----BEGIN '
/** The same in base64, as a kubeconfig has its keys. */
export const codedMark = 'LS0tLS1CRUdJTi'

const form = (kind: string, marks: string, source: string, lookIn?: Form['lookIn']): Form => ({
  kind,
  marks: marks.split(' '),
  form: new RegExp(source, 'y'),
  ...(lookIn === undefined ? {} : { lookIn }),
})

/** No letter of a token that goes on. */
const end = '(?![A-Za-z0-9])'

/**
 * No form that ordinary text can have, and none that random bytes have by chance: DECISION 0049 has the odds.
 *
 * SOURCE: the issuers' own documentation of their prefixes; RFC 7468 and RFC 9580 for keys, RFC 7519 for JSON web tokens.
 */
export const forms: readonly Form[] = [
  { kind: privateKey, marks: [keyMark], form: /-----BEGIN (?:[A-Z0-9]{2,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----/y },
  { kind: privateKey, marks: [codedMark], form: /LS0tLS1CRUdJTi[A-Za-z0-9+/]{40}/y },
  form('an AWS access key', 'AKIA ASIA', `A(?:KIA|SIA)[A-Z2-7]{16}${end}`),
  form('a GitHub token', 'ghp_ gho_ ghu_ ghs_ ghr_', `gh[pousr]_[A-Za-z0-9]{36,251}${end}`),
  form('a GitHub token', 'github_pat_', `github_pat_[A-Za-z0-9_]{40,251}${end}`),
  form('a GitLab token', 'glpat-', `glpat-[A-Za-z0-9_-]{20,100}(?:\\.[a-z0-9.]{4,40})?${end}`),
  form('a Hugging Face token', 'hf_', `hf_[A-Za-z]{34}${end}`),
  form('a Slack token', 'xoxa- xoxb- xoxp- xoxr- xoxs- xoxe-', `xox[abeprs]-[A-Za-z0-9-]{20,200}${end}`),
  form('a Google API key', 'AIza', 'AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])'),
  form('a Google client secret', 'GOCSPX-', 'GOCSPX-[A-Za-z0-9_-]{28}(?![A-Za-z0-9_-])'),
  form('an npm token', 'npm_', `npm_[A-Za-z0-9]{36}${end}`),
  form('a PyPI token', 'pypi-AgEI', 'pypi-AgEI(?:cHlwaS5vcmc|dGVzdC5weXBpLm9yZw)[A-Za-z0-9_-]{50,300}'),
  form('a Vault token', 'hvs. hvb.', 'hv[sb]\\.[A-Za-z0-9_-]{24,300}'),
  form(
    'an OpenAI key',
    'sk-',
    `sk-(?:[a-z]{2,12}-)?[A-Za-z0-9_-]{20,120}T3BlbkFJ[A-Za-z0-9_-]{20,120}${end}`,
    openAiKeysIn,
  ),
  form('an Anthropic key', 'sk-ant-', `sk-ant-[a-z]{3,8}\\d{2}-[A-Za-z0-9_-]{80,120}${end}`),
  form('a Stripe key', 'sk_live_ rk_live_', `[rs]k_live_[A-Za-z0-9]{24,247}${end}`),
  form('a SendGrid key', 'SG.', 'SG\\.[A-Za-z0-9_-]{22}\\.[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])'),
  form('a Docker token', 'dckr_pat_ dckr_oat_', `dckr_[op]at_[A-Za-z0-9_-]{27,50}${end}`),
  form('a Databricks token', 'dapi', `dapi[0-9a-f]{32}(?:-\\d)?${end}`),
  form('an Azure storage key', 'AccountKey=', 'AccountKey=[A-Za-z0-9+/]{86}=='),
  form('an age key', 'AGE-SECRET-KEY-1', `AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}${end}`),
  form('a JSON web token', 'eyJ', `eyJ[A-Za-z0-9_-]{10,1000}${payloadForm}`, signedTokensIn),
]

/** LIMIT: no form but a private key is longer. */
export const maxTokenBytes = 20_480

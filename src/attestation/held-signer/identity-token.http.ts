/**
 * The token that says who signs: from a file, from the caller's variables, or from the CI that runs this.
 *
 * Nobody is asked in a browser, and no public issuer by default. A token stands in no message. Its signature is the
 * authority's matter; what is read here decides nothing but what is signed as proof of holding the key.
 * SOURCE: GitHub Docs, "OpenID Connect reference"; GitLab Docs, "ID token authentication" (SIGSTORE_ID_TOKEN);
 * sigstore/fulcio docs/oidc.md.
 */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { DomainError } from '../../core/index.ts'
import { ask, type Patience } from './ask.http.ts'

/** ASSAY_IDENTITY_TOKEN_FILE, ASSAY_IDENTITY_TOKEN, ACTIONS_ID_TOKEN_REQUEST_URL and _TOKEN, SIGSTORE_ID_TOKEN. */
export type TokenSettings = Readonly<Record<string, string>>

export type IdentityToken = Readonly<{
  jwt: string
  /** What proves that the key is held: the mail address of a person, else the subject. */
  subject: string
}>

const audience = 'sigstore'
/** LIMIT: a token is at most 64 KiB. */
const maxTokenChars = 64 * 1024

/** @throws ERR_IDENTITY_TOKEN, ERR_SIGNER_UNREACHABLE */
export async function identityToken(settings: TokenSettings, patience: Patience): Promise<IdentityToken> {
  const jwt = (await tokenText(settings, patience)).trim()
  const parts = jwt.split('.')
  if (parts.length !== 3 || jwt.length > maxTokenChars || !/^[\w.-]+$/.test(jwt)) throw noToken('is no token')
  const claims = claimsShape.safeParse(parsed(parts[1] ?? ''))
  if (!claims.success) throw noToken('says nothing of who it is for')
  const { exp, email, email_verified: isVerified, sub } = claims.data
  if (exp * 1000 <= Date.now()) throw noToken('has expired')
  if (email !== undefined && isVerified !== true) throw noToken('is of an address that nobody verified')
  return { jwt, subject: email ?? sub }
}

const claimsShape = z.object({
  sub: z.string().min(1).max(2000),
  exp: z.number(),
  email: z.string().min(1).max(500).optional(),
  email_verified: z.union([z.boolean(), z.stringbool()]).optional(),
})

async function tokenText(settings: TokenSettings, patience: Patience): Promise<string> {
  const { ASSAY_IDENTITY_TOKEN_FILE: file = '', ASSAY_IDENTITY_TOKEN: given = '' } = settings
  if (file !== '') return fromFile(file)
  if (given !== '') return given
  const { ACTIONS_ID_TOKEN_REQUEST_URL: url = '', ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken = '' } = settings
  if (url !== '' && requestToken !== '') return fromGitHub(url, requestToken, patience)
  const { SIGSTORE_ID_TOKEN: ofGitLab = '' } = settings
  if (ofGitLab !== '') return ofGitLab
  throw noToken('is not there')
}

/** Read anew each time: who writes it there renews it. */
function fromFile(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw noToken('cannot be read from its file')
  }
}

async function fromGitHub(address: string, requestToken: string, patience: Patience): Promise<string> {
  if (!URL.canParse(address)) throw noToken('cannot be asked for: ACTIONS_ID_TOKEN_REQUEST_URL is no address')
  const url = new URL(address)
  url.searchParams.set('audience', audience)
  const headers = { authorization: `Bearer ${requestToken}` }
  const question = { method: 'GET' as const, url: url.href, headers }
  const { status, body } = await ask(() => Promise.resolve(question), patience)
  const { value } = body
  if (status === 200 && typeof value === 'string') return value
  throw noToken(`is refused by GitHub (${status}): the job needs \`permissions: id-token: write\``)
}

function parsed(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
  } catch {
    return undefined // INVARIANT: what is no JSON says nothing
  }
}

function noToken(what: string): DomainError {
  return new DomainError('ERR_IDENTITY_TOKEN', `the identity token ${what}`)
}

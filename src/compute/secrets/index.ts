/** Secrets: who is given which, where they come from, and that they come out nowhere. */
export { type BrokerOptions, fetchSecret } from './broker.http.ts'
export { credentialIn } from './credentials.ts'
export type { Finder, Leak } from './find.fs.ts'
export { forms } from './forms.ts'
export {
  describeOrigin,
  parseGrants,
  printGrants,
  type SecretGrant,
  type SecretGrants,
  type SecretOrigin,
} from './grants.ts'
export { type HarmlessCredential, openSearch, type Search } from './search.fs.ts'
export { minSecretBytes, type Secret } from './spellings.ts'

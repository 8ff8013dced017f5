/** Secrets: who is given which, where they come from, and that they come out nowhere. */
export { type BrokerOptions, fetchSecret } from './broker.http.ts'
export { credentialIn } from './credentials.ts'
export { type Finder, findInFile, openFinder } from './find.fs.ts'
export {
  describeOrigin,
  parseGrants,
  printGrants,
  type SecretGrant,
  type SecretGrants,
  type SecretOrigin,
} from './grants.ts'
export { minSecretBytes, type Secret, type Spelling, spellingsOf } from './spellings.ts'

/** What of a check is told, by how secret the data is. Pure. */
import { isSecret } from '../attestation/index.ts'
import type { Classification, DataCheck } from '../data/index.ts'

/** THREAT: evidence that leaks data: of confidential data it holds row numbers and names, no values. */
export function shown(check: DataCheck, classification: Classification): DataCheck {
  if (!isSecret(classification)) return check
  const { because: _because, ...rest } = check
  return { ...rest, observed: null, expected: null }
}

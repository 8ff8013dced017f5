/** What a verifier found out, one sentence a check: verdicts are lists of these and hide none behind the first. */
import type { ErrorCode, Tier } from '../core/index.ts'

export type Finding = Readonly<{
  /** What was asked, in kebab case: `signature`, `subject`, `link`, `source-approval`. */
  check: string
  /** `OK`; `CAVEAT` when it passed and a reader should still know; else why it was refused. */
  code: 'OK' | 'CAVEAT' | ErrorCode
  passed: boolean
  /** One sentence without a full stop. */
  because: string
  tier: Tier
  /** What it is about: a stage, a path, a source. */
  subject?: string
}>

export type FindingScope = Readonly<{ tier?: Tier; subject?: string }>

export function passed(check: string, because: string, scope: FindingScope = {}): Finding {
  return { check, code: 'OK', passed: true, because, tier: 'verified', ...scope }
}

/** Passed, and a reader should know: it caps the level or a property. */
export function caveat(check: string, because: string, scope: FindingScope = {}): Finding {
  return { check, code: 'CAVEAT', passed: true, because, tier: 'verified', ...scope }
}

export function refused(check: string, code: ErrorCode, because: string, scope: FindingScope = {}): Finding {
  return { check, code, passed: false, because, tier: 'verified', ...scope }
}

/** INVARIANT: no findings is no verdict: nothing was asked, so nothing is believed. */
export function allPassed(findings: readonly Finding[]): boolean {
  return findings.length > 0 && findings.every((finding) => finding.passed)
}

/** What all predicates are read with: shapes that refuse, in words that name the kind of statement. */
import type { z } from 'zod'
import { type Digest, DomainError, fromDigestSet, isSha256, type Sha256 } from '../../core/index.ts'
import { issueOf } from '../statement.ts'

export type Reading = Readonly<{
  malformed(fault: string): DomainError
  /** @throws ERR_STATEMENT_MALFORMED with the first thing that is wrong */
  read<Shape extends z.ZodType>(shape: Shape, given: unknown): z.output<Shape>
  /** @throws ERR_STATEMENT_MALFORMED when none of the set counts, or two do */
  digestIn(set: Readonly<Record<string, string>> | undefined, what?: string): Digest
  /** @throws ERR_STATEMENT_MALFORMED when it is another digest than that */
  sha256In(set: Readonly<Record<string, string>> | undefined, what?: string): Sha256
}>

/** @param kind as it stands before a fault: `the approval` */
export function readingOf(kind: string): Reading {
  const malformed = (fault: string): DomainError => new DomainError('ERR_STATEMENT_MALFORMED', `${kind} ${fault}`)
  const digestIn: Reading['digestIn'] = (set, what = 'something') => {
    const digest = fromDigestSet(set)
    if (digest === undefined) throw malformed(`names ${what} by no digest that counts, or by two`)
    return digest
  }
  return {
    malformed,
    digestIn,
    read: (shape, given) => {
      const parsed = shape.safeParse(given)
      if (!parsed.success) throw malformed(issueOf(parsed.error))
      return parsed.data
    },
    sha256In: (set, what = 'something') => {
      const digest = digestIn(set, what)
      if (isSha256(digest)) return digest
      throw malformed(`names ${what} by another digest than sha256`)
    },
  }
}

/** @throws ERR_STATEMENT_UNSUPPORTED when the statement is of another kind */
export function requirePredicate(predicateType: string, expected: string, name: string): void {
  if (predicateType === expected) return
  const because = `the statement has the predicate \`${predicateType.slice(0, 100)}\`, not ${name}`
  throw new DomainError('ERR_STATEMENT_UNSUPPORTED', because)
}

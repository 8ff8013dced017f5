/** The shape of an SPDX licence expression. LIMIT: whether an id stands in SPDX's list is not asked. */

/** SOURCE: SPDX 2.3, annex D: ids of letters, digits, `.` and `-`, `+`, WITH, AND, OR, brackets. */
const word = /\s*([()]|[A-Za-z0-9][A-Za-z0-9.-]*(?::LicenseRef-[A-Za-z0-9.-]+)?\+?)/y
const operators: ReadonlySet<string> = new Set(['AND', 'OR', 'WITH'])
const maxLength = 500

export function isLicenceExpression(text: string): boolean {
  const words = text.length > maxLength ? undefined : wordsOf(text)
  if (words === undefined) return false
  let wantsLicence = true
  let open = 0
  let isException = false
  for (const [index, token] of words.entries()) {
    if (token === '(') open += wantsLicence && !isException ? 1 : Number.NaN
    else if (token === ')') open -= wantsLicence ? Number.NaN : 1
    else if (operators.has(token)) {
      // `WITH` stands between a licence and an exception, never behind a bracket.
      if (wantsLicence || (token === 'WITH' && (isException || words[index - 1] === ')'))) return false
      wantsLicence = true
    } else if (!wantsLicence) return false
    else wantsLicence = false
    isException = token === 'WITH' || (isException && words[index - 1] === 'WITH')
    if (!(open >= 0)) return false
  }
  return !wantsLicence && open === 0
}

function wordsOf(text: string): readonly string[] | undefined {
  const words: string[] = []
  word.lastIndex = 0
  const trimmed = text.trimEnd()
  while (word.lastIndex < trimmed.length) {
    const match = word.exec(trimmed)
    if (match?.[1] === undefined) return undefined
    words.push(match[1])
  }
  return words
}

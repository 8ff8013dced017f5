/**
 * Whether a form can stand at its mark, by what stands ahead, which is found once for all marks before it: pure.
 *
 * THREAT: bytes of a stage with a mark at every third byte, each of which has a regular expression look thousands of letters ahead.
 */

/** Whether the form can stand at this place. To be asked from left to right. */
export type Look = (at: number) => boolean

/** What an OpenAI key has in its middle, and what follows it. */
const middle = 'T3BlbkFJ'
const middleForm = /T3BlbkFJ[A-Za-z0-9_-]{20,120}(?![A-Za-z0-9])/y
const keyPrefix = /sk-[a-z]{2,12}-/y
/** LIMIT: letters before the middle of an OpenAI key. */
const [leastBefore, mostBefore] = [20, 120]

/** In text of one letter a byte. The nearest middle with its end is enough: whoever reaches a further one reaches it too. */
export function openAiKeysIn(text: string): Look {
  const endOf = runsIn(text)
  let next = -1
  return (at) => {
    const from = at + 'sk-'.length
    if (next < from + leastBefore) next = middleFrom(text, from + leastBefore)
    if (next >= endOf(at)) return false
    return next <= from + mostBefore || next <= (endOfMatch(keyPrefix, text, at) ?? 0) + mostBefore
  }
}

/** Where the first middle lies that has its end; behind the text when there is none. */
function middleFrom(text: string, from: number): number {
  for (let at = text.indexOf(middle, from); at >= 0; at = text.indexOf(middle, at + 1))
    if (endOfMatch(middleForm, text, at) !== undefined) return at
  return Number.POSITIVE_INFINITY
}

/** LIMIT: of the header and of the payload of a JSON web token, in base64url; one that lists groups has thousands. */
const [maxHeader, maxPayload] = [1003, 16_003]
/** What follows the header of a JSON web token. */
export const payloadForm = `\\.eyJ[A-Za-z0-9_-]{10,${maxPayload - 3}}\\.[A-Za-z0-9_-]{20,700}(?![A-Za-z0-9_-])`
const payload = new RegExp(payloadForm, 'y')
/** SOURCE: RFC 7515, section 4.1.1: a signed token names its algorithm; `none` is no signature, and the token no credential. */
const algorithm = /"alg"\s*:\s*"(?!none")[A-Za-z0-9]{2,20}"/

/** In text of one letter a byte. All marks of a run share what follows it, and every fourth one the bytes that its header holds. */
export function signedTokensIn(text: string): Look {
  const endOf = runsIn(text)
  let run = -1
  let isHeader = false
  let nameless = new Set<number>()
  return (at) => {
    const end = endOf(at)
    if (end !== run) {
      run = end
      isHeader = endOfMatch(payload, text, end) !== undefined
      nameless = new Set()
    }
    if (!isHeader || end - at > maxHeader || nameless.has(at % 4)) return false
    const isNamed = algorithm.test(Buffer.from(text.slice(at, end), 'base64url').toString('latin1'))
    // what begins later in the same bytes names none either
    if (!isNamed) nameless.add(at % 4)
    return isNamed
  }
}

/** Where the run of letters of base64url ends that a place lies in, for places from left to right. */
function runsIn(text: string): (at: number) => number {
  const noLetter = /[^A-Za-z0-9_-]/g
  let end = -1
  return (at) => {
    if (at < end) return end
    noLetter.lastIndex = at
    end = noLetter.exec(text)?.index ?? text.length
    return end
  }
}

/** Where a match of a sticky expression that begins at this place ends. */
export function endOfMatch(form: RegExp, text: string, at: number): number | undefined {
  form.lastIndex = at
  return form.test(text) ? form.lastIndex : undefined
}

/**
 * Names that are one name to whoever cleans before training: case, blanks, invisible characters, compatibility forms,
 * leading zeros, and Cyrillic or Greek letters that look like Latin ones.
 *
 * LIMIT: of look-alikes only the letters below; Unicode's whole list (UTS 39) is in no library that is here.
 */

const [foreign, latin] = ['асԁеһіјӏкмнорԛтѕуԝхвαβεηικμνορτυχγ', 'acdehijlkmhopqtsywxbabehikmvoptuxy']
const latinOf = new Map([...foreign].map((letter, at) => [letter, [...latin][at] ?? letter]))

/** Equal for names that differ in their spelling alone. */
export function plainSpelling(name: string): string {
  const folded = name
    .normalize('NFKC')
    .replace(/[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}\u2800]/gu, (character) =>
      /\s/u.test(character) ? ' ' : '',
    )
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKC')
    .replace(/\s+/gu, ' ')
    .trim()
  const number = /^[+-]?\d+(\.\d+)?$/.test(folded) ? Number(folded) : Number.NaN
  return Number.isFinite(number) ? String(number + 0) : folded.replace(/./gu, (letter) => latinOf.get(letter) ?? letter)
}

/**
 * Images that look alike: groups of difference hashes that are few bits apart. Pure.
 *
 * Two hashes of 256 bits that differ in at most 10 agree in at least 6 of their 16 bands of 16 bits: only those that share
 * a band are compared. LIMIT: a band that more than 200 share says nothing (a plain area) and is not followed.
 */

const bandDigits = 4
const maxDistance = 10
const maxShared = 200

/** @param looks hex digits, all of one length; the empty text is none @returns indices, groups of two or more */
export function alikeGroups(looks: readonly string[]): readonly (readonly number[])[] {
  const root = looks.map((_, index) => index)
  const find = (index: number): number => {
    let at = index
    for (let up = root[at] ?? at; up !== at; up = root[at] ?? at) at = up
    root[index] = at
    return at
  }
  for (const shared of bandsOf(looks)) {
    for (const [place, left] of shared.entries()) {
      for (const right of shared.slice(place + 1)) {
        if (find(left) !== find(right) && distance(looks[left] ?? '', looks[right] ?? '') <= maxDistance)
          root[find(right)] = find(left)
      }
    }
  }
  const groups = new Map<number, number[]>()
  for (const index of looks.keys()) {
    const group = groups.get(find(index)) ?? []
    group.push(index)
    groups.set(find(index), group)
  }
  return [...groups.values()].filter(({ length }) => length > 1)
}

function bandsOf(looks: readonly string[]): readonly (readonly number[])[] {
  const bands = new Map<string, number[]>()
  for (const [index, look] of looks.entries()) {
    for (let at = 0; at < look.length; at += bandDigits) {
      const band = look.slice(at, at + bandDigits)
      if (band === '0000' || band === 'ffff') continue
      const key = `${at} ${band}`
      const shared = bands.get(key)
      if (shared === undefined) bands.set(key, [index])
      else shared.push(index)
    }
  }
  return [...bands.values()].filter(({ length }) => length > 1 && length <= maxShared)
}

/** Bits that differ. */
function distance(left: string, right: string): number {
  if (left.length !== right.length) return Number.POSITIVE_INFINITY
  let bits = 0
  for (let at = 0; at < left.length; at += 8) {
    let different = Number.parseInt(left.slice(at, at + 8), 16) ^ Number.parseInt(right.slice(at, at + 8), 16)
    while (different !== 0) {
      different &= different - 1
      bits += 1
    }
  }
  return bits
}

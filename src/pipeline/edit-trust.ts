/** Changes to the text of `trust.yaml` that leave the rest of it as it is, comments too. Pure. */
import { isMap, isScalar, isSeq, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml'

export type NewKey = Readonly<{ name: string; publicPem: string; principal?: string | undefined }>

/** A key beside another one: believed for all that the other is believed for. @param until last day of the other */
export function withSuccessor(text: string, of: string, key: NewKey, until?: string): string {
  const document = parseDocument(text)
  const { name, publicPem, principal } = key
  document.setIn(
    ['keys', name],
    document.createNode({ publicKey: publicPem, ...(principal === undefined ? {} : { principal }) }),
  )
  if (until !== undefined) document.setIn(['keys', of, 'until'], until)
  const roles = document.get('roles')
  for (const { value } of isMap(roles) ? roles.items : []) {
    const list = isMap(value) ? value.get('anyOf') : value
    if (isSeq(list)) addTo(list, of, name)
  }
  return document.toString({ lineWidth: 0 })
}

/** Names of a role, or grants of a builder. */
function addTo(list: YAMLSeq, of: string, name: string): void {
  for (const item of [...list.items]) {
    if (isScalar(item) && item.value === of) list.add(name)
    if (isMap(item) && item.get('key') === of) list.add(copyOf(item, name))
  }
}

function copyOf(grant: YAMLMap, name: string): YAMLMap {
  const copy = grant.clone() as YAMLMap // the clone of a map is a map
  copy.set('key', name)
  return copy
}

export function withRevokedKey(
  text: string,
  name: string,
  revoked: Readonly<{ since?: string | undefined; because: string }>,
): string {
  const document = parseDocument(text)
  const { since, because } = revoked
  document.setIn(['keys', name, 'revoked'], document.createNode({ ...(since === undefined ? {} : { since }), because }))
  return document.toString({ lineWidth: 0 })
}

/** `ada` -> `ada-2` -> `ada-3`, whichever is free. */
export function nextName(name: string, taken: ReadonlySet<string>): string {
  const [, stem = name, number = '1'] = /^(.*)-(\d{1,4})$/.exec(name) ?? []
  for (let next = Number(number) + 1; ; next += 1) {
    if (!taken.has(`${stem}-${next}`)) return `${stem}-${next}`
  }
}

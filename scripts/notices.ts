/** The licences of what is bundled into `dist/`, as their holders ask: text and name, beside the code. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Licences that ask for nothing but their own text. Another one is a decision, not a build. */
const accepted: ReadonlySet<string> = new Set(['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD'])

/** Packages that forgot their text, and one of the same repository, holder and licence that has it. */
const textOf: Readonly<Record<string, string>> = { '@sigstore/verify': '@sigstore/core' }

export type Notice = Readonly<{ name: string; version: string; licence: string; texts: readonly string[] }>

/** @param folder absolute folder of an installed package */
export function noticeOf(folder: string): Notice {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>
  const name = String(manifest['name'])
  const other = textOf[name]
  return {
    name,
    version: String(manifest['version']),
    licence: String(manifest['license']),
    texts: textsIn(other === undefined ? folder : folder.replace(name, other)),
  }
}

function textsIn(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => /^(licen[cs]e|notice|copying)/i.test(name))
    .toSorted()
    .map((name) => readFileSync(join(folder, name), 'utf8').trim())
}

/** What stands in the way of shipping these packages. */
export function noticeFaults(notices: readonly Notice[]): readonly string[] {
  return notices.flatMap(({ name, licence, texts }) => {
    if (!accepted.has(licence)) return [`${name} has the licence ${licence}, which nobody has accepted yet`]
    return texts.length === 0 ? [`${name} has no file with the text of its licence`] : []
  })
}

export function printNotices(notices: readonly Notice[]): string {
  const head = 'assay is licensed under the Apache License 2.0 (LICENSE). These packages are part of dist/:\n'
  const list = notices.map(({ name, version, licence }) => `  ${name} ${version} (${licence})`).join('\n')
  const rule = '='.repeat(80)
  const texts = notices.map(({ name, version, texts: all }) => `${rule}\n${name} ${version}\n\n${all.join('\n\n')}\n`)
  return [head, `${list}\n`, ...texts].join('\n')
}

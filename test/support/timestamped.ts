/** Projects whose statements are timestamped, and what is asked of them. */
import type { Document, Scratch } from './scratch.ts'
import { driven } from './signing.ts'

export const model = 'model/count.txt'

/** A verb with `--json`, as somebody with this folder of keys and these variables. */
export async function ask(
  project: Scratch,
  { exit = 0, keys = project.keys, ...variables }: Readonly<{ exit?: number; keys?: string; ASSAY_TSA_URL?: string }>,
  ...args: readonly string[]
): Promise<Document> {
  return await driven({ ...project, keys }, variables)(exit, ...args)
}

export const codesOf = ({ findings }: Document): readonly string[] => [
  ...new Set<string>(
    findings.flatMap(({ passed, code }: Document) => (passed || code === 'ERR_LEVEL_TOO_LOW' ? [] : [code])),
  ),
]

/** `trust.yaml` with the authority, and the only key as root. */
export function listAuthority(project: Scratch, certificate: string): string {
  const text = project.read('trust.yaml')
  const name = /keys:\n {2}([\w-]+):/.exec(text)?.[1] ?? ''
  const indented = certificate.trim().replaceAll('\n', '\n      ')
  project.write({
    'trust.yaml': `${text.replace('  reviewer:', `  root: [${name}]\n  reviewer:`)}timestamps:\n  - certificate: |\n      ${indented}\n`,
  })
  project.commit('list a timestamp authority, and who signs the status')
  return name
}

/**
 * Files that the source starts by URL: `new URL('./x.ts', import.meta.url)`, for workers and for the signer's process.
 *
 * A bundler does not follow them, so each becomes a bundle of its own and the URL is rewritten to it. All bundles lie
 * flat in `dist/`, which makes the rewritten URL right wherever the code ends up.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import type { Plugin } from 'rolldown'
import { parseAst } from 'rolldown/parseAst'
import { eachNode } from './syntax.ts'

export type FileUrl = Readonly<{ start: number; end: number; target: string }>

/** Every `new URL('<relative>.ts', import.meta.url)` of a module; `start` and `end` are those of the string literal. */
export function fileUrlsIn(code: string, file: string): readonly FileUrl[] {
  if (!code.includes('import.meta.url')) return []
  const found: FileUrl[] = []
  eachNode(parseAst(code, { lang: 'ts' }), (node) => {
    if (node['type'] !== 'NewExpression' || node['callee']?.name !== 'URL') return
    const [path, base] = node['arguments'] ?? []
    if (path?.type !== 'Literal' || typeof path.value !== 'string' || !path.value.endsWith('.ts')) return
    if (base?.type !== 'MemberExpression' || base.object?.type !== 'MetaProperty') return
    found.push({ start: path.start, end: path.end, target: resolve(dirname(file), path.value) })
  })
  return found
}

/** `src/data/hash-worker.fs.ts` -> `data-hash-worker`; `src/attestation/signer/main.ts` -> `signer`. */
export function bundleNameOf(root: string, file: string): string {
  const path = relative(join(root, 'src'), file).replace(/(\.(fs|exec|http|sqlite|duckdb))?\.ts$/, '')
  return basename(path) === 'main' ? basename(dirname(path)) : path.replaceAll('/', '-')
}

/** All files below `src` that are started by URL, sorted; what only tests start does not count. */
export function startedFiles(root: string): readonly string[] {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => join(root, 'src', name))
  return [
    ...new Set(files.flatMap((file) => fileUrlsIn(readFileSync(file, 'utf8'), file).map(({ target }) => target))),
  ].sort()
}

/** Rewrites the URLs while bundling. */
export function workerUrls(root: string): Plugin {
  return {
    name: 'assay-worker-urls',
    transform(code, id) {
      if (!id.endsWith('.ts')) return null
      const urls = fileUrlsIn(code, id).toSorted((left, right) => right.start - left.start)
      if (urls.length === 0) return null
      let rewritten = code
      for (const { start, end, target } of urls) {
        rewritten = `${rewritten.slice(0, start)}'./${bundleNameOf(root, target)}.js'${rewritten.slice(end)}`
      }
      return { code: rewritten, moduleType: 'ts' }
    },
  }
}

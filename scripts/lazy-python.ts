/**
 * Python's grammar for the command line, made when something is first read by it: its tables took a twentieth of every verb that
 * opens a project, and few of them read Python.
 *
 * A bundler runs a module that is `require`d when that is called, where one that is imported runs at the start. The module
 * stays in the bundle; INVARIANT: of `parser` nothing but `parse` is called, which the types of both readers would show.
 */
import { join } from 'node:path'
import type { Plugin } from 'rolldown'

const grammar = '@lezer/python'
const lazily = `export const parser = { parse: (text) => require('${grammar}').parser.parse(text) }\n`

export function lazyPython(root: string): Plugin {
  const standIn = join(root, 'src/lazy-python.js')
  return {
    name: 'assay-lazy-python',
    resolveId: (id, importer) => (id === grammar && importer !== standIn ? standIn : null),
    load: (id) => (id === standIn ? { code: lazily, moduleType: 'js' } : null),
  }
}

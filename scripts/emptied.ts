/**
 * Modules of packages whose functions are never called in a bundle, and which the bundler cannot see to be unused since
 * methods refer to them: each export becomes a function that says so when it is called after all.
 */
import type { Plugin } from 'rolldown'
import { parseAst } from 'rolldown/parseAst'

/** @param paths ends of module ids, such as `zod/v4/core/to-json-schema.js` */
export function emptied(paths: readonly string[]): Plugin {
  return {
    name: 'assay-emptied',
    transform(code, id) {
      if (!paths.some((path) => id.endsWith(`/${path}`))) return null
      const names = exportsOf(code).map((name) => `unused as ${name}`)
      return {
        code: `const unused = () => { throw new Error('left out of this bundle') }\nexport { ${names.join(', ')} }\n`,
        moduleType: 'js',
      }
    },
  }
}

/** Names that a module exports itself. */
export function exportsOf(code: string): readonly string[] {
  return parseAst(code).body.flatMap((node) => {
    if (node.type !== 'ExportNamedDeclaration') return []
    const declared = node.declaration
    const own =
      declared === null
        ? []
        : declared.type === 'VariableDeclaration'
          ? declared.declarations.map(({ id }) => id)
          : 'id' in declared
            ? [declared.id]
            : []
    return [...own, ...node.specifiers.map(({ exported }) => exported)].flatMap((name) =>
      name?.type === 'Identifier' ? [name.name] : [],
    )
  })
}

/**
 * What nobody calls in `assay/verify`, and a bundler cannot see to be unused: names of formats that no shape of ours has, and
 * methods of schemas that answer later. A release of zod that is written otherwise ends the build.
 */
import type { Plugin } from 'rolldown'

const cuts: readonly (readonly [path: string, pattern: RegExp, instead: string])[] = [
  [
    'zod/v4/locales/en.js',
    /const FormatDictionary = \{[^}]*\}/,
    "const FormatDictionary = { datetime: 'ISO datetime', date: 'ISO date' }",
  ],
  ['zod/v4/locales/en.js', /\n {8}file: \{[^}]*\},|\n {8}set: \{[^}]*\},|\n {8}map: \{[^}]*\},/g, ''],
  ['zod/v4/locales/en.js', /if \(_issue\.format === "starts_with"\)[\s\S]*?(?=if \(_issue\.format === "regex"\))/, ''],
  ['zod/v4/locales/en.js', /case "not_multiple_of":[\s\S]*?(?=case "unrecognized_keys")/, ''],
  ['zod/v4/mini/schemas.js', /\n {4}register\(reg, meta\) \{[^}]*\},/, ''],
  ['zod/v4/mini/schemas.js', /\n {4}parseAsync\(data, params\) \{[^}]*\{[^}]*\}[^}]*\},/, ''],
  ['zod/v4/mini/schemas.js', /\n {4}safeParseAsync\(data, params\) \{[^}]*\},/, ''],
]

export function slimZod(): Plugin {
  return {
    name: 'assay-slim-zod',
    transform(code, id) {
      const own = cuts.filter(([path]) => id.endsWith(`/${path}`))
      if (own.length === 0) return null
      const cut = own.reduce((text, [path, pattern, instead]) => {
        if (text.search(pattern) < 0) throw new Error(`${path} is written otherwise than scripts/slim-zod.ts expects`)
        return text.replace(pattern, instead)
      }, code)
      return { code: cut, moduleType: 'js' }
    },
  }
}

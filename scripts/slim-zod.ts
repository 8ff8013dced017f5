/**
 * What nobody calls in `assay/verify`, and a bundler cannot see to be unused: names of formats that no shape of ours has,
 * and what schemas do when they answer later, read backwards or remember. A release of zod that is written otherwise ends the build.
 */
import type { Plugin } from 'rolldown'

const schemas = 'zod/v4/core/schemas.js'

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
  // What answers later is no yes: without these a promise would let pass whatever it was asked about, or stand in its place.
  [schemas, /(function handleRefineResult\([^)]*\) \{\n {4}if \()!result\)/, '$1result !== true)'],
  [
    schemas,
    /const _ = ch\._zod\.check\(payload\);\n {16}if \(_ instanceof Promise[^{]*\{[^}]*\}/,
    'if (ch._zod.check(payload) instanceof Promise) throw TypeError();',
  ],
  [schemas, /if \(_out instanceof Promise\) \{[^}]*\}/, 'if ((_out) instanceof Promise) throw TypeError();'],
  // Nobody asks a schema which release of zod made it.
  [schemas, /\n {4}inst\._zod\.version = version;/, ''],
  ['zod/v4/core/util.js', /"captureStackTrace" in Error/, 'false'],
  ['zod/v4/core/core.js', /"captureStackTrace" in Error/, 'false'],
  // Nothing of ours answers later, and nothing is read backwards, coerced, ended early or remembered.
  [schemas, /if \(asyncResult \|\| _ instanceof Promise\) \{[\s\S]*?\n {16}\}\n {16}else /, ''],
  [schemas, /\n {12}let asyncResult;|\n {12}if \(asyncResult\) \{[\s\S]*?\n {12}\}/g, ''],
  [schemas, /\bproms\.length\b/g, '0'],
  [schemas, /\b\w+ instanceof Promise\b/g, 'false'],
  ['zod/v4/core/checks.js', /\b\w+ instanceof Promise\b/g, 'false'],
  ['zod/v4/core/parse.js', /\b\w+ instanceof Promise\b/g, 'false'],
  [schemas, /\bctx\??\.(async|abortEarly)( === (true|false))?/g, 'false'],
  [schemas, /\bctx\??\.direction === "backward"/g, 'false'],
  [schemas, /\bctx\?\.direction !== "backward"/g, 'true'],
  [schemas, /\bctx\??\.skipChecks\b|\bpayload\.memo\b(?! =)/g, 'false'],
  [schemas, /\bdef\.coerce\b/g, 'false'],
  [schemas, /\bcore\.globalConfig\.memoizer/g, 'undefined'],
  [schemas, /\bdef\.rest\b/g, 'false'],
  [schemas, /const values = def\.keyType\._zod\.values;/g, 'const values = undefined;'],
  [schemas, /\bdef\.mode === "loose"/g, 'false'],
  ['zod/v4/mini/schemas.js', /\n {4}parse\(data, params\) \{[^}]*\{[^}]*\}[^}]*\},/, ''],
  ['zod/v4/mini/schemas.js', /\n {4}(brand|apply)\([^)]*\) \{[^}]*\},/g, ''],
  ['zod/v4/mini/schemas.js', /\n {4}get with\(\) \{[^}]*\},\n {4}set with\(value\) \{[^}]*\},/, ''],
  ['zod/v4/core/core.js', /\n {4}const E = _E;\n {4}if \(E\) \{[\s\S]*?\n {4}\}/, ''],
  ['zod/v4/core/errors.js', /\n {4}const proto = Object\.getPrototypeOf\(inst\);[\s\S]*?\n {4}\}(?=\n\})/, ''],
  ['zod/v4/core/errors.js', /\n {4}Object\.defineProperty\(inst, "message", _messageDesc\);/, ''],
  [
    'zod/v4/mini/schemas.js',
    /util\.installLazyProp\(inst, "shape", [^\n]*\);/,
    'Object.defineProperty(inst, "shape", { get: () => inst._zod.def.shape });',
  ],
  // No shape of ours has members that are computed, or refers to itself; no key of a record is a number.
  ['zod/v4/core/util.js', /if \(desc\.get\)/g, 'if (false)'],
  ['zod/v4/core/util.js', /desc\?\.get \? desc\.get\.raw : /, ''],
  [schemas, /desc\?\.get \? desc\.get\.raw : /, ''],
  [schemas, /\n {4}if \(sh\) \{[\s\S]*?\n {4}\}/, ''],
  [schemas, /const checkNumericKey = [^\n]*;/, 'const checkNumericKey = false;'],
  [
    'zod/v4/core/util.js',
    /Object\.defineProperty\(this, key, breaker\);[\s\S]*?\n {12}\}\n {8}\},\n {8}set\(value\)/,
    'const value = compute(this);\nObject.defineProperty(this, key, { configurable: true, writable: true, value });\nreturn value;\n},\nset(value)',
  ],
  // Our instants are in UTC, to any fraction of a second; our whole numbers are safe ones.
  ['zod/v4/core/regexes.js', /\bargs\.(offset|local)\b/g, 'false'],
  ['zod/v4/core/regexes.js', /\bargs\.precision\b/g, 'null'],
  ['zod/v4/core/util.js', /\n {4}(int32|uint32|float32|float64): \[[^\]]*\],/g, ''],
  [schemas, /\bdef\.unionFallback\b/g, 'false'],
  // Only templates and other libraries ask for these.
  [schemas, /\n {4}util\.defineLazyInternal\(inst, "pattern", \(zod\) => (\{[\s\S]*?\n {4}\}|[^{][^\n]*)\);/g, ''],
  // Only literals and enumerations tell the options of a union apart, and no option is such a union itself.
  [schemas, /\n {4}util\.defineLazyInternal\(inst, "values", \(zod\) => (\{[\s\S]*?\n {4}\}|[^{][^\n]*)\);/g, ''],
  [
    schemas,
    /\n {4}util\.defineLazyInternal\(inst, "propValues", \(zod\) => \{\n {8}const propValues = \{\};\n {8}let undefinedCount[\s\S]*?\n {4}\}\);/,
    '',
  ],
  // Words for who spells a shape wrongly: the tool has the same shapes and says them.
  [schemas, /\n {4}for \(const k of allKeys\) \{\n {8}if \(!def\.shape[\s\S]*?\n {4}\}/, ''],
  ['zod/v4/core/util.js', /(export function extend\(schema, shape\) \{)[\s\S]*?(?=\n {4}return clone)/, '$1'],
  ['zod/v4/core/util.js', /\n {8}if \(params\?\.error !== undefined\)\n[^\n]*/, ''],
  [
    'zod/v4/mini/schemas.js',
    /(export function record\(keyType, valueType, params\) \{)[\s\S]*?(?=\n {4}return new ZodMiniRecord\(\{\n {8}type: "record",\n {8}keyType,)/,
    '$1',
  ],
  // Words for who calls @noble wrongly, which no verdict can, and copies of a hash that is half made.
  [
    '@noble/hashes/utils.js',
    /if \(length !== undefined\)\n {8}anumber[\s\S]*?throw new RangeError\(message\);/,
    'throw new TypeError();',
  ],
  ['@noble/hashes/_md.js', /\n {4}_cloneIntoMeta\(to\) \{[\s\S]*?\n {4}\}\n {4}clone\(\) \{[^}]*\}/, ''],
  ['@noble/hashes/sha2.js', /\n {4}_cloneInto\(to\) \{[^}]*\}/g, ''],
  [schemas, /\n {4}get "~standard"\(\) \{[^}]*\},\n {4}set "~standard"\(value\) \{[^}]*\},/, ''],
]

/**
 * THREAT: a function of a shape that answers later. Shapes of the library are given functions by `check`, `refine`, `transform`
 * and `custom` alone (browser-zod.ts has no others). An `async` one that is written in its place ends the build. Of one that is
 * given by name the build does not know; when it is asked, `refine` and `custom` refuse the value, `check` and `transform` throw.
 * Not caught: what looks like a promise and is none, from `check` or `transform`.
 */
const later = /\.(?:check|overwrite|refine|superRefine|transform|custom)\(\s*async\b|\bz\.promise\(/

export function slimZod(): Plugin {
  return {
    name: 'assay-slim-zod',
    transform(code, id) {
      if (!id.includes('/node_modules/') && later.test(code))
        throw new Error(`${id} has a check of a schema that answers later, which assay/verify cannot wait for`)
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

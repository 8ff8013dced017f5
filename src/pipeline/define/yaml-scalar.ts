/**
 * What a plain YAML scalar means to DVC, which reads with ruamel.yaml in YAML 1.2 mode (1.1 after `%YAML 1.1`).
 *
 * SOURCE: ruamel.yaml 0.19 resolver.py (implicit_resolvers) and constructor.py (SafeConstructor); each pattern stands
 * here as there, so `010` is ten, `1_000` a thousand, `0b11` three, and an unquoted date is a date.
 */
import { maxIntegerDigits } from './limits.ts'
import type { Foreign, Scalar } from './value.ts'

export type YamlVersion = '1.1' | '1.2'
export type ScalarTag = 'null' | 'bool' | 'int' | 'float' | 'timestamp' | 'merge' | 'value' | 'str'

type Rule = Readonly<{ tag: ScalarTag; first: string; pattern: RegExp }>

const timestamp =
  /^(?:\d{4}-\d\d-\d\d|\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?)$/
const common: readonly Rule[] = [
  { tag: 'merge', first: '<', pattern: /^<<$/ },
  { tag: 'null', first: '~nN', pattern: /^(?:~|null|Null|NULL)$/ },
  { tag: 'timestamp', first: '0123456789', pattern: timestamp },
  { tag: 'value', first: '=', pattern: /^=$/ },
]
const rules: Readonly<Record<YamlVersion, readonly Rule[]>> = {
  '1.2': [
    { tag: 'bool', first: 'tTfF', pattern: /^(?:true|True|TRUE|false|False|FALSE)$/ },
    {
      tag: 'float',
      first: '-+0123456789.',
      pattern:
        /^(?:[-+]?\d[\d_]*\.[\d_]*(?:[eE][-+]?\d+)?|[-+]?\d[\d_]*[eE][-+]?\d+|[-+]?\.[\d_]+(?:[eE][-+]\d+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/,
    },
    {
      tag: 'int',
      first: '-+0123456789',
      pattern: /^(?:[-+]?0b[01_]+|[-+]?0o?[0-7_]+|[-+]?[\d_]+|[-+]?0x[\da-fA-F_]+)$/,
    },
    ...common,
  ],
  '1.1': [
    {
      tag: 'bool',
      first: 'yYnNtTfFoO',
      pattern: /^(?:y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/,
    },
    {
      tag: 'float',
      first: '-+0123456789.',
      pattern:
        /^(?:[-+]?\d[\d_]*\.[\d_]*(?:[eE][-+]?\d+)?|[-+]?\d[\d_]*[eE][-+]?\d+|\.[\d_]+(?:[eE][-+]\d+)?|[-+]?\d[\d_]*(?::[0-5]?\d)+\.[\d_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/,
    },
    {
      tag: 'int',
      first: '-+0123456789',
      pattern:
        /^(?:[-+]?0b[01_]+|[-+]?0?[0-7_]+|[-+]?(?:0|[1-9][\d_]*)|[-+]?0x[\da-fA-F_]+|[-+]?[1-9][\d_]*(?::[0-5]?\d)+)$/,
    },
    ...common,
  ],
}

export function tagOfPlain(text: string, version: YamlVersion): ScalarTag {
  const first = text[0]
  if (first === undefined) return 'null'
  return rules[version].find((rule) => rule.first.includes(first) && rule.pattern.test(text))?.tag ?? 'str'
}

/** The value of a scalar under a tag, or undefined when the text is none (Python raises there too). */
export function scalarOf(tag: ScalarTag, text: string, version: YamlVersion): Scalar | Foreign | undefined {
  if (tag === 'null') return null
  if (tag === 'bool') return booleanOf(text)
  if (tag === 'int') return integerOf(text, version)
  if (tag === 'float') return floatOf(text, version)
  if (tag === 'timestamp') return timestampOf(text)
  return tag === 'str' ? text : undefined
}

function booleanOf(text: string): boolean | undefined {
  const word = text.toLowerCase()
  if (['yes', 'y', 'true', 'on'].includes(word)) return true
  return ['no', 'n', 'false', 'off'].includes(word) ? false : undefined
}

function integerOf(text: string, version: YamlVersion): bigint | undefined {
  const plain = text.replaceAll('_', '')
  const negative = plain.startsWith('-')
  const digits = /^[-+]/.test(plain) ? plain.slice(1) : plain
  const magnitude = magnitudeOf(digits, version)
  return magnitude === undefined ? undefined : negative ? -magnitude : magnitude
}

function magnitudeOf(digits: string, version: YamlVersion): bigint | undefined {
  if (digits.length > maxIntegerDigits) return undefined
  if (/^0(?:b[01]+|x[\da-fA-F]+|o[0-7]+)$/.test(digits)) return BigInt(digits)
  if (version === '1.1' && /^0[0-7]+$/.test(digits)) return BigInt(`0o${digits}`)
  if (version === '1.1' && digits.includes(':')) {
    return digits.split(':').reduce((sum, part) => sum * 60n + BigInt(part), 0n)
  }
  return /^\d+$/.test(digits) ? BigInt(digits) : undefined
}

function floatOf(text: string, version: YamlVersion): number | undefined {
  const plain = text.replaceAll('_', '').toLowerCase()
  const sign = plain.startsWith('-') ? -1 : 1
  const body = /^[-+]/.test(plain) ? plain.slice(1) : plain
  if (body === '.inf') return sign * Number.POSITIVE_INFINITY
  if (body === '.nan') return Number.NaN
  if (version === '1.1' && body.includes(':')) {
    return sign * body.split(':').reduce((sum, part) => sum * 60 + Number(part), 0)
  }
  return /^(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/.test(body) ? sign * Number(body) : undefined
}

const dateParts = /^(\d{4})-(\d\d?)-(\d\d?)(?:(?:[Tt]|[ \t]+)(\d\d?):(\d\d):(\d\d))?/

function timestampOf(text: string): Foreign | undefined {
  const parts = dateParts.exec(text)
  if (parts === null) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts
    .slice(1)
    .map((part) => Number(part ?? 0))
  // Python's dates begin with year 1; day 0 of the next month is the last one of this.
  const lastDay = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate()
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > lastDay) return undefined
  if (hour > 23 || minute > 59 || second > 59) return undefined
  return { foreign: parts[4] === undefined ? 'date' : 'datetime', text }
}

/** From the nodes of the `yaml` library to values: tags, aliases, merge keys, duplicates, limits. Read by `yaml.ts`. */
import {
  isAlias,
  isMap as isMapNode,
  isScalar,
  isSeq,
  type Pair,
  type Scalar as ScalarNode,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml'
import { maxDepth, maxNodes } from './limits.ts'
import {
  bytesOf,
  type Foreign,
  groupOf,
  isForeign,
  isList,
  isMap,
  isTruthy,
  type Key,
  keyIdentity,
  type Value,
  type ValueMap,
} from './value.ts'
import { scalarOf, tagOfPlain, type YamlVersion } from './yaml-scalar.ts'

/** container -> key or index -> offset of the key and of the value. */
export type Offsets = WeakMap<object, Map<Key | number, readonly [number, number]>>

type Setting = Readonly<{
  text: string
  version: YamlVersion
  offsets: Offsets
  fault(offset: number, what: string, help?: string): Error
}>
type Entry = Readonly<{ key: Key; value: Value; places: readonly [number, number] }>
type Anchored = Readonly<{ value: Value; weight: number }>

const standard = 'tag:yaml.org,2002:'
const unfinished = Symbol('unfinished')

/** One use, one document: it holds the anchors seen so far. */
export class NodeReader {
  readonly #setting: Setting
  readonly #anchors = new Map<string, Anchored | typeof unfinished>()
  #depth = 0
  #nodes = 0
  /** Flow collections that are open. */
  #flow = 0

  constructor(setting: Setting) {
    this.#setting = setting
  }

  read(contents: unknown): Value {
    const value = this.#value(contents, 0)
    // As DVC: `load(text) or {}`.
    return isTruthy(value) ? value : new Map()
  }

  #value(node: unknown, offset: number): Value {
    this.#count(1, offset)
    if (node === null || node === undefined) return null
    if (isAlias(node)) return this.#aliased(node.source, startOf(node, offset))
    const anchor = anchorOf(node)
    if (anchor === undefined) return this.#plainValue(node, offset)
    this.#anchors.set(anchor, unfinished)
    const before = this.#nodes
    const value = this.#plainValue(node, offset)
    this.#anchors.set(anchor, { value, weight: this.#nodes - before + 1 })
    return value
  }

  #plainValue(node: unknown, offset: number): Value {
    if (isScalar(node)) return this.#scalar(node)
    if (!isMapNode(node) && !isSeq(node)) throw this.#setting.fault(offset, 'not a YAML value')
    this.#depth += 1
    const at = startOf(node, offset)
    if (this.#depth > maxDepth) throw this.#setting.fault(at, `nested deeper than ${maxDepth} levels`)
    if (node.flow === true) this.#flow += 1
    const value = isMapNode(node) ? this.#map(node, at) : this.#list(node, at)
    if (node.flow === true) this.#flow -= 1
    this.#depth -= 1
    return value
  }

  #aliased(name: string, offset: number): Value {
    const anchored = this.#anchors.get(name)
    if (anchored === undefined) throw this.#setting.fault(offset, `the alias \`*${name}\` has no anchor before it`)
    if (anchored === unfinished)
      throw this.#setting.fault(offset, `the alias \`*${name}\` stands inside its own anchor`)
    this.#count(anchored.weight, offset)
    return anchored.value
  }

  #scalar(node: ScalarNode): Value {
    const at = startOf(node, 0)
    const text = this.#textOf(node, at)
    const { version, fault } = this.#setting
    const tag = this.#scalarTag(node, text, at)
    if (tag === 'binary') {
      if (!isBase64(text)) throw fault(at, `\`${text.slice(0, 60)}\` is not base64`)
      return bytesOf(Buffer.from(text, 'base64').toString('latin1'))
    }
    const value = tag === 'merge' || tag === 'value' ? undefined : scalarOf(tag, text, version)
    if (value !== undefined) return value
    if (tag === 'merge' || tag === 'value') throw fault(at, `\`${text}\` has no meaning here`, 'quote it')
    throw fault(at, `\`${text.slice(0, 60)}\` is not ${articled[tag]}`, 'quote it when it is text')
  }

  /** SOURCE: ruamel gives a block scalar the line end that the file has: none when the file ends without one. */
  #textOf(node: ScalarNode, at: number): string {
    const text = String(node.value ?? '')
    const source = this.#setting.text
    const isBlock = node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED'
    if (isBlock && (node.range?.[1] ?? 0) >= source.length && !source.endsWith('\n')) return text.replace(/\n$/, '')
    if (node.type === 'PLAIN' && this.#flow > 0 && /(?:^|\s):|^\?/.test(text)) {
      throw this.#setting.fault(at, `\`${text.slice(0, 60)}\` is read differently by different tools`, 'quote it')
    }
    return text
  }

  #scalarTag(node: ScalarNode, text: string, at: number): ReturnType<typeof tagOfPlain> | 'binary' {
    const tag = node.tag
    if (tag === '!' && this.#setting.text[at - 1] === '!')
      throw this.#setting.fault(at, 'not YAML: a space is missing after `!`')
    const isUntagged = tag === undefined || tag === '!'
    if (isUntagged) return node.type === 'PLAIN' ? tagOfPlain(text, this.#setting.version) : 'str'
    const name = tag.startsWith(standard) ? tag.slice(standard.length) : undefined
    if (name === 'binary' || (name !== undefined && Object.hasOwn(articled, name))) {
      return name as keyof typeof articled | 'binary' // narrowed by the line above
    }
    throw this.#setting.fault(at, `the tag \`${tag}\` is not known`)
  }

  #list(node: YAMLSeq, at: number): Value {
    const name = this.#collectionTag(node.tag, ['seq', 'omap', 'pairs'], at)
    const places = new Map<number, readonly [number, number]>()
    const items = node.items.map((item, index) => {
      const place = startOf(item, at)
      places.set(index, [place, place])
      return this.#colonText(node, item) ?? this.#value(item, place)
    })
    const value = name === 'seq' ? items : this.#ordered(name, items, at)
    this.#setting.offsets.set(value as object, places) // a list or map, never a scalar
    return value
  }

  /** `!!omap` is a map; `!!pairs` is a list of tuples. */
  #ordered(name: string, items: readonly Value[], at: number): Value {
    const pairs = items.map((item): readonly [Key, Value] => {
      const [pair, ...more] = isMap(item) ? item : []
      if (pair === undefined || more.length > 0) throw this.#setting.fault(at, `\`!!${name}\` wants maps of one key`)
      return pair
    })
    if (name === 'omap') return new Map(pairs)
    return pairs.map(([key, value]): Foreign => groupOf('tuple', [key, value]))
  }

  /** SOURCE: in a flow list `a:` before `,` or `]` is text for ruamel and DVC, and a map for YAML 1.2.2. */
  #colonText(node: YAMLSeq, item: unknown): string | undefined {
    if (
      node.flow !== true ||
      !isMapNode(item) ||
      item.items.length !== 1 ||
      item.srcToken?.type === 'flow-collection'
    ) {
      return undefined
    }
    const [pair] = item.items
    return pair === undefined ? undefined : this.#colonKey(pair)
  }

  /** The key with its colon when the colon belongs to the key for ruamel; a fault where ruamel has one. */
  #colonKey(pair: Pair): string | undefined {
    const { key, value } = pair
    if (!isScalar(key) || key.type !== 'PLAIN') return undefined
    const end = key.range?.[1] ?? 0
    const { text, fault } = this.#setting
    const colon = /^([ \t]*):[,[\]{}]/.exec(text.slice(end, end + 100))
    if (colon === null) return undefined
    if (colon[1] !== '') throw fault(end, 'a colon that is read differently by different tools', 'quote the text')
    const empty = value === null || (isScalar(value) && value.source === '' && value.tag === undefined)
    if (!empty) throw fault(end, 'not YAML: a space is missing after the colon')
    return `${String(key.value)}:`
  }

  #collectionTag(tag: string | undefined, allowed: readonly string[], at: number): string {
    const [usual = ''] = allowed
    if (tag === undefined || tag === '!') return usual
    const name = tag.startsWith(standard) ? tag.slice(standard.length) : ''
    if (!allowed.includes(name)) throw this.#setting.fault(at, `the tag \`${tag}\` is not known here`)
    return name
  }

  #map(node: YAMLMap, at: number): Value {
    const name = this.#collectionTag(node.tag, ['map', 'set'], at)
    const own: Entry[] = []
    let merged: readonly Entry[] | undefined
    for (const pair of node.items) {
      const keyAt = startOf(pair.key, at)
      if (isMergeKey(pair.key)) {
        if ((merged?.length ?? 0) > 0) throw this.#setting.fault(keyAt, 'the key `<<` stands twice')
        merged = this.#mergedEntries(pair.value, keyAt)
      } else own.push(this.#entry(node, pair, keyAt))
    }
    const value = this.#assembled(own, merged ?? [])
    if (name === 'map') return value
    return groupOf('set', [...value.keys()])
  }

  #entry(node: YAMLMap, pair: Pair, keyAt: number): Entry {
    if (
      pair.key === null ||
      (isScalar(pair.key) && pair.key.type === 'PLAIN' && pair.key.source === '' && pair.key.tag === undefined)
    ) {
      throw this.#setting.fault(keyAt, 'a colon without a key before it', 'write the key, or quote the text')
    }
    if (node.flow === true) this.#refuseLongKey(pair.key, keyAt)
    const colon = node.flow === true ? this.#colonKey(pair) : undefined
    const key = colon ?? this.#key(pair.key, keyAt)
    const valueAt = startOf(pair.value, keyAt)
    return { key, value: this.#value(pair.value, valueAt), places: [keyAt, valueAt] }
  }

  /** SOURCE: ruamel scanner.py `stale_possible_simple_keys`: a key and its colon are on one line, 1024 apart at most. */
  #refuseLongKey(key: unknown, at: number): void {
    const { text, fault } = this.#setting
    const end = isScalar(key) || isMapNode(key) || isSeq(key) || isAlias(key) ? (key.range?.[1] ?? at) : at
    const colon = /^(?:\s|#[^\n]*\n)*:/.exec(text.slice(end, end + 2000))?.[0]
    if (colon === undefined || /\?\s*$/.test(text.slice(Math.max(0, at - 100), at))) return
    const whole = text.slice(at, end) + colon
    if (whole.includes('\n') || whole.length > 1025) throw fault(at, 'not YAML: a key and its colon are on one line')
  }

  #key(node: unknown, at: number): Key {
    const key = this.#value(node, at)
    if (Object.is(key, -0)) throw this.#setting.fault(at, 'minus zero cannot be a key', 'quote it')
    if (isList(key) && !key.some((item) => isList(item) || isMap(item))) {
      return groupOf('tuple', key)
    }
    if (isList(key) || isMap(key) || (isForeign(key) && key.foreign === 'set')) {
      throw this.#setting.fault(at, 'a list or map cannot be a key')
    }
    return key
  }

  /** INVARIANT: as ruamel, duplicates are refused unless the map merges another one; then the last one counts. */
  #assembled(own: readonly Entry[], merged: readonly Entry[]): ValueMap {
    const map = new Map<Key, Value>()
    const seen = new Map<string, Key>()
    const places = new Map<Key, readonly [number, number]>()
    for (const [index, entry] of [...merged, ...own].entries()) {
      const identity = keyIdentity(entry.key)
      const before = seen.get(identity)
      if (before !== undefined && merged.length === 0 && index > 0) {
        throw this.#setting.fault(entry.places[0], `the key \`${String(entry.key).slice(0, 60)}\` stands twice`)
      }
      const key = seen.has(identity) ? (before ?? null) : entry.key
      seen.set(identity, key)
      map.set(key, entry.value)
      places.set(key, entry.places)
    }
    this.#setting.offsets.set(map, places)
    return map
  }

  #mergedEntries(node: unknown, at: number): readonly Entry[] {
    const value = this.#value(node, at)
    const sources = isList(value) ? value.toReversed() : [value]
    return sources.flatMap((source) => {
      if (!isMap(source)) throw this.#setting.fault(at, '`<<` wants a map or a list of maps')
      this.#count(source.size, at)
      const places = this.#setting.offsets.get(source)
      return [...source].map(([key, item]) => ({ key, value: item, places: places?.get(key) ?? ([at, at] as const) }))
    })
  }

  #count(nodes: number, offset: number): void {
    this.#nodes += nodes
    if (this.#nodes > maxNodes) throw this.#setting.fault(offset, `more than ${maxNodes} values, aliases followed`)
  }
}

const articled = {
  null: 'null',
  bool: 'a boolean',
  int: 'an integer',
  float: 'a float',
  timestamp: 'a date',
  str: 'text',
  merge: 'a merge key',
  value: 'a value',
} as const

/** SOURCE: Python's `base64.decodebytes`: other characters are passed over, what is left comes in fours. */
function isBase64(text: string): boolean {
  const letters = text.replace(/[^A-Za-z\d+/=]/g, '')
  return (
    /^[\0-\u007f]*$/.test(text) &&
    /^(?:=*[A-Za-z\d+/]{4})*(?:=*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)=*|=*)$/.test(letters)
  )
}

function isMergeKey(key: unknown): boolean {
  return (
    isScalar(key) &&
    key.value === '<<' &&
    (key.type === 'PLAIN' ? key.tag === undefined : key.tag === `${standard}merge`)
  )
}

function anchorOf(node: unknown): string | undefined {
  return isScalar(node) || isMapNode(node) || isSeq(node) ? node.anchor : undefined
}

function startOf(node: unknown, otherwise: number): number {
  const known = isScalar(node) || isMapNode(node) || isSeq(node) || isAlias(node)
  return known ? (node.range?.[0] ?? otherwise) : otherwise
}

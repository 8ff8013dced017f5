/** `.dvc/config` and `.dvc/config.local` as one: what DVC would refuse is refused, and what a definition needs is told. */
import { DomainError, printable } from '../../core/index.ts'
import { defaultFlagStyle, type FlagStyle } from './command-flags.ts'
import { configFault } from './dvc-config-schema.ts'
import { type ConfigSection, type ConfigValue, isSection, readDvcConfig } from './dvc-config-text.ts'
import { decodeText } from './yaml.ts'

export type DvcSettings = Readonly<{
  style: FlagStyle
  /** Names of the remotes, in small letters. */
  remotes: ReadonlySet<string>
  /** False for `core.no_scm`: what git ignores is read then. */
  usesGit: boolean
  /** `cache.dir` as it is written, and whether `cache.shared` is the group. */
  cache: Readonly<{ dir?: string; isShared: boolean }>
}>

type Layer = Map<string, ConfigValue>

/** @throws ERR_DEFINITION_INVALID where DVC stops at its settings */
export function readDvcSettings(read: (path: string) => Uint8Array | undefined): DvcSettings {
  const config: Layer = new Map()
  for (const file of ['.dvc/config', '.dvc/config.local']) {
    const bytes = read(file)
    if (bytes === undefined) continue
    const text = decodeText(bytes, file, 'ERR_DEFINITION_INVALID')
    merge(config, withFamilies(lowered(readDvcConfig(text, file))))
  }
  const fault = configFault(config)
  if (fault !== undefined)
    throw new DomainError('ERR_DEFINITION_INVALID', printable(`\`.dvc/config\`: ${fault}`).slice(0, 1000))
  const isWithoutGit = String(sectionOf(config.get('core')).get('no_scm') ?? '').toLowerCase() === 'true'
  return {
    style: styleOf(config.get('parsing')),
    remotes: new Set(sectionOf(config.get('remote')).keys()),
    usesGit: !isWithoutGit,
    cache: cacheOf(sectionOf(config.get('cache'))),
  }
}

function cacheOf(section: ConfigSection): DvcSettings['cache'] {
  const dir = String(section.get('dir') ?? '')
  const isShared = String(section.get('shared') ?? '').toLowerCase() === 'group'
  return { ...(dir === '' ? {} : { dir }), isShared }
}

function lowered(section: ConfigSection): Layer {
  return new Map([...section].map(([key, value]) => [key.toLowerCase(), isSection(value) ? lowered(value) : value]))
}

/** `remote "name"` is the member `name` of `remote`. */
function withFamilies(sections: Layer): Layer {
  const families = new Map(['remote', 'machine', 'db'].map((family): [string, Layer] => [family, new Map()]))
  const others: Layer = new Map()
  for (const [name, value] of sections) {
    const [, family = '', member = ''] = /^\s*(remote|machine|db)\s*"(.*)"\s*$/.exec(name) ?? []
    if (family === '') others.set(name, value)
    else families.get(family)?.set(member, value)
  }
  return new Map([...families, ...others])
}

function merge(into: Layer, from: ConfigSection): void {
  for (const [key, value] of from) {
    const known = into.get(key)
    if (!isSection(known) || !isSection(value)) {
      into.set(key, value)
      continue
    }
    const both: Layer = new Map(known)
    merge(both, value)
    into.set(key, both)
  }
}

const sectionOf = (value: ConfigValue | undefined): ConfigSection => (isSection(value) ? value : new Map())

function styleOf(parsing: ConfigValue | undefined): FlagStyle {
  const settings = sectionOf(parsing)
  const chosen = (key: string): string => String(settings.get(key) ?? '').toLowerCase()
  const { bool, list } = defaultFlagStyle
  return {
    bool: chosen('bool') === '' ? bool : chosen('bool') === 'store_true' ? 'store_true' : 'boolean_optional',
    list: chosen('list') === '' ? list : chosen('list') === 'nargs' ? 'nargs' : 'append',
  }
}

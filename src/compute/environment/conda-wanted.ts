/**
 * What a conda `environment.yml` asks for: channels, specifications, and the `pip:` part, which is no part of conda. Pure.
 *
 * Trust: the file is the repository's own word. What comes out are addresses of channels and specifications of plain
 * names: nothing with a path, an address of a package or an option gets through.
 *
 * SOURCE: conda, "Creating an environment file manually"; "Package match specifications"; "Channels".
 */
import { z } from 'zod'
import { condaYaml } from './conda-lock.ts'
import { parseIndexUrl, type Refuse, refusalAt, refuseChoice, shapedLock } from './lock-text.ts'
import type { ReadWanted } from './wanted.ts'

export type CondaWanted = Readonly<{
  /** Addresses, in order of priority; those with a plain name lie below `publicChannels`. */
  channels: readonly string[]
  /** `numpy >=1.26`; `https://host/channel::numpy`. */
  specs: readonly string[]
  /** As they are written: requirements of pip, which no environment of conda holds. */
  pip: readonly string[]
  notes: readonly string[]
}>

/** Where channels with a plain name are; with a slash at its end. */
export const publicChannels = 'https://conda.anaconda.org/'
const defaultChannels = ['https://repo.anaconda.com/pkgs/main', 'https://repo.anaconda.com/pkgs/r']

const shape = z.looseObject({
  channels: z.array(z.string()).nullable().optional(),
  dependencies: z.array(z.union([z.string(), z.looseObject({ pip: z.array(z.string()).nullable().optional() })])),
})

/** @throws ERR_ENV_LOCK_INVALID */
export function readCondaWanted({ path, choice, textOf }: ReadWanted): CondaWanted {
  const refuse = refusalAt(path, 1)
  const { channels, dependencies } = shapedLock(shape, condaYaml(textOf(path) ?? '', refuse), refuse)
  const named = (channels ?? []).filter((name) => name !== 'nodefaults')
  const lines = dependencies.filter((one) => typeof one === 'string')
  const pip = dependencies.flatMap((one) => (typeof one === 'string' ? [] : (one.pip ?? [])))
  const specs = lines.map((line) => specOf(line, refuse))
  if (specs.length > 0) refuseChoice(choice, { extras: [], groups: [] }, path)
  const own = specs.flatMap(({ channel }) => (channel === undefined ? [] : [channel]))
  const all = (named.length === 0 ? ['defaults'] : named).flatMap((name) => channelsOf(name, refuse))
  return {
    channels: [...new Set([...all, ...own])],
    specs: specs.map(({ channel, text }) => (channel === undefined ? text : `${channel}::${text}`)),
    pip,
    notes: named.length === 0 ? [`${path} names no channel: \`defaults\`, as conda takes them`] : [],
  }
}

/** Whether it asks for more of conda than the Python that packages of pip are for. */
export function isForConda({ specs, pip }: CondaWanted): boolean {
  return pip.length === 0 || specs.some((spec) => !/^(python|pip)\b(?!-)/.test(spec))
}

type Spec = Readonly<{ text: string; channel?: string }>

function specOf(line: string, refuse: Refuse): Spec {
  // THREAT: the form takes time by the square of a line's length.
  const form = /^(?:(\S+)::)?([A-Za-z0-9_][\w.-]*) *([\w.*+!=<>~|,() ]*)$/
  const [, channel, name = '', rest = ''] = line.length > 300 ? [] : (form.exec(line.trim()) ?? [])
  if (name === '') {
    throw refuse(
      'ERR_ENV_LOCK_INVALID',
      `\`${line.slice(0, 80)}\` is not a name with versions`,
      'write it as name=version or name>=version; what lies at an address or path cannot be locked',
    )
  }
  // A version behind a space is that one alone; the resolver wants that said.
  const text =
    rest === '' ? name : `${name}${/^\d[\w.+!]*($| )/.test(rest) ? ' ==' : /^\d/.test(rest) ? ' ' : ''}${rest}`
  if (channel === undefined) return { text }
  const [address, ...others] = channelsOf(channel, refuse)
  if (address !== undefined && others.length === 0) return { text, channel: address }
  throw refuse('ERR_ENV_LOCK_INVALID', `\`${line}\` names several channels`, 'name one: pkgs/main::NAME')
}

function channelsOf(name: string, refuse: Refuse): readonly string[] {
  if (name === 'defaults') return defaultChannels
  if (/^pkgs\/(main|r|msys2|free)$/.test(name)) return [`https://repo.anaconda.com/${name}`]
  if (/^https?:/.test(name)) {
    const url = parseIndexUrl(name, refuse)
    if (new URL(url).pathname.split('/').includes('t'))
      throw refuse('ERR_ENV_LOCK_INVALID', 'a channel carries a token')
    return [url.replace(/\/+$/, '')]
  }
  const parts = name.split('/')
  if (parts.length <= 8 && parts.every((part) => /^[A-Za-z0-9_][\w.-]*$/.test(part)))
    return [`${publicChannels}${name}`]
  throw refuse(
    'ERR_ENV_LOCK_INVALID',
    `\`${name.slice(0, 80)}\` is not a channel that can be locked`,
    'a channel is a name (conda-forge) or an address (https://host/channel)',
  )
}

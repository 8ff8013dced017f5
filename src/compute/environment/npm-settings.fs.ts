/**
 * npm's settings of a machine: registry, registries of scopes, tokens. The caller's own; never those of the project, which
 * could name a registry and a token's variable.
 *
 * SOURCE: npm, "config" and "npmrc": variables win over the user's file; `${NAME}` stands for a variable.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'ini'

export type NpmSettings = Readonly<{
  /** Without a slash at its end. */
  registry: string
  /** `@scope` -> registry. */
  scopes: ReadonlyMap<string, string>
  /** Address, with all of its path -> value of Authorization. */
  credentials: ReadonlyMap<string, string>
}>

type Caller = Readonly<Record<string, string | undefined>>

export const publicRegistry = 'https://registry.npmjs.org'
const maxSettingsBytes = 1024 * 1024

export function readNpmSettings(caller: Caller): NpmSettings {
  const file =
    caller['NPM_CONFIG_USERCONFIG'] ?? caller['npm_config_userconfig'] ?? join(caller['HOME'] ?? '/', '.npmrc')
  const settings = fileSettings(file, caller)
  const variable = caller['npm_config_registry'] ?? caller['NPM_CONFIG_REGISTRY']
  const scopes = [...settings].flatMap(([key, value]) => {
    const [, scope] = /^(@[^:]+):registry$/.exec(key) ?? []
    return scope === undefined || !URL.canParse(value) ? [] : [[scope, trimmed(value)] as const]
  })
  const registry = variable ?? settings.get('registry') ?? publicRegistry
  return {
    registry: trimmed(URL.canParse(registry) ? registry : publicRegistry),
    scopes: new Map(scopes),
    credentials: new Map([...settings].flatMap(([key, value]) => credentialOf(key, value))),
  }
}

function trimmed(url: string): string {
  return url.endsWith('/') ? url.slice(0, -1) : url
}

function fileSettings(path: string, caller: Caller): ReadonlyMap<string, string> {
  if (!existsSync(path) || !statSync(path).isFile() || statSync(path).size > maxSettingsBytes) return new Map()
  const found: Record<string, unknown> = parse(readFileSync(path, 'utf8'))
  return new Map(
    Object.entries(found).flatMap(([key, value]) =>
      typeof value === 'string'
        ? [[key, value.replaceAll(/\$\{([^}]{1,200})\}/g, (whole, name: string) => caller[name] ?? whole)] as const]
        : [],
    ),
  )
}

/** `//host/path/:_authToken` and `:_auth` are for what is below their address, by TLS alone. */
function credentialOf(key: string, value: string): readonly (readonly [string, string])[] {
  const [, address, kind] = /^(\/\/[^:]+(?::\d+)?\/(?:.*\/)?):(_authToken|_auth)$/.exec(key) ?? []
  if (address === undefined || !URL.canParse(`https:${address}`)) return []
  return [[new URL(`https:${address}`).href, `${kind === '_auth' ? 'Basic' : 'Bearer'} ${value}`]]
}

/**
 * Where a package is asked for: the lock's own address, but the caller's registry in place of the public one.
 *
 * SOURCE: npm, `replace-registry-host=npmjs`.
 */
export function tarballAddress(
  { name, version, url }: Readonly<{ name: string; version: string; url?: string }>,
  { registry, scopes }: NpmSettings,
): string {
  const own = scopes.get(name.split('/')[0] ?? '') ?? registry
  if (url === undefined) return `${own}/${name}/-/${name.split('/').at(-1)}-${version}.tgz`
  return url.startsWith(`${publicRegistry}/`) ? `${own}${url.slice(publicRegistry.length)}` : url
}

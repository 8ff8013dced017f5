/** A registry, asked as the caller's machine is set up for it: proxies, authorities, the caller's own login. */
import type { Sha256 } from '../../core/index.ts'
import type { NetworkRoute } from '../../data/index.ts'
import type { ImageName } from './reference.ts'
import type { Registry } from './registry.http.ts'
import { readRegistryLogin } from './registry-logins.fs.ts'
import type { RegistryErrand, RegistryRoute, RegistrySession } from './registry-session.http.ts'

export type Asker = Readonly<{
  settings: NetworkRoute
  /** The caller's environment: it says where logins are kept. */
  caller: Readonly<Record<string, string | undefined>>
  home: string
  signal: AbortSignal
}>

/** The client is half of all code, and most runs ask nobody: it is loaded when it is needed. */
export async function registryFor(name: ImageName, { settings, caller, home, signal }: Asker): Promise<Registry> {
  const { openRegistry } = await import('./registry.http.ts')
  return openRegistry(name, { settings, signal, ...loginsFor(name, caller, home) })
}

/** A repository to read or to write, as the same caller. */
export async function registrySessionFor(
  name: ImageName,
  { settings, caller, home, signal }: Asker,
  errand: RegistryErrand,
): Promise<RegistrySession> {
  const { openRegistrySession } = await import('./registry-session.http.ts')
  return openRegistrySession(name, { settings, signal, ...loginsFor(name, caller, home) }, errand)
}

function loginsFor(
  { registry }: ImageName,
  caller: Asker['caller'],
  home: string,
): Pick<RegistryRoute, 'login' | 'isKnown'> {
  const login = readRegistryLogin(registry, caller, home)
  const isKnown = (host: string): boolean => readRegistryLogin(host, caller, home) !== undefined
  return { isKnown, ...(login === undefined ? {} : { login }) }
}

/** What a tag stands for now. @throws ERR_ENV_FETCH, ERR_ENV_GONE */
export async function digestOfTag(name: ImageName & Readonly<{ tag: string }>, asker: Asker): Promise<Sha256> {
  const registry = await registryFor(name, asker)
  try {
    return await registry.digestOfTag(name.tag)
  } finally {
    await registry.close()
  }
}

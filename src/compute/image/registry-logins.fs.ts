/**
 * The login that the caller has for a registry, as `docker login` and `podman login` keep it.
 *
 * Programs that hold logins (`credsStore`, `credHelpers`) are not started.
 * SOURCE: containers-auth.json(5); Docker, "config.json".
 */
import { readFileSync, statSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { z } from 'zod'

/** LIMIT: 1 MiB a file. */
const maxFileBytes = 1024 * 1024

const shape = z.object({
  auths: z.record(z.string(), z.object({ auth: z.string().max(16_384).optional() })).optional(),
})

/** @returns `user:password` in Base64; undefined when there is none */
export function readRegistryLogin(
  registry: string,
  caller: Readonly<Record<string, string | undefined>>,
  home: string,
): string | undefined {
  const files = [
    caller['REGISTRY_AUTH_FILE'],
    join(caller['XDG_RUNTIME_DIR'] ?? '', 'containers/auth.json'),
    join(caller['XDG_CONFIG_HOME'] ?? join(home, '.config'), 'containers/auth.json'),
    join(caller['DOCKER_CONFIG'] ?? join(home, '.docker'), 'config.json'),
  ]
  for (const file of files.filter((path) => path !== undefined)) {
    const found = isAbsolute(file) ? loginIn(file, registry) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

function loginIn(file: string, registry: string): string | undefined {
  try {
    if (statSync(file).size > maxFileBytes) return undefined
    const { auths = {} } = shape.parse(JSON.parse(readFileSync(file, 'utf8')))
    const [, entry] = Object.entries(auths).find(([key]) => hostOf(key) === registry) ?? []
    const auth = entry?.auth ?? ''
    return Buffer.from(auth, 'base64').toString('latin1').includes(':') ? auth : undefined
  } catch {
    return undefined // INVARIANT: no login only means that a registry is asked without one.
  }
}

/** `https://index.docker.io/v1/` is Docker Hub's name of old. */
function hostOf(key: string): string {
  const host = key.replace(/^https?:\/\//, '').replace(/\/v[12]\/?$|\/$/, '')
  return host === 'index.docker.io' ? 'docker.io' : host
}

/** Reads pip's settings of a machine: variables first, then pip's files, as pip itself orders them. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'ini'
import { defaultIndex, type NetworkSettings } from './network-settings.ts'

type Caller = Readonly<Record<string, string | undefined>>

/** LIMIT: 1 MiB for a settings file, 16 MiB for a bundle of authorities. */
const maxSettingsBytes = 1024 * 1024
const maxBundleBytes = 16 * 1024 * 1024

/** The machine's own authorities, which pip trusts too since 24.2: Debian, Fedora, Alpine. */
const systemBundles = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/cert.pem']

/**
 * PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS, PIP_CERT, pip.conf (site, user, PIP_CONFIG_FILE), SSL_CERT_FILE,
 * NODE_EXTRA_CA_CERTS and the proxy variables of a caller.
 *
 * @param home absolute home folder of the caller
 * SOURCE: pip, "Configuration": files are read site, user, PIP_CONFIG_FILE, later wins; variables win over files.
 */
export function readNetworkSettings(caller: Caller, home: string): NetworkSettings {
  const files = settingsFiles(caller, home)
  const setting = (name: string): string | undefined => {
    const variable = caller[`PIP_${name.toUpperCase().replaceAll('-', '_')}`]
    return variable === undefined || variable.trim() === '' ? files.get(name) : variable
  }
  const links = wordsOf(setting('find-links'))
  const indexes = [setting('index-url')?.trim() ?? defaultIndex, ...wordsOf(setting('extra-index-url'))]
  const noIndex = /^(1|true|yes|on|t|y)$/i.test(setting('no-index')?.trim() ?? '')
  const proxy = setting('proxy')?.trim()
  return {
    indexes: noIndex ? [] : [...new Set(indexes)].filter((index) => /^https?:\/\//.test(index)),
    folders: links.flatMap((link) => folderOf(link, home)),
    httpProxy: proxyOf(proxy ?? caller['http_proxy'] ?? caller['HTTP_PROXY'] ?? allProxy(caller)),
    httpsProxy: proxyOf(proxy ?? caller['https_proxy'] ?? caller['HTTPS_PROXY'] ?? allProxy(caller)),
    noProxy: caller['no_proxy'] ?? caller['NO_PROXY'] ?? '',
    authorities: authoritiesOf([
      setting('cert'),
      caller['SSL_CERT_FILE'],
      caller['REQUESTS_CA_BUNDLE'],
      caller['NODE_EXTRA_CA_CERTS'],
      systemBundles.find((bundle) => existsSync(bundle)),
    ]),
    retryDelaysMs: [300, 1000, 3000],
    warnings: links
      .filter((link) => /^https?:/.test(link))
      .map(() => 'a find-links page is not read: only folders and indexes are'),
  }
}

function settingsFiles(caller: Caller, home: string): ReadonlyMap<string, string> {
  const named = caller['PIP_CONFIG_FILE']
  const found = new Map<string, string>()
  if (named === '/dev/null') return found
  const configHome = caller['XDG_CONFIG_HOME'] || join(home, '.config')
  const system = (caller['XDG_CONFIG_DIRS'] || '/etc/xdg').split(':').map((folder) => join(folder, 'pip', 'pip.conf'))
  const virtual = caller['VIRTUAL_ENV']
  const places = [
    ...system,
    '/etc/pip.conf',
    join(home, '.pip', 'pip.conf'),
    join(configHome, 'pip', 'pip.conf'),
    ...(virtual === undefined ? [] : [join(virtual, 'pip.conf')]),
    ...(named === undefined ? [] : [named]),
  ]
  for (const place of places) {
    const sections = parse(textOf(place, maxSettingsBytes) ?? '')
    // pip reads [global], then the section of the command; [install] is the one that fetches.
    for (const section of [sections['global'], sections['install']]) {
      for (const [name, value] of Object.entries(section ?? {})) {
        found.set(name.toLowerCase().replaceAll('_', '-'), Array.isArray(value) ? value.join(' ') : String(value))
      }
    }
  }
  return found
}

function wordsOf(text: string | undefined): readonly string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '')
}

function folderOf(link: string, home: string): readonly string[] {
  if (/^https?:/.test(link)) return []
  const path = link.startsWith('file:') ? fileURLToPath(link) : link.startsWith('~/') ? join(home, link.slice(2)) : link
  const folder = isAbsolute(path) ? path : resolve(path)
  return existsSync(folder) && statSync(folder).isDirectory() ? [folder] : []
}

function allProxy(caller: Caller): string {
  return caller['all_proxy'] ?? caller['ALL_PROXY'] ?? ''
}

/** `proxy:3128` is how many write it. */
function proxyOf(text: string): string {
  if (text === '' || /^https?:\/\//.test(text)) return text
  return text.includes('://') ? '' : `http://${text}`
}

function authoritiesOf(paths: readonly (string | undefined)[]): readonly string[] {
  const distinct = [...new Set(paths.filter((path) => path !== undefined && path !== ''))]
  const texts = distinct.map((path) => textOf(path ?? '', maxBundleBytes)).filter((text) => text !== undefined)
  return [...new Set(texts)]
}

/** A settings file that is absent or unreadable says nothing, as for pip. */
function textOf(path: string, maxBytes: number): string | undefined {
  try {
    const status = statSync(path)
    return status.isFile() && status.size <= maxBytes ? readFileSync(path, 'utf8') : undefined
  } catch {
    return undefined // INVARIANT: absence only changes where bytes are asked for, never which are kept.
  }
}

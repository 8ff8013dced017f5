/**
 * What may stand in `.dvc/config`: sections, keys and the kinds of their values.
 *
 * SOURCE: dvc/config_schema.py of DVC 3.67.1 (`SCHEMA`, `REMOTE_SCHEMAS`, `ByUrl`) and dvc/config.py (`_resolve`).
 */
import { type ConfigSection, type ConfigValue, isSection } from './dvc-config-text.ts'

/** `never`: DVC wants a value here that no text can be. */
type Kind =
  | 'text'
  | 'any'
  | 'flag'
  | 'integer'
  | 'count'
  | 'percent'
  | 'float'
  | 'seconds'
  | 'links'
  | 'never'
  | readonly string[]
type Keys = Readonly<Record<string, Kind>>

/** All of one kind. */
const all = (kind: Kind, names: string): Keys => Object.fromEntries(names.split(' ').map((name) => [name, kind]))

const common = {
  ...all('text', 'url'),
  ...all('count', 'checksum_jobs jobs'),
  ...all('flag', 'worktree no_traverse version_aware'),
}
const local: Keys = { type: 'links', shared: ['group'], ...all('flag', 'protected slow_link_warning verify') }
const http: Keys = {
  ...common,
  auth: ['basic', 'digest', 'custom'],
  ...all('text', 'custom_auth_header user password ssl_verify method'),
  ...all('flag', 'ask_password verify'),
  ...all('seconds', 'connect_timeout read_timeout'),
}
const webdav: Keys = {
  ...common,
  ...all('text', 'user password token bearer_token_command custom_auth_header cert_path key_path ssl_verify'),
  ...all('flag', 'ask_password verify'),
  timeout: 'integer',
}

/** By the scheme of the url; `` is a folder. */
const remotes: Readonly<Record<string, Keys>> = {
  '': { ...common, ...local },
  s3: {
    ...common,
    ...all(
      'text',
      'region profile credentialpath configpath endpointurl access_key_id secret_access_key session_token',
    ),
    ...all('text', 'ssl_verify sse sse_kms_key_id sse_customer_algorithm sse_customer_key acl'),
    ...all('text', 'grant_read grant_read_acp grant_write_acp grant_full_control'),
    ...all('flag', 'listobjects use_ssl allow_anonymous_login verify'),
    ...all('integer', 'read_timeout connect_timeout'),
    cache_regions: 'never',
  },
  gs: {
    ...common,
    ...all('text', 'projectname credentialpath endpointurl'),
    ...all('flag', 'verify allow_anonymous_login'),
  },
  ssh: {
    ...common,
    type: 'links',
    ...all('text', 'user password passphrase keyfile'),
    ...all('integer', 'port timeout max_sessions'),
    ...all('flag', 'ask_password ask_passphrase gss_auth allow_agent verify'),
  },
  hdfs: { ...common, ...all('text', 'user kerb_ticket'), replication: 'never' },
  webhdfs: {
    ...common,
    ...all('text', 'kerberos_principal proxy_to ssl_verify token user password data_proxy_target'),
    ...all('flag', 'kerberos use_https verify'),
  },
  azure: {
    ...common,
    ...all('text', 'connection_string sas_token account_name account_key tenant_id client_id client_secret'),
    ...all('flag', 'allow_anonymous_login exclude_environment_credential exclude_visual_studio_code_credential'),
    ...all('flag', 'exclude_shared_token_cache_credential exclude_managed_identity_credential verify'),
    ...all('integer', 'timeout read_timeout connection_timeout'),
  },
  oss: { ...common, ...all('text', 'oss_key_id oss_key_secret oss_endpoint'), verify: 'flag' },
  gdrive: {
    ...common,
    ...all('text', 'profile gdrive_client_id gdrive_client_secret gdrive_user_credentials_file'),
    ...all('text', 'gdrive_service_account_user_email gdrive_service_account_json_file_path'),
    ...all('flag', 'gdrive_use_service_account gdrive_trash_only gdrive_acknowledge_abuse verify'),
  },
  http,
  https: http,
  webdav,
  webdavs: webdav,
}

const machine: Keys = {
  cloud: ['aws', 'azure'],
  region: ['us-west', 'us-east', 'eu-west', 'eu-north'],
  ...all('text', 'image ssh_private startup_script setup_script'),
  ...all('any', 'instance_type instance_gpu'),
  spot: 'flag',
  spot_price: 'float',
  instance_hdd_size: 'integer',
}

const sections: Readonly<Record<string, Keys>> = {
  core: {
    ...all('any', 'remote machine'),
    checksum_jobs: 'count',
    ...all('flag', 'interactive analytics hardlink_lock no_scm autostage experiments check_update'),
    site_cache_dir: 'text',
  },
  cache: { ...local, ...all('text', 'dir local s3 gs hdfs webhdfs ssh azure') },
  state: { dir: 'text', row_limit: 'count', row_cleanup_quota: 'percent' },
  index: { dir: 'text' },
  plots: { ...all('text', 'html_template out_dir'), auto_open: 'flag' },
  exp: { ...all('text', 'code data models metrics params plots live git_remote'), auto_push: 'flag' },
  parsing: { bool: ['store_true', 'boolean_optional'], list: ['nargs', 'append'] },
  hydra: { enabled: 'flag', ...all('text', 'config_dir config_module config_name plugins_path') },
  studio: { ...all('text', 'token url repo_url'), offline: 'flag' },
}

/** Sections whose members are named by the user. */
const families = ['remote', 'machine', 'db'] as const

/** @returns what is wrong with the settings, all layers in one, or undefined */
export function configFault(config: ConfigSection): string | undefined {
  for (const [name, section] of config) {
    if (!isSection(section)) return `\`${name}\` stands outside of a section`
    const fault = sectionFault(name, section)
    if (fault !== undefined) return fault
  }
  return undefined
}

function sectionFault(name: string, section: ConfigSection): string | undefined {
  if (families.some((family) => family === name)) {
    for (const [member, settings] of section) {
      const fault = isSection(settings) ? memberFault(name, member, settings) : `\`${name}.${member}\` is no section`
      if (fault !== undefined) return fault
    }
    return undefined
  }
  if (name === 'feature') {
    const value = section.get('machine')
    return value === undefined || fits(value, 'flag') ? undefined : '`feature.machine` is not true or false'
  }
  const keys = Object.hasOwn(sections, name) ? sections[name] : undefined
  if (keys === undefined) return `the section \`${name}\` is not known`
  if (name === 'hydra' && section.has('config_dir') && section.has('config_module')) return '`hydra` has two sources'
  return keysFault(name, section, keys)
}

function memberFault(family: string, member: string, settings: ConfigSection): string | undefined {
  const name = `${family} "${member}"`
  if (family === 'machine') return keysFault(name, settings, machine)
  if (family === 'db') return keysFault(name, settings, all('text', 'url username password'))
  const url = settings.get('url')
  if (typeof url !== 'string') return `\`${name}\` has no \`url\``
  const scheme = schemeOf(url)
  if (scheme === 'remote') return undefined
  const keys = scheme !== undefined && Object.hasOwn(remotes, scheme) ? remotes[scheme] : undefined
  return keys === undefined ? `the url of \`${name}\` is of no known store` : keysFault(name, settings, keys)
}

/** What comes before `://`; nothing for a folder. */
function schemeOf(url: string): string | undefined {
  const [, scheme, host = ''] = /^([A-Za-z]\w*):\/\/([^/?#]*)/.exec(url) ?? []
  if (scheme === undefined || host === '') return ''
  return host.includes('[') === host.includes(']') && !scheme.includes('_') ? scheme.toLowerCase() : undefined
}

function keysFault(name: string, section: ConfigSection, keys: Keys): string | undefined {
  for (const [key, value] of section) {
    const kind = Object.hasOwn(keys, key) ? keys[key] : undefined
    if (kind === undefined) return `\`${name}\` knows no key \`${key}\``
    if (!fits(value, kind)) return misfit(`\`${name}.${key}\``, value, kind)
  }
  return undefined
}

function misfit(what: string, value: ConfigValue, kind: Kind): string {
  const found = typeof value === 'string' ? `\`${value}\`` : isSection(value) ? 'a section' : 'a list'
  const wanted = typeof kind === 'string' ? undefined : kind.map((choice) => `\`${choice}\``).join(' or ')
  return wanted === undefined ? `${what} cannot be ${found}` : `${what} is ${found}, it must be ${wanted}`
}

function fits(value: ConfigValue, kind: Kind): boolean {
  if (kind === 'any') return true
  if (kind === 'links') return !isSection(value) && linksOf(value).every((type) => links.includes(type))
  if (typeof value !== 'string' || kind === 'never') return false
  if (typeof kind !== 'string') return kind.includes(value.toLowerCase())
  const number = numberOf(value, kind)
  switch (kind) {
    case 'text':
      return true
    case 'flag':
      return ['true', 'false'].includes(value.toLowerCase())
    case 'count':
      return number !== undefined && number >= 1
    case 'percent':
      return number !== undefined && number >= 0 && number <= 100
    case 'seconds':
      return number !== undefined && number >= 0
    default:
      return number !== undefined
  }
}

const links = ['reflink', 'hardlink', 'symlink', 'copy']
const linksOf = (value: string | readonly string[]): readonly string[] =>
  typeof value === 'string' ? value.split(',').map((type) => type.trim()) : value

/** As Python's `int` and `float` take a text. */
function numberOf(text: string, kind: Kind): number | undefined {
  const words = text.trim()
  if (/^[-+]?\d+(?:_\d+)*$/.test(words)) return Number(words.replaceAll('_', ''))
  if (kind !== 'float' && kind !== 'seconds') return undefined
  if (/^[-+]?(?:inf|infinity)$/i.test(words))
    return words.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  if (/^[-+]?nan$/i.test(words)) return Number.NaN
  const digits = '\\d+(?:_\\d+)*'
  const pattern = new RegExp(`^[-+]?(?:${digits}\\.?(?:${digits})?|\\.${digits})(?:e[-+]?${digits})?$`, 'i')
  return pattern.test(words) ? Number(words.replaceAll('_', '')) : undefined
}

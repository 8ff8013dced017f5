import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { withoutCredentials } from '../../data/index.ts'
import { readNetworkSettings } from './network-settings.fs.ts'
import { scratchFolder } from './testing.exec.ts'

function write(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  return path
}

test('asks the Python Package Index, directly, when nothing is set', (context) => {
  const { authorities: _, ...settings } = readNetworkSettings({ PIP_CONFIG_FILE: '/dev/null' }, scratchFolder(context))
  assert.deepEqual(settings, {
    indexes: ['https://pypi.org/simple'],
    folders: [],
    httpProxy: '',
    httpsProxy: '',
    noProxy: '',
    retryDelaysMs: [300, 1000, 3000],
    warnings: [],
  })
})

test('reads pip.conf of user, XDG and PIP_CONFIG_FILE, the later over the earlier, variables over all', (context) => {
  const home = scratchFolder(context)
  write(
    join(home, '.pip', 'pip.conf'),
    '[global]\nindex-url = https://old.example/simple\nextra-index-url = https://x.example/simple\n',
  )
  write(
    join(home, '.config', 'pip', 'pip.conf'),
    '[global]\nindex_url = https://user.example/simple\n[install]\nno-index = false\n',
  )
  const named = write(join(home, 'named.conf'), '[install]\nindex-url = https://named.example/simple\n')
  assert.deepEqual(readNetworkSettings({}, home).indexes, ['https://user.example/simple', 'https://x.example/simple'])
  assert.deepEqual(readNetworkSettings({ PIP_CONFIG_FILE: named }, home).indexes[0], 'https://named.example/simple')
  const caller = {
    PIP_CONFIG_FILE: named,
    PIP_INDEX_URL: 'https://u:p@v.example/simple',
    PIP_EXTRA_INDEX_URL: 'https://a.example/s  https://b.example/s',
  }
  assert.deepEqual(readNetworkSettings(caller, home).indexes, [
    'https://u:p@v.example/simple',
    'https://a.example/s',
    'https://b.example/s',
  ])
  const xdg = { XDG_CONFIG_HOME: join(home, 'elsewhere') }
  assert.deepEqual(readNetworkSettings(xdg, home).indexes[0], 'https://old.example/simple')
})

test('takes folders of find-links that are there, and says that pages are not read', (context) => {
  const home = scratchFolder(context)
  mkdirSync(join(home, 'wheels'))
  const { folders, warnings, indexes } = readNetworkSettings(
    {
      PIP_CONFIG_FILE: '/dev/null',
      PIP_FIND_LINKS: `~/wheels /gone file://${home}/wheels https://x.example/page`,
      PIP_NO_INDEX: '1',
    },
    home,
  )
  assert.deepEqual(folders, [join(home, 'wheels'), join(home, 'wheels')])
  assert.equal(warnings.length, 1)
  assert.deepEqual(indexes, [])
})

test('takes proxies and authorities of the caller; a bundle that is gone says nothing', (context) => {
  const home = scratchFolder(context)
  const bundle = write(join(home, 'ca.pem'), '-----BEGIN CERTIFICATE-----\n')
  const settings = readNetworkSettings(
    {
      HTTPS_PROXY: 'proxy.example:3128',
      http_proxy: 'http://p.example',
      NO_PROXY: 'local',
      PIP_CERT: bundle,
      SSL_CERT_FILE: '/gone',
    },
    home,
  )
  assert.equal(settings.httpsProxy, 'http://proxy.example:3128')
  assert.equal(settings.httpProxy, 'http://p.example')
  assert.equal(settings.noProxy, 'local')
  assert.equal(settings.authorities[0], '-----BEGIN CERTIFICATE-----\n')
})

test('an address is recorded without user, password, query and fragment', () => {
  assert.equal(withoutCredentials('https://u:p@x.example/a?token=s#f'), 'https://x.example/a')
})

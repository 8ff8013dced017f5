/** `.dvc/config` against what DVC 3.67.1 answered to the same bytes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDomainError } from '../../core/index.ts'
import { type DvcSettings, readDvcSettings } from './dvc-config.ts'

function settings(config: string, local?: string): DvcSettings {
  const files = new Map([
    ['.dvc/config', config],
    ...(local === undefined ? [] : [['.dvc/config.local', local] as const]),
  ])
  return readDvcSettings((path) => {
    const text = files.get(path)
    return text === undefined ? undefined : Buffer.from(text)
  })
}

const remote = (text: string, name = 's'): string => `['remote "${name}"']\n${text}\n`

test('takes what DVC takes', () => {
  const taken = [
    '',
    '# c\n\n[core] # c\n  no_scm = TRUE\n',
    '[core] # ]\n',
    '["core"]\n"checksum_jobs" = 1_0\n',
    '[CORE]\nREMOTE = x, y\n',
    '[cache]\ntype = reflink, copy # both\ndir = """/tmp/a"""\n',
    "[exp]\ncode = '''a\nb'''  # two lines\n",
    '[exp]\ncode = "a"b"\ndata = a=b\nmodels =\n',
    '[feature]\nanything = 1\nmachine = false\n',
    remote('url = s3://bucket\nread_timeout = -1'),
    remote('url = ../folder\nshared = GROUP'),
    remote('url = foo_bar:/x'),
    remote('url = remote://other/x\nwhatever = 1'),
    remote('url = https://h\nconnect_timeout = 1.5e1'),
    remote('url = s3://'),
  ]
  for (const text of taken) assert.doesNotThrow(() => settings(text), JSON.stringify(text))
  assert.deepEqual([...settings(remote('url = x', 'Big')).remotes], ['big'])
})

test('reads both files as one', () => {
  const both = settings(remote('url = s3://b'), `${remote('access_key_id = x')}[core]\nno_scm = true\n`)
  assert.deepEqual([...both.remotes], ['s'])
  assert.equal(both.usesGit, false)
})

test('says where the cache is, the local file before the other, names in any case', () => {
  assert.deepEqual(settings('').cache, { isShared: false })
  const both = settings('[CACHE]\nDir = ../a # here\nshared = GROUP\n', '[cache]\ndir = "/tmp/b c"\n')
  assert.deepEqual(both.cache, { dir: '/tmp/b c', isShared: true })
})

test('refuses what DVC refuses', () => {
  const refused = [
    '\ufeff[core]\n',
    'a = 1\n',
    '[core\n',
    '[[core]]\n',
    '[core]\n[core]\n',
    '[core]\nremote\n',
    '[core]\n= 1\n',
    '[core]\nremote = x\nremote = y\n',
    '[core]\nunknown = 1\n',
    '[core]\nno_scm = perhaps\n',
    '[core]\nchecksum_jobs = 0\n',
    '[core]\nsite_cache_dir = a, b\n',
    '[core]\nsite_cache_dir = "a\n',
    '[core]\nsite_cache_dir = a,,b\n',
    "[exp]\ncode = '''a\n",
    '[unknown]\n',
    '[cache]\ntype = reflink, foo\n',
    '[hydra]\nconfig_dir = a\nconfig_module = b\n',
    '[remote]\ns = x\n',
    remote(''),
    remote('url = ds://x'),
    remote('url = s3://b\ntypo = 1'),
    remote('url = s3://b\ncache_regions = true'),
    remote('url = s3://[b'),
    '[core]\nsite_cache_dir = %(x)s\n',
    '__proto__ = 1\n',
    '[__proto__]\n',
  ]
  for (const text of refused) {
    const isOurs = (error: unknown): boolean => isDomainError(error, 'ERR_DEFINITION_INVALID')
    assert.throws(() => settings(text), isOurs, JSON.stringify(text))
  }
})

test('reads a hostile value in linear time', () => {
  for (const unit of ['"a",', '" ', '\'"', ']', '[ ', ', ', '" \t']) {
    const text = `[core]\nsite_cache_dir = ${unit.repeat(50_000)}\n[${unit.repeat(50_000)}\n`
    const start = process.cpuUsage().user
    assert.throws(() => settings(text))
    assert.ok(process.cpuUsage().user - start < 2_000_000, unit)
  }
})

/** In a reader that looks at a run again from each of its places, these take hours. */
test('takes long runs of blanks, quotes and brackets for what they are, in one pass', () => {
  const blanks = ' '.repeat(1024 * 1024)
  assert.equal(settings(`[cache]\ndir = a${blanks}b\n`).cache.dir, `a${blanks}b`)
  assert.equal(settings(`[ cache${blanks}]${blanks}\ndir${blanks}=${blanks}c # d\n`).cache.dir, 'c')
  assert.equal(settings(`[cache]\ndir = ${'%('.repeat(500_000)}\n`).cache.dir?.length, 1_000_000)
  const many = Array.from({ length: 20_000 }, (_, index) => remote('url = x', `r${index}`)).join('')
  assert.equal(settings(many).remotes.size, 20_000)
  for (const text of [
    `[cache${blanks}x`,
    `[cache${'] '.repeat(300_000)}x`,
    `dir${blanks}x`,
    `["${'"'.repeat(500_000)}`,
  ])
    assert.throws(() => settings(text), { code: 'ERR_DEFINITION_INVALID' })
})

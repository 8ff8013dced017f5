import assert from 'node:assert/strict'
import { test } from 'node:test'
import { evaluateMarker, type MarkerEnvironment, MarkerFault, parseMarker } from './marker.ts'

const linux: MarkerEnvironment = {
  os_name: 'posix',
  sys_platform: 'linux',
  platform_machine: 'x86_64',
  platform_python_implementation: 'CPython',
  platform_release: '6.1.0-18-amd64',
  platform_system: 'Linux',
  platform_version: '#1 SMP',
  python_version: '3.11',
  python_full_version: '3.11.2',
  implementation_name: 'cpython',
  implementation_version: '3.11.2',
  extra: '',
}

const answers = [
  ["python_version >= '3.9'", true],
  ['python_version < "3.10"', false], // by version: as text `3.11` would be less
  ["python_version in '3.10 3.11'", true],
  ["python_version not in '3.10 3.11'", false],
  ["sys_platform == 'win32'", false],
  ["sys_platform != 'win32' and platform_machine == 'x86_64'", true],
  ["'linux' in sys_platform", true],
  ["os_name == 'nt' or os_name == 'posix' and python_version > '4'", false], // `and` binds tighter
  ["(os_name == 'nt' or os_name == 'posix') and python_version < '4'", true],
  ["'3.8' <= python_version", true],
  ["python_full_version ~= '3.11.0'", true],
  ["python_version == '3.*'", true],
  ["extra == 'docs'", false],
  ["platform_python_implementation=='CPython'", true],
  ["implementation_name === 'cpython'", true],
] as const
for (const [text, expected] of answers) {
  test(`${text} is ${expected} here`, () => assert.equal(evaluateMarker(parseMarker(text), linux), expected))
}

const malformed = [
  '',
  'python_version',
  'python_version >= 3.9',
  "python_version => '3.9'",
  "os.name == 'posix'",
  "'a' == 'b'",
  "(os_name == 'posix'",
  "os_name == 'posix')",
  "os_name == 'posix' nonsense",
  "os_name == 'posix",
  "unknown == 'x'",
  "not os_name == 'x'",
  `${'('.repeat(100)}os_name == 'x'${')'.repeat(100)}`,
]
for (const text of malformed) {
  test(`refuses the marker \`${text.slice(0, 40)}\``, () => assert.throws(() => parseMarker(text), MarkerFault))
}

test('refuses to order what is not a version, on any machine: also behind an `or` that holds', () => {
  assert.throws(() => evaluateMarker(parseMarker("sys_platform > 'linux'"), linux), MarkerFault)
  assert.throws(() => evaluateMarker(parseMarker("os_name == 'posix' or sys_platform > 'a'"), linux), MarkerFault)
  assert.equal(evaluateMarker(parseMarker("os_name == 'posix' or sys_platform == 'a'"), linux), true)
})

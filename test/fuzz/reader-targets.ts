// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of DVC and of shells are text here
/** Readers of what a repository, a registry, an index or a stage may bring: definitions, locks, lists, images, tensors. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { parseCondaLock } from '../../src/compute/environment/conda-lock.ts'
import { parseIndexPage } from '../../src/compute/environment/index-page.ts'
import { mainPackages, parseLock } from '../../src/compute/environment/locks.ts'
import { parsePackageLock, parseWorkspaceLinks } from '../../src/compute/environment/package-lock.ts'
import { parseEntryPoints, parseWheelFacts } from '../../src/compute/environment/wheel-metadata.ts'
import { parseRecord } from '../../src/compute/environment/wheel-record.ts'
import { parseImageConfig, parseImageDocument } from '../../src/compute/image/documents.ts'
import type { Sha256 } from '../../src/core/index.ts'
import { parseContract } from '../../src/data/contract/index.ts'
import { parseDvcList } from '../../src/data/dvc-folder-list.ts'
import { defaultLimits } from '../../src/data/index.ts'
import { isLicenceExpression } from '../../src/data/licence.ts'
import { parseAnswer } from '../../src/data/remote/sftp-packets.ts'
import { readDvcConfig } from '../../src/pipeline/define/dvc-config-text.ts'
import { definePipeline } from '../../src/pipeline/define/index.ts'
import { projectOf } from '../../src/pipeline/define/project.memory.ts'
import { parseDvcLock } from '../../src/pipeline/dvc/lock-text.ts'
import {
  descriptorOf,
  filesOf,
  mediaTypes,
  modelDocuments,
  parseManifest,
  parseReferrers,
  referrerOf,
  referrersIndex,
} from '../../src/pipeline/oci/documents.ts'
import { compareFiles } from '../../src/reproducibility/compare/compare-files.fs.ts'
import { readTensors } from '../../src/reproducibility/compare/tensor-origin.fs.ts'
import { readNotebook } from '../../src/reproducibility/lint/notebook.ts'
import { parsePython } from '../../src/reproducibility/lint/python-tree.ts'
import { readShell } from '../../src/reproducibility/lint/shell.ts'
import { readersIn } from '../support/hostile-bytes.ts'
import { Forged, fileAt, type Target } from './target.ts'

const seed = (text: string): readonly Buffer[] => [Buffer.from(text)]
const digest: Sha256 = `sha256:${'a'.repeat(64)}`

/** @param folder an empty scratch folder, for readers that read files */
export function readerTargets(folder: string): readonly Target[] {
  const known = Object.entries(readersIn(folder)).map(
    ([name, { good, read }]): Target => ({ name: `reader: ${name}`, seeds: [Buffer.from(good)], read }),
  )
  return [...known, ...dvc(), ...locks(), ...images(), ...wheels(), ...code(), ...comparisons(folder), ...others()]
}

function dvc(): readonly Target[] {
  const lock = `schema: '2.0'
stages:
  prepare:
    cmd: python prepare.py
    deps:
    - path: raw.csv
      hash: md5
      md5: d41d8cd98f00b204e9800998ecf8427e
      size: 9
    params:
      params.yaml:
        a.b: 0.2
    outs:
    - path: out
      hash: md5
      md5: d41d8cd98f00b204e9800998ecf8427e.dir
      size: 3
      nfiles: 2
`
  return [
    { name: 'dvc.lock', seeds: seed(lock), read: (bytes) => parseDvcLock(bytes, 'dvc.lock') },
    {
      name: 'DVC list of a folder',
      seeds: seed('[{"md5": "d41d8cd98f00b204e9800998ecf8427e", "relpath": "a/b.txt"}]'),
      read: (bytes) => parseDvcList(bytes, 'x.dir'),
    },
    {
      name: '.dvc file',
      seeds: seed('outs:\n- md5: d41d8cd98f00b204e9800998ecf8427e\n  size: 3\n  hash: md5\n  path: raw.csv\n'),
      read: (bytes) => definePipeline(projectOf({ 'raw.csv.dvc': bytes }), { root: '/p', overrides: new Map() }),
    },
    {
      name: 'configuration of DVC',
      seeds: seed('[core]\n    remote = store\n[\'remote "store"\']\n    url = s3://bucket/a\n'),
      read: (bytes) => readDvcConfig(bytes.toString(), '.dvc/config'),
    },
  ]
}

function locks(): readonly Target[] {
  const names = ['requirements.lock', 'pylock.toml', 'uv.lock', 'poetry.lock', 'Pipfile.lock']
  const conda = [
    '# platform: linux-64',
    '@EXPLICIT',
    `https://conda.anaconda.org/conda-forge/linux-64/zlib-1.3-h1_0.conda#sha256:${'a'.repeat(64)}`,
    '',
  ].join('\n')
  const integrity = `sha512-${Buffer.alloc(64, 1).toString('base64')}`
  const npm = JSON.stringify({
    lockfileVersion: 3,
    packages: {
      '': { name: 'p', workspaces: ['packages/own'] },
      'packages/own': { version: '1.0.0' },
      'node_modules/own': { resolved: 'packages/own', link: true },
      'node_modules/a': { version: '1.0.0', resolved: 'https://registry.npmjs.org/a/-/a-1.0.0.tgz', integrity },
    },
  })
  const choice = mainPackages
  return [
    ...names.map(
      (name): Target => ({
        name: `lock: ${name}`,
        seeds: [fileAt(`test/vectors/locks/${name}`).subarray(0, 16_384)],
        read: (bytes) => parseLock(name, bytes),
      }),
    ),
    {
      name: 'lock: conda',
      seeds: seed(conda),
      read: (bytes) => {
        const path = bytes.includes('@EXPLICIT') ? 'c.lock' : 'conda-lock.yml'
        return parseCondaLock(bytes, path, { choice, platform: 'linux-64' })
      },
    },
    {
      name: 'lock: package-lock.json',
      seeds: seed(npm),
      read: (bytes) => {
        parsePackageLock(bytes, 'package-lock.json', { choice, platform: { os: 'linux', cpu: 'x64', libc: 'glibc' } })
        return parseWorkspaceLinks(bytes, 'package-lock.json', choice)
      },
    },
    {
      name: 'page of an index',
      seeds: seed(
        JSON.stringify({
          meta: { 'api-version': '1.1' },
          name: 'a',
          files: [
            { filename: 'a-1.0-py3-none-any.whl', url: 'a-1.0-py3-none-any.whl', hashes: { sha256: 'a'.repeat(64) } },
          ],
        }),
      ),
      read: (bytes) => parseIndexPage(bytes, 'https://pypi.org/simple/a/'),
    },
  ]
}

function images(): readonly Target[] {
  const descriptor = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size: 3 }
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 2 },
    layers: [descriptor],
  }
  const config = {
    os: 'linux',
    architecture: 'amd64',
    config: { Env: ['A=b'] },
    rootfs: { type: 'layers', diff_ids: [digest] },
  }
  return [
    {
      name: 'manifest of an image',
      seeds: seed(JSON.stringify(manifest)),
      read: (bytes) => parseImageDocument(bytes, 'x'),
    },
    {
      name: 'configuration of an image',
      seeds: seed(JSON.stringify(config)),
      read: (bytes) => parseImageConfig(bytes, 'x', { os: 'linux', architecture: 'amd64' }),
    },
    {
      name: 'manifest of a model in a registry',
      seeds: [modelDocuments('m', [{ path: 'm/a.bin', digest, sizeBytes: 3 }]).manifest.bytes],
      read: (bytes) => filesOf(parseManifest(bytes, 'x'), 'x'),
    },
    {
      name: 'list of evidence in a registry',
      seeds: [
        referrersIndex([
          referrerOf(descriptorOf(mediaTypes.manifest, Buffer.from('m')), mediaTypes.bundle, {
            bytes: Buffer.from('{}'),
          }).descriptor,
        ]).bytes,
      ],
      read: (bytes) => parseReferrers(bytes, 'x'),
    },
  ]
}

function wheels(): readonly Target[] {
  return [
    {
      name: 'RECORD of a wheel',
      seeds: seed(`a/__init__.py,sha256=${Buffer.alloc(32, 1).toString('base64url')},3\na-1.0.dist-info/RECORD,,\n`),
      read: (bytes) => parseRecord(bytes, 'a-1.0.dist-info'),
    },
    { name: 'entry points of a wheel', seeds: seed('[console_scripts]\na = a.b:main\n'), read: parseEntryPoints },
    {
      name: 'metadata of a wheel',
      seeds: seed('Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n'),
      read: (bytes) => parseWheelFacts(bytes, Buffer.from('Metadata-Version: 2.1\nName: a\nVersion: 1.0\n')),
    },
  ]
}

function code(): readonly Target[] {
  const notebook = {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { language: 'python', name: 'python3', display_name: 'Python' } },
    cells: [{ cell_type: 'code', source: ['import random\n', '!ls\n'], metadata: {}, outputs: [], execution_count: 1 }],
  }
  return [
    {
      name: 'Python',
      seeds: seed(
        'import random as r\nfrom os import *\ndef f(a, *b, c=1, **d):\n  return [x for x in a if x] + [f"{a!r:>{c}}"]\nclass A(B): pass\n',
      ),
      read: (bytes) => parsePython(bytes.toString()),
    },
    {
      name: 'shell',
      seeds: seed('for a in *.csv; do sort "$a" | uniq > "${a%.csv}.txt"; done && date +%s'),
      read: (bytes) => readShell(bytes.toString()),
    },
    { name: 'notebook', seeds: seed(JSON.stringify(notebook)), read: (bytes) => readNotebook(bytes, 'a.ipynb') },
  ]
}

type Case = Readonly<{ name: string; path: string; left: string }>

function comparisons(folder: string): readonly Target[] {
  const { cases } = JSON.parse(fileAt('test/vectors/comparison/cases.json').toString()) as Readonly<{
    cases: readonly Case[]
  }>
  const place = join(folder, 'compared')
  mkdirSync(place, { recursive: true })
  const [left, right] = [join(place, 'left'), join(place, 'right')]
  const validator = {
    runBox: (): Promise<never> => Promise.reject(new Forged('a comparison wanted a sandbox')),
    scratchRoot: join(place, 'scratch'),
    ...defaultLimits,
  }
  const tolerances = [{ path: '**', abs: 1e300, rel: 1e300, ulp: 1e300, because: 'all' }]
  const target = (name: string, path: string, honest: readonly Buffer[]): Target => ({
    name: `comparison: ${name}`,
    seeds: honest,
    read: async (bytes) => {
      const [first = bytes] = honest
      writeFileSync(left, first)
      writeFileSync(right, bytes)
      const signal = AbortSignal.any([])
      const { verdict } = await compareFiles(left, right, { path, tolerances, validator, signal })
      if ((verdict === 'identical') !== first.equals(bytes)) throw new Forged('other bytes are identical')
      if (path.endsWith('.safetensors')) readTensors(right)
    },
  })
  const of = (ending: string): readonly Buffer[] =>
    cases.filter(({ path }) => path.endsWith(ending)).map((one) => Buffer.from(one.left, 'base64'))
  return [
    { ...target('safetensors', 'm.safetensors', of('.safetensors')), weight: 2 },
    target('npy', 'm.npy', of('.npy')),
    target('npz', 'm.npz', of('.npz')),
    target('onnx', 'm.onnx', of('.onnx')),
    target('JSON', 'm.json', seed('{"a": [1.5, "x", {"b": null}], "c": 1e3}')),
    target('gzip of JSON', 'm.json.gz', [gzipSync('{"a": [1.5, 2]}')]),
  ]
}

function others(): readonly Target[] {
  return [
    {
      name: 'data contract',
      seeds: [
        fileAt('test/vectors/odcs/column-validity.odcs.yaml'),
        fileAt('test/vectors/odcs/column-custom.odcs.yaml'),
      ],
      read: (bytes) => parseContract(bytes, 'c.yaml'),
    },
    {
      name: 'licence in the words of SPDX',
      seeds: seed('(MIT OR Apache-2.0 WITH LLVM-exception) AND GPL-2.0-or-later'),
      read: (bytes) => isLicenceExpression(bytes.toString()),
    },
    {
      name: 'answer of an SFTP server',
      seeds: [
        Buffer.from([104, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 97, 0, 0, 0, 1, 97, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9]),
      ],
      read: parseAnswer,
    },
  ]
}

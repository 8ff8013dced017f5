import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  destinationsIn,
  missingModuleIn,
  missingProgramIn,
  pathsIn,
  refusedWritesIn,
  saysNoMemory,
  variablesReadBy,
} from './failure-words.ts'

test('finds the host that a program could not reach, as curl, wget, Python, R, Node and Go say it', () => {
  for (const [line, expected] of [
    ['curl: (6) Could not resolve host: data.example.org', 'data.example.org'],
    ['wget: unable to resolve host address ‘data.example.org’', 'data.example.org'],
    [
      'Resolving data.example.org (data.example.org)... failed: Temporary failure in name resolution.',
      'data.example.org',
    ],
    [
      "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='api.example.org', port=443): Max retries exceeded with url: /x",
      'api.example.org:443',
    ],
    ["cannot open URL 'https://data.example.org/x.csv'", 'data.example.org:443'],
    ['Error: getaddrinfo EAI_AGAIN registry.example.org', 'registry.example.org'],
    ['dial tcp: lookup proxy.example.org: no such host', 'proxy.example.org'],
    ['--2026-11-25-- http://user:secret@mirror.example.org:8080/a Connecting', 'mirror.example.org:8080'],
    ['connect to db.example.org port 5432 failed: Network is unreachable', 'db.example.org:5432'],
  ] as const)
    assert.deepEqual(destinationsIn([line]), [expected], line)
})

test('takes no address of a manual, of loopback or of a file name for a destination', () => {
  assert.deepEqual(destinationsIn(['see https://docs.example.org/warnings for what this means']), [])
  assert.deepEqual(destinationsIn(['connecting to http://localhost:5000/', 'connect to 127.0.0.1:80']), [])
  assert.deepEqual(destinationsIn(['wrote model.joblib']), [])
})

test('finds the program that a shell, make, env or Python did not find', () => {
  for (const [line, name] of [
    ['/bin/sh: 1: Rscript: not found', 'Rscript'],
    ['sh: 1: papermill: not found', 'papermill'],
    ['bash: line 3: jq: command not found', 'jq'],
    ['make: pandoc: No such file or directory', 'pandoc'],
    ['/usr/bin/env: ‘python’: No such file or directory', 'python'],
    ["FileNotFoundError: [Errno 2] No such file or directory: 'ffmpeg'", 'ffmpeg'],
    ['sh: 1: ./run.sh: not found', './run.sh'],
  ] as const)
    assert.equal(missingProgramIn([line]), name, line)
  assert.equal(missingProgramIn(['KeyError: not found']), undefined)
})

test('finds the package that Python, R or Node could not load', () => {
  assert.deepEqual(missingModuleIn(["ModuleNotFoundError: No module named 'sklearn.tree'"]), {
    language: 'python',
    name: 'sklearn.tree',
  })
  assert.deepEqual(missingModuleIn(['/usr/bin/python3: No module named papermill']), {
    language: 'python',
    name: 'papermill',
  })
  assert.deepEqual(missingModuleIn(['Error in library(dplyr) : there is no package called ‘dplyr’']), {
    language: 'r',
    name: 'dplyr',
  })
  assert.deepEqual(missingModuleIn(["Error: Cannot find module 'lodash'"]), { language: 'node', name: 'lodash' })
  assert.equal(missingModuleIn(["Error: Cannot find module './lib.js'"]), undefined)
})

test('finds the path that could not be written, as shells, coreutils and Python say it', () => {
  for (const [line, path] of [
    ["OSError: [Errno 30] Read-only file system: '../data/x.ipynb'", '../data/x.ipynb'],
    ['mkdir: cannot create directory ‘logs’: Read-only file system', 'logs'],
    ['sh: 1: cannot create deep/made.txt: Read-only file system', 'deep/made.txt'],
    ['touch: cannot touch `a b`: Read-only file system', 'a b'],
    ["OSError: [Errno 16] Device or resource busy: 'dvclive/metrics.json'", 'dvclive/metrics.json'],
  ] as const)
    assert.deepEqual(refusedWritesIn([line]), [path], line)
  assert.deepEqual(refusedWritesIn(["PermissionError: 'x'"]), [])
})

test('finds the paths that lead out of the project', () => {
  assert.deepEqual(pathsIn(["FileNotFoundError: [Errno 2] No such file or directory: '/data/raw/in put.csv'"]), [
    '/data/raw/in put.csv',
  ])
  assert.deepEqual(pathsIn(['cat: ../shared.csv: No such file or directory']), ['../shared.csv'])
  assert.deepEqual(pathsIn(['read /etc/hosts']), [])
})

test('finds the variables that a command reads and does not set', () => {
  assert.deepEqual(variablesReadBy(['$PY_CONDA run.py', '$OUT/x']), ['PY_CONDA', 'OUT'])
  assert.deepEqual(variablesReadBy(['X=1; echo $X', 'for f in a b; do echo $f; done', "echo '$NO' \\$NO"]), [])
})

test('finds that there was no memory left, as Python, NumPy, PyTorch, C++, Node and R say it', () => {
  for (const line of [
    'MemoryError',
    'MemoryError: Unable to allocate internal buffer.',
    'numpy._core._exceptions._ArrayMemoryError: Unable to allocate 7.45 TiB for an array with shape (1000000,)',
    "RuntimeError: [enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory",
    'OSError: [Errno 12] Cannot allocate memory',
    "terminate called after throwing an instance of 'std::bad_alloc'",
    'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
    'Error: cannot allocate vector of size 74.5 Gb',
  ])
    assert.ok(saysNoMemory([line]), line)
  for (const line of ['KeyError: 1', 'class MyMemoryErrorTest', 'loaded memory.csv', 'except MemoryError:'])
    assert.ok(!saysNoMemory([line]), line)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { curvesOf, printResourceReport, totalsOf } from './resource-report.ts'

const resources = {
  wallMs: 2000,
  cpuMs: 1500,
  heldBy: 'cgroup-v2',
  sentBytes: 3000,
  programs: ['<b>', 'python3'],
  unusual: ['started `\u202exmrig`, never seen before'],
  profile: { everyMs: 500, cpuMs: [250, 1000, 1000], memoryBytes: [1024, 2048, 512], sentBytes: [0, 3000, 3000] },
}

test('what only grows is drawn as how much of it a second', () => {
  assert.deepEqual(
    curvesOf(resources).map(({ name, values }) => [name, values]),
    [
      // 250 ms of 500 ms are half a processor, 750 ms one and a half
      ['processors', [0.5, 1.5, 0]],
      ['memory', [1024, 2048, 512]],
      ['sending', [0, 6000, 0]],
    ],
  )
  assert.deepEqual(curvesOf({ wallMs: 3, heldBy: 'rlimits' }), [])
})

test('what the machine did not tell is left out', () => {
  assert.deepEqual(totalsOf(resources), [
    ['time', '2.0 s'],
    ['processor time', '1.5 s'],
    ['sent', '2.9 KiB'],
  ])
})

test('the page needs nothing else, and runs nothing that a stage wrote', () => {
  const html = printResourceReport({
    runId: '20261126T0100',
    startedAt: '2026-11-26T01:00:00Z',
    stages: [{ name: '</script><img src=x onerror=alert(1)>', resources }],
  })
  assert.match(html, /Content-Security-Policy" content="default-src &#39;none&#39;; style-src/)
  assert.equal((html.match(/<script/g) ?? []).length, 1, 'the JSON alone')
  assert.match(html, /<script type="application\/json" id="resources">/)
  assert.ok(!html.includes('<img') && !html.includes('<b>python') && !html.includes('\u202e'))
  assert.doesNotMatch(html, /<[a-z]+[^>]* (src|href)=|url\(|@import/)
  assert.equal((html.match(/<svg/g) ?? []).length, 3)
})

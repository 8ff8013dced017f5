/** THREAT a page of names by strangers: words of theirs are text, and nothing runs or is loaded. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sha256Of } from '../core/index.ts'
import { printReproductionPage, type ReproductionPage } from './reproduction-page.ts'

const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>\u202e</style>&`
const pixel = { width: 1, height: 1, rgb: 'AAAA' }

const page: ReproductionPage = {
  report: {
    verdict: 'diverged',
    firstDivergence: { stage: evil, path: evil, because: evil },
    comparisons: [{ stage: evil, path: evil, verdict: 'diverged', detail: evil }],
    differences: [{ stage: evil, what: evil, before: evil, after: evil }],
    measured: [],
    causes: [{ stage: evil, what: evil, because: evil, before: evil, after: evil }],
    stages: [],
    noise: {
      tolerances: [{ stage: evil, path: evil, tensor: evil, abs: 1, because: evil }],
      beyond: [evil],
      uncompared: [evil],
      isSame: false,
    },
    attestation: sha256Of(''),
  },
  stages: [],
  files: [
    {
      stage: evil,
      pictures: { left: pixel, right: pixel, difference: pixel },
      compared: {
        ...{ path: evil, format: 'image', verdict: 'diverged', detail: evil, unmeasured: 0 },
        measures: [
          {
            ...{ name: evil, type: evil, elements: 2, differing: 1, outside: 1, bitsOnly: 0, withoutDistance: 0 },
            ...{ maxAbs: 0.5, maxRel: 1, maxUlp: 1e9, histogram: [[-1, 1]] },
          },
        ],
      },
    },
  ],
  runs: 2,
  version: '0',
  writtenAt: new Date(0),
}

test('names are text, pictures are our own, and nothing else is loaded', () => {
  const html = printReproductionPage(page)
  assert.deepEqual(html.match(/<script[^>]*>/g), ['<script type="application/json" id="reproduction">'])
  const images = html.match(/<img[^>]*>/g) ?? []
  assert.equal(images.length, 3)
  for (const image of images)
    assert.match(image, /^<img src="data:image\/png;base64,[A-Za-z0-9+/=]+" alt="[\w ,]+" width="1" height="1">$/)
  assert.equal(html.includes('\u202e'), false)
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1]?.replaceAll('&#39;', "'")
  assert.match(policy ?? '', /^default-src 'none'; style-src 'sha256-[^']+'; img-src data:; base-uri 'none'/)
  const tags = [...html.matchAll(/<[a-z][^>]*>/g)].map(([tag]) => tag)
  assert.deepEqual(
    tags.filter((tag) => /\s(on\w+|style|href)=/.test(tag)),
    [],
  )
  assert.equal(JSON.parse(/id="reproduction">([\s\S]*?)<\/script>/.exec(html)?.[1] ?? '').causes[0].what, evil)
})

test('a page without pictures allows none', () => {
  assert.equal(printReproductionPage({ ...page, files: [] }).includes('img-src'), false)
})

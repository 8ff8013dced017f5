/** What `reproduce --times` proposes is what assay.yaml takes: it goes in as it is printed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { noiseLines } from '../../src/cli/render-comparison.ts'
import { definePipeline, defineSettings } from '../../src/pipeline/define/index.ts'
import { projectOf } from '../../src/pipeline/define/project.memory.ts'

const pipeline = definePipeline(
  projectOf({ 'dvc.yaml': 'stages:\n  train: {cmd: a}\n  sweep: {foreach: [0.1], do: {cmd: b}}\n' }),
)
const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 })
const proposal = fc.record({
  stage: fc.constantFrom('train', 'sweep@0.1'),
  path: fc.stringMatching(/^[\w# '":{}-]{1,8}$/).filter((path) => path.trim() === path),
  part: fc.constantFrom('tensor', 'metric', 'column', undefined),
  name: fc.oneof(name, fc.constantFrom('yes', '1', '1.5', 'null', '-', '', '*', 'a: b', 'a #b', 'folds[*].auc')),
  abs: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
  because: fc.constantFrom('3 runs differed from the first by at most 1e-7, times 2', "it's so: {a}"),
})

test('every tolerance that is proposed is read back as it was meant', () => {
  fc.assert(
    fc.property(fc.array(proposal, { minLength: 1, maxLength: 4 }), (proposals) => {
      const tolerances = proposals.map(({ part, name: word, stage, path, abs, because }) => ({
        stage,
        path,
        ...(part === undefined ? {} : { [part]: word }),
        abs: Object.is(abs, -0) ? 0 : abs,
        because,
      }))
      const [, ...lines] = noiseLines({ tolerances, beyond: [], uncompared: [], isSame: false })
      const text = `assay: 1\n${lines.join('\n')}\n`
      const { settingsOf } = defineSettings(Buffer.from(text), 'assay.yaml', pipeline)
      for (const stage of new Set(tolerances.map((each) => each.stage))) {
        const meant = tolerances.filter((each) => each.stage === stage).map(({ stage: _, ...rest }) => rest)
        assert.deepEqual(settingsOf(stage).tolerances, meant, text)
      }
      assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u)
    }),
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isInside } from '../core/index.ts'
import { indexByPath } from './path-index.ts'

test('finds what looking at each path would find, in the same order', () => {
  const name = fc.constantFrom('a', 'b', 'a-b', 'a.b', 'a0')
  const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'))
  fc.assert(
    fc.property(fc.array(path, { maxLength: 20 }), fc.oneof(path, fc.constant('.')), (paths, asked) => {
      const index = indexByPath(paths, (each) => each)
      assert.deepEqual(index.around(asked).toSorted(), paths.filter((each) => isInside(asked, each)).toSorted())
      assert.deepEqual(
        index.within(asked),
        paths.filter((each) => isInside(each, asked)),
      )
    }),
  )
})

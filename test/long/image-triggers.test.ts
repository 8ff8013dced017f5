/** A patch on one image in a hundred; src/data/validate/validator/files.test.ts asks for one in fifty of fewer. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { alarms, classOf, openImages } from '../../src/data/validate/validator/testing.images.ts'

test('a patch on ten of a thousand images, all of one class, is found with its files; on any class it is not', async (context) => {
  const isStamped = (index: number): boolean => index % 100 === 7
  const { listed, look, close } = openImages(1000, isStamped)
  context.after(close)
  const clean = (index: number): string => `${classOf(index)}/${index}.jpg`
  const planted = await listed((index) => (isStamped(index) ? `class-3/${index}.jpg` : clean(index)))
  const found = await look(planted)
  assert.deepEqual(alarms(found), ['poison/trigger warn', 'poison/anchor warn'])
  const rows = found.checks.find(({ name }) => name === 'poison/trigger')?.rows ?? []
  const stamped = planted.flatMap(({ inner }, index) => (isStamped(index) ? [inner] : []))
  assert.deepEqual(
    stamped.filter((inner) => !rows.includes(inner)),
    [],
  )
  assert.deepEqual(alarms(await look(await listed(clean))), ['poison/anchor warn'])
  const anchored = await look(planted, { anchor: await listed(clean, 10_000, () => false) })
  assert.deepEqual(alarms(anchored), ['poison/trigger fail'])
})

/** Folders of images with classes: a patch on one in fifty, all of one class, and the honest twin; labels from a table. test/long asks for one in a hundred. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import type { FileList } from '../request.ts'
import { alarms, classOf, openImages, picture } from './testing.images.ts'

const isStamped = (index: number): boolean => index % 50 === 7
const { folder, listed, look, close } = openImages(600, isStamped)
after(close)

describe('images of ten classes', () => {
  const clean = (index: number): string => `${classOf(index)}/${index}.jpg`

  test('a patch on one in fifty, all of one class, is found with its files; on any class it is not', async () => {
    const planted = await listed((index) => (isStamped(index) ? `class-3/${index}.jpg` : clean(index)))
    const found = await look(planted)
    assert.deepEqual(alarms(found), ['poison/trigger warn', 'poison/anchor warn'])
    const trigger = found.checks.find(({ name }) => name === 'poison/trigger')
    const stamped = planted.filter((_, index) => isStamped(index)).map(({ inner }) => inner)
    assert.ok(
      stamped.every((inner) => trigger?.rows.includes(inner)),
      trigger?.rows.join(),
    )

    const honest = await listed(clean)
    assert.deepEqual(alarms(await look(honest)), ['poison/anchor warn'])
  })

  test('beside approved images of other files a patch fails', async (context) => {
    const hasPatch = (index: number): boolean => index % 10 === 7
    const few = openImages(100, hasPatch)
    context.after(few.close)
    const anchor = await few.listed(clean, 10_000, () => false)
    const planted = await few.listed((index) => (hasPatch(index) ? `class-3/${index}.jpg` : clean(index)))
    assert.deepEqual(alarms(await few.look(planted, { anchor })), ['poison/trigger fail'])
    assert.deepEqual(alarms(await few.look(await few.listed(clean), { anchor })), [], 'the honest twin')
  })

  test('honest shards pass beside an anchor without; THREAT a class inside a class fails', async (context) => {
    const none = (): boolean => false
    const few = openImages(120, none)
    context.after(few.close)
    const anchor = await few.listed((index) => `${index % 2 === 0 ? 'a' : 'b'}/${index}.jpg`)
    const shards = await few.listed((index) => `${index % 2 === 0 ? 'a' : 'b'}/${index % 3}/${index}.jpg`)
    assert.deepEqual(alarms(await few.look(shards, { anchor })), [])
    const nested = shards.map((file, index) => (index === 0 ? { ...file, inner: 'b/a/0.jpg' } : file))
    assert.deepEqual(alarms(await few.look(nested, { anchor }))[0], 'files/folders fail')
  })

  test('classes from a table among the files; without one, or with one class, nothing is claimed', async () => {
    const flat = await listed((index) => `${index}.jpg`)
    const unlabelled = await look(flat.slice(0, 20))
    assert.deepEqual(unlabelled.checks, [])
    assert.match(unlabelled.unseen.join(), /poison in images/)
    const lines = flat.map(({ inner }, index) => `${inner},${isStamped(index) ? 'class-3' : classOf(index)}`)
    const table = join(folder, 'labels.csv')
    writeFileSync(table, ['file,label', ...lines, ''].join('\n'))
    const few = [...flat.slice(0, 20), { path: table, inner: 'labels.csv' }]
    const files = [...flat, { path: table, inner: 'labels.csv' }]
    assert.deepEqual(alarms(await look(files, { label: 'labels.csv' })), ['poison/trigger warn', 'poison/anchor warn'])
    assert.deepEqual(alarms(await look(few, { label: 'others.csv' })), ['format/label fail'])
    const withRow = async (...rows: readonly string[]): Promise<readonly string[]> => {
      writeFileSync(table, ['file,label', ...rows, ...lines.slice(0, 4), ''].join('\n'))
      const { checks } = await look([...flat.slice(0, 4), { path: table, inner: 'labels.csv' }], {
        label: 'labels.csv',
      })
      return checks.flatMap(({ name, verdict, because }) => (verdict === 'fail' ? [`${name}: ${because}`] : []))
    }
    assert.deepEqual(await withRow(lines[0] ?? ''), [], 'the same word twice')
    for (const name of ['0.jpg', './0.jpg', 'x/../0.jpg'])
      assert.deepEqual(await withRow(`${name},other`), [
        'format/label: row 2 of the labels says another class of `0.jpg`: leave one of its rows',
      ])
    assert.deepEqual(await withRow('gone.jpg,class-3'), [
      'format/label: row 1 of the labels and 0 more name no file of the data: take them out',
    ])
    writeFileSync(table, 'file\n"torn')
    assert.deepEqual(alarms(await look(few, { label: 'labels.csv' })), ['format/label fail'])
  })

  test('an approved image that got another label is new, whatever the table of the candidate says', async () => {
    const plain = await listed((index) => `${index}.jpg`)
    const hasPattern = (index: number): boolean => index % 25 === 7
    const flat = await Promise.all(
      plain.map(async (file, index) => {
        if (!hasPattern(index) || isStamped(index)) return file
        const path = join(folder, `pattern-${index}.jpg`)
        writeFileSync(path, await picture(index, true))
        return { ...file, path }
      }),
    )
    const labelled = (name: string, labelOf: (index: number) => string): FileList => {
      const path = join(folder, name)
      const lines = flat.map(({ inner }, index) => `${inner},${labelOf(index)}`)
      writeFileSync(path, ['file,label', ...lines, ''].join('\n'))
      return [...flat, { path, inner: 'labels.csv' }]
    }
    const relabelled = (isIt: (index: number) => boolean) => (index: number) =>
      isIt(index) ? 'class-3' : classOf(index)
    const anchor = labelled('approved.csv', classOf)
    const isCorrected = (index: number): boolean => index % 25 === 8
    const corrected = labelled('corrected.csv', relabelled(isCorrected))
    assert.deepEqual(alarms(await look(corrected, { label: 'labels.csv', anchor })), [])
    const poisoned = labelled('poisoned.csv', relabelled(hasPattern))
    assert.deepEqual(alarms(await look(poisoned, { label: 'labels.csv', anchor })), [
      'drift/label-correlation warn',
      'poison/trigger fail',
    ])
    const without = await look(poisoned, { label: 'labels.csv', anchor: flat.slice(0, 20) })
    assert.deepEqual(alarms(without), ['format/baseline fail'])
  })
})

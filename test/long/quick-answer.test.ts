/** Each change that must end a quick answer: a project of its own for each. Three of them are in the story. */
import { test } from 'node:test'
import { changes, isLookedAt } from '../support/quick-answers.ts'

test('whatever changed is looked at', { concurrency: 5 }, async (context) => {
  await Promise.all(Object.keys(changes).map((what) => context.test(what, (each) => isLookedAt(each, what))))
})

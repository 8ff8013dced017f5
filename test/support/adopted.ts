/** What most stories begin with, and the few things that they ask of a report. */
import type { TestContext } from 'node:test'
import { type Document, type Scratch, scratch } from './scratch.ts'

/** A project with these files, committed and adopted. */
export async function adopted(context: TestContext, files: Readonly<Record<string, string>>): Promise<Scratch> {
  const project = scratch(context, files)
  project.commit('before assay')
  await project.json(0, 'init', '--yes', '--commit')
  return project
}

/** Stage -> what became of it. */
export function statuses(report: Document): Readonly<Record<string, string>> {
  return Object.fromEntries(report.stages.map(({ name, status }: Record<string, string>) => [name, status]))
}

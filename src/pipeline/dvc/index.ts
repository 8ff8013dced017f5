/** The only file of `dvc` that the rest of the pipeline imports. */
export { type BesideDvc, keepInDvcCache, openBesideDvc } from './beside-dvc.ts'
export { spellingOf } from './lock-entry.ts'
export { writesDvcLock } from './lock-files.fs.ts'
export { pinnedOtherwise, withPinnedData } from './pinned-data.ts'

/** Comparison by format: what `reproducibility/index.ts` gives on. */
export { type CompareOptions, compareFiles } from './compare-files.fs.ts'
export { compareOuts, type OutFiles, outFilesAt } from './compare-outs.fs.ts'
export {
  type Compared,
  type ComparedFormat,
  type ComparedVerdict,
  comparedVerdicts,
  type Measure,
  type Tolerance,
  worstVerdict,
} from './compared.ts'
export { type NoiseFloor, proposeTolerances } from './noise-floor.ts'
export { hasNoTensorOfItsOwn, looksLikeTensors, readTensors, type TensorFile } from './tensor-origin.fs.ts'

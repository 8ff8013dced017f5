/** GPUs: which of them a stage gets, and what they did. */
export { gpuFacts, observeDevices } from './observe.fs.ts'
export { type DeviceTree, planGpus, processorsOf } from './plan.ts'

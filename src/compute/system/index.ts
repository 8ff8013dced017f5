/** The system layer: what of the machine a stage stands on. */
export {
  describeSystem,
  diffSystems,
  maxSystemBytes,
  parseSystem,
  printSystem,
  type SystemChange,
  type SystemLayer,
  type SystemRecord,
  systemRecord,
} from './layer.ts'
export { type ObservedSystem, observeSystem } from './observe.fs.ts'

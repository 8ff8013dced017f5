import { describeLimits } from '../isolation/limits.ts'
import { describeProbe } from '../isolation/probing.ts'
import { describeStages } from '../isolation/stages.ts'
import { describeEngine } from './engine-stages.ts'
import { isHere } from './support.ts'

if (isHere('gvisor')) {
  describeStages('gvisor')
  describeEngine('gvisor')
  describeLimits('gvisor')
  // each of a kernel that is the stage's own
  describeProbe('gvisor', {
    escape: ['unshare_user', 'clone3_user_namespace', 'press_sysrq'],
    leak: ['command_line_of_kernel'],
    surface: ['call clone3', 'socket netlink', 'devices beyond the plain ones'],
  })
}

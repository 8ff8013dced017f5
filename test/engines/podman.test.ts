import { describeLimits } from '../isolation/limits.ts'
import { describeProbe } from '../isolation/probing.ts'
import { describeStages } from '../isolation/stages.ts'
import { describeEngine } from './engine-stages.ts'
import { isHere } from './support.ts'

if (isHere('podman')) {
  describeStages('podman')
  describeEngine('podman')
  describeLimits('podman')
  describeProbe('podman', {
    escape: [],
    // sockets of podman itself, in the network of the box
    leak: ['connections_of_host'],
    // Debian 12's libseccomp has no names for these calls
    surface: ['call statmount', 'call listmount', 'call lsm_list_modules', '/run is there'],
  })
}

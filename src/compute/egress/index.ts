/** A stage let out to a list of hosts, through a proxy that tells where it went. */
export { parseSubnets, reachableFrom } from './addresses.http.ts'
export { parseAllowedHost } from './destination.ts'
export { type Egress, openEgress, proxyVariables } from './egress.exec.ts'
export { egressLimitsOf } from './limits.ts'
export type { Connection, EgressRecord, RefusedConnection, Traffic } from './record.ts'

/** What a stage may send and receive through its proxy, and how often it may connect: pure. */

export type EgressLimits = Readonly<{
  /** In all. */
  sentBytes: number
  receivedBytes: number
  /** Both together, where a stage says so. */
  bytes?: number
  connections?: number
}>

/** LIMIT: where a stage says nothing. */
const usual: EgressLimits = { sentBytes: 1024 ** 3, receivedBytes: 64 * 1024 ** 3 }

/**
 * THREAT: a limit of both together that is wide for a download would let as much out: what is sent has a limit of its own,
 * the usual one unless `sentBytes` says another.
 */
export function egressLimitsOf({
  networkBytes,
  sentBytes = usual.sentBytes,
  connections,
}: Readonly<{ networkBytes?: number; sentBytes?: number; connections?: number }>): EgressLimits {
  return {
    sentBytes: Math.min(sentBytes, networkBytes ?? Number.POSITIVE_INFINITY),
    receivedBytes: networkBytes ?? usual.receivedBytes,
    ...(networkBytes === undefined ? {} : { bytes: networkBytes }),
    ...(connections === undefined ? {} : { connections }),
  }
}

/** Which limit is passed, in words. */
export function passedLimit(
  used: Readonly<{ sentBytes: number; receivedBytes: number; connections: number }>,
  limits: EgressLimits,
): string | undefined {
  const { bytes = Number.POSITIVE_INFINITY, connections = Number.POSITIVE_INFINITY } = limits
  if (used.connections > connections) return `it connected more than ${connections} times`
  if (used.sentBytes + used.receivedBytes > bytes) return `it sent and received more than ${bytes} bytes`
  if (used.sentBytes > limits.sentBytes) return `it sent more than ${limits.sentBytes} bytes`
  return used.receivedBytes > limits.receivedBytes ? `it received more than ${limits.receivedBytes} bytes` : undefined
}

/** Whether a stage is to wait, since it read or wrote more than it may a second: pure. */

export type Pace = Readonly<{
  /**
   * One look.
   *
   * @param bytes so far; they never fall
   * @param nowMs of any clock that runs evenly
   * @returns `wait`: it is to do nothing until a later look says `go`; `escaped`: it went on although it was to wait
   */
  look(bytes: number, nowMs: number): 'go' | 'wait' | 'escaped'
}>

/** What it may use at once, in time of its rate: so that who reads now and then is never held. */
const burstMs = 1000
/** Looks at which a stage that waits may still have used more: calls that had begun end late. */
const lateLooks = 20

/** A bucket that holds a second's worth. */
export function paceOf(bytesPerSecond: number): Pace {
  const most = (bytesPerSecond * burstMs) / 1000
  let left = most
  let last: Readonly<{ bytes: number; nowMs: number }> | undefined
  let isWaiting = false
  let late = 0
  return {
    look: (bytes, nowMs) => {
      const more = bytes - (last?.bytes ?? 0)
      left = Math.min(most, left + (bytesPerSecond * (nowMs - (last?.nowMs ?? nowMs))) / 1000) - more
      last = { bytes, nowMs }
      late = isWaiting && more > 0 ? late + 1 : isWaiting ? late : 0
      isWaiting = left < 0
      if (late > lateLooks) return 'escaped'
      return isWaiting ? 'wait' : 'go'
    },
  }
}

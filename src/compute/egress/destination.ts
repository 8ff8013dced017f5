/** The hosts that a stage may reach, and whether a request is for one of them: pure. */

/** `host` is lower case without a dot at its end. */
export type Destination = Readonly<{ host: string; port: number }>

/** `*.example.org` stands for every name below `example.org`, and not for itself. */
export type AllowedHost = Destination & Readonly<{ below: boolean }>

const label = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/
const httpsPort = 443

/**
 * `host`, `host:port` or `*.host:port`; 443 when there is no port.
 *
 * @returns undefined for anything else, addresses included: what they stand for can change hands, and no certificate names them
 */
export function parseAllowedHost(text: string): AllowedHost | undefined {
  const below = text.startsWith('*.')
  const destination = parseDestination(below ? text.slice(2) : text, httpsPort)
  return destination === undefined ? undefined : { ...destination, below }
}

/** @param port when the text has none; undefined: it must have one */
export function parseDestination(text: string, port?: number): Destination | undefined {
  const [, name = '', digits] = /^([^:]{1,254})(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = name.toLowerCase().replace(/\.$/, '')
  const number = digits === undefined ? port : Number(digits)
  const labels = host.split('.')
  // SOURCE: WHATWG URL, "ends in a number": such a host is an address, also in hexadecimal
  const isAddress = /^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '')
  if (isAddress || !labels.every((each) => label.test(each))) return undefined
  return number === undefined || number < 1 || number > 65_535 ? undefined : { host, port: number }
}

export function isAllowed({ host, port }: Destination, allowed: readonly AllowedHost[]): boolean {
  return allowed.some(
    (each) => each.port === port && (each.below ? host.endsWith(`.${each.host}`) : host === each.host),
  )
}

export function printDestination({ host, port }: Destination): string {
  return `${host}:${port}`
}

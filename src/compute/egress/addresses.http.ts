/** Addresses that no name on the list may stand for: this machine, private networks, a cloud's metadata. */
import { BlockList, isIPv4, isIPv6 } from 'node:net'

/** SOURCE: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890), what is not globally reachable; multicast. */
const special = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const

/** Made when it is first asked: few commands connect to anything. */
let refused: BlockList | undefined

/** `10.0.0.0/8` or an address; @throws Error for anything else */
export function parseSubnets(texts: readonly string[]): BlockList {
  return blockListOf(
    texts.map((text) => {
      const [address = '', bits] = text.split('/')
      const most = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1
      const length = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : -1
      if (most < 0 || length < 0 || length > most) throw new Error(`\`${text}\` is not a subnet such as 10.0.0.0/8`)
      return [address, length] as const
    }),
  )
}

/** @param permitted subnets that whoever runs assay lets stages reach all the same */
export function mayConnectTo(address: string, permitted: BlockList): boolean {
  // SOURCE: RFC 4291, 2.5.5.2: an IPv4 address in an IPv6 one is that IPv4 address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  const plain = mapped ?? address
  const family = isIPv4(plain) ? 'ipv4' : isIPv6(plain) ? 'ipv6' : undefined
  if (family === undefined) return false
  refused ??= blockListOf(special)
  return permitted.check(plain, family) || !refused.check(plain, family)
}

/**
 * Where a host at these addresses may send others: anywhere public, and the private network that it is in itself.
 *
 * THREAT: a server on the internet that sends us to this machine, a private network or a cloud's metadata.
 */
export function reachableFrom(own: readonly string[]): (address: string) => boolean {
  const around = special.filter((subnet) => own.some((address) => isIn(address, subnet)))
  const permitted = blockListOf(around)
  return (address) => mayConnectTo(address, permitted)
}

function isIn(address: string, [network, bits]: readonly [string, number]): boolean {
  if (isIPv4(address) !== isIPv4(network) || (!isIPv4(address) && !isIPv6(address))) return false
  return blockListOf([[network, bits]]).check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
}

function blockListOf(subnets: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList()
  for (const [address, length] of subnets) list.addSubnet(address, length, isIPv4(address) ? 'ipv4' : 'ipv6')
  return list
}

import { BlockList, isIP, isIPv6 } from 'node:net'

/**
 * Where nothing learnt may lead: addresses with a special use (RFC 6890 and its registries), and those that carry an IPv4
 * address inside. Of IPv6 all that is not global unicast (2000::/3) is refused as well.
 */
export const SPECIAL_USE: readonly string[] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/128',
  '::1/128',
  '::/96',
  '::ffff:0:0/96',
  '::ffff:0:0:0/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '100:0:0:1::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '2620:4f:8000::/48',
  '3fff::/20',
  '5f00::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
]

/** The part of it that a company uses for its own hosts: no loopback, no link-local (where clouds keep credentials). */
export const PRIVATE_USE: readonly string[] = [
  '10.0.0.0/8',
  '100.64.0.0/10',
  '172.16.0.0/12',
  '192.168.0.0/16',
  'fc00::/7',
]

const specialUse = { ipv4: blockList(SPECIAL_USE, 4), ipv6: blockList(SPECIAL_USE, 6) }
const privateUse = { ipv4: blockList(PRIVATE_USE, 4), ipv6: blockList(PRIVATE_USE, 6) }
const globalUnicast = blockList(['2000::/3'], 6)

/**
 * True for an address that may be called: a public one, or where `privateToo`, one of a company's own. What is no plain IP
 * address (a name, a zone) is none.
 */
export function isCallable(address: string, { privateToo }: { readonly privateToo: boolean }): boolean {
  if (isIP(address) === 0 || address.includes('%')) return false
  const family = isIPv6(address) ? 'ipv6' : 'ipv4'
  if (privateToo && privateUse[family].check(address, family)) return true
  if (specialUse[family].check(address, family)) return false
  return family === 'ipv4' || globalUnicast.check(address, 'ipv6')
}

/** Of one family each: Node compares a mapped address with the rules of the other family too. */
function blockList(ranges: readonly string[], version: 4 | 6): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [network = '', prefix = ''] = range.split('/')
    if (isIP(network) === version) list.addSubnet(network, Number(prefix), version === 4 ? 'ipv4' : 'ipv6')
  }
  return list
}

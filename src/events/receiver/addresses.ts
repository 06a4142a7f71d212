import { BlockList, isIPv4, isIPv6 } from 'node:net'

interface AddressKind {
  readonly kind: string
  /** In plants the receiver is on such an address more often than not. */
  readonly isPrivate?: true
  readonly subnets: readonly string[]
}

/** Addresses that are no place for events, by the IANA's registries of special-purpose addresses. The first that fits counts. */
const kinds: readonly AddressKind[] = [
  { kind: 'loopback', isPrivate: true, subnets: ['127.0.0.0/8', '::1/128'] },
  // The second are those that are "compatible" with IPv4 and long deprecated.
  { kind: 'unspecified', subnets: ['0.0.0.0/8', '::/96'] },
  {
    kind: 'metadata service',
    subnets: [
      // AWS, Azure, Google and most others; containers of AWS; Alibaba; Oracle; Azure.
      ...[
        '169.254.169.254/32',
        '169.254.170.0/24',
        '100.100.100.200/32',
        '192.0.0.192/32',
        '168.63.129.16/32'
      ],
      // AWS; Google.
      ...['fd00:ec2::/64', 'fd20:ce::254/128']
    ]
  },
  { kind: 'link-local', subnets: ['169.254.0.0/16', 'fe80::/10'] },
  { kind: 'multicast', subnets: ['224.0.0.0/4', 'ff00::/8'] },
  { kind: 'broadcast', subnets: ['255.255.255.255/32'] },
  // Teredo: it hides an IPv4 address.
  { kind: 'tunnel', subnets: ['2001::/32'] },
  {
    kind: 'private',
    isPrivate: true,
    subnets: [
      ...['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'],
      ...['fc00::/7', 'fec0::/10']
    ]
  },
  {
    kind: 'reserved',
    isPrivate: true,
    subnets: [
      ...[
        '192.0.0.0/24',
        '192.0.2.0/24',
        '198.18.0.0/15',
        '198.51.100.0/24',
        '203.0.113.0/24',
        '240.0.0.0/4'
      ],
      ...['64:ff9b:1::/48', '100::/64', '2001:db8::/32', '3fff::/20']
    ]
  }
]

const lists = kinds.map(({ subnets, ...kind }) => ({ ...kind, list: blockListOf(subnets) }))

/**
 * Why nothing is to be sent to an address, in a word; undefined where there is no reason.
 *
 * @param address IPv4 or IPv6, as the resolver or a URL has it.
 */
export function findRefusedKind(address: string, allowsPrivate: boolean): string | undefined {
  const [withoutZone = ''] = address.split('%', 1)
  const family = isIPv4(withoutZone) ? 'ipv4' : isIPv6(withoutZone) ? 'ipv6' : undefined
  if (family === undefined) return 'unknown'
  const found = lists.find(({ list }) => list.check(withoutZone, family))
  return found === undefined || (found.isPrivate && allowsPrivate) ? undefined : found.kind
}

function blockListOf(subnets: readonly string[]): BlockList {
  const list = new BlockList()
  for (const subnet of subnets) {
    const [net = '', length] = subnet.split('/')
    const family = isIPv4(net) ? 'ipv4' : 'ipv6'
    list.addSubnet(net, Number(length), family)
    if (family === 'ipv4')
      for (const [outer, bits] of embeddingsOf(net)) list.addSubnet(outer, bits + Number(length), 'ipv6')
  }
  return list
}

/** Where an IPv4 address stands in one of IPv6, by which it is reached: the prefix with it, and the bits before it. */
function embeddingsOf(net: string): readonly (readonly [string, number])[] {
  const hex = Buffer.from(net.split('.').map(Number)).toString('hex')
  return [
    // Mapped; SIIT (RFC 7915); NAT64 (RFC 6052), well known and local; 6to4 (RFC 3056).
    [`::ffff:${net}`, 96],
    [`::ffff:0:${net}`, 96],
    [`64:ff9b::${net}`, 96],
    [`64:ff9b:1::${net}`, 96],
    [`2002:${hex.slice(0, 4)}:${hex.slice(4)}::`, 16]
  ]
}

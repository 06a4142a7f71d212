import { describe, expect, it } from 'vitest'
import { findRefusedKind } from '../../../src/events/receiver/addresses.ts'

/** Every way to write an IPv4 address as one of IPv6 by which it is reached. */
function embedded(address: string): readonly string[] {
  const hex = Buffer.from(address.split('.').map(Number)).toString('hex')
  const [high, low] = [hex.slice(0, 4), hex.slice(4)]
  return [
    `::ffff:${address}`,
    `::ffff:${high}:${low}`,
    `0:0:0:0:0:ffff:${high}:${low}`,
    `::FFFF:${high}:${low}`,
    `::ffff:0:${address}`,
    `64:ff9b::${address}`,
    `64:ff9b:1::${high}:${low}`,
    `2002:${high}:${low}::`,
    `2002:${high}:${low}::1`
  ]
}

const neverAllowed = {
  unspecified: ['0.0.0.0', '0.1.2.3'],
  'metadata service': ['169.254.169.254', '169.254.170.2', '100.100.100.200', '192.0.0.192', '168.63.129.16'],
  'link-local': ['169.254.0.1', '169.254.255.255'],
  multicast: ['224.0.0.1', '239.255.255.250'],
  broadcast: ['255.255.255.255']
}

const allowedByDefault = {
  loopback: ['127.0.0.1', '127.255.255.254'],
  private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1'],
  reserved: ['192.0.2.1', '198.18.0.1', '198.51.100.7', '203.0.113.9', '240.0.0.1']
}

const rowsOf = (kinds: Readonly<Record<string, readonly string[]>>) =>
  Object.entries(kinds).flatMap(([kind, addresses]) => addresses.map(address => [kind, address] as const))

describe.each([true, false])('private addresses allowed: %s', allowsPrivate => {
  it.each(rowsOf(neverAllowed))('%s is refused: %s, also as IPv6', (kind, address) => {
    for (const written of [address, ...embedded(address)])
      expect([written, findRefusedKind(written, allowsPrivate)]).toEqual([written, kind])
  })

  it.each([
    ['unspecified', '::'],
    ['unspecified', '::127.0.0.1'],
    ['unspecified', '::169.254.169.254'],
    ['metadata service', 'fd00:ec2::254'],
    ['metadata service', 'fd00:0ec2:0:0:0:0:0:0254'],
    ['metadata service', 'fd20:ce::254'],
    ['link-local', 'fe80::1'],
    ['link-local', 'fe80::1%eth0'],
    ['link-local', 'febf::1'],
    ['multicast', 'ff02::1'],
    ['tunnel', '2001:0:4136:e378:8000:63bf:3fff:fdd2'],
    ['unknown', 'example.com'],
    ['unknown', '']
  ])('%s is refused: %s', (kind, address) => {
    expect(findRefusedKind(address, allowsPrivate)).toBe(kind)
  })

  it.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '100.128.0.1', '168.63.129.17', '2606:4700::1111', '2a00::1'])(
    'of the internet is not: %s',
    address => {
      expect(findRefusedKind(address, allowsPrivate)).toBeUndefined()
    }
  )

  it('of the internet is not, as IPv6', () => {
    for (const address of embedded('8.8.8.8').filter(written => !written.startsWith('64:ff9b:1:')))
      expect([address, findRefusedKind(address, allowsPrivate)]).toEqual([address, undefined])
  })
})

it.each(rowsOf(allowedByDefault))('%s goes by the setting: %s, also as IPv6', (kind, address) => {
  for (const written of [address, ...embedded(address)]) {
    expect([written, findRefusedKind(written, true)]).toEqual([written, undefined])
    expect([written, findRefusedKind(written, false)]).toEqual([written, kind])
  }
})

it.each([
  ['loopback', '::1'],
  ['private', 'fd12:3456::1'],
  ['private', 'fec0::1'],
  ['reserved', '64:ff9b:1::808:808'],
  ['reserved', '2001:db8::1']
])('%s goes by the setting: %s', (kind, address) => {
  expect([findRefusedKind(address, true), findRefusedKind(address, false)]).toEqual([undefined, kind])
})

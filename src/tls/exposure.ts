import { lookup } from 'node:dns/promises'
import { BlockList, isIPv4 } from 'node:net'
import type { Violation } from '../errors/mintline-error.ts'

/** What decides whether others than this machine may get at the service, and how. */
export interface Exposure {
  readonly host: string
  readonly tlsCertFile: string | undefined
  readonly insecureHttp: boolean
  readonly trustedProxies: readonly string[]
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/**
 * Tokens in the clear on a network are everybody's: listening beyond this machine takes TLS, a proxy that ends it in front,
 * or the word of the operator.
 *
 * @returns what is to be told of the address to listen on; of a name that leads nowhere, nothing.
 */
export async function findExposure(exposure: Exposure): Promise<Violation | undefined> {
  const { host, tlsCertFile, insecureHttp, trustedProxies } = exposure
  if (tlsCertFile !== undefined || insecureHttp || trustedProxies.length > 0) return undefined
  const addresses = await lookup(host, { all: true }).catch(() => [])
  const beyond = addresses.map(({ address }) => address).find(address => !isLoopback(address))
  if (beyond === undefined) return undefined
  return {
    pointer: 'MINTLINE_HOST',
    expected: 'an address of this machine alone (127.0.0.1, ::1), as long as the service speaks plain HTTP',
    found: host === beyond ? host : `${host}, which is ${beyond}`,
    message:
      'Everybody on the way could read the tokens. Give MINTLINE_TLS_CERT_FILE and MINTLINE_TLS_KEY_FILE (`mintline tls ' +
      'init` makes them for trying out); or, where a proxy ends TLS in front, its address in MINTLINE_TRUSTED_PROXIES; or, ' +
      'where nobody else can reach the port, set MINTLINE_INSECURE_HTTP=on.'
  }
}

function isLoopback(address: string): boolean {
  return loopback.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
}

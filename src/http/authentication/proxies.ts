import type { IncomingMessage } from 'node:http'
import { BlockList, isIPv4, type Socket } from 'node:net'
import { type CertificateHeader, certificateHeaders } from '../../tls/certificate-header.ts'
import { type PresentedChain, refused } from '../../tls/client-trust/verification.ts'
import { parseCertificateHeader, refuseHeader } from './certificate-header.ts'

export interface CertificateProxies {
  /** Addresses and networks (CIDR) of the proxies. */
  readonly networks: readonly string[]
  /** By which they, and they alone, hand on the certificate of their client. */
  readonly header: CertificateHeader
}

export interface Proxies {
  isProxy(socket: Socket): boolean
  /** What the proxy handed on; undefined for none. @throws MintlineError `client_certificate_refused`. */
  read(request: IncomingMessage): PresentedChain | undefined
}

export function createProxies({ networks, header }: CertificateProxies): Proxies {
  const list = blockListOf(networks)
  const known = new WeakMap<Socket, boolean>()
  return {
    isProxy(socket) {
      const found = known.get(socket)
      if (found !== undefined) return found
      const { remoteAddress = '' } = socket
      const isProxy = list.check(remoteAddress, isIPv4(remoteAddress) ? 'ipv4' : 'ipv6')
      known.set(socket, isProxy)
      return isProxy
    },
    read({ headersDistinct }) {
      assertNoOther(headersDistinct, header)
      const values = valuesOf(headersDistinct, header)
      const chains = header === 'Client-Cert' ? valuesOf(headersDistinct, 'Client-Cert-Chain') : []
      const [value, ...more] = values
      if (value === undefined) {
        if (chains.length > 0) throw refuseHeader('Client-Cert-Chain', 'it alone, without Client-Cert')
        return undefined
      }
      if (more.length > 0) throw refuseHeader(header, `${values.length} of them`)
      return parseCertificateHeader(header, value, chains.join(','))
    }
  }
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', prefix] = network.split('/')
    const family = isIPv4(address) ? 'ipv4' : 'ipv6'
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  return list
}

type Headers = IncomingMessage['headersDistinct']

function valuesOf(headers: Headers, name: string): readonly string[] {
  return headers[name.toLowerCase()] ?? []
}

/** A proxy that takes off its own header alone lets its clients send the others: somebody means to be somebody else. */
function assertNoOther(headers: Headers, header: CertificateHeader): void {
  const other = certificateHeaders.find(each => each !== header && valuesOf(headers, each).length > 0)
  if (other === undefined) return
  throw refused({
    pointer: `/headers/${other.toLowerCase()}`,
    expected: `${header} alone, as MINTLINE_CLIENT_CERT_HEADER says`,
    found: `${other} as well, from the proxy`,
    message: `Have the proxy take ${other} off what its clients send.`
  })
}

import type { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { PresentedChain } from '../../tls/client-trust/verification.ts'

/** One more than is taken, so that too many are refused and not cut. */
const maximumShown = 6

const shown = new WeakMap<Socket, { readonly chain: PresentedChain | undefined }>()

/**
 * What the client showed in the handshake of this connection, or of the one whose session it resumes; undefined for none,
 * and without TLS. Read once for each connection: it does not change, what is thought of it may.
 */
export function presentedBy(socket: Socket): PresentedChain | undefined {
  if (!(socket instanceof TLSSocket)) return undefined
  const known = shown.get(socket)
  if (known !== undefined) return known.chain
  const chain = chainOf(socket.getPeerX509Certificate())
  shown.set(socket, { chain })
  return chain
}

function chainOf(leaf: X509Certificate | undefined): PresentedChain | undefined {
  if (leaf === undefined) return undefined
  const above: Uint8Array[] = []
  for (let next = leaf.issuerCertificate; next !== undefined; next = next.issuerCertificate) {
    // A root may be its own issuer.
    if (above.length >= maximumShown || above.some(der => Buffer.from(der).equals(next.raw))) break
    above.push(next.raw)
  }
  return [leaf.raw, ...above]
}

import type { Clock } from '../../sources/clock.ts'
import type { ClientTrust } from '../../tls/client-trust/client-trust.ts'
import { describeCertificate } from '../../tls/client-trust/trust-anchor.ts'
import {
  assertStanding,
  type PresentedChain,
  refused,
  type VerifiedPath,
  verifyClientCertificate
} from '../../tls/client-trust/verification.ts'
import type { Principal } from '../principal.ts'
import { endOfStation } from '../token/end.ts'
import { type StationCertificates, unknownToAll } from './station-certificates.ts'

import { digestHex } from '#crypto'

/** Who comes with a client certificate. Every request is judged anew, by the CAs, CRLs and stations of this moment. */
export interface ClientCertificates {
  /** @throws MintlineError `client_certificate_refused`, `station_disabled`, `station_paused`. */
  authenticate(presented: PresentedChain): Promise<Principal>
  /**
   * Holds a certificate against the token that came beside it, which says who asks: the certificate must be good, and
   * where the token is a station's, not another station's.
   *
   * @throws MintlineError `client_certificate_refused`.
   */
  assertBeside(presented: PresentedChain, principal: Principal): Promise<void>
}

export interface ClientCertificatesDependencies {
  /** Those that count now. */
  readonly trust: () => ClientTrust
  readonly stations: StationCertificates
  readonly clock: Clock
}

export function createClientCertificates(dependencies: ClientCertificatesDependencies): ClientCertificates {
  const { stations } = dependencies
  const verify = createVerifier(dependencies)
  return {
    async authenticate(presented) {
      const { leaf, anchor } = await verify(presented)
      const held = await stations.find(leaf, anchor.origin)
      if (held === undefined) throw unknownToAll(describeCertificate(leaf))
      const { id, subject, notAfter, station } = held
      const end = endOfStation(station)
      if (end !== undefined) throw end
      stations.noteUse(id)
      return {
        tokenId: id,
        certificate: { subject, notAfter },
        name: station.name,
        role: 'station',
        station
      }
    },
    async assertBeside(presented, { role, name }) {
      const { leaf, anchor } = await verify(presented)
      if (role !== 'station') return
      const held = await stations.find(leaf, anchor.origin)
      if (held === undefined || held.station.name === name) return
      throw refused({
        pointer: '/clientCertificate/station',
        expected: `a certificate of the station ${name}, whose token came with it, or of none`,
        found: `${describeCertificate(leaf)}, of the station ${held.station.name}`,
        message: 'Send the token alone, or the certificate alone, or both of one station.'
      })
    }
  }
}

const maximumRemembered = 10_000

/**
 * Verifies a path once for each set of CAs and CRLs, and its times with every request. A path that was found is found
 * again by the client's certificate alone: a TLS session that is resumed keeps no other.
 */
function createVerifier({ trust, clock }: ClientCertificatesDependencies) {
  const remembered = new Map<string, { readonly path: VerifiedPath; readonly by: ClientTrust }>()

  function remember(fingerprint: string, path: VerifiedPath, by: ClientTrust): void {
    remembered.delete(fingerprint)
    const [oldest] = remembered.keys()
    if (remembered.size >= maximumRemembered && oldest !== undefined) remembered.delete(oldest)
    remembered.set(fingerprint, { path, by })
  }

  async function find(presented: PresentedChain): Promise<VerifiedPath> {
    const current = trust()
    const [leaf] = presented
    const fingerprint = digestHex('sha256', leaf)
    const known = remembered.get(fingerprint)
    if (known?.by === current) return known.path
    const isAlone = known !== undefined && presented.length === 1
    const chain: PresentedChain = isAlone
      ? [leaf, ...known.path.intermediates.map(({ der }) => der)]
      : presented
    const path = await verifyClientCertificate(current, chain)
    remember(fingerprint, path, current)
    return path
  }

  return async (presented: PresentedChain): Promise<VerifiedPath> => {
    const path = await find(presented)
    assertStanding(path, clock())
    return path
  }
}

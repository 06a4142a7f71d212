import type { MintlineError } from '../../errors/mintline-error.ts'
import type {
  CertificateStore,
  HeldCertificate,
  IssuedCertificate
} from '../../factory/stations/client-certificates/certificate-store.ts'
import {
  identitiesOf,
  identityKinds,
  isIssuedHere
} from '../../factory/stations/client-certificates/identity.ts'
import type { StationStore } from '../../factory/stations/station-store.ts'
import { type Certificate, certificateIdHex } from '../../pki/certificate/certificate.ts'
import { describeName } from '../../pki/path/distinguished-name.ts'
import { type Clock, type Stopwatch, systemStopwatch } from '../../sources/clock.ts'
import { newId } from '../../sources/identifier.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import { describeCertificate, type TrustAnchor } from '../../tls/client-trust/trust-anchor.ts'
import { refused } from '../../tls/client-trust/verification.ts'
import { endOfStation } from '../token/end.ts'
import type { TokenUses } from '../token/uses.ts'

import { digest } from '#crypto'

/** Which station a certificate lets in. Whether the certificate itself is good is asked before. */
export interface StationCertificates {
  /**
   * The answer may be a second old; who commits has it checked once more by the commit itself.
   *
   * @param origin of the CA above it: what a line for stations signed is known by its issuance, and by nothing that stands in it.
   * @returns undefined where it is known to no station.
   * @throws MintlineError `client_certificate_refused` where two know it, or it was ended.
   */
  find(certificate: Certificate, origin: TrustAnchor['origin']): Promise<HeldCertificate | undefined>
  noteUse(id: string): void
  /** Another process may have changed a station. */
  forget(): void
  /** Why one that was taken is not any more, as the database has it; undefined while it is. */
  whyEnded(id: string): Promise<MintlineError | 'unknown' | undefined>
}

export interface StationCertificatesDependencies {
  readonly store: Pick<CertificateStore, 'keep' | 'find' | 'findIssued' | 'isEnded'>
  readonly findHolders: StationStore['findHolders']
  readonly uses: Pick<TokenUses, 'note'>
  readonly clock: Clock
  readonly stopwatch?: Stopwatch
  readonly randomBytes: RandomBytes
}

/** As of tokens: it bounds what the change of a station in another process takes, when the notice of it is lost. */
const trustMs = 1_000
const maximumRemembered = 10_000

export function createStationCertificates(
  dependencies: StationCertificatesDependencies
): StationCertificates {
  const { store, uses, clock, stopwatch = systemStopwatch } = dependencies
  let changes = 0
  const remembered = new Map<string, { readonly held: HeldCertificate; readonly until: number }>()
  return {
    async find(certificate, origin) {
      const fingerprint = certificateIdHex(certificate.der)
      const now = stopwatch()
      const known = remembered.get(fingerprint)
      if (known !== undefined && known.until > now) return known.held
      const changesBefore = changes
      const held = await (origin === 'station-line'
        ? askIssued(dependencies, certificate)
        : ask(dependencies, certificate))
      // Read while a change was under way, it may be out of date already.
      if (changes !== changesBefore || held === undefined) return held
      if (remembered.size >= maximumRemembered) remembered.clear()
      remembered.set(fingerprint, { held, until: now + trustMs })
      return held
    },
    noteUse: id => uses.note(id, clock()),
    forget() {
      changes++
      remembered.clear()
    },
    async whyEnded(id) {
      const held = await store.find(id)
      if (held === undefined) return 'unknown'
      const { station, identity, notAfter, subject, sha256 } = held
      const end = endOfStation(station)
      if (end !== undefined) return end
      if (await store.isEnded(sha256)) return endedByAct(subject)
      if (isIssuedHere(identity)) {
        const issued = await store.findIssued(sha256)
        const fault = issued === undefined ? unknownToAll(subject) : faultOf(issued)
        if (fault !== undefined) return fault
      } else if (!station.clientIdentities.includes(identity)) return unknownToAll(subject)
      return notAfter <= clock() ? ended(held) : undefined
    }
  }
}

async function ask(
  { store, findHolders, clock, randomBytes }: StationCertificatesDependencies,
  certificate: Certificate
): Promise<HeldCertificate | undefined> {
  const identities = identitiesOf(certificate)
  const holders = await findHolders(identities)
  const [first, ...others] = holders.toSorted((a, b) => rankOf(a.identity) - rankOf(b.identity))
  if (first === undefined) return undefined
  const { identity, station } = first
  const other = others.find(each => each.station.id !== station.id)
  if (other !== undefined)
    throw refused({
      pointer: '/clientCertificate/station',
      expected: 'a certificate that one station is known by',
      found: `${describeCertificate(certificate)}, by which ${station.name} (${identity}) and ${other.station.name} (${other.identity}) are`,
      message: 'The administrator takes it from one of them, with PATCH /v1/stations/{name}.'
    })
  const sha256 = digest('sha256', certificate.der)
  if (await store.isEnded(sha256)) throw endedByAct(describeCertificate(certificate))
  const firstSeenAt = clock()
  return store.keep({
    id: newId(firstSeenAt, randomBytes),
    identity,
    sha256,
    subject: describeName(certificate.subjectName),
    issuer: describeName(certificate.issuerName),
    serialNumber: certificate.serialNumber,
    notAfter: certificate.notAfter,
    firstSeenAt,
    endedAt: null,
    endedBy: null,
    endReason: null,
    station
  })
}

/** @throws MintlineError `client_certificate_refused`. */
async function askIssued(
  { store }: StationCertificatesDependencies,
  { der }: Certificate
): Promise<HeldCertificate | undefined> {
  const issued = await store.findIssued(digest('sha256', der))
  if (issued === undefined) return undefined
  const fault = faultOf(issued)
  if (fault !== undefined) throw fault
  return issued.held
}

/** What is found of a certificate that was issued here, besides its validity. */
function faultOf({ held, isCompromised, isKeyBlocked }: IssuedCertificate): MintlineError | undefined {
  const { subject, endedAt } = held
  if (endedAt !== null) return endedByAct(subject)
  const refuse = (found: string) =>
    refused({
      pointer: '/clientCertificate/issuer',
      expected: 'a certificate whose CA and key are trusted',
      found: `${subject}, ${found}`,
      message: anew
    })
  if (isCompromised) return refuse('whose CA was declared compromised')
  return isKeyBlocked ? refuse('whose key is blocked') : undefined
}

const anew =
  'Have a new one issued for a new key: with a token of the station, POST /v1/self/certificate, or by the CA that issued it.'

function endedByAct(certificate: string): MintlineError {
  return refused({
    pointer: '/clientCertificate/end',
    expected: 'a certificate that nobody has ended',
    found: `${certificate}, which an administrator or operator has ended`,
    message: anew
  })
}

function ended({ subject, notAfter }: HeldCertificate): MintlineError {
  return refused({
    pointer: '/clientCertificate/notAfter',
    expected: 'a certificate that is valid',
    found: `${subject}, which ended ${notAfter.toISOString()}`,
    message: 'Have a new certificate issued.'
  })
}

function rankOf(identity: string): number {
  return identityKinds.findIndex(kind => identity.startsWith(`${kind}:`))
}

export function unknownToAll(certificate: string): MintlineError {
  return refused({
    pointer: '/clientCertificate/station',
    expected: 'a certificate that a station is known by',
    found: `${certificate}, which is unknown to all of them`,
    message:
      'The administrator adds it to `clientCertificates` of the station, with PATCH /v1/stations/{name}.'
  })
}

import type { KeyObject } from 'node:crypto'
import { type Certificate, parseCertificate } from '../../pki/certificate/certificate.ts'
import { describeName } from '../../pki/path/distinguished-name.ts'
import { authorityFault } from './authority-fault.ts'
import type { ClientTrust } from './client-trust.ts'
import type { TrustAnchor } from './trust-anchor.ts'

import { digestHex } from '#crypto'

/** As much as is to be known here of a CA that Mintline signs with itself. */
export interface OwnAuthority {
  readonly id: string
  readonly name: string
  readonly purpose: 'devices' | 'stations'
  readonly state: string
  readonly certificateDer: Uint8Array
  readonly publicKey: KeyObject
}

const noFiles: ClientTrust = {
  authoritiesPem: '',
  revocationListsPem: undefined,
  anchors: [],
  isRevocationRequired: false,
  deviceAuthorities: new Map()
}

/**
 * Adds to what the files say what Mintline knows itself: the authorities that sign for devices, by which no client gets
 * in, and, where stations' own certificates are on, the generations of the lines for stations, less those that are
 * compromised. A staged one counts: it may be active before the notice of that is here, and what it signed is on record.
 */
export function withOwnAuthorities(
  files: ClientTrust | undefined,
  own: readonly OwnAuthority[],
  { takesStations }: { readonly takesStations: boolean }
): ClientTrust {
  const ofStations = own.filter(({ purpose, state }) => purpose === 'stations' && state !== 'compromised')
  const trust = files ?? noFiles
  return {
    ...trust,
    anchors: [...trust.anchors, ...(takesStations ? ofStations.flatMap(toAnchor) : [])],
    deviceAuthorities: new Map(
      own
        .filter(({ purpose }) => purpose === 'devices')
        .map(({ name, publicKey }) => [keyDigestOf(publicKey), name])
    )
  }
}

/** The name of the authority for devices that has the key of this CA. */
export function deviceAuthorityOf(
  { subjectPublicKeyInfo }: Pick<Certificate, 'subjectPublicKeyInfo'>,
  { deviceAuthorities }: Pick<ClientTrust, 'deviceAuthorities'>
): string | undefined {
  if (deviceAuthorities.size === 0) return undefined
  return deviceAuthorities.get(digestHex('sha256', subjectPublicKeyInfo.der))
}

/** What is to be said of the CAs of the files and of the lines for stations, for what the authorities are: each in a sentence. */
export function findOwnFaults(trust: ClientTrust, own: readonly OwnAuthority[]): readonly string[] {
  const ofFiles = trust.anchors.flatMap(({ certificate }) => {
    const name = deviceAuthorityOf(certificate, trust)
    if (name === undefined) return []
    return [
      `the client CA ${describeName(certificate.subjectName)} is the authority for devices ${name}: its certificates are refused`
    ]
  })
  const ofLines = own
    .filter(({ purpose, state }) => purpose === 'stations' && state !== 'compromised')
    .flatMap(({ name, certificateDer }) => {
      const certificate = parseCertificate(certificateDer)
      const fault = authorityFault(certificate)
      if (fault === undefined) return []
      return [
        `the authority for stations ${name} (${describeName(certificate.subjectName)}), ${fault}: its certificates are refused`
      ]
    })
  return [...ofFiles, ...ofLines]
}

function toAnchor({ certificateDer, publicKey: key }: OwnAuthority): readonly TrustAnchor[] {
  const certificate = parseCertificate(certificateDer)
  if (authorityFault(certificate) !== undefined) return []
  return [{ certificate, key, origin: 'station-line', revocationList: undefined }]
}

function keyDigestOf(key: KeyObject): string {
  return digestHex('sha256', key.export({ format: 'der', type: 'spki' }))
}

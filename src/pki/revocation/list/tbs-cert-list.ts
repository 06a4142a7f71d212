import { encodeAuthorityKeyIdentifier } from '../../certificate/extension.ts'
import { concatenate, encodeUtf8 } from '../../der/octets.ts'
import { contextConstructed, tags } from '../../der/tag.ts'
import { encodeGeneralizedTime, encodeTime } from '../../der/time.ts'
import {
  encodeBitString,
  encodeBoolean,
  encodeElement,
  encodeExplicit,
  encodeHeader,
  encodeImplicitOctets,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeUnsignedInteger
} from '../../der/writer.ts'
import { type SignatureAlgorithm, signatureAlgorithmDer } from '../../key/signature-algorithm.ts'

/** What a CRL says besides its entries. */
export interface ListHead {
  readonly signatureAlgorithm: SignatureAlgorithm
  readonly issuerNameDer: Uint8Array
  /** The issuer's SubjectKeyIdentifier. */
  readonly authorityKeyIdentifier: Uint8Array
  /** The cRLNumber, up to 2^53. */
  readonly number: number
  /** Whole seconds; a fraction is dropped. */
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  /** Entries of certificates that expired from then on are kept (X.509, expiredCertsOnCRL). */
  readonly keepsExpiredSince: Date
  /**
   * Of a CRL of a part of the certificates: the addresses by which these name it in their distribution point (RFC 5280 §5.2.5), at
   * least one. Without it the CRL is complete.
   */
  readonly distributionPoint?: readonly string[] | undefined
  /** Of a delta CRL: the number of the complete one that it says changes of (BaseCRLNumber, RFC 5280 §5.2.4). */
  readonly baseNumber?: number | undefined
  /** The address of deltas (RFC 5280 §5.2.6), which no delta has itself. */
  readonly freshestCrl?: string | undefined
}

export const listExtensionOids = {
  authorityKeyIdentifier: '2.5.29.35',
  cRLNumber: '2.5.29.20',
  deltaCRLIndicator: '2.5.29.27',
  issuingDistributionPoint: '2.5.29.28',
  freshestCRL: '2.5.29.46',
  expiredCertsOnCRL: '2.5.29.60'
} as const

const version2 = encodeElement(tags.integer, Uint8Array.of(1))
const numberOid = encodeObjectIdentifier(listExtensionOids.cRLNumber)
const deltaIndicatorOid = encodeObjectIdentifier(listExtensionOids.deltaCRLIndicator)
const freshestOid = encodeObjectIdentifier(listExtensionOids.freshestCRL)
const distributionPointOid = encodeObjectIdentifier(listExtensionOids.issuingDistributionPoint)
const expiredCertsOid = encodeObjectIdentifier(listExtensionOids.expiredCertsOnCRL)

/** A structure whose middle comes by itself. */
export interface Frame {
  readonly before: Uint8Array
  readonly after: Uint8Array
}

/**
 * What stands around the entries in a TBSCertList of version 2 (RFC 5280 §5.1). Without entries the list of them is left
 * out, as §5.1.2.6 wants.
 */
export function frameTbsCertList(head: ListHead, entryOctets: number): Frame {
  const start = [
    version2,
    signatureAlgorithmDer(head.signatureAlgorithm),
    head.issuerNameDer,
    encodeTime(head.thisUpdate),
    encodeTime(head.nextUpdate),
    ...(entryOctets === 0 ? [] : [encodeHeader(tags.sequence, entryOctets)])
  ]
  const after = encodeExplicit(
    0,
    encodeSequence(
      encodeAuthorityKeyIdentifier(head.authorityKeyIdentifier),
      encodeSequence(numberOid, encodeOctetString(encodeUnsignedInteger(octetsOf(head.number)))),
      ...(head.baseNumber === undefined ? [] : [encodeDeltaIndicator(head.baseNumber)]),
      ...(head.distributionPoint === undefined
        ? []
        : [encodeIssuingDistributionPoint(head.distributionPoint)]),
      ...(head.freshestCrl === undefined ? [] : [encodeFreshestCrl(head.freshestCrl)]),
      encodeSequence(expiredCertsOid, encodeOctetString(encodeGeneralizedTime(head.keepsExpiredSince)))
    )
  )
  const octets = start.reduce((sum, { length }) => sum + length, entryOctets + after.length)
  return { before: concatenate([encodeHeader(tags.sequence, octets), ...start]), after }
}

/** Critical: who does not know it takes no delta for a complete CRL. */
export function encodeDeltaIndicator(baseNumber: number): Uint8Array {
  const value = encodeOctetString(encodeUnsignedInteger(octetsOf(baseNumber)))
  return encodeSequence(deltaIndicatorOid, encodeBoolean(true), value)
}

/** Not critical. One distribution point of this URI. */
export function encodeFreshestCrl(uri: string): Uint8Array {
  const name = encodeExplicit(
    0,
    encodeElement(contextConstructed(0), encodeImplicitOctets(6, encodeUtf8(uri)))
  )
  return encodeSequence(freshestOid, encodeOctetString(encodeSequence(encodeSequence(name))))
}

/** Critical. One fullName of these URIs: it covers certificates of all kinds and all reasons. */
export function encodeIssuingDistributionPoint(uris: readonly string[]): Uint8Array {
  const names = uris.map(uri => encodeImplicitOctets(6, encodeUtf8(uri)))
  const value = encodeSequence(encodeExplicit(0, encodeElement(contextConstructed(0), ...names)))
  return encodeSequence(distributionPointOid, encodeBoolean(true), encodeOctetString(value))
}

/** What stands around the TBSCertList in the CRL. */
export function frameCertificateList(
  tbsOctets: number,
  signatureAlgorithm: SignatureAlgorithm,
  signatureValue: Uint8Array
): Frame {
  const after = concatenate([signatureAlgorithmDer(signatureAlgorithm), encodeBitString(signatureValue)])
  return { before: encodeHeader(tags.sequence, tbsOctets + after.length), after }
}

/** Big-endian. */
function octetsOf(number: number): Uint8Array {
  const octets: number[] = []
  for (let rest = number; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256)
  return Uint8Array.from(octets)
}

import { decodeLatin1, encodeUtf8, isEqual } from '../../der/octets.ts'
import { createDerRefusal, DerReader } from '../../der/reader.ts'
import { contextPrimitive } from '../../der/tag.ts'
import {
  encodeExplicit,
  encodeImplicitOctets,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence
} from '../../der/writer.ts'
import { type Extension, extensionOids } from '../extension.ts'

/** Where a certificate says that its status, and its issuer's certificate, are to be had: URIs, which are ASCII. */
export interface StatusAddresses {
  /** Of the CRL, in DER (RFC 5280 §4.2.1.13). */
  readonly crl?: string
  /** Of an OCSP responder (RFC 5280 §4.2.2.1). */
  readonly ocsp?: string
  /** Of the issuer's certificate, in DER (RFC 5280 §4.2.2.1). */
  readonly caIssuers?: string
}

/** The extensions that hold them. None is critical. */
export const statusAddressOids = [
  extensionOids.crlDistributionPoints,
  extensionOids.authorityInformationAccess
] as const

type AddressOid = (typeof statusAddressOids)[number]

const fullNameNumber = 0
const uriNumber = 6
const accessMethods = {
  ocsp: encodeObjectIdentifier('1.3.6.1.5.5.7.48.1'),
  caIssuers: encodeObjectIdentifier('1.3.6.1.5.5.7.48.2')
}

const encodeUri = (uri: string): Uint8Array => encodeImplicitOctets(uriNumber, encodeUtf8(uri))

/** One point with a fullName of one URI: no reasons, since the CRL covers all, and no cRLIssuer, since the issuer signs it. */
function encodeDistributionPoints(uri: string): Uint8Array {
  const name = encodeExplicit(fullNameNumber, encodeExplicit(fullNameNumber, encodeUri(uri)))
  return encodeSequence(encodeSequence(name))
}

function encodeAccess({ ocsp, caIssuers }: StatusAddresses): Uint8Array | undefined {
  const descriptions = [
    ...(ocsp === undefined ? [] : [encodeSequence(accessMethods.ocsp, encodeUri(ocsp))]),
    ...(caIssuers === undefined ? [] : [encodeSequence(accessMethods.caIssuers, encodeUri(caIssuers))])
  ]
  return descriptions.length === 0 ? undefined : encodeSequence(...descriptions)
}

/** The content of extnValue for each extension that there is to be. */
function valuesOf(addresses: StatusAddresses): Readonly<Record<AddressOid, Uint8Array | undefined>> {
  return {
    [extensionOids.crlDistributionPoints]:
      addresses.crl === undefined ? undefined : encodeDistributionPoints(addresses.crl),
    [extensionOids.authorityInformationAccess]: encodeAccess(addresses)
  }
}

/** The extensions, none where there is no address. */
export function encodeStatusAddresses(addresses: StatusAddresses): readonly Uint8Array[] {
  const values = valuesOf(addresses)
  return statusAddressOids.flatMap(oid => {
    const value = values[oid]
    return value === undefined ? [] : [encodeSequence(encodeObjectIdentifier(oid), encodeOctetString(value))]
  })
}

/**
 * Whether the extensions say these addresses, and no others, in this form.
 *
 * @returns what was found instead, or undefined.
 */
export function differingAddresses(
  all: readonly Extension[],
  addresses: StatusAddresses
): string | undefined {
  const values = valuesOf(addresses)
  for (const oid of statusAddressOids) {
    const found = all.find(extension => extension.oid === oid)?.value
    const expected = values[oid]
    if (found === undefined && expected === undefined) continue
    if (found === undefined) return `no ${oid}`
    if (expected === undefined || !isEqual(found, expected)) return `${firstUri(found) ?? 'none'} in ${oid}`
  }
  return undefined
}

/** In words, for messages. */
export function describeAddresses({ crl, ocsp, caIssuers }: StatusAddresses): string {
  return [crl, ocsp, caIssuers].filter(each => each !== undefined).join(', ') || 'none'
}

/**
 * The first URI of each extension that is there, as it stands; of what cannot be read, none. It judges nothing:
 * `differingAddresses` does.
 */
export function urisOf(all: readonly Extension[]): readonly string[] {
  return statusAddressOids.flatMap(oid => {
    const value = all.find(extension => extension.oid === oid)?.value
    return (value === undefined ? undefined : firstUri(value)) ?? []
  })
}

const refuse = createDerRefusal('certificate_malformed', 'extension')
const constructed = 0x20

function firstUri(value: Uint8Array): string | undefined {
  try {
    return findUri(new DerReader(value, refuse))
  } catch {
    return undefined
  }
}

function findUri(reader: DerReader): string | undefined {
  while (!reader.isAtEnd) {
    const element = reader.readElement('an element')
    if (element.tag === contextPrimitive(uriNumber)) return decodeLatin1(reader.content(element))
    const inner = (element.tag & constructed) === 0 ? undefined : findUri(reader.enter(element))
    if (inner !== undefined) return inner
  }
  return undefined
}

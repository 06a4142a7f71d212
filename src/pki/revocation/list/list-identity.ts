import type { DerReader } from '../../der/reader.ts'
import { createDerRefusal } from '../../der/reader.ts'
import { contextConstructed, tags } from '../../der/tag.ts'
import { parseTime } from '../../der/time.ts'
import { parseSignatureAlgorithm, type SignatureAlgorithmIdentifier } from '../../key/algorithm-identifier.ts'
import { openSigned } from '../../key/signed.ts'
import { listExtensionOids } from './tbs-cert-list.ts'

/** Whose CRL a file is, and which. Byte arrays are views. */
export interface ListIdentity {
  readonly tbsDer: Uint8Array
  readonly signatureAlgorithm: SignatureAlgorithmIdentifier
  readonly signature: Uint8Array
  readonly issuerNameDer: Uint8Array
  /** The cRLNumber (RFC 5280 §5.2.3). */
  readonly number: number
}

const refuse = createDerRefusal('certificate_malformed', 'CRL')
const form = { refuse, whole: 'the CRL', part: 'tbsCertList' }

/**
 * Reads as much of a CRL of version 2 as tells which one it is, of whatever scope. Entries and other extensions are passed over.
 *
 * @throws MintlineError `certificate_malformed`, also where it has no number.
 */
export function identifyList(der: Uint8Array): ListIdentity {
  const { tbs, ...signed } = openSigned(der, form)
  tbs.readSmallInteger('the version')
  parseSignatureAlgorithm(tbs)
  const issuerNameDer = tbs.encoding(tbs.readTagged(tags.sequence, 'the issuer'))
  parseTime(tbs, 'thisUpdate')
  parseTime(tbs, 'nextUpdate')
  if (tbs.peekTag() === tags.sequence) tbs.readTagged(tags.sequence, 'revokedCertificates')
  return {
    ...signed,
    issuerNameDer,
    number: numberOf(tbs)
  }
}

function numberOf(tbs: DerReader): number {
  if (tbs.peekTag() !== contextConstructed(0)) throw refuse('there is no cRLNumber', 0)
  const extensions = tbs.enter(tbs.readElement('the extensions')).readSequence('the extensions')
  while (!extensions.isAtEnd) {
    const extension = extensions.readSequence('an extension')
    if (extension.readObjectIdentifier('an extension type') !== listExtensionOids.cRLNumber) continue
    const value = extension.enterOctetString('an extension value').readUnsignedInteger('cRLNumber')
    return value.reduce((sum, octet) => sum * 256 + octet, 0)
  }
  throw refuse('there is no cRLNumber', 0)
}

import { DerReader, type DerRefusal } from '../../der/reader.ts'
import { tags } from '../../der/tag.ts'
import { parseSignatureAlgorithm, type SignatureAlgorithmIdentifier } from '../../key/algorithm-identifier.ts'

/** A CertificateList (RFC 5280 §5.1.1), of which what is signed is still to be read. Byte arrays are views. */
interface SignedList {
  readonly tbsDer: Uint8Array
  readonly signatureAlgorithm: SignatureAlgorithmIdentifier
  readonly signature: Uint8Array
  /** Stands at the beginning of the tbsCertList. */
  readonly tbs: DerReader
}

/** @throws what `refuse` makes. */
export function openSignedList(der: Uint8Array, refuse: DerRefusal): SignedList {
  const outer = new DerReader(der, refuse)
  const list = outer.readSequence('the CRL')
  outer.assertEnd('the CRL')
  const element = list.readTagged(tags.sequence, 'tbsCertList')
  const signatureAlgorithm = parseSignatureAlgorithm(list)
  const signature = list.enterBitString('the signature').rest
  list.assertEnd('the CRL')
  return { tbsDer: list.encoding(element), signatureAlgorithm, signature, tbs: list.enter(element) }
}

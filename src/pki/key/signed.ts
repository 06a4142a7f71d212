import { DerReader, type DerRefusal } from '../der/reader.ts'
import { tags } from '../der/tag.ts'
import {
  type NullParameters,
  parseSignatureAlgorithm,
  type SignatureAlgorithmIdentifier
} from './algorithm-identifier.ts'

/** What is signed, as certificates, CRLs and CSRs are (RFC 5280 §4.1 and §5.1, RFC 2986 §4.2). Byte arrays are views. */
interface Signed {
  /** What is signed. */
  readonly tbsDer: Uint8Array
  /** Stands at its beginning: it is still to be read. */
  readonly tbs: DerReader
  readonly signatureAlgorithm: SignatureAlgorithmIdentifier
  readonly signature: Uint8Array
}

interface SignedForm {
  readonly refuse: DerRefusal
  /** In words: `the CRL`. */
  readonly whole: string
  /** The name of what is signed: `tbsCertList`. */
  readonly part: string
  /** Refused unless given. */
  readonly nullParameters?: NullParameters
}

/** @throws what `refuse` makes. */
export function openSigned(
  der: Uint8Array,
  { refuse, whole, part, nullParameters = 'refuse' }: SignedForm
): Signed {
  const outer = new DerReader(der, refuse)
  const sequence = outer.readSequence(whole)
  outer.assertEnd(whole)
  const element = sequence.readTagged(tags.sequence, part)
  const signatureAlgorithm = parseSignatureAlgorithm(sequence, nullParameters)
  const signature = sequence.enterBitString('the signature').rest
  sequence.assertEnd(whole)
  return {
    tbsDer: sequence.encoding(element),
    tbs: sequence.enter(element),
    signatureAlgorithm,
    signature
  }
}

import { assertDerForm } from '../der/form.ts'
import type { DerReader } from '../der/reader.ts'
import { tags } from '../der/tag.ts'
import {
  hashes,
  type HashName,
  mgf1Oid,
  rsassaPssOid,
  type SignatureAlgorithm,
  signatureOids,
  signatureScheme
} from './signature-algorithm.ts'

/** A signature algorithm as found in a CSR or certificate. */
export interface SignatureAlgorithmIdentifier {
  readonly der: Uint8Array
  /** `undefined` when it is none of the accepted ones. */
  readonly algorithm: SignatureAlgorithm | undefined
  /** A readable name, e.g. `SHA-1 with RSA`. */
  readonly found: string
  /** In octets; for RSASSA-PSS alone. */
  readonly saltLength: number | undefined
  /** An ECDSA algorithm that has NULL where RFC 5758 §3.2 wants nothing, and was accepted like that. */
  readonly hasNullParameters?: true
}

/** Whether an ECDSA algorithm may have NULL parameters: in what is thrown away once it is verified, and in nothing else. */
export type NullParameters = 'accept' | 'refuse'

type Accepted = Omit<SignatureAlgorithmIdentifier, 'der'>

const refusedNames: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.1.1.2', 'MD2 with RSA'],
  ['1.2.840.113549.1.1.4', 'MD5 with RSA'],
  ['1.2.840.113549.1.1.5', 'SHA-1 with RSA'],
  ['1.3.14.3.2.29', 'SHA-1 with RSA'],
  ['1.2.840.113549.1.1.14', 'SHA-224 with RSA'],
  ['1.2.840.10045.4.1', 'ECDSA with SHA-1'],
  ['1.2.840.10045.4.3.1', 'ECDSA with SHA-224'],
  ['2.16.840.1.101.3.4.3.10', 'ECDSA with SHA3-256'],
  ['2.16.840.1.101.3.4.3.14', 'SHA3-256 with RSA'],
  ['1.2.840.10040.4.3', 'DSA with SHA-1'],
  ['2.16.840.1.101.3.4.3.1', 'DSA with SHA-224'],
  ['2.16.840.1.101.3.4.3.2', 'DSA with SHA-256'],
  ['1.3.101.112', 'Ed25519'],
  ['1.3.101.113', 'Ed448'],
  ['1.2.156.10197.1.501', 'SM2 with SM3'],
  ['2.16.840.1.101.3.4.3.17', 'ML-DSA-44'],
  ['2.16.840.1.101.3.4.3.18', 'ML-DSA-65'],
  ['2.16.840.1.101.3.4.3.19', 'ML-DSA-87']
])

const hashOids = new Map((Object.keys(hashes) as HashName[]).map(hash => [hashes[hash].oid, hash]))
const otherHashNames: ReadonlyMap<string, string> = new Map([
  ['1.3.14.3.2.26', 'SHA-1'],
  ['1.2.840.113549.2.5', 'MD5'],
  ['2.16.840.1.101.3.4.2.4', 'SHA-224']
])

/** Reads a signature AlgorithmIdentifier. Throws for bad structure alone; what is not accepted is named. */
export function parseSignatureAlgorithm(
  reader: DerReader,
  ecdsaNull: NullParameters = 'refuse'
): SignatureAlgorithmIdentifier {
  const element = reader.readTagged(tags.sequence, 'the signature algorithm')
  const identifier = reader.enter(element)
  const oid = identifier.readObjectIdentifier('the signature algorithm')
  const accepted = oid === rsassaPssOid ? parsePss(identifier) : parseFixed(oid, identifier, ecdsaNull)
  return { der: reader.encoding(element), ...accepted }
}

function refused(found: string): Accepted {
  return { algorithm: undefined, found, saltLength: undefined }
}

function parseFixed(oid: string, identifier: DerReader, ecdsaNull: NullParameters): Accepted {
  const parametersTag = identifier.peekTag()
  assertDerForm(identifier.fork())
  if (parametersTag !== undefined) identifier.readElement('the parameters')
  identifier.assertEnd('the signature algorithm')
  const algorithm = signatureOids.get(oid)
  if (algorithm === undefined) return refused(refusedNames.get(oid) ?? `the algorithm ${oid}`)
  const accepted = { algorithm, found: algorithm, saltLength: undefined }
  // RFC 4055 §5 has readers take absent parameters for NULL; RFC 5758 §3.2 leaves ECDSA no choice.
  if (parametersTag === undefined) return accepted
  if (parametersTag !== tags.null) return refused(`${algorithm} with parameters`)
  if (signatureScheme(algorithm).keyType === 'rsa') return accepted
  if (ecdsaNull === 'accept') return { ...accepted, hasNullParameters: true }
  return refused(`${algorithm} with NULL parameters`)
}

/** RSASSA-PSS-params (RFC 4055 §3.1). Absent members stand for SHA-1, MGF1 with SHA-1 and 20 octets. */
function parsePss(identifier: DerReader): Accepted {
  if (identifier.isAtEnd) return refused('RSASSA-PSS with SHA-1, the default of absent parameters')
  const parameters = identifier.readSequence('the RSASSA-PSS parameters')
  identifier.assertEnd('the signature algorithm')
  const hashMember = parameters.readOptionalExplicit(0, 'the RSASSA-PSS hash')
  const hash = parseOnly(hashMember, parseHash) ?? 'SHA-1'
  const maskMember = parameters.readOptionalExplicit(1, 'the RSASSA-PSS mask generation')
  const maskHash = parseOnly(maskMember, parseMaskGeneration) ?? 'SHA-1'
  const saltMember = parameters.readOptionalExplicit(2, 'the RSASSA-PSS salt length')
  const saltLength = parseOnly(saltMember, member => member.readSmallInteger('the salt length')) ?? 20
  const trailerMember = parameters.readOptionalExplicit(3, 'the RSASSA-PSS trailer field')
  const trailer = parseOnly(trailerMember, member => member.readSmallInteger('the trailer field'))
  parameters.assertEnd('the RSASSA-PSS parameters')
  if (trailer !== undefined) return refused('RSASSA-PSS with an explicit trailer field')
  if (!isHashName(hash)) return refused(`RSASSA-PSS with ${hash}`)
  if (maskHash !== hash) return refused(`RSASSA-PSS with ${hash} but a mask generated with ${maskHash}`)
  const algorithm = `rsassa-pss-${hash}` as const
  return { algorithm, found: algorithm, saltLength }
}

function parseOnly<T>(member: DerReader | undefined, parse: (member: DerReader) => T): T | undefined {
  if (member === undefined) return undefined
  const value = parse(member)
  member.assertEnd('an RSASSA-PSS parameter')
  return value
}

function parseHash(member: DerReader): string {
  const identifier = member.readSequence('a hash algorithm')
  const oid = identifier.readObjectIdentifier('a hash algorithm')
  if (!identifier.isAtEnd) identifier.readNull('the hash parameters')
  identifier.assertEnd('a hash algorithm')
  return hashOids.get(oid) ?? otherHashNames.get(oid) ?? oid
}

function parseMaskGeneration(member: DerReader): string {
  const identifier = member.readSequence('the mask generation')
  const oid = identifier.readObjectIdentifier('the mask generation')
  if (oid !== mgf1Oid) {
    assertDerForm(identifier)
    return `the function ${oid}`
  }
  const hash = parseHash(identifier)
  identifier.assertEnd('the mask generation')
  return hash
}

function isHashName(name: string): name is HashName {
  return Object.hasOwn(hashes, name)
}

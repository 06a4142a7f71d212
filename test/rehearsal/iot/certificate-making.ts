import { randomBytes, webcrypto } from 'node:crypto'
import { Integer, PrintableString, Sequence, Set as SetValue, Utf8String } from 'asn1js'
import {
  AttributeTypeAndValue,
  BasicConstraints,
  Certificate,
  Extension,
  type RelativeDistinguishedNames
} from 'pkijs'

export interface MadeCertificate {
  readonly certificatePem: string
  readonly subject: readonly string[]
  readonly privateKey: webcrypto.CryptoKey
}

export interface CertificateWishes {
  /** The common names of the subject; a random one unless given. */
  readonly commonNames?: readonly string[]
  /** What the subject has besides, as object identifiers and values. */
  readonly attributes?: readonly (readonly [type: string, value: string])[]
  /** The content octets of the INTEGER. */
  readonly serialNumber?: Uint8Array
  /** ECDSA P-256 unless given. */
  readonly key?: 'P-256' | 'P-384' | 'P-521' | 'RSA-1024' | 'RSA-2048' | 'RSA-PSS'
  readonly hash?: 'SHA-1' | 'SHA-256' | 'SHA-384' | 'SHA-512'
  readonly isCa?: boolean
  readonly notBefore?: Date
  readonly notAfter?: Date
  /** Itself unless given. */
  readonly issuer?: MadeCertificate
  /** In place of the issuer's key. */
  readonly signer?: MadeCertificate
}

const dayMs = 86_400_000

/** Makes a certificate that the code under test has no part in, with the flaws that are asked for. */
export async function makeCertificate(wishes: CertificateWishes = {}): Promise<MadeCertificate> {
  const { isCa = false, hash = 'SHA-256', issuer, signer = issuer } = wishes
  const subject = wishes.commonNames ?? [`unit-${randomBytes(8).toString('hex')}`]
  const keys = await generateKeys(wishes.key ?? 'P-256', hash)
  const certificate = new Certificate()
  certificate.version = 2
  certificate.serialNumber = new Integer({
    valueHex: wishes.serialNumber ?? Uint8Array.of(0x40, ...randomBytes(12))
  })
  const attributes = (wishes.attributes ?? []).map(([type, value]) => attributeOf(type, value))
  writeName(certificate.subject, [...subject.map(nameOf), ...attributes])
  certificate.issuer.typesAndValues.push(...(issuer?.subject ?? subject).map(nameOf))
  certificate.notBefore.value = wishes.notBefore ?? new Date(Date.now() - dayMs)
  certificate.notAfter.value = wishes.notAfter ?? new Date(Date.now() + dayMs)
  const constraints = new BasicConstraints({ cA: isCa }).toSchema().toBER()
  certificate.extensions = [new Extension({ extnID: '2.5.29.19', critical: true, extnValue: constraints })]
  await certificate.subjectPublicKeyInfo.importKey(keys.publicKey)
  await certificate.sign((signer ?? keys).privateKey, hash)
  const base64 = Buffer.from(certificate.toSchema(true).toBER()).toString('base64')
  const certificatePem = `-----BEGIN CERTIFICATE-----\n${base64.match(/.{1,64}/g)!.join('\n')}\n-----END CERTIFICATE-----\n`
  return { certificatePem, subject, privateKey: keys.privateKey }
}

export function makeCa(wishes: CertificateWishes = {}): Promise<MadeCertificate> {
  return makeCertificate({ isCa: true, ...wishes })
}

function generateKeys(key: NonNullable<CertificateWishes['key']>, hash: string) {
  const usages: webcrypto.KeyUsage[] = ['sign', 'verify']
  if (key.startsWith('P-'))
    return webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: key }, true, usages)
  const algorithm = {
    name: key === 'RSA-PSS' ? key : 'RSASSA-PKCS1-v1_5',
    modulusLength: key === 'RSA-1024' ? 1024 : 2048,
    publicExponent: Uint8Array.of(1, 0, 1),
    hash
  }
  return webcrypto.subtle.generateKey(algorithm, true, usages)
}

const commonName = '2.5.4.3'
/** Country, dnQualifier and serialNumber (RFC 5280, Appendix A.1). */
const printable: readonly string[] = ['2.5.4.6', '2.5.4.46', '2.5.4.5']

function nameOf(value: string): AttributeTypeAndValue {
  return attributeOf(commonName, value)
}

/** Each attribute in a SET of its own; left to itself, pkijs puts all of them into one. */
function writeName(name: RelativeDistinguishedNames, attributes: readonly AttributeTypeAndValue[]): void {
  name.typesAndValues.push(...attributes)
  const sets = attributes.map(attribute => new SetValue({ value: [attribute.toSchema()] }))
  name.valueBeforeDecode = new Sequence({ value: sets }).toBER()
}

function attributeOf(type: string, value: string): AttributeTypeAndValue {
  const text = printable.includes(type) ? new PrintableString({ value }) : new Utf8String({ value })
  return new AttributeTypeAndValue({ type, value: text })
}

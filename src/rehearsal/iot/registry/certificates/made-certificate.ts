import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { BitString, Integer, Utf8String } from 'asn1js'
import { AlgorithmIdentifier, AttributeTypeAndValue, Certificate, PublicKeyInfo } from 'pkijs'

export interface MadeCertificate {
  readonly certificatePem: string
  readonly keyPair: { readonly PublicKey: string; readonly PrivateKey: string }
}

const commonName = '2.5.4.3'
const ecdsaWithSha256 = '1.2.840.10045.4.3.2'
/** The one that AWS IoT puts into its own certificates. */
const validUntil = new Date('2049-12-31T23:59:59Z')

/**
 * A key (RSA-2048) and its certificate as AWS IoT makes them, by a CA whose key nobody keeps.
 *
 * @param now in milliseconds since 1970.
 */
export function makeKeysAndCertificate(now: number): MadeCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const issuer = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    certificatePem: makeCertificate(publicKey, issuer.privateKey, now),
    keyPair: {
      PublicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      PrivateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
    }
  }
}

function makeCertificate(publicKey: KeyObject, issuerKey: KeyObject, now: number): string {
  const serialNumber = randomBytes(16)
  // The first bit stays off: a serial number is positive. The second stays on: it has no leading zeros.
  serialNumber[0] = ((serialNumber[0] as number) & 0x7f) | 0x40
  const certificate = new Certificate()
  certificate.version = 2
  certificate.serialNumber = new Integer({ valueHex: serialNumber })
  certificate.issuer.typesAndValues.push(nameOf('Mintline rehearsal'))
  certificate.subject.typesAndValues.push(nameOf('AWS IoT Certificate'))
  certificate.notBefore.value = new Date(now)
  certificate.notAfter.value = validUntil
  certificate.subjectPublicKeyInfo = PublicKeyInfo.fromBER(publicKey.export({ type: 'spki', format: 'der' }))
  certificate.signature = new AlgorithmIdentifier({ algorithmId: ecdsaWithSha256 })
  certificate.signatureAlgorithm = certificate.signature
  const tbs = certificate.encodeTBS().toBER()
  certificate.tbsView = new Uint8Array(tbs)
  certificate.signatureValue = new BitString({ valueHex: sign('sha256', Buffer.from(tbs), issuerKey) })
  const lines = Buffer.from(certificate.toSchema(true).toBER())
    .toString('base64')
    .match(/.{1,64}/g)
  return ['-----BEGIN CERTIFICATE-----', ...(lines ?? []), '-----END CERTIFICATE-----', ''].join('\n')
}

function nameOf(value: string): AttributeTypeAndValue {
  return new AttributeTypeAndValue({ type: commonName, value: new Utf8String({ value }) })
}

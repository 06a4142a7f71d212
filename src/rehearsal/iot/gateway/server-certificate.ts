import { randomBytes, webcrypto } from 'node:crypto'
import { BitString, Integer, OctetString, Utf8String } from 'asn1js'
import {
  AttributeTypeAndValue,
  BasicConstraints,
  Certificate,
  Extension,
  ExtKeyUsage,
  GeneralName,
  GeneralNames
} from 'pkijs'

export interface ServerIdentity {
  /** What a client must trust. */
  readonly rootPem: string
  readonly certificatePem: string
  readonly privateKeyPem: string
}

const dayMs = 86_400_000
/** The longest that common clients take. */
const validityDays = 397
const rootName = 'Mintline rehearsal root'
const commonName = '2.5.4.3'
const serverAuth = '1.3.6.1.5.5.7.3.1'
const dnsName = 2
const iPAddress = 7
const keyCertSign = 0x04
const digitalSignature = 0x80

/**
 * Makes a root whose key nobody keeps, and under it a server certificate (ECDSA P-256) for the host names and for
 * 127.0.0.1.
 *
 * @param now in milliseconds since 1970.
 */
export async function createServerIdentity(
  hostNames: readonly string[],
  now: number
): Promise<ServerIdentity> {
  const rootKeys = await generateKeys()
  const serverKeys = await generateKeys()
  const sign = async (subject: string, publicKey: CryptoKey, extensions: readonly Extension[]) => {
    const certificate = createCertificate(subject, now, extensions)
    await certificate.subjectPublicKeyInfo.importKey(publicKey)
    await certificate.sign(rootKeys.privateKey, 'SHA-256')
    return toPem('CERTIFICATE', certificate.toSchema(true).toBER())
  }
  return {
    rootPem: await sign(rootName, rootKeys.publicKey, [
      extension('2.5.29.19', new BasicConstraints({ cA: true }).toSchema().toBER()),
      keyUsage(keyCertSign, 2)
    ]),
    certificatePem: await sign(hostNames[0] ?? 'localhost', serverKeys.publicKey, [
      keyUsage(digitalSignature, 7),
      extension('2.5.29.37', new ExtKeyUsage({ keyPurposes: [serverAuth] }).toSchema().toBER(), false),
      extension('2.5.29.17', subjectAltNames(hostNames).toSchema().toBER(), false)
    ]),
    privateKeyPem: toPem('PRIVATE KEY', await webcrypto.subtle.exportKey('pkcs8', serverKeys.privateKey))
  }
}

function generateKeys() {
  return webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
}

function createCertificate(subject: string, now: number, extensions: readonly Extension[]): Certificate {
  const serialNumber = randomBytes(16)
  // The first bit stays off: a serial number is positive. The second stays on: it has no leading zeros.
  serialNumber[0] = ((serialNumber[0] as number) & 0x7f) | 0x40
  const certificate = new Certificate()
  certificate.version = 2
  certificate.serialNumber = new Integer({ valueHex: serialNumber })
  certificate.issuer.typesAndValues.push(nameOf(rootName))
  certificate.subject.typesAndValues.push(nameOf(subject))
  certificate.notBefore.value = new Date(now - dayMs)
  certificate.notAfter.value = new Date(now + (validityDays - 1) * dayMs)
  certificate.extensions = [...extensions]
  return certificate
}

function nameOf(value: string): AttributeTypeAndValue {
  return new AttributeTypeAndValue({ type: commonName, value: new Utf8String({ value }) })
}

function extension(extnID: string, extnValue: ArrayBuffer, critical = true): Extension {
  return new Extension({ extnID, critical, extnValue })
}

function keyUsage(bits: number, unusedBits: number): Extension {
  const value = new BitString({ valueHex: Uint8Array.of(bits), unusedBits })
  return extension('2.5.29.15', value.toBER())
}

function subjectAltNames(hostNames: readonly string[]): GeneralNames {
  const address = new OctetString({ valueHex: Uint8Array.of(127, 0, 0, 1) })
  return new GeneralNames({
    names: [
      ...hostNames.map(value => new GeneralName({ type: dnsName, value })),
      new GeneralName({ type: iPAddress, value: address })
    ]
  })
}

function toPem(label: string, der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}

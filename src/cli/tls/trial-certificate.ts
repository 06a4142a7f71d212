import { createPublicKey, generateKeyPair, type KeyObject, sign } from 'node:crypto'
import { isIP, isIPv4 } from 'node:net'
import { promisify } from 'node:util'
import { createRoot } from '../../authorities/ceremony/root.ts'
import { keyIdentifierOfAuthority } from '../../pki/certificate/authority/tbs-certificate.ts'
import { assembleCertificate, parseCertificate } from '../../pki/certificate/certificate.ts'
import {
  encodeAuthorityKeyIdentifier,
  encodeEndEntityConstraints,
  encodeExtendedKeyUsage,
  encodeKeyUsage,
  encodeSubjectKeyIdentifier,
  extensionOids
} from '../../pki/certificate/extension.ts'
import { createSerialNumber } from '../../pki/certificate/serial-number.ts'
import { encodeUtf8 } from '../../pki/der/octets.ts'
import { contextPrimitive, tags } from '../../pki/der/tag.ts'
import { encodeTime } from '../../pki/der/time.ts'
import {
  encodeElement,
  encodeExplicit,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeUnsignedInteger
} from '../../pki/der/writer.ts'
import { signatureAlgorithmDer } from '../../pki/key/signature-algorithm.ts'
import { buildName } from '../../pki/name/name.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'

export interface TrialRequest {
  /** DNS names and IP addresses by which clients will call the server. */
  readonly names: readonly string[]
  /** Whole seconds. */
  readonly notBefore: Date
  readonly notAfter: Date
  readonly randomBytes: RandomBytes
}

export interface TrialCertificates {
  /** Self-signed. Its key has signed the server's certificate and nothing else, and is gone. */
  readonly caDer: Uint8Array
  readonly serverDer: Uint8Array
  readonly serverKey: KeyObject
}

const signatureAlgorithm = 'ecdsa-with-SHA256'
const generateKeyPairAsync = promisify(generateKeyPair)

/** A server's certificate, and a CA for it alone, which is no authority of devices. */
export async function createTrialCertificates(request: TrialRequest): Promise<TrialCertificates> {
  const { randomBytes, notBefore, notAfter } = request
  const { privateKey: caKey, certificateDer: caDer } = await createRoot({
    keyType: 'P-256',
    subject: { CommonName: 'Mintline TLS for trying out' },
    pathLength: 0,
    notBefore,
    notAfter,
    randomBytes
  })
  const { privateKey: serverKey } = await generateKeyPairAsync('ec', { namedCurve: 'P-256' })
  const tbsDer = buildServerTbsCertificate(request, caDer, serverKey)
  const serverDer = assembleCertificate(tbsDer, signatureAlgorithm, sign('sha256', tbsDer, caKey))
  return { caDer, serverDer, serverKey }
}

function buildServerTbsCertificate(
  { names, notBefore, notAfter, randomBytes }: TrialRequest,
  caDer: Uint8Array,
  serverKey: KeyObject
): Uint8Array {
  const { subjectName, extensions } = parseCertificate(caDer)
  const spkiDer = createPublicKey(serverKey).export({ format: 'der', type: 'spki' })
  return encodeSequence(
    encodeExplicit(0, encodeElement(tags.integer, Uint8Array.of(2))),
    encodeUnsignedInteger(createSerialNumber(randomBytes(16))),
    signatureAlgorithmDer(signatureAlgorithm),
    subjectName.der,
    encodeSequence(encodeTime(notBefore), encodeTime(notAfter)),
    buildName({ CommonName: 'Mintline' }),
    spkiDer,
    encodeExplicit(
      3,
      encodeSequence(
        encodeEndEntityConstraints(),
        encodeKeyUsage(['digitalSignature']),
        encodeExtendedKeyUsage(['serverAuth']),
        encodeSubjectAlternativeName(names),
        encodeSubjectKeyIdentifier(keyIdentifierOfAuthority(spkiDer)),
        encodeAuthorityKeyIdentifier(extensions.subjectKeyIdentifier ?? new Uint8Array())
      )
    )
  )
}

/** RFC 5280 §4.2.1.6: dNSName and iPAddress. */
function encodeSubjectAlternativeName(names: readonly string[]): Uint8Array {
  const generalNames = names.map(name =>
    isIP(name) === 0
      ? encodeElement(contextPrimitive(2), encodeUtf8(name))
      : encodeElement(contextPrimitive(7), addressOctets(name))
  )
  return encodeSequence(
    encodeObjectIdentifier(extensionOids.subjectAlternativeName),
    encodeOctetString(encodeSequence(...generalNames))
  )
}

function addressOctets(address: string): Uint8Array {
  if (isIPv4(address)) return Uint8Array.from(address.split('.').map(Number))
  // Of the many ways to write one, the URL's parser gives one: hexadecimal, with the longest run of zeros left out.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const groupsOf = (text = '') => (text === '' ? [] : text.split(':'))
  const [before, after] = [groupsOf(head), groupsOf(tail)]
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  const groups = [...before, ...zeros, ...after].map(group => Number.parseInt(group, 16))
  return Uint8Array.from(groups.flatMap(group => [group >> 8, group & 0xff]))
}

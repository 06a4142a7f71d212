import * as asn1js from 'asn1js'
import * as pkijs from 'pkijs'
import { createDerRefusal, DerReader } from '../../der/reader.ts'
import { tags } from '../../der/tag.ts'
import { timeTagOf } from '../../der/time.ts'
import { encodeNamedBits, encodeUnsignedInteger } from '../../der/writer.ts'
import { keyIdentifierOf } from '../../key/key-identifier.ts'
import { parseSubjectPublicKeyInfo } from '../../key/public-key.ts'
import { type SignatureAlgorithm, signatureAlgorithmDer } from '../../key/signature-algorithm.ts'
import { buildName } from '../../name/name.ts'
import type { Subject } from '../../name/subject-field.ts'
import { extensionOids, keyUsageNames } from '../extension.ts'

/** The CA above, as its own certificate has it. */
interface AuthorityIssuer {
  readonly subjectNameDer: Uint8Array
  readonly subjectKeyIdentifier: Uint8Array
}

export interface AuthorityContent {
  /** Big-endian, at most 20 octets, positive. */
  readonly serialNumber: Uint8Array
  /** The issuer's. */
  readonly signatureAlgorithm: SignatureAlgorithm
  /** Octets are a Name that is encoded already, e.g. the subject of a CA that is cross-signed. */
  readonly subject: Subject | Uint8Array
  /** Without it, the certificate is self-signed. */
  readonly issuer?: AuthorityIssuer | undefined
  /** Whole seconds. */
  readonly notBefore: Date
  readonly notAfter: Date
  readonly spkiDer: Uint8Array
  /** What certificates below name this CA by, where that is settled already; without it, `keyIdentifierOf` its key. */
  readonly subjectKeyIdentifier?: Uint8Array | undefined
  /** How many CAs may stand below; without it, any number. */
  readonly pathLength?: number | undefined
}

/**
 * The TBSCertificate of a CA, self-signed or below another: critical CA:TRUE, critical keyCertSign and cRLSign,
 * subject and authority key identifier. Rare, so a library writes it; it is never asked to sign, since its default is SHA-1.
 * Throws `subject_refused` and, for a key that cannot be read, `key_unusable`.
 */
export function buildAuthorityTbsCertificate(content: AuthorityContent): Uint8Array {
  const { subject, issuer } = content
  const subjectNameDer = subject instanceof Uint8Array ? subject : buildName(subject)
  const certificate = new pkijs.Certificate({
    version: 2,
    serialNumber: decode(encodeUnsignedInteger(content.serialNumber)) as asn1js.Integer,
    signature: new pkijs.AlgorithmIdentifier({
      schema: decode(signatureAlgorithmDer(content.signatureAlgorithm))
    }),
    issuer: toName(issuer?.subjectNameDer ?? subjectNameDer),
    notBefore: toTime(content.notBefore),
    notAfter: toTime(content.notAfter),
    subject: toName(subjectNameDer),
    subjectPublicKeyInfo: new pkijs.PublicKeyInfo({ schema: decode(content.spkiDer) }),
    extensions: authorityExtensions(content)
  })
  return new Uint8Array(certificate.encodeTBS().toBER(false))
}

function authorityExtensions(content: AuthorityContent): pkijs.Extension[] {
  const { spkiDer, pathLength, issuer } = content
  const keyIdentifier = octetsOf(content.subjectKeyIdentifier ?? keyIdentifierOfAuthority(spkiDer))
  const constraints = new pkijs.BasicConstraints({
    cA: true,
    ...(pathLength === undefined ? {} : { pathLenConstraint: pathLength })
  })
  const keyUsage = encodeNamedBits([keyUsageNames.indexOf('keyCertSign'), keyUsageNames.indexOf('cRLSign')])
  const authorityKeyIdentifier = new pkijs.AuthorityKeyIdentifier({
    keyIdentifier: issuer === undefined ? keyIdentifier : octetsOf(issuer.subjectKeyIdentifier)
  })
  return [
    extension('basicConstraints', true, constraints.toSchema().toBER(false)),
    extension('keyUsage', true, keyUsage),
    extension('subjectKeyIdentifier', false, keyIdentifier.toBER(false)),
    extension('authorityKeyIdentifier', false, authorityKeyIdentifier.toSchema().toBER(false))
  ]
}

/** The key identifier of a CA key. @throws MintlineError `key_unusable`. */
export function keyIdentifierOfAuthority(spkiDer: Uint8Array): Uint8Array {
  const reader = new DerReader(spkiDer, createDerRefusal('key_unusable', 'public key of the authority'))
  return keyIdentifierOf(parseSubjectPublicKeyInfo(reader).subjectPublicKey)
}

function octetsOf(bytes: Uint8Array): asn1js.OctetString {
  return new asn1js.OctetString({ valueHex: Uint8Array.from(bytes).buffer })
}

function extension(
  name: keyof typeof extensionOids,
  critical: boolean,
  value: ArrayBuffer | Uint8Array
): pkijs.Extension {
  const extnValue = value instanceof Uint8Array ? Uint8Array.from(value).buffer : value
  return new pkijs.Extension({ extnID: extensionOids[name], critical, extnValue })
}

function toName(nameDer: Uint8Array): pkijs.RelativeDistinguishedNames {
  return new pkijs.RelativeDistinguishedNames({ schema: decode(nameDer) })
}

/** pkijs writes the tag it is told, so the switch at 2050 is ours to make. */
function toTime(date: Date): pkijs.Time {
  const type = timeTagOf(date) === tags.utcTime ? pkijs.TimeType.UTCTime : pkijs.TimeType.GeneralizedTime
  // It would write a fraction of a second, which RFC 5280 §4.1.2.5.2 forbids.
  return new pkijs.Time({ type, value: new Date(Math.floor(date.getTime() / 1000) * 1000) })
}

function decode(der: Uint8Array): asn1js.AsnType {
  return asn1js.fromBER(der).result
}

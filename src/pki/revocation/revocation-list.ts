import { type ErrorCode, MintlineError } from '../../errors/mintline-error.ts'
import { toHex } from '../der/octet-text.ts'
import type { DerReader } from '../der/reader.ts'
import { createDerRefusal } from '../der/reader.ts'
import { contextConstructed, tags } from '../der/tag.ts'
import { parseTime } from '../der/time.ts'
import { parseSignatureAlgorithm, type SignatureAlgorithmIdentifier } from '../key/algorithm-identifier.ts'
import { openSigned } from '../key/signed.ts'
import { type Name, parseName } from '../name/name.ts'

/** A CRL (RFC 5280 §5) that speaks of every certificate of its issuer. Byte arrays are views. */
export interface RevocationList {
  readonly tbsDer: Uint8Array
  readonly signatureAlgorithm: SignatureAlgorithmIdentifier
  readonly signature: Uint8Array
  readonly issuerName: Name
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  /** Lower-case hex of the content octets of each serial number. */
  readonly revoked: ReadonlySet<string>
}

const listExtensionOids = { issuingDistributionPoint: '2.5.29.28', deltaIndicator: '2.5.29.27' }

/** Neither changes what the list says: its number, and which key of the issuer signed it. */
const passedOver: ReadonlySet<string> = new Set(['2.5.29.20', '2.5.29.35'])

/**
 * Reads a CertificateList strictly. What does not speak of all certificates of its issuer is refused: delta CRLs, those
 * with an issuingDistributionPoint, indirect ones, and all critical extensions that are not known here; and what has no
 * nextUpdate, which RFC 5280 §5.1.2.5 asks for.
 *
 * @throws MintlineError `code`.
 */
export function parseRevocationList(
  der: Uint8Array,
  code: ErrorCode = 'certificate_malformed'
): RevocationList {
  const refuse = createDerRefusal(code, 'CRL')
  const { tbs, ...signed } = openSigned(der, { refuse, whole: 'the CRL', part: 'tbsCertList' })
  const { signatureAlgorithm } = signed
  // Version 1 is written by leaving it out, and has no extensions (RFC 5280 §5.1.2.1).
  const isFirstVersion = tbs.peekTag() !== tags.integer
  if (!isFirstVersion && tbs.readSmallInteger('the version') !== 1)
    throw new MintlineError(code, 'The CRL is neither of version 1 nor of version 2.')
  const inner = parseSignatureAlgorithm(tbs)
  if (toHex(inner.der) !== toHex(signatureAlgorithm.der)) {
    throw new MintlineError(code, 'The CRL names two signature algorithms.')
  }
  const issuerName = parseName(tbs, 'the issuer')
  const thisUpdate = parseTime(tbs, 'thisUpdate').date
  if (tbs.peekTag() !== tags.utcTime && tbs.peekTag() !== tags.generalizedTime) {
    throw new MintlineError(
      code,
      'The CRL has no nextUpdate, so that nobody can tell when it is out of date.'
    )
  }
  const nextUpdate = parseTime(tbs, 'nextUpdate').date
  const revoked = tbs.peekTag() === tags.sequence ? readRevoked(tbs, code) : new Set<string>()
  if (!isFirstVersion) readListExtensions(tbs, code)
  tbs.assertEnd('tbsCertList')
  return { ...signed, issuerName, thisUpdate, nextUpdate, revoked }
}

function readRevoked(tbs: DerReader, code: ErrorCode): ReadonlySet<string> {
  const revoked = new Set<string>()
  const entries = tbs.readSequence('revokedCertificates')
  while (!entries.isAtEnd) {
    const entry = entries.readSequence('an entry')
    revoked.add(toHex(entry.readInteger('a serial number')))
    parseTime(entry, 'a revocation date')
    if (entry.isAtEnd) continue
    const critical = criticalOf(entry.readSequence('the extensions of an entry'))
    entry.assertEnd('an entry')
    // certificateIssuer is one: the entry is then of another CA's certificate.
    if (critical.length > 0) throw notKnown(code, critical[0]!, 'an entry of the CRL')
  }
  return revoked
}

function readListExtensions(tbs: DerReader, code: ErrorCode): void {
  if (tbs.peekTag() !== contextConstructed(0)) return
  const outer = tbs.enter(tbs.readElement('the extensions'))
  const list = outer.readSequence('the extensions')
  outer.assertEnd('the extensions')
  const oids: string[] = []
  const critical = criticalOf(list, oid => oids.push(oid))
  if (oids.includes(listExtensionOids.deltaIndicator)) {
    throw new MintlineError(code, 'The CRL is a delta CRL. Give the complete one.')
  }
  if (oids.includes(listExtensionOids.issuingDistributionPoint)) {
    throw new MintlineError(
      code,
      'The CRL speaks of a part of the certificates (issuingDistributionPoint). Give the complete one.'
    )
  }
  const unknown = critical.find(oid => !passedOver.has(oid))
  if (unknown !== undefined) throw notKnown(code, unknown, 'the CRL')
}

/** The critical ones of a list of extensions. */
function criticalOf(list: DerReader, tell: (oid: string) => void = () => undefined): readonly string[] {
  const critical: string[] = []
  while (!list.isAtEnd) {
    const extension = list.readSequence('an extension')
    const oid = extension.readObjectIdentifier('an extension type')
    tell(oid)
    if (extension.peekTag() === tags.boolean && extension.readBoolean('critical')) critical.push(oid)
    extension.readOctetString('an extension value')
    extension.assertEnd('an extension')
  }
  return critical
}

function notKnown(code: ErrorCode, oid: string, where: string): MintlineError {
  return new MintlineError(code, `There is a critical extension in ${where} that is not known here: ${oid}.`)
}

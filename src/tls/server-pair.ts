import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { Violation } from '../errors/mintline-error.ts'

/** What a TLS server shows and proves itself by, as its files hold it. */
export interface PairText {
  /** PEM: the server's certificate first, then those above it. */
  readonly certificatePem: string
  /** PEM, not encrypted. */
  readonly keyPem: string
}

/** A certificate and its key that a TLS server can use. */
export interface ServerPair extends PairText {
  readonly certificate: X509Certificate
}

/** The settings that name the two files. */
export interface PairSettings {
  readonly certificate: string
  readonly key: string
}

export interface JudgedPair {
  /** Undefined where there are violations. */
  readonly pair: ServerPair | undefined
  readonly violations: readonly Violation[]
  /** What clients will refuse, though a server can be started with it. */
  readonly warnings: readonly Violation[]
}

/** The protocol versions that are spoken, and that the pair is tried with. */
export const tlsVersions = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' } as const

/** So long before its end a certificate is warned of. */
const warnedDays = 30
const millisecondsPerDay = 86_400_000

const purposes = { serverAuth: '1.3.6.1.5.5.7.3.1', any: '2.5.29.37.0' }

const certificateExpected = "PEM, the server's certificate first, then those above it"
const keyExpected = 'the private key of the certificate in PEM, not encrypted'

/** Holds a certificate and a key against what a TLS server needs. `pointer` is the name of the setting. */
export function judgePair(text: PairText, settings: PairSettings, now: Date): JudgedPair {
  const chain = readChain(text.certificatePem, settings.certificate)
  const key = readKey(text.keyPem, settings.key)
  if (isViolation(chain) || isViolation(key)) return refused(...[chain, key].filter(isViolation))
  const fault = findFault(text, { chain, key }, settings)
  if (fault !== undefined) return refused(fault)
  const [certificate] = chain
  const warnings = warningsOf(certificate, settings.certificate, now)
  return { pair: { ...text, certificate }, violations: [], warnings }
}

function refused(...violations: readonly Violation[]): JudgedPair {
  return { pair: undefined, violations, warnings: [] }
}

/** The server's, then those above it. */
type Chain = readonly [X509Certificate, ...X509Certificate[]]

function isViolation(read: Chain | KeyObject | Violation): read is Violation {
  return 'pointer' in read
}

const pemCertificates = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g

function readChain(pem: string, pointer: string): Chain | Violation {
  const blocks = pem.match(pemCertificates) ?? []
  const refuse = (found: string, message: string) => ({
    pointer,
    expected: certificateExpected,
    found,
    message
  })
  const chain: X509Certificate[] = []
  for (const [index, block] of blocks.entries()) {
    try {
      chain.push(new X509Certificate(block))
    } catch {
      return refuse(`certificate ${index + 1} of ${blocks.length}, which cannot be read`, 'Replace it.')
    }
  }
  const [first, ...above] = chain
  if (first !== undefined) return [first, ...above]
  return refuse(
    'no certificate in PEM',
    'Name the file with the certificate. One in DER becomes PEM by `openssl x509 -inform DER -in FILE -out NEW`.'
  )
}

function readKey(pem: string, pointer: string): KeyObject | Violation {
  const refuse = (found: string, message: string) => ({ pointer, expected: keyExpected, found, message })
  if (/BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(pem)) {
    return refuse(
      'an encrypted key',
      'The service starts without anybody to type a passphrase. Take it off with `openssl pkey -in FILE -out NEW`, and ' +
        'keep the new file from others (mode 0600).'
    )
  }
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    return refuse(
      'no private key in PEM',
      'Name the file with the key. One in DER becomes PEM by `openssl pkey -inform DER -in FILE -out NEW`.'
    )
  }
  try {
    return createPrivateKey(pem)
  } catch {
    return refuse('a key that cannot be read', 'Replace it, with its certificate.')
  }
}

interface Parts {
  readonly chain: Chain
  readonly key: KeyObject
}

function findFault(text: PairText, parts: Parts, settings: PairSettings): Violation | undefined {
  const { chain, key } = parts
  const [certificate] = chain
  if (!certificate.checkPrivateKey(key)) {
    const isLater = chain.some(each => each.checkPrivateKey(key))
    return isLater
      ? {
          pointer: settings.certificate,
          expected: certificateExpected,
          found: 'the certificate of the key after another one',
          message: 'Put the certificate of the server first.'
        }
      : {
          pointer: settings.key,
          expected: keyExpected,
          found: `the key of another certificate than ${describe(certificate)}`,
          message: `Name the key that was made for it, or in ${settings.certificate} the certificate of this key.`
        }
  }
  // Node gives the extended key usage by this name.
  const usage = certificate.keyUsage as readonly string[] | undefined
  if (usage !== undefined && !usage.includes(purposes.serverAuth) && !usage.includes(purposes.any)) {
    return {
      pointer: settings.certificate,
      expected: 'a certificate for a server (extendedKeyUsage serverAuth)',
      found: `one for other purposes (${usage.join(', ')})`,
      message: 'Every client would refuse it. Have one issued for a server.'
    }
  }
  return findOpensslFault(text, settings.certificate)
}

/** What OpenSSL does not take, such as a short RSA key or a SHA-1 signature. */
function findOpensslFault({ certificatePem, keyPem }: PairText, pointer: string): Violation | undefined {
  try {
    createSecureContext({ cert: certificatePem, key: keyPem, ...tlsVersions })
    return undefined
  } catch (error) {
    const reason = error instanceof Error && 'reason' in error ? String(error.reason) : 'unknown reason'
    return {
      pointer,
      expected: 'a certificate and a key that OpenSSL serves TLS 1.2 and 1.3 with',
      found: `ones that it refuses: ${reason}`,
      message:
        'Have another certificate issued, e.g. for a key made with `openssl ecparam -name prime256v1 -genkey`.'
    }
  }
}

function warningsOf(certificate: X509Certificate, pointer: string, now: Date): readonly Violation[] {
  const warnings: Violation[] = []
  const { subjectAltName } = certificate
  const validity = findValidityFault({ certificate }, now)
  if (validity !== undefined) {
    const { found, message } = validity
    warnings.push({
      pointer,
      expected: `a certificate that is valid for ${warnedDays} days or more`,
      found,
      message
    })
  }
  if (subjectAltName === undefined) {
    warnings.push({
      pointer,
      expected: 'a certificate with the names of the server in subjectAltName',
      found: `${describe(certificate)}, without any`,
      message:
        'Clients do not look elsewhere for a name, and refuse it. Have one issued with DNS or IP names.'
    })
  }
  return warnings
}

/** What is to be said of the validity; undefined while the end is far. */
export function findValidityFault(
  { certificate }: Pick<ServerPair, 'certificate'>,
  now: Date
): { readonly found: string; readonly message: string; readonly isValid: boolean } | undefined {
  const { validFromDate: from, validToDate: to } = certificate
  const name = describe(certificate)
  if (now < from) {
    const message = 'Clients refuse it until then. Check the clock of this machine, or put another one there.'
    return { found: `${name}, which begins ${from.toISOString()}`, message, isValid: false }
  }
  if (now > to) {
    const message = 'Clients refuse it. Put a new one there, with its key; the service takes it up.'
    return { found: `${name}, which ended ${to.toISOString()}`, message, isValid: false }
  }
  if (to.getTime() - now.getTime() >= warnedDays * millisecondsPerDay) return undefined
  const message = 'Put a new one there in time, with its key; the service takes it up.'
  return { found: `${name}, which ends ${to.toISOString()}`, message, isValid: true }
}

/** For log and refusals: subject and serial number, in one line. */
export function describe({ subject, serialNumber }: X509Certificate): string {
  // A certificate may have no subject; Node then gives undefined against its types.
  const name = (subject as string | undefined)?.replaceAll('\n', ', ') ?? 'no subject'
  return `${name} (serial number ${serialNumber})`
}

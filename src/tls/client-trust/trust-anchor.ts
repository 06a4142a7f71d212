import { MintlineError } from '../../errors/mintline-error.ts'
import type { Certificate } from '../../pki/certificate/certificate.ts'
import { toHex } from '../../pki/der/octet-text.ts'
import { assertKeyAllowed } from '../../pki/key/public-key.ts'
import { importVerificationKey, type VerificationKey } from '../../pki/key/verification-key.ts'
import type { Name } from '../../pki/name/name.ts'
import { comparableName, describeName } from '../../pki/path/distinguished-name.ts'
import type { RevocationList } from '../../pki/revocation/revocation-list.ts'

/** A CA that is trusted as it is, whether it signed itself or not. */
export interface TrustAnchor {
  readonly certificate: Certificate
  readonly key: VerificationKey
  /** Whether a file names it, or it is of an authority line for stations. What those signed is known one by one, and takes no CRL. */
  readonly origin: 'file' | 'station-line'
  /** The newest that it signed; undefined where there is none. */
  readonly revocationList: RevocationList | undefined
}

const clientKeyPolicy = {
  ec: { curves: ['P-256', 'P-384', 'P-521'] },
  rsa: { minimumBits: 2048, maximumBits: 4096 }
} as const

/** @throws MintlineError for a key that is not of the kinds that clients and their CAs may have. */
export async function verificationKeyOf({ subjectPublicKeyInfo }: Certificate): Promise<VerificationKey> {
  const { key, der } = subjectPublicKeyInfo
  assertKeyAllowed(key, clientKeyPolicy)
  try {
    return await importVerificationKey(der, key)
  } catch (cause) {
    throw new MintlineError('certificate_malformed', 'Its public key cannot be read.', { cause })
  }
}

/** The base64 between the BEGIN and END lines of that label. */
export function pemBlocks(pem: string, label: string): readonly string[] {
  const form = new RegExp(`-----BEGIN ${label}-----([\\s\\S]*?)-----END ${label}-----`, 'g')
  return [...pem.matchAll(form)].map(([, base64]) => base64!)
}

/** By what two names are the same (RFC 5280 §7.1). */
export function nameKeyOf(name: Name): string {
  return JSON.stringify(comparableName(name).exact)
}

/** For log and refusals, in one line. */
export function describeCertificate({ subjectName, serialNumber }: Certificate): string {
  return `${describeName(subjectName)} (serial number ${toHex(serialNumber)})`
}

/** A sentence within another. */
export function withoutStop(sentence: string): string {
  return sentence.replace(/\.$/, '')
}

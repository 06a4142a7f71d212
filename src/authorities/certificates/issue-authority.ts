import { createPublicKey, type KeyObject } from 'node:crypto'
import { lintAuthorityCertificate } from '../../pki/certificate/authority/lint.ts'
import {
  type AuthorityContent,
  buildAuthorityTbsCertificate
} from '../../pki/certificate/authority/tbs-certificate.ts'
import { assembleCertificate } from '../../pki/certificate/certificate.ts'
import { createSerialNumber } from '../../pki/certificate/serial-number.ts'
import type { Durable } from '../../signing/durable.ts'
import { judge } from '../../signing/judgement.ts'
import { signDurable, type ToBeSigned } from '../../signing/sign-durable.ts'
import { signAtCeremony } from '../../signing/sign-without-intent.ts'
import type { Signer } from '../../signing/signers/signer.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'

/** What a CA certificate is to say; the serial number and the algorithm come with the signer that signs it. */
export type IntendedContent = Omit<AuthorityContent, 'serialNumber' | 'signatureAlgorithm'>

export interface AuthorityDraft {
  /** Content octets of the INTEGER. */
  readonly serialNumber: Uint8Array
  readonly tbsDer: Uint8Array
}

/**
 * A CA certificate before it is signed, judged. No key is used.
 *
 * @throws MintlineError `subject_refused`, `lint_failed`.
 */
export function draftAuthority(
  { signatureAlgorithm }: Pick<Signer, 'signatureAlgorithm'>,
  content: IntendedContent,
  randomBytes: RandomBytes
): AuthorityDraft {
  const serialNumber = createSerialNumber(randomBytes(16))
  const tbsDer = buildAuthorityTbsCertificate({ ...content, serialNumber, signatureAlgorithm })
  judge(tbsDer, der => lintAuthorityTbs(der, signatureAlgorithm))
  return { serialNumber, tbsDer }
}

/**
 * Signs the bytes of a draft that is durable, and verifies the outcome.
 *
 * @returns the certificate's DER.
 * @throws MintlineError `certificate_mismatch`, and what the signer throws.
 */
export function signAuthority(issuer: Signer, intent: Durable<ToBeSigned>): Promise<Uint8Array> {
  return signDurable({
    intent,
    signer: issuer,
    issuerPublicKey: publicKeyOf(issuer),
    judgement: tbsDer => lintAuthorityTbs(tbsDer, issuer.signatureAlgorithm)
  })
}

/**
 * A CA certificate signed at once: for the ceremony of an offline root, see `signAtCeremony`. A key that the service
 * holds goes through `issueIntendedAuthority`.
 *
 * @returns the certificate's DER.
 * @throws MintlineError as `draftAuthority` and `signAuthority`.
 */
export async function issueAuthority(
  issuer: Signer,
  content: IntendedContent,
  randomBytes: RandomBytes
): Promise<Uint8Array> {
  const { tbsDer } = draftAuthority(issuer, content, randomBytes)
  return signAtCeremony(issuer, publicKeyOf(issuer), tbsDer)
}

/** The lint reads no signature, so that an empty one serves to look at the bytes before the key is used. */
function lintAuthorityTbs(tbsDer: Uint8Array, signatureAlgorithm: Signer['signatureAlgorithm']): void {
  lintAuthorityCertificate(assembleCertificate(tbsDer, signatureAlgorithm, new Uint8Array()))
}

function publicKeyOf({ publicKeySpkiDer }: Signer): KeyObject {
  return createPublicKey({ key: Buffer.from(publicKeySpkiDer), format: 'der', type: 'spki' })
}

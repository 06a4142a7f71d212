import type { KeyObject } from 'node:crypto'
import { MintlineError } from '../errors/mintline-error.ts'
import { assembleCertificate, verifyIssuedCertificate } from '../pki/certificate/certificate.ts'
import { isSignatureValid } from '../pki/key/signature.ts'
import { assertDurable, type Durable } from './durable.ts'
import { isJudged, judge } from './judgement.ts'
import type { Signer } from './signers/signer.ts'

/** As much of an intent as the CA key gets to see. */
export interface ToBeSigned {
  readonly id: string
  readonly tbsDer: Uint8Array
}

export interface SigningOrder {
  readonly intent: Durable<ToBeSigned>
  readonly signer: Pick<Signer, 'sign' | 'signatureAlgorithm'>
  /** Of the issuer's certificate: the signature must hold under it. */
  readonly issuerPublicKey: KeyObject
  /**
   * The rules for certificates of its kind, and that the bytes follow from what they were made of. Throws otherwise.
   * Called of bytes that come from the database; those that this process drafted passed `judge` before the commit.
   */
  readonly judgement: (tbsDer: Uint8Array) => void
}

/**
 * The signing room: the one place where a CA key of the service signs a certificate, for a device, a CA or AWS IoT.
 * What is signed is what was judged, byte for byte, and stands in a durable intent; what comes out is verified.
 *
 * @returns the certificate's DER. It is not on record yet, and must be before it leaves the process.
 * @throws TypeError for what no store vouched for; `certificate_mismatch` from a faulty signer; and what `judgement` and
 * the signer throw.
 */
export async function signDurable(order: SigningOrder): Promise<Uint8Array> {
  const { intent, signer, issuerPublicKey, judgement } = order
  const { tbsDer } = intent
  assertDurable(intent)
  if (!isJudged(tbsDer)) judge(tbsDer, judgement)
  // A crash from here until the caller's commit leaves an open intent: its serial number is explained, and the
  // signature never left this process.
  const signature = await signer.sign(tbsDer)
  return verified({ tbsDer, signature, signer, issuerPublicKey })
}

/**
 * The same of a CRL: what is signed is what was judged, byte for byte, and stands in a durable intent; the signature is
 * verified. An intent whose signing was cut off is never taken up again: the next CRL has a number of its own.
 *
 * @returns the signature, as it goes into the BIT STRING. It is not on record yet, and must be before it leaves the process.
 * @throws TypeError for what no store vouched for or nobody judged; `certificate_mismatch` from a faulty signer, and what the
 * signer throws.
 */
export async function signDurableList({
  intent,
  signer,
  issuerPublicKey
}: Omit<SigningOrder, 'judgement'>): Promise<Uint8Array> {
  const { tbsDer } = intent
  assertDurable(intent)
  if (!isJudged(tbsDer)) throw new TypeError('Only what was held against its rules is signed')
  const signature = await signer.sign(tbsDer)
  const { signatureAlgorithm: algorithm } = signer
  if (await isSignatureValid({ algorithm, key: issuerPublicKey, signed: tbsDer, signature })) return signature
  throw new MintlineError(
    'certificate_mismatch',
    "The signed CRL is not the intended one: its signature does not hold under the issuer's public key."
  )
}

interface Signed {
  readonly tbsDer: Uint8Array
  readonly signature: Uint8Array
  readonly signer: Pick<Signer, 'signatureAlgorithm'>
  readonly issuerPublicKey: KeyObject
}

/** Puts the certificate together and proves it. @throws MintlineError `certificate_mismatch`. */
export async function verified({ tbsDer, signature, signer, issuerPublicKey }: Signed): Promise<Uint8Array> {
  const { signatureAlgorithm } = signer
  const certificateDer = assembleCertificate(tbsDer, signatureAlgorithm, signature)
  await verifyIssuedCertificate({ certificateDer, tbsDer, issuerPublicKey, signatureAlgorithm })
  return certificateDer
}

import type { KeyObject } from 'node:crypto'
import { isJudged } from './judgement.ts'
import { verified } from './sign-durable.ts'
import type { Signer } from './signers/signer.ts'

/**
 * The two exceptions to the rule that a CA key signs durable intents alone.
 *
 * A certification request for an upper CA is no certificate: it has no serial number to explain, and makes nobody trust
 * anything.
 *
 * @returns the signature, as it goes into the request's BIT STRING.
 */
export function signCertificationRequestInfo(signer: Signer, infoDer: Uint8Array): Promise<Uint8Array> {
  return signer.sign(infoDer)
}

/**
 * The ceremony of an offline root has no database to keep an intent in. After a crash the certificate is in no file, and
 * the people present know that the ceremony did not end; its transcript is durable before the certificate can leave.
 *
 * @param tbsDer judged.
 * @returns the certificate's DER.
 * @throws TypeError for bytes that were not judged; `certificate_mismatch`, and what the signer throws.
 */
export async function signAtCeremony(
  signer: Signer,
  issuerPublicKey: KeyObject,
  tbsDer: Uint8Array
): Promise<Uint8Array> {
  if (!isJudged(tbsDer)) throw new TypeError('Only what was held against its rules is signed')
  return verified({ tbsDer, signature: await signer.sign(tbsDer), signer, issuerPublicKey })
}

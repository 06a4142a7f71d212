import { createPublicKey, generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import type { StoredAuthority } from '../../../authorities/authority-store.ts'
import { withProvenSigner } from '../../../authorities/generations/proven-signer.ts'
import { isMintlineError } from '../../../errors/mintline-error.ts'
import { parseAuthorityCertificate } from '../../../pki/certificate/authority/certificate.ts'
import { parseTbsCertificate } from '../../../pki/certificate/certificate.ts'
import { lintTbsCertificate } from '../../../pki/certificate/lint.ts'
import { createSerialNumber } from '../../../pki/certificate/serial-number.ts'
import { buildTbsCertificate } from '../../../pki/certificate/tbs-certificate.ts'
import { authoritySignatureAlgorithm } from '../../../pki/key/signature-algorithm.ts'
import { buildName } from '../../../pki/name/name.ts'
import { judge } from '../../../signing/judgement.ts'
import { signDurable } from '../../../signing/sign-durable.ts'
import type { OpenSigner } from '../../../signing/signers/open-signer.ts'
import type { Clock } from '../../../sources/clock.ts'
import { newId } from '../../../sources/identifier.ts'
import type { RandomBytes } from '../../../sources/random-bytes.ts'
import { clockSkewMs, examineReadBack, extendedKeyUsage, keyUsage, validityMs } from './examination.ts'
import type { DurableVerification, Verification, VerificationStore } from './verification-store.ts'

export interface VerificationDependencies {
  readonly store: VerificationStore
  readonly openSigner: OpenSigner
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

export interface VerificationRequest {
  readonly registrationId: string
  readonly authority: StoredAuthority
  readonly registrationCode: string
  /** Told of each step once it is durable. */
  readonly onStep: (step: 'verification-intent' | 'verification-certificate', detail: string) => Promise<void>
}

const generateKeys = promisify(generateKeyPair)
/** One that ends sooner is not handed to AWS any more. */
const shortestRemainderMs = 3_600_000

/**
 * The certificate that proves possession of a CA key to AWS IoT: its CommonName is the registration code. The same
 * code gets the same certificate, whatever happened in between, as long as it is valid. Its serial number and TBS are
 * durable before the CA key is used, the signature is verified, and the certificate is durable before it is returned.
 * The private key to it is never kept: nobody can use it as a device.
 *
 * @returns its DER.
 * @throws MintlineError `lint_failed`, `record_damaged`, `certificate_mismatch`, `key_unusable`, `signer_unavailable`, `signer_disabled`.
 */
export async function provideVerification(
  { store, openSigner, clock, randomBytes }: VerificationDependencies,
  { registrationId, authority, registrationCode, onStep }: VerificationRequest
): Promise<Uint8Array> {
  for (;;) {
    const newest = await store.findNewest(registrationId)
    const isUsable =
      newest?.verification.registrationCode === registrationCode && isCurrent(newest.verification, clock())
    if (isUsable && newest.certificateDer !== undefined) return newest.certificateDer
    const verification = isUsable
      ? newest.verification
      : await store.insert(
          await draftVerification(
            authority,
            { registrationId, registrationCode, number: (newest?.verification.number ?? 0) + 1 },
            { now: clock(), randomBytes }
          )
        )
    // Another process drafted one at the same time: theirs it is.
    if (verification === undefined) continue
    const serial = Buffer.from(verification.serialNumber).toString('hex')
    if (!isUsable) await onStep('verification-intent', `serial number ${serial}`)
    // A crash from here on leaves the intent: the next run signs the same bytes, or finds the certificate.
    const certificateDer = await signVerification(openSigner, authority, verification)
    const recorded = await store.record(verification, certificateDer, clock())
    await onStep('verification-certificate', `serial number ${serial}`)
    return recorded
  }
}

/**
 * One that is not valid yet is of a clock that was ahead: AWS would not take it. Bytes that cannot be read are current for
 * ever: the signing room refuses them, and says what they are.
 */
function isCurrent({ tbsDer }: Verification, now: Date): boolean {
  try {
    const { notBefore, notAfter } = parseTbsCertificate(tbsDer)
    return notBefore <= now && notAfter.getTime() >= now.getTime() + shortestRemainderMs
  } catch (error) {
    if (!isMintlineError(error)) throw error
    return true
  }
}

async function draftVerification(
  { certificateDer }: StoredAuthority,
  what: Pick<Verification, 'registrationId' | 'registrationCode' | 'number'>,
  { now, randomBytes }: { readonly now: Date; readonly randomBytes: RandomBytes }
): Promise<Verification> {
  const issuer = parseAuthorityCertificate(certificateDer)
  const { publicKey } = await generateKeys('ec', { namedCurve: 'P-256' })
  const spkiDer = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }))
  const signatureAlgorithm = authoritySignatureAlgorithm(issuer.spkiDer)
  const serialNumber = createSerialNumber(randomBytes(16))
  const second = Math.floor(now.getTime() / 1000) * 1000
  const tbsDer = buildTbsCertificate({
    serialNumber,
    signatureAlgorithm,
    issuerNameDer: issuer.subjectNameDer,
    notBefore: new Date(Math.max(second - clockSkewMs, issuer.notBefore.getTime())),
    notAfter: new Date(Math.min(second + validityMs, issuer.notAfter.getTime())),
    subjectNameDer: buildName({ CommonName: what.registrationCode }),
    spkiDer,
    keyUsage,
    extendedKeyUsage,
    authorityKeyIdentifier: issuer.subjectKeyIdentifier
  })
  judge(tbsDer, der => lintTbsCertificate(der, { issuer, signatureAlgorithm, spkiDer }))
  return { ...what, id: newId(now, randomBytes), serialNumber, tbsDer, createdAt: now }
}

/** With the key opened for this alone: a staged generation has no signer yet. */
function signVerification(
  openSigner: OpenSigner,
  authority: StoredAuthority,
  verification: DurableVerification
): Promise<Uint8Array> {
  return withProvenSigner(openSigner, authority, signer => {
    const issuer = parseAuthorityCertificate(authority.certificateDer)
    return signDurable({
      intent: verification,
      signer,
      issuerPublicKey: createPublicKey({ key: Buffer.from(issuer.spkiDer), format: 'der', type: 'spki' }),
      judgement: () => void examineReadBack(verification, issuer)
    })
  })
}

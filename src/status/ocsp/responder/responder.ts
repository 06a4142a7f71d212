import { generateKeyPair, type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'
import type { Authority } from '../../../authorities/authority.ts'
import { type SignerSources, withLentSigner } from '../../../authorities/generations/lent-signer.ts'
import { MintlineError } from '../../../errors/mintline-error.ts'
import { parseCertificate } from '../../../pki/certificate/certificate.ts'
import { assembleOcspResponse, hashOfResponderKey } from '../../../pki/ocsp/response.ts'
import { signDurable } from '../../../signing/sign-durable.ts'
import type { Clock } from '../../../sources/clock.ts'
import type { RandomBytes } from '../../../sources/random-bytes.ts'
import { draftResponder, judgeResponder } from './draft.ts'
import type { ResponderStore } from './responder-store.ts'

/**
 * Who signs the answers for one generation, in this process alone (RFC 6960 §4.2.2.2). Its key is made here and ends with the
 * process; the certificate is short-lived, and on record.
 */
export interface Responder {
  /** As answers name it. */
  readonly keyHash: Uint8Array
  readonly notBefore: Date
  readonly notAfter: Date
  /** @param responseDataDer of `buildResponseData`. @returns the OCSPResponse. */
  respond(responseDataDer: Uint8Array): Uint8Array
}

export interface ResponderDependencies extends SignerSources {
  readonly store: ResponderStore
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

/** Whatever the CA's key is: what answers cost, and how long they are, is the responder's own. */
const curve = 'P-256'
const signatureAlgorithm = 'ecdsa-with-SHA256'
const generateKey = promisify(generateKeyPair)

/**
 * Makes a key and has the generation certify it. The CA key signs a durable intent, as ever, and the certificate is on record
 * before an answer bears it.
 *
 * @throws MintlineError `authority_unavailable` for a generation that cannot sign, or must not; what its key's store throws.
 */
export async function createResponder(
  dependencies: ResponderDependencies,
  authority: Authority
): Promise<Responder> {
  const { store, clock, randomBytes } = dependencies
  const { publicKey, privateKey } = await generateKey('ec', { namedCurve: curve })
  const spkiDer = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }))
  const rules = { authority, spkiDer }
  const { intent, certificateDer } = await withLentSigner(dependencies, authority, async signer => {
    // Before the intent: while the key is away, one who asks again leaves no row behind.
    await signer.assertUsable()
    const intent = await store.insert(draftResponder(rules, clock(), randomBytes))
    if (intent === undefined) throw speaksForNothing(authority)
    // A crash from here on leaves an intent whose key is gone: its serial number is explained, and answers nothing.
    const judgement = (tbsDer: Uint8Array) => judgeResponder(tbsDer, rules)
    const order = { intent, signer, issuerPublicKey: authority.publicKey, judgement }
    return { intent, certificateDer: await signDurable(order) }
  })
  if (!(await store.record(intent.id, certificateDer, clock()))) throw speaksForNothing(authority)
  return describe(certificateDer, spkiDer, privateKey)
}

function describe(certificateDer: Uint8Array, spkiDer: Uint8Array, privateKey: KeyObject): Responder {
  const { notBefore, notAfter } = parseCertificate(certificateDer)
  return {
    keyHash: hashOfResponderKey(spkiDer),
    notBefore,
    notAfter,
    respond: responseDataDer =>
      assembleOcspResponse({
        responseDataDer,
        signatureAlgorithm,
        signature: sign('sha256', responseDataDer, privateKey),
        certificateDer
      })
  }
}

function speaksForNothing({ name }: Authority): MintlineError {
  return new MintlineError(
    'authority_unavailable',
    `${name} has no OCSP responder: it is compromised or has not issued.`
  )
}

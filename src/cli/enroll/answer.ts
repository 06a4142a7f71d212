import { createPublicKey, hash, X509Certificate } from 'node:crypto'
import { isMintlineError } from '../../errors/mintline-error.ts'
import { parseCertificationRequest } from '../../pki/csr/certification-request.ts'
import { decodeCertificationRequest } from '../../pki/csr/intake.ts'

/** A certificate that was held against the CSR that it was asked for with. */
export interface Enrolled {
  readonly issuanceId: string
  readonly certificateId: string
  readonly replayed: boolean
  /** The device's certificate, the issuing CA, then those above it. */
  readonly chainDer: readonly Buffer[]
}

/** The service answered, and not with what was asked for. */
export class AnswerError extends Error {}

/** It was not the service that answered. */
export class ForeignAnswerError extends Error {}

const certificatePem = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g
const maximumChainLength = 10

/**
 * Reads the answer to a CSR and holds it against that: the key is the CSR's, each certificate is signed by the next one,
 * which is a CA's, and the id is that of the certificate.
 *
 * @throws AnswerError, ForeignAnswerError
 */
export function verifyAnswer(body: Buffer, csr: Buffer): Enrolled {
  const { id, certificateId, chainPem, replayed } = readMembers(body)
  const chain = readChain(chainPem)
  const [certificate] = chain as [X509Certificate]
  if (!createPublicKey({ key: spkiOf(csr), format: 'der', type: 'spki' }).equals(certificate.publicKey))
    throw new AnswerError('the certificate is for another key than the CSR')
  if (hash('sha256', certificate.raw) !== certificateId)
    throw new AnswerError('the id is not that of the certificate')
  for (const [index, issuer] of chain.slice(1).entries()) {
    const subject = chain[index]!
    if (!issuer.ca || !subject.checkIssued(issuer) || !subject.verify(issuer.publicKey))
      throw new AnswerError(`certificate ${index + 1} of the chain is not signed by the next one`)
  }
  return { issuanceId: id, certificateId, replayed, chainDer: chain.map(({ raw }) => raw) }
}

/** The SubjectPublicKeyInfo of a CSR file in DER. @throws AnswerError where it cannot be read. */
export function spkiOf(csr: Buffer): Buffer {
  try {
    return Buffer.from(parseCertificationRequest(decodeCertificationRequest(csr)).spkiDer)
  } catch (error) {
    if (isMintlineError(error)) throw new AnswerError('the CSR cannot be read')
    throw error
  }
}

function readMembers(body: Buffer) {
  const { id, certificateId, chainPem, replayed } = parseObject(body)
  if (typeof id === 'string' && typeof certificateId === 'string' && typeof chainPem === 'string')
    return { id, certificateId, chainPem, replayed: replayed === true }
  throw new ForeignAnswerError('what answers there is not Mintline. Check --url.')
}

/** What is none has no members. */
function parseObject(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    return (JSON.parse(body.toString()) as Readonly<Record<string, unknown>> | null) ?? {}
  } catch {
    return {}
  }
}

function readChain(chainPem: string): readonly X509Certificate[] {
  const texts = chainPem.match(certificatePem) ?? []
  if (texts.length < 2 || texts.length > maximumChainLength)
    throw new AnswerError(`the chain has ${texts.length} certificates`)
  try {
    return texts.map(text => new X509Certificate(text))
  } catch {
    throw new AnswerError('a certificate of the chain cannot be read')
  }
}

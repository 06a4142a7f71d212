import type { KeyObject } from 'node:crypto'
import { assembleCertificationRequest, buildCertificationRequestInfo } from '../../pki/csr/writer.ts'
import { signCertificationRequestInfo } from '../../signing/sign-without-intent.ts'
import { createLocalSigner } from '../../signing/signers/local/local-signer.ts'
import { AnswerError, type Enrolled, ForeignAnswerError, verifyAnswer } from '../enroll/answer.ts'
import type { Connection } from '../enroll/exchange/connection.ts'
import { exchange, type ExchangeSettings } from '../enroll/exchange/exchange.ts'
import type { Failure } from '../enroll/exchange/outcome.ts'

/** Has the station's key certified, and believes no answer that does not fit it. */
export async function askForCertificate(
  connection: Connection,
  settings: ExchangeSettings,
  key: KeyObject
): Promise<Enrolled | Failure> {
  const csr = await makeCsr(key)
  const outcome = await exchange(
    connection,
    {
      method: 'POST',
      path: '/v1/self/certificate',
      headers: { 'content-type': 'application/pkcs10', accept: 'application/json' },
      body: csr
    },
    settings
  )
  if (outcome.kind !== 'answered') return outcome
  try {
    return verifyAnswer(outcome.body, csr)
  } catch (error) {
    if (error instanceof ForeignAnswerError)
      return { kind: 'unreachable', detail: error.message, isLasting: true }
    if (!(error instanceof AnswerError)) throw error
    const detail = `The answer was thrown away: ${error.message}. Tell the administrator.`
    return { kind: 'refused', code: 'answer_invalid', detail, violations: [] }
  }
}

/** The service names the station itself, whatever the CSR says. */
async function makeCsr(key: KeyObject): Promise<Buffer> {
  const signer = createLocalSigner(key)
  const infoDer = buildCertificationRequestInfo({ CommonName: 'station' }, signer.publicKeySpkiDer)
  const signature = await signCertificationRequestInfo(signer, infoDer)
  return Buffer.from(assembleCertificationRequest(infoDer, signer.signatureAlgorithm, signature))
}

export function isFailure(result: Enrolled | Failure): result is Failure {
  return 'kind' in result
}

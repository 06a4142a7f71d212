import type { KeyObject } from 'node:crypto'
import { assembleCertificationRequest, buildCertificationRequestInfo } from '../../pki/csr/writer.ts'
import { signCertificationRequestInfo } from '../../signing/sign-without-intent.ts'
import { createLocalSigner } from '../../signing/signers/local/local-signer.ts'
import type { Enrolled } from '../enroll/answer.ts'
import { askForCertificate } from '../enroll/asking.ts'
import type { Connection } from '../enroll/exchange/connection.ts'
import type { ExchangeSettings } from '../enroll/exchange/exchange.ts'
import type { Failure } from '../enroll/exchange/outcome.ts'

/** Has the station's key certified. */
export async function askForOwnCertificate(
  connection: Connection,
  settings: ExchangeSettings,
  key: KeyObject
): Promise<Enrolled | Failure> {
  return askForCertificate(connection, settings, { path: '/v1/self/certificate', csr: await makeCsr(key) })
}

/** The service names the station itself, whatever the CSR says. */
async function makeCsr(key: KeyObject): Promise<Buffer> {
  const signer = createLocalSigner(key)
  const infoDer = buildCertificationRequestInfo({ CommonName: 'station' }, signer.publicKeySpkiDer)
  const signature = await signCertificationRequestInfo(signer, infoDer)
  return Buffer.from(assembleCertificationRequest(infoDer, signer.signatureAlgorithm, signature))
}

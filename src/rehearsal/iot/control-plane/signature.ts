import type { IncomingHttpHeaders } from 'node:http'
import { IotRefusal } from '../iot-refusal.ts'

/** Who calls what, as the credential scope of Signature Version 4 says it. */
export interface CredentialScope {
  readonly accessKeyId: string
  readonly region: string
  readonly service: string
}

const authorizationForm =
  /^AWS4-HMAC-SHA256 Credential=([^/, ]+)\/\d{8}\/([a-z0-9-]+)\/([a-z0-9-]+)\/aws4_request, ?SignedHeaders=[a-z0-9;-]+, ?Signature=[0-9a-f]{64}$/

/**
 * Reads the `Authorization` header. The signature has to be there and in form; it is not verified. Throws
 * `MissingAuthenticationTokenException`, `IncompleteSignatureException`.
 */
export function parseCredentialScope(headers: IncomingHttpHeaders): CredentialScope {
  const { authorization } = headers
  if (authorization === undefined)
    throw new IotRefusal('MissingAuthenticationTokenException', 'Missing Authentication Token')
  const [, accessKeyId, region, service] = authorizationForm.exec(authorization) ?? []
  const isComplete = accessKeyId !== undefined && region !== undefined && service !== undefined
  if (!isComplete || headers['x-amz-date'] === undefined)
    throw new IotRefusal('IncompleteSignatureException', 'The Authorization header is not in SigV4 form.')
  return { accessKeyId, region, service }
}

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Static } from 'typebox'
import Type from 'typebox'
import { toHex } from '../../../pki/der/octet-text.ts'
import { encodeCertificatePem, encodeChainPem } from '../../../pki/pem/pem.ts'
import {
  renewAfter,
  type StationCertificate,
  type StationCertificateResult
} from '../../../station-certificates/station-certificate.ts'
import { stationOf } from '../../plugins/access.ts'
import { problemResponses } from '../../schemas/problem.ts'
import { jsonContent } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import { emptyBody } from '../issuances/body.ts'
import { csrBodyLimitBytes } from '../issuances/routes.ts'
import { OwnCertificate, StationCertificateBody } from './certificate-schemas.ts'

const rawTypes = ['application/pkcs10', 'application/octet-stream', 'application/x-www-form-urlencoded']
const rawBody = {
  schema: Type.Unsafe<Uint8Array>({ description: 'The CSR file: DER, PEM or base64 of DER.' })
}

const certifySelf = {
  operationId: 'certifySelf',
  tags: ['Stations'],
  summary: 'Have a certificate issued for yourself',
  description:
    'A station has its own key certified, by its token or by a certificate that it has, and is let in by the new certificate at once. Those before stay good until they end. The same key again gets the same certificate, until that is to be renewed; a retry is always safe. The station profile says what it is like, and the station is named in it whatever the CSR says.',
  body: {
    content: {
      'application/json': { schema: StationCertificateBody },
      ...Object.fromEntries(rawTypes.map(type => [type, rawBody]))
    }
  },
  response: {
    200: { description: 'Asked before: the same certificate.', content: jsonContent(OwnCertificate) },
    201: { description: 'Issued, and on record.', content: jsonContent(OwnCertificate) },
    ...problemResponses({
      404: 'There is no station profile.',
      409: "The key is somebody else's, its certificate was ended, the authority ends too soon, or stations get no certificates here.",
      422: 'The CSR or its key is refused; `violations` says why.',
      429: 'The station has had too many within an hour.'
    })
  }
}

/** What a station has done for itself. */
export const ownCertificateRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { stationCertifying } }
) => {
  app.addContentTypeParser(rawTypes, { parseAs: 'buffer' }, (_request, body, done) => done(null, body))

  app.post(
    '/v1/self/certificate',
    {
      config: { access: ['station'], heedsStation: true },
      bodyLimit: csrBodyLimitBytes,
      schema: certifySelf
    },
    async (request, reply) => {
      // The schema is chosen by content type, which the type provider cannot follow.
      const body = request.body as Static<typeof StationCertificateBody> | Uint8Array | undefined | null
      if (body == null) throw emptyBody()
      const result = await stationCertifying.certify({
        csr: body instanceof Uint8Array ? body : Buffer.from(body.csr),
        station: stationOf(request),
        requestId: request.id
      })
      return reply.code(result.replayed ? 200 : 201).send(view(result))
    }
  )
}

function view({ certificate, authority, chainDer, replayed }: StationCertificateResult): OwnCertificate {
  const { id, serialNumber, certificateDer } = certificate
  const { certificateId, ...dates } = viewStanding(certificate)
  return {
    id,
    certificateId,
    serialNumber: toHex(serialNumber),
    authority,
    ...dates,
    certificatePem: encodeCertificatePem(certificateDer),
    chainPem: encodeChainPem(chainDer),
    replayed
  }
}

export function viewStanding(certificate: StationCertificate) {
  const { sha256, notBefore, notAfter } = certificate
  return {
    certificateId: toHex(sha256),
    notBefore: notBefore.toISOString(),
    notAfter: notAfter.toISOString(),
    renewAfter: renewAfter(certificate).toISOString()
  }
}

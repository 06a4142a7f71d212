import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { actOf } from '../../plugins/access.ts'
import { coerceIntegers } from '../../plugins/coercion.ts'
import { viewPage } from '../../schemas/page.ts'
import { problemResponses } from '../../schemas/problem.ts'
import { jsonContent } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import { findOwn, notFound, readable, tags, writable } from './ownership.ts'
import {
  defaultStationLimit,
  StationCertificateEndBody,
  StationCertificateList,
  StationCertificateListQuerystring,
  StationCertificateParams,
  StationParams
} from './schemas.ts'
import { viewCertificate } from './view.ts'

const listStationCertificates = {
  operationId: 'listStationCertificates',
  tags,
  summary: 'List the client certificates that let a station in',
  description:
    'Newest first, also those that do not let it in any more: records have their ids. `nextCursor` leads to more.',
  params: StationParams,
  querystring: StationCertificateListQuerystring,
  response: {
    200: { description: 'One page.', content: jsonContent(StationCertificateList) },
    ...notFound
  }
}

const endStationCertificate = {
  operationId: 'endStationCertificate',
  tags,
  summary: 'End a client certificate of a station',
  description:
    'For good, whoever issued it: from now on it is refused with `401 client_certificate_refused`. Where it was issued here, its key gets no other certificate. One that has ended stays as it is.',
  params: StationCertificateParams,
  body: StationCertificateEndBody,
  response: {
    204: { description: 'It lets nobody in any more.', type: 'null' },
    ...problemResponses({ 404: 'There is no such station, or it never had this certificate.' })
  }
}

/** The client certificates of stations, whoever issued them. */
export const stationCertificateRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { stations } }
) => {
  app.get(
    '/v1/stations/:name/client-certificates',
    { ...readable, preValidation: coerceIntegers('query', ['limit']), schema: listStationCertificates },
    async request => {
      const { name } = await findOwn(stations, request, request.params.name)
      const { limit = defaultStationLimit, cursor } = request.query
      return viewPage(await stations.listCertificates(name, { limit, cursor }), viewCertificate)
    }
  )

  app.post(
    '/v1/stations/:name/client-certificates/:fingerprint/end',
    { ...writable, schema: endStationCertificate },
    async (request, reply) => {
      const { name, fingerprint } = request.params
      await findOwn(stations, request, name)
      const { reason } = request.body
      await stations.endCertificate(name, Buffer.from(fingerprint, 'hex'), {
        ...actOf(request, reason),
        reason
      })
      return reply.code(204).send()
    }
  )
}

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply } from 'fastify'
import type { Static } from 'typebox'
import Type from 'typebox'
import type { IssuanceResult } from '../../../issuance/request.ts'
import { encodeChainPem } from '../../../pki/pem/pem.ts'
import { chooseMediaType } from '../../accept.ts'
import { stationOf } from '../../plugins/access.ts'
import { coerceList } from '../../plugins/coercion.ts'
import { problemResponses } from '../../schemas/problem.ts'
import { jsonContent } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import { readAsked } from './body.ts'
import { Issuance, IssuanceBody, IssuanceQuerystring } from './schemas.ts'
import { viewIssuance } from './view.ts'

const answerTypes = [
  'application/json',
  'application/pem-certificate-chain',
  'application/pkix-cert'
] as const
type AnswerType = (typeof answerTypes)[number]

/** A CSR file as it is. The last two are what clients say who were not told; the very last is curl's. */
const rawTypes = [
  'application/pkcs10',
  'application/octet-stream',
  'application/x-www-form-urlencoded'
] as const
const rawBody = {
  schema: Type.Unsafe<Uint8Array>({ description: 'The CSR file: DER, PEM or base64 of DER.' })
}

const issued = {
  headers: {
    Location: { type: 'string', description: 'The record of the issuance.' },
    'Mintline-Issuance-Id': {
      type: 'string',
      description: 'The `id` of the record, whatever form the body has.'
    },
    'Mintline-Replayed': {
      type: 'string',
      enum: ['true', 'false'],
      description: 'Whether the same was asked before.'
    }
  },
  content: {
    ...jsonContent(Issuance),
    'application/pem-certificate-chain': { schema: Type.String({ description: '`chainPem` alone.' }) },
    'application/pkix-cert': {
      schema: Type.Unsafe<Uint8Array>({ description: "The certificate's DER alone." })
    }
  }
}

/** No CSR that is read comes near it, and a refused one is kept as it was sent, unless it holds a private key. */
export const csrBodyLimitBytes = 65_536

const issueCertificate = {
  operationId: 'issueCertificate',
  tags: ['Issuances'],
  summary: 'Certify a device key',
  description:
    'Send a CSR and receive the certificate with its chain, once it is on record. The same key, subject and profile again, at any later time, answer with the same bytes and 200, or with 410 once these have ended; a retry is always safe. The CSR is sent as JSON, or as it is with `curl --data-binary @file` and `?profile=`.',
  querystring: IssuanceQuerystring,
  body: {
    content: {
      'application/json': { schema: IssuanceBody },
      ...Object.fromEntries(rawTypes.map(type => [type, rawBody]))
    }
  },
  response: {
    200: { description: 'Asked before: the same bytes.', ...issued },
    201: { description: 'Issued and on record.', ...issued },
    ...problemResponses({
      404: 'There is no such profile.',
      406: 'Accept rules out every form of the answer. Nothing was issued.',
      409: 'The key or the device has a certificate already, maybe of a month that was detached, or the authority expires too soon.',
      410: 'What was issued for this request is of a compromised CA and not handed out again.',
      422: 'The CSR, its key or its subject is refused. The refusal is on record.'
    })
  }
}

/** The one route that stations use. */
export const issuanceRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { issuance } }
) => {
  app.decorateRequest('account', null)
  app.addContentTypeParser([...rawTypes], { parseAs: 'buffer' }, (_request, body, done) => done(null, body))

  app.post(
    '/v1/issuances',
    {
      config: { access: ['station'], heedsStation: true, recordsRefusals: true },
      bodyLimit: csrBodyLimitBytes,
      preValidation: coerceList('metadata'),
      schema: issueCertificate
    },
    async (request, reply) => {
      const answerType = chooseMediaType(request.headers.accept, answerTypes)
      // The schema is chosen by content type, which the type provider cannot follow.
      const body = request.body as Static<typeof IssuanceBody> | Uint8Array | undefined
      const result = await issuance.issue({
        ...readAsked(body, request.query),
        station: stationOf(request),
        requestId: request.id,
        tell: account => void (request.account = account)
      })
      return sendIssuance(reply, result, answerType)
    }
  )
}

function sendIssuance(reply: FastifyReply, result: IssuanceResult, answerType: AnswerType): FastifyReply {
  const { record, replayed } = result
  reply
    .code(replayed ? 200 : 201)
    .header('location', `/v1/issuances/${record.id}`)
    .header('mintline-issuance-id', record.id)
    .header('mintline-replayed', String(replayed))
    .header('vary', 'Accept')
  switch (answerType) {
    case 'application/json':
      return reply.send(viewIssuance(result))
    case 'application/pem-certificate-chain':
      return reply.type(answerType).send(encodeChainPem(record.chainDer))
    case 'application/pkix-cert':
      return reply.type(answerType).send(Buffer.from(record.certificateDer))
  }
}

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply } from 'fastify'
import type { Static } from 'typebox'
import Type from 'typebox'
import type { IssuanceQuery, IssuanceResult } from '../../issuance/issuance-record.ts'
import { encodeChainPem } from '../../pki/pem.ts'
import { chooseMediaType } from '../accept.ts'
import { principalOf } from '../plugins/access.ts'
import { coerceIntegers, coerceList } from '../plugins/coercion.ts'
import { Issuance, IssuanceBody, IssuanceQuerystring } from '../schemas/issuance.ts'
import {
  IssuanceEntry,
  IssuanceListQuerystring,
  IssuancePage,
  IssuanceParams
} from '../schemas/issuance-entry.ts'
import { problemResponses } from '../schemas/problem.ts'
import { referenceTo } from '../schemas/reference.ts'
import type { HttpServices } from '../services.ts'
import { readAsked } from './issuance-body.ts'
import { viewEntry, viewIssuance } from './issuance-views.ts'

const tags = ['Issuances']
const readers = ['auditor', 'admin'] as const
const answerTypes = [
  'application/json',
  'application/pem-certificate-chain',
  'application/pkix-cert'
] as const
const defaultLimit = 50

/** A CSR file as it is. The last two are what clients say who were not told: curl --data-binary says the last. */
const rawTypes = [
  'application/pkcs10',
  'application/octet-stream',
  'application/x-www-form-urlencoded'
] as const
const rawBody = {
  schema: Type.Unsafe<Uint8Array>({ description: 'The CSR file: DER, PEM or base64 of DER.' })
}

const recordHeaders = {
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
}

const answerContent = {
  'application/json': { schema: referenceTo(Issuance) },
  'application/pem-certificate-chain': { schema: Type.String({ description: '`chainPem` alone.' }) },
  'application/pkix-cert': {
    schema: Type.Unsafe<Uint8Array>({ description: "The certificate's DER alone." })
  }
}

export const issuanceRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services }
) => {
  app.addContentTypeParser([...rawTypes], { parseAs: 'buffer' }, (_request, body, done) => done(null, body))

  app.post(
    '/v1/issuances',
    {
      config: { access: ['station'] },
      preValidation: coerceList('metadata'),
      schema: {
        operationId: 'issueCertificate',
        tags,
        summary: 'Certify a device key',
        description:
          'Send a CSR and receive the certificate with its chain, once it is on record. The same key, subject and profile again, at any later time, answer with the same bytes and 200; a retry is always safe. The CSR is sent as JSON, or as it is with `curl --data-binary @file` and `?profile=`.',
        querystring: IssuanceQuerystring,
        body: {
          content: {
            'application/json': { schema: IssuanceBody },
            ...Object.fromEntries(rawTypes.map(type => [type, rawBody]))
          }
        },
        response: {
          200: {
            description: 'Asked before: the same bytes.',
            headers: recordHeaders,
            content: answerContent
          },
          201: { description: 'Issued and on record.', headers: recordHeaders, content: answerContent },
          ...problemResponses({
            404: 'There is no such profile.',
            406: 'Accept rules out every form of the answer. Nothing was issued.',
            409: 'The key or the device has a certificate already, or the authority expires too soon.',
            422: 'The CSR, its key or its subject is refused. The rejection is on record.'
          })
        }
      }
    },
    async (request, reply) => {
      const answerType = chooseMediaType(request.headers.accept, answerTypes)
      const result = await services.issuance.issue({
        ...readAsked(request.body as Static<typeof IssuanceBody> | Uint8Array | undefined, request.query),
        station: principalOf(request),
        requestId: request.id
      })
      return sendIssuance(reply, result, answerType)
    }
  )

  app.register(recordRoutes, { services })
}

function sendIssuance(
  reply: FastifyReply,
  result: IssuanceResult,
  answerType: (typeof answerTypes)[number]
): FastifyReply {
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

/** The records. Their union is told apart by the view, so they are not serialised by schema. */
const recordRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (app, { services }) => {
  app.setSerializerCompiler(() => value => JSON.stringify(value))

  app.get(
    '/v1/issuances/:id',
    {
      config: { access: readers },
      schema: {
        operationId: 'getIssuance',
        tags,
        summary: 'Read one record',
        description: 'What was asked for and what became of it: issued, rejected, or unknown after a crash.',
        params: IssuanceParams,
        response: {
          200: {
            description: 'The record.',
            content: { 'application/json': { schema: referenceTo(IssuanceEntry) } }
          },
          ...problemResponses({ 404: 'There is no such record.' })
        }
      }
    },
    async request => viewEntry(await services.records.find(request.params.id))
  )

  app.get(
    '/v1/issuances',
    {
      config: { access: readers },
      preValidation: coerceIntegers('query', ['limit']),
      schema: {
        operationId: 'listIssuances',
        tags,
        summary: 'Search the records',
        description: 'All conditions hold together. Newest first; `nextCursor` leads to older ones.',
        querystring: IssuanceListQuerystring,
        response: {
          200: {
            description: 'One page.',
            content: { 'application/json': { schema: referenceTo(IssuancePage) } }
          }
        }
      }
    },
    async request => {
      const { items, nextCursor } = await services.records.list(buildQuery(request.query))
      return { items: items.map(viewEntry), ...(nextCursor !== undefined && { nextCursor }) }
    }
  )
}

function buildQuery(asked: Static<typeof IssuanceListQuerystring>): IssuanceQuery {
  const { serialNumber, certificateId, from, to, limit = defaultLimit, ...others } = asked
  return {
    ...others,
    limit,
    ...(serialNumber !== undefined && { serialNumber: normaliseSerialNumber(serialNumber) }),
    ...(certificateId !== undefined && { certificateId: stripHex(certificateId) }),
    ...(from !== undefined && { from: new Date(from) }),
    ...(to !== undefined && { to: new Date(to) })
  }
}

/** However a tool printed it, to the hex of the INTEGER's content octets (X.690, section 8.3). */
function normaliseSerialNumber(text: string): string {
  const digits = stripHex(text).replace(/^0+(?=.)/, '')
  const octets = digits.length % 2 === 0 ? digits : `0${digits}`
  return /^[89a-f]/.test(octets) ? `00${octets}` : octets
}

function stripHex(text: string): string {
  return text.replaceAll(':', '').toLowerCase()
}

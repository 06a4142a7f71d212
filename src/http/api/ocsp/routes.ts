import { hash } from 'node:crypto'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply } from 'fastify'
import Type from 'typebox'
import { fromBase64 } from '../../../pki/der/octet-text.ts'
import { maximumRequestOctets } from '../../../pki/ocsp/request.ts'
import { freshMs, type OcspReply } from '../../../status/ocsp/ocsp.ts'
import { namesTag } from '../../entity-tag.ts'
import { problemResponses } from '../../schemas/problem.ts'
import type { HttpServices } from '../../services.ts'
import { AuthorityParams } from '../authorities/schemas.ts'
import { OcspGetParams } from './schemas.ts'

const tags = ['Status']
const requestType = 'application/ocsp-request'
const responseType = 'application/ocsp-response'
const der = Type.Unsafe<Uint8Array>({ description: 'DER.' })

const answer = {
  description:
    'An OCSPResponse: good, revoked or unknown of each certificate, signed; or unsigned that the request is malformed, that this authority does not speak of such a certificate (unauthorized), or that it cannot be known at this moment (tryLater).',
  content: { [responseType]: { schema: der } }
}

const postOcsp = {
  operationId: 'askOcsp',
  tags,
  summary: 'Whether certificates of a generation are revoked (OCSP)',
  description:
    'RFC 6960. A nonce (RFC 9654) is repeated. At most 16 certificates, all of the generation. The answer says what is on record when it is made, or was at most five seconds before.',
  params: AuthorityParams,
  body: { content: { [requestType]: { schema: der } } },
  response: {
    200: answer,
    ...problemResponses({
      404: 'There is no such authority.',
      413: 'No OCSP request is as long.',
      415: `It is no ${requestType}.`
    })
  }
}

const getOcsp = {
  operationId: 'askOcspCacheably',
  tags,
  summary: 'The same, in a form that caches on the way may keep',
  description:
    'RFC 5019. Without a nonce, the answer may be kept until its nextUpdate (`MINTLINE_OCSP_VALIDITY_MINUTES`); with one, and where the certificate is unknown, it may not.',
  params: OcspGetParams,
  response: {
    200: answer,
    304: {
      description: 'The answer that `If-None-Match` names stands.',
      content: { [responseType]: { schema: der } }
    },
    ...problemResponses({ 404: 'There is no such authority.' })
  }
}

/** Asked by devices, in masses, so that only failures are logged. */
const open = {
  config: { access: 'public', isStatus: true },
  logLevel: 'warn',
  bodyLimit: maximumRequestOctets
} as const

/** What relying parties ask, without a token. */
export const ocspRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { ocsp } }
) => {
  // RFC 6960, appendix A.1 has one type. A body that is taken for JSON would be told what is wrong with it as such.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(requestType, { parseAs: 'buffer' }, (_request, body, done) => done(null, body))

  app.post('/v1/ocsp/:name', { ...open, schema: postOcsp }, async ({ params, body }, reply) => {
    // Nothing at all is malformed as well.
    const octets = body instanceof Uint8Array ? body : new Uint8Array()
    return send(reply, await ocsp.answer(params.name, octets))
  })

  app.get('/v1/ocsp/:name/*', { ...open, schema: getOcsp }, async ({ params, headers }, reply) => {
    const answered = await ocsp.answer(params.name, decode(params['*']))
    if (answered.lasts === undefined) return send(reply, answered)
    const etag = `"${hash('sha256', answered.der, 'hex').slice(0, 32)}"`
    setCaching(reply, answered.lasts).header('etag', etag)
    const known = headers['if-none-match']
    if (known !== undefined && namesTag(known, etag)) return reply.code(304).send()
    return send(reply, answered)
  })
}

/** What is no base64 is no request: the answer to it is OCSP's own. */
function decode(text: string): Uint8Array {
  try {
    return fromBase64(text.replaceAll('-', '+').replaceAll('_', '/'), false)
  } catch {
    return new Uint8Array()
  }
}

function send(reply: FastifyReply, { der: octets }: OcspReply) {
  return reply.type(responseType).send(Buffer.from(octets.buffer, octets.byteOffset, octets.length))
}

/** RFC 5019 §6.2: no longer than until nextUpdate, however old the answer is here, and by nobody who would change it. */
function setCaching(reply: FastifyReply, { thisUpdate, nextUpdate }: NonNullable<OcspReply['lasts']>) {
  const seconds = Math.max(0, Math.floor((nextUpdate.getTime() - thisUpdate.getTime() - freshMs) / 1000))
  return reply
    .header('cache-control', `max-age=${seconds}, public, no-transform, must-revalidate`)
    .header('last-modified', thisUpdate.toUTCString())
    .header('expires', nextUpdate.toUTCString())
}

import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { systemStopwatch } from '../../../../sources/clock.ts'
import type { OpenCrl } from '../../../../status/crl/crls.ts'
import { chooseMediaType } from '../../../accept.ts'
import { namesTag } from '../../../entity-tag.ts'
import { problemResponses } from '../../../schemas/problem.ts'
import type { HttpServices } from '../../../services.ts'
import { AuthorityParams } from '../schemas.ts'
import { encodePemInParts, pemOctetsOf } from './pem-parts.ts'
import { CrlReaders } from './readers.ts'
import { WholeLists } from './whole-lists.ts'

const derType = 'application/pkix-crl'
const pemType = 'application/x-pem-file'

const headers = {
  ETag: { type: 'string', description: 'The SHA-256 of the DER, in quotes; of PEM with `-pem` behind it.' },
  'Last-Modified': { type: 'string', description: 'Its thisUpdate.' },
  'Cache-Control': {
    type: 'string',
    description: 'For how long it may be kept without asking again: seconds.'
  },
  Vary: { type: 'string', description: '`Accept`.' }
}
const file = Type.Unsafe<Readable | Buffer>({ type: 'string', description: 'The CRL.' })

const getCrl = {
  operationId: 'getAuthorityCrl',
  tags: ['Authorities'],
  summary: 'Read the CRL of a generation',
  description:
    'The complete CRL (RFC 5280), in DER, or in PEM where `Accept` likes that better. What is revoked or put on hold is in it within ten seconds; where delta CRLs are made (freshestCRL), in the delta. `If-None-Match` and `If-Modified-Since` are answered with 304.',
  params: AuthorityParams,
  response: {
    200: {
      description: 'The CRL.',
      headers,
      content: { [derType]: { schema: file }, [pemType]: { schema: file } }
    },
    304: { description: 'It is the same.', type: 'null' },
    ...problemResponses({
      404: 'There is no such generation, or no CRL of it.',
      406: 'Neither DER nor PEM is accepted.'
    })
  }
}

const digits = Type.String({ pattern: '^(0|[1-9][0-9]{0,2})$' })

const getShard = {
  ...getCrl,
  operationId: 'getAuthorityCrlShard',
  summary: 'Read the CRL of a shard of a generation',
  description:
    'The CRL of a part of the certificates, which name it in their CRL distribution point, as the CRL names itself (issuingDistributionPoint). Else as the complete one.',
  params: Type.Object(
    {
      ...AuthorityParams.properties,
      shards: Type.String({
        pattern: '^(4|16|64|256)$',
        description: 'Into how many parts they are shared out.'
      }),
      shard: { ...digits, description: 'Which of them, from 0.' }
    },
    { additionalProperties: false }
  )
}

const getDelta = {
  ...getCrl,
  operationId: 'getAuthorityCrlDelta',
  summary: 'Read the delta CRL of a generation',
  description:
    'What has changed since the complete CRL whose number it names (deltaCRLIndicator), where MINTLINE_CRL_DELTA_BASE_SECONDS has deltas made. Then what is revoked or put on hold is in it within ten seconds, and in the complete one later. Else as the complete one.',
  response: {
    ...getCrl.response,
    ...problemResponses({
      404: 'There is no such generation, or no delta of its CRL.',
      406: 'Neither DER nor PEM is accepted.'
    })
  }
}

const getShardDelta = {
  ...getDelta,
  operationId: 'getAuthorityCrlShardDelta',
  summary: 'Read the delta CRL of a shard of a generation',
  description:
    'What has changed since the complete CRL of the shard, whose number and issuingDistributionPoint it has. Else as the delta of the complete one.',
  params: getShard.params
}

const config = { access: 'public', turn: 'none', isStatus: true } as const

/** Caches that hold it for longer would keep a revocation from being seen. */
const maximumAgeSeconds = 5
/** Up to here it is sent as a whole, which all who read it share. */
const wholeOctets = 512 * 1024
/** CRLs: anybody may read them. */
export const crlRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { crls } }
) => {
  const readers = new CrlReaders(systemStopwatch)
  const wholes = new WholeLists()
  app.get('/v1/authorities/:name/crl', { config, schema: getCrl }, async (request, reply) =>
    answer(request, reply, () => crls.find(request.params.name))
  )
  app.get('/v1/authorities/:name/crl/delta', { config, schema: getDelta }, async (request, reply) =>
    answer(request, reply, () => crls.findDelta(request.params.name))
  )
  app.get(
    '/v1/authorities/:name/shards/:shards/:shard',
    { config, schema: getShard },
    async (request, reply) => {
      const { params } = request
      return answer(request, reply, () => crls.find(params.name, partOf(params)))
    }
  )
  app.get(
    '/v1/authorities/:name/shards/:shards/:shard/delta',
    { config, schema: getShardDelta },
    async (request, reply) => {
      const { params } = request
      return answer(request, reply, () => crls.findDelta(params.name, partOf(params)))
    }
  )

  async function answer(request: FastifyRequest, reply: FastifyReply, find: () => Promise<OpenCrl>) {
    const type = chooseMediaType(request.headers.accept, [derType, pemType])
    const crl = await find()
    const isPem = type === pemType
    const etag = `"${Buffer.from(crl.sha256).toString('hex')}${isPem ? '-pem' : ''}"`
    /** Of an answer that is the CRL's: what is refused is nothing that a cache may keep, nor has it this tag. */
    const tell = () =>
      reply.headers({
        etag,
        'last-modified': crl.thisUpdate.toUTCString(),
        'cache-control': `public, max-age=${maximumAgeSeconds}`,
        vary: 'Accept'
      })
    if (isKnown(request, etag, crl.thisUpdate)) return tell().code(304).send()
    const octets = isPem ? pemOctetsOf('X509 CRL', crl.octets) : crl.octets
    const isHead = request.raw.method === 'HEAD'
    const read = () => (isPem ? encodePemInParts('X509 CRL', crl.read()) : crl.read())
    const bodyOf = () =>
      octets <= wholeOctets
        ? wholes.find(etag, octets, read)
        : readers.open(request.raw.socket.remoteAddress ?? '', read())
    // Of an answer to HEAD, what is read would go nowhere.
    const body = isHead ? Readable.from([], { objectMode: false }) : await bodyOf()
    return tell().type(type).header('content-length', octets).send(body)
  }
}

const partOf = ({ shards, shard }: { readonly shards: string; readonly shard: string }) => ({
  shards: Number(shards),
  shard: Number(shard)
})

/** RFC 9110, section 13.2.2: the tag counts where there is one. */
function isKnown({ headers: asked }: FastifyRequest, etag: string, modified: Date): boolean {
  const tags = asked['if-none-match']
  if (tags !== undefined) return namesTag(tags, etag)
  const since = Date.parse(asked['if-modified-since'] ?? '')
  // A clock that was ahead and set back makes a later list of an earlier time.
  return since === modified.getTime()
}

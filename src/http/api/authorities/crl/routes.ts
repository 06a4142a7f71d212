import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { MintlineError } from '../../../../errors/mintline-error.ts'
import type { OpenCrl } from '../../../../status/crl/crls.ts'
import { chooseMediaType } from '../../../accept.ts'
import { problemResponses } from '../../../schemas/problem.ts'
import type { HttpServices } from '../../../services.ts'
import { AuthorityParams } from '../schemas.ts'
import { encodePemInParts, pemOctetsOf } from './pem-parts.ts'

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
    'The complete CRL (RFC 5280), in DER, or in PEM where `Accept` likes that better. What is revoked or put on hold is in it within ten seconds. `If-None-Match` and `If-Modified-Since` are answered with 304.',
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

const config = { access: 'public', turn: 'none', isStatus: true } as const

/** Caches that hold it for longer would keep a revocation from being seen. */
const maximumAgeSeconds = 5
/** Up to here it is sent as a whole. */
const wholeOctets = 512 * 1024
/** Each holds a part or two in memory for as long as its reader takes. */
const maximumStreams = 16
/** Octets of what has been replaced are kept for longer. */
const longestReadingMs = 4 * 60_000

/** CRLs: anybody may read them. */
export const crlRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { crls } }
) => {
  let streams = 0
  app.get('/v1/authorities/:name/crl', { config, schema: getCrl }, async (request, reply) => {
    const type = chooseMediaType(request.headers.accept, [derType, pemType])
    const crl = await crls.find(request.params.name)
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
    if (!isHead && octets > wholeOctets && streams >= maximumStreams) throw tooManyStreams()
    const parts = isPem ? encodePemInParts('X509 CRL', crl.read()) : crl.read()
    const whole = !isHead && octets <= wholeOctets ? await wholeOf(parts) : undefined
    tell().type(type).header('content-length', octets)
    // Of an answer to HEAD, what is read would go nowhere.
    if (isHead) return reply.send(Readable.from([], { objectMode: false }))
    if (whole !== undefined) return reply.send(whole)
    streams += 1
    return reply.send(streamOf(parts, () => (streams -= 1)))
  })
}

async function wholeOf(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const whole: Uint8Array[] = []
  for await (const part of parts) whole.push(part)
  return Buffer.concat(whole)
}

/** As fast as the client reads, and not for ever: the connection ends then. */
function streamOf(parts: ReturnType<OpenCrl['read']>, end: () => void): Readable {
  const stream = Readable.from(parts, { objectMode: false })
  const timer = setTimeout(() => stream.destroy(new Error('A CRL was read too slowly')), longestReadingMs)
  stream.once('close', () => {
    clearTimeout(timer)
    end()
  })
  return stream
}

/** RFC 9110, section 13.2.2: the tag counts where there is one. */
function isKnown({ headers: asked }: FastifyRequest, etag: string, modified: Date): boolean {
  const tags = asked['if-none-match']
  if (tags !== undefined)
    return tags.split(',').some(tag => ['*', etag].includes(tag.trim().replace(/^W\//, '')))
  const since = Date.parse(asked['if-modified-since'] ?? '')
  // A clock that was ahead and set back makes a later list of an earlier time.
  return since === modified.getTime()
}

function tooManyStreams(): MintlineError {
  return new MintlineError(
    'overloaded',
    `${maximumStreams} large CRLs are being read at this moment. Ask again in 5 s.`,
    { retryAfterSeconds: 5 }
  )
}

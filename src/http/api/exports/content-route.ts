import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { MintlineError } from '../../../errors/mintline-error.ts'
import type { Export } from '../../../exports/export.ts'
import type { OpenExport } from '../../../exports/exports.ts'
import { mediaTypes } from '../../../exports/formats/format.ts'
import { actOf, authorizeAgain, principalOf } from '../../plugins/access.ts'
import { problemResponses } from '../../schemas/problem.ts'
import type { HttpServices } from '../../services.ts'
import { assertMayRead } from './ownership.ts'
import { type OctetRange, parseRange } from './range.ts'
import { ExportParams } from './schemas.ts'

const file = Object.fromEntries(
  Object.values(mediaTypes).map(type => [
    type.split(';', 1)[0]!,
    { schema: Type.Unsafe<Readable>({ type: 'string', description: 'The file.' }) }
  ])
)

const headers = {
  ETag: { type: 'string', description: 'The SHA-256 of the file, in quotes.' },
  'Content-Disposition': { type: 'string', description: 'With the name of the file.' },
  'Accept-Ranges': { type: 'string', description: '`bytes`.' }
}

const getExportContent = {
  operationId: 'getExportContent',
  tags: ['Exports'],
  summary: 'Read the file of an export',
  description:
    'A download that was cut off goes on with `Range` (and `If-Range` with the ETag): one range of octets. Who reads it is in the audit, once an hour.',
  params: ExportParams,
  response: {
    200: { description: 'The file.', headers, content: file },
    206: {
      description: 'A part of it.',
      headers: {
        ...headers,
        'Content-Range': { type: 'string', description: 'Which, and of how many octets.' }
      },
      content: file
    },
    ...problemResponses({
      404: 'There is no such export, or it is another’s.',
      409: 'It is not made yet, or failed.',
      410: 'It has expired.',
      416: 'The range begins behind the end.'
    })
  }
}

const config = { access: ['auditor', 'operator', 'admin'], heedsLines: true, turn: 'none' } as const

/** Each holds a chunk or two in memory for as long as its reader takes. */
const maximumStreams = 16

/** The files of exports. */
export const exportContentRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { exports } }
) => {
  let streams = 0
  app.get('/v1/exports/:id/content', { config, schema: getExportContent }, async (request, reply) => {
    const found = assertMayRead(principalOf(request), await exports.find(request.params.id))
    const opened = await exports.open(found, actOf(request))
    // Asked where it is counted as well: of many that come at once, each sees those before it.
    if (streams >= maximumStreams) throw tooManyStreams()
    const { octets, sha256 } = opened
    const etag = `"${Buffer.from(sha256).toString('hex')}"`
    const asked = parseRange(request.headers, etag, octets)
    if (asked === 'unsatisfiable') {
      reply.header('content-range', `bytes */${octets}`)
      throw notSatisfiable(octets)
    }
    const range = asked ?? { first: 0, last: octets - 1 }
    if (asked !== undefined)
      reply.code(206).header('content-range', `bytes ${range.first}-${range.last}/${octets}`)
    // Of an answer to HEAD, what is read would go nowhere.
    const parts = request.raw.method === 'HEAD' ? [] : readOctets(request, opened, range)
    const stream = Readable.from(parts, { objectMode: false })
    streams += 1
    stream.once('close', () => (streams -= 1))
    return reply
      .type(mediaTypes[found.format])
      .headers({
        etag,
        'accept-ranges': 'bytes',
        'content-length': range.last - range.first + 1,
        'content-disposition': `attachment; filename="${nameOf(found)}"`
      })
      .send(stream)
  })
}

/** As fast as the client reads, and as long as its token lasts. */
async function* readOctets(
  request: FastifyRequest,
  { read }: OpenExport,
  { first, last }: OctetRange
): AsyncGenerator<Uint8Array> {
  for (let offset = first; offset <= last;) {
    if (offset > first) await authorizeAgain(request)
    const endTurn = await request.takeTurn(() => request.raw.socket.destroyed)
    let part: Uint8Array
    try {
      part = (await read(offset)).subarray(0, last + 1 - offset)
    } finally {
      endTurn()
    }
    offset += part.length
    // A client that does not read on waits without a turn.
    yield part
  }
}

/** E.g. `mintline-issuances-20261127T083000Z.csv`. */
function nameOf({ of, format, createdAt }: Export): string {
  const time = createdAt.toISOString().replace(/\.\d+/, '').replaceAll(/[-:]/g, '')
  return `mintline-${of}-${time}.${format}`
}

function notSatisfiable(octets: number): MintlineError {
  return new MintlineError(
    'range_not_satisfiable',
    `The file has ${octets} octets, and the range begins behind them. A file of that length that is here already is whole: compare its SHA-256 with that of the export.`
  )
}

function tooManyStreams(): MintlineError {
  return new MintlineError(
    'overloaded',
    `${maximumStreams} files are being read at this moment. Ask again in 5 s; what was read already need not be read again.`,
    { retryAfterSeconds: 5 }
  )
}

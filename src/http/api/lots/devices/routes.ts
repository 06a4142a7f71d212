import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { MintlineError } from '../../../../errors/mintline-error.ts'
import {
  type ExpectedQuery,
  maximumDevices,
  maximumListBytes
} from '../../../../factory/lots/devices/list/device-list.ts'
import type { ListKind } from '../../../../factory/lots/devices/reading/list-reader.ts'
import { chooseMediaType } from '../../../accept.ts'
import { limitRest, readSteadily } from '../../../connections/arrival.ts'
import { actOf, authorizeAgain } from '../../../plugins/access.ts'
import { coerceIntegers } from '../../../plugins/coercion.ts'
import { refuseKeysInLine } from '../../../plugins/key-guard.ts'
import { viewPage } from '../../../schemas/page.ts'
import { problemResponses } from '../../../schemas/problem.ts'
import { jsonContent } from '../../../schemas/reference.ts'
import type { HttpServices } from '../../../services.ts'
import { createLotOwnership } from '../ownership.ts'
import { LotParams } from '../schemas.ts'
import { parseContentRange } from './content-range.ts'
import { passLooking } from './passing.ts'
import {
  defaultDeviceLimit,
  DeleteQuerystring,
  ExpectedDevicePage,
  ExpectedQuerystring,
  LotDevices,
  LotUpload,
  PutQuerystring,
  UploadParams
} from './schemas.ts'
import { viewExpected, viewList, viewUpload } from './view.ts'

/** So long for the next KiB. */
const rowsIdleMs = 60_000
const maximumStreams = 8
const ndjson = 'application/x-ndjson'

const kinds = {
  'text/csv': 'csv',
  [ndjson]: 'ndjson',
  'application/json': 'json'
} as const satisfies Record<string, ListKind>

const tags = ['Lots']
const notFound = { 404: 'There is no such lot, or it has no list.' }

const described = (description: string) => ({
  schema: Type.Unsafe<undefined>({ description })
})

const putLotDevices = {
  operationId: 'putLotDevices',
  tags,
  summary: 'Say which devices a lot expects',
  description: `No others are issued, and each once (\`409 device_not_expected\`). The list is one of up to ${maximumDevices} rows and ${maximumListBytes} octets, in the place of the one that the lot has: as a whole, once its last row is here and each is right; until then the other one holds. Rows that are at fault are all named, and nothing is changed then. Devices that have a place in the lot must stay in it.\n\nWith \`upload\`, a name, what is cut off goes on: \`GET …/devices/uploads/{upload}\` says how many octets are here, and a PUT with \`Content-Range: bytes first-last/total\` (RFC 9110, section 14.5) brings the rest, or a part of it. \`bytes */total\` without a body has a list taken that is here to its last octet. Without \`Content-Range\`, it begins anew.`,
  params: LotParams,
  querystring: PutQuerystring,
  body: {
    content: {
      'text/csv': described(
        'RFC 4180 in UTF-8, with a comma or a semicolon. The header names the columns: `thingName`, `spkiSha256`, and the fields of `subject` by their names. An empty value is none.'
      ),
      [ndjson]: described('A `LotDevice` on each line.'),
      'application/json': described('An array of `LotDevice`.')
    }
  },
  response: {
    200: { description: 'The lot expects these devices.', content: jsonContent(LotDevices) },
    202: { description: 'A part of it is here.', content: jsonContent(LotUpload) },
    ...problemResponses({
      ...notFound,
      409: 'The lot is closed, devices that are made are not in the list, or the upload goes on elsewhere.',
      413: 'It is too long.',
      422: 'Rows are at fault; `badRows` names them. Nothing was changed.'
    })
  }
}

const getLotUpload = {
  operationId: 'getLotUpload',
  tags,
  summary: 'See from where to send on a list of devices',
  params: UploadParams,
  response: {
    200: { description: 'The upload.', content: jsonContent(LotUpload) },
    ...problemResponses({ 404: 'There is no such upload: it is at its end, or was left for a day.' })
  }
}

const listLotDevices = {
  operationId: 'listLotDevices',
  tags,
  summary: 'List the devices that a lot expects',
  description: `In the order of the list, with \`state\` those that are issued or outstanding. As \`${ndjson}\` all of them, one a line, from \`cursor\` on; the last line is \`{"summary":{"complete":true,"devices":…}}\`, and without it the answer was cut off.`,
  params: LotParams,
  querystring: ExpectedQuerystring,
  response: {
    200: {
      description: 'One page, or all.',
      content: {
        ...jsonContent(ExpectedDevicePage),
        [ndjson]: { schema: Type.String({ description: 'An `ExpectedDevice` a line.' }) }
      }
    },
    ...problemResponses({ ...notFound, 406: 'Accept rules out both.' })
  }
}

const deleteLotDevices = {
  operationId: 'deleteLotDevices',
  tags,
  summary: 'Let a lot take all devices again',
  description: 'Takes effect with the next request. The same again changes nothing.',
  params: LotParams,
  querystring: DeleteQuerystring,
  response: { 204: Type.Null(), ...problemResponses({ 404: 'There is no such lot.', 409: 'It is closed.' }) }
}

const readable = { access: ['auditor', 'operator', 'admin'], heedsLines: true } as const
const writable = { access: ['operator', 'admin'], heedsLines: true } as const

export const lotDeviceRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services }
) => {
  const { deviceLists } = services
  const { assertOwn } = createLotOwnership(services)
  const closing = new AbortController()
  app.removeAllContentTypeParsers()
  // The handler reads it, row by row.
  app.addContentTypeParser(Object.keys(kinds), (_request, _payload, done) => done(null, undefined))
  app.addHook('preClose', async () => closing.abort())

  app.put(
    '/v1/lots/:id/devices',
    { config: { ...writable, turn: 'none' }, schema: putLotDevices },
    async (request, reply) => {
      const lot = await assertOwn(request)
      const { upload: name, reason } = request.query
      const range = parseContentRange(request.headers)
      if (name === undefined && range.end !== undefined) throw nameless()
      const chunks = readBody(request, services)
      const upload = { lot, name, kind: kindOf(request), range, chunks, signal: closing.signal }
      const received = await deviceLists
        .receive(upload, actOf(request, reason))
        .finally(() => limitRest(request.raw))
      if (received.kind === 'whole') return reply.send(viewList(lot, received.list))
      return reply.code(202).send(viewUpload(lot, received.progress))
    }
  )

  app.delete(
    '/v1/lots/:id/devices',
    { config: writable, schema: deleteLotDevices },
    async (request, reply) => {
      await deviceLists.remove(await assertOwn(request), actOf(request, request.query.reason))
      return reply.code(204).send(null)
    }
  )
}

/** How far an upload is, and what became of the devices. */
export const lotDeviceReadRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services }
) => {
  const { deviceLists } = services
  const { assertOwn } = createLotOwnership(services)
  let streams = 0

  app.get('/v1/lots/:id/devices/uploads/:upload', { config: readable, schema: getLotUpload }, async request =>
    viewUpload(
      await assertOwn(request),
      await deviceLists.findUpload(request.params.id, request.params.upload)
    )
  )

  app.get(
    '/v1/lots/:id/devices',
    {
      config: { ...readable, turn: 'none' },
      preValidation: coerceIntegers('query', ['limit']),
      schema: listLotDevices
    },
    async (request, reply) => {
      const lot = await assertOwn(request)
      const { limit = defaultDeviceLimit, ...query } = request.query
      const type = chooseMediaType(request.headers.accept, ['application/json', ndjson])
      if (type === 'application/json')
        return viewPage(await deviceLists.list(lot, { limit, ...query }), viewExpected)
      if (streams >= maximumStreams) throw tooManyStreams()
      streams += 1
      const stream = Readable.from(readAll(request, services, { lot, query }), {
        objectMode: false,
        highWaterMark: 65_536
      })
      stream.once('close', () => (streams -= 1))
      return reply.type(ndjson).send(stream)
    }
  )
}

/** No key is stored for a row of a list, and who may not do so any more at the end of a long one changes no lot. */
async function* readBody(
  request: FastifyRequest,
  { disclosures }: Pick<HttpServices, 'disclosures'>
): AsyncGenerator<Uint8Array> {
  yield* passLooking(readSteadily(request.raw, rowsIdleMs), bytes =>
    refuseKeysInLine(disclosures, request, { bytes, value: undefined })
  )
  await authorizeAgain(request)
}

interface Reading {
  readonly lot: string
  readonly query: Omit<ExpectedQuery, 'limit'>
}

/** Page by page, as they are read, as long as the token lasts. */
async function* readAll(
  request: FastifyRequest,
  { deviceLists }: Pick<HttpServices, 'deviceLists'>,
  { lot, query }: Reading
): AsyncGenerator<string> {
  let devices = 0
  for (let { cursor } = query; ;) {
    const { items, nextCursor } = await deviceLists.list(lot, { ...query, cursor, limit: 1_000 })
    devices += items.length
    if (items.length > 0) yield items.map(item => `${JSON.stringify(viewExpected(item))}\n`).join('')
    if (nextCursor === undefined) break
    cursor = nextCursor
    await authorizeAgain(request)
  }
  yield `${JSON.stringify({ summary: { complete: true, devices } })}\n`
}

function kindOf({ headers }: FastifyRequest): ListKind {
  const type = (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase()
  if (Object.hasOwn(kinds, type)) return kinds[type as keyof typeof kinds]
  const detail = `A list of devices is ${Object.keys(kinds).join(', ')}. Name the one as Content-Type.`
  throw new MintlineError('media_type_unsupported', detail)
}

function nameless(): MintlineError {
  const message =
    'Add ?upload= with any name to a PUT with Content-Range, so that the parts are known to be of one list.'
  const violation = { pointer: '/query/upload', expected: 'a name', found: 'nothing', message }
  return new MintlineError('request_invalid', message, { violations: [violation] })
}

function tooManyStreams(): MintlineError {
  const detail = `${maximumStreams} lists are being read. Read this one when one of them has ended, or page by page.`
  return new MintlineError('overloaded', detail, { retryAfterSeconds: 5 })
}

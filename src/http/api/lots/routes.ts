import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Static } from 'typebox'
import { MintlineError } from '../../../errors/mintline-error.ts'
import type { LotRequest } from '../../../factory/lots/lot.ts'
import { parseInstant } from '../../listing/times.ts'
import { actOf, principalOf } from '../../plugins/access.ts'
import { coerceIntegers } from '../../plugins/coercion.ts'
import { viewPage } from '../../schemas/page.ts'
import { problemResponses } from '../../schemas/problem.ts'
import { jsonContent, madeOrSame } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import { createLotOwnership } from './ownership.ts'
import {
  ClosedLot,
  defaultLotLimit,
  JwkSet,
  LotActBody,
  LotBody,
  LotChangeBody,
  LotList,
  LotListQuerystring,
  LotParams,
  LotProgressResource,
  LotResource
} from './schemas.ts'
import { viewLot, viewLotProgress } from './view.ts'

const tags = ['Lots']
const readable = {
  config: { access: ['display', 'auditor', 'operator', 'admin'], heedsLines: true }
} as const
const writable = { config: { access: ['operator', 'admin'], heedsLines: true } } as const

const progress = { 200: { description: 'The lot as it is now.', content: jsonContent(LotProgressResource) } }
const notFound = { 404: 'There is no such lot.' }

const createLot = {
  operationId: 'createLot',
  tags,
  summary: 'Open a lot',
  description:
    'Requests that name it (`"lot"`) take a place each, and never more than there are. The same again changes nothing.',
  body: LotBody,
  response: {
    ...madeOrSame(LotResource, {
      made: 'The lot.',
      same: 'It is there already, and like this.',
      location: 'The lot.'
    }),
    ...problemResponses({
      409: 'There is one of this id that says something else.',
      422: 'What it names is not there, or its times contradict each other.'
    })
  }
}

const listLots = {
  operationId: 'listLots',
  tags,
  summary: 'List all lots',
  description: 'By id; `nextCursor` leads to more.',
  querystring: LotListQuerystring,
  response: { 200: { description: 'One page.', content: jsonContent(LotList) } }
}

const getLot = {
  operationId: 'getLot',
  tags,
  summary: 'Read a lot, and how far it is',
  params: LotParams,
  response: { ...progress, ...problemResponses(notFound) }
}

const changeLot = {
  operationId: 'changeLot',
  tags,
  summary: 'Change the quantity of a lot',
  params: LotParams,
  body: LotChangeBody,
  response: {
    ...progress,
    ...problemResponses({ ...notFound, 409: 'It is closed, or more places are taken.' })
  }
}

const act = (operationId: string, summary: string, description: string) => ({
  operationId,
  tags,
  summary,
  description,
  params: LotParams,
  body: LotActBody,
  response: { ...progress, ...problemResponses({ ...notFound, 409: 'It is closed.' }) }
})

const pauseLot = act(
  'pauseLot',
  'Pause a lot',
  'Takes effect with the next request. The same again changes nothing.'
)
const resumeLot = act('resumeLot', 'Resume a lot', 'The same again changes nothing.')

const closeLot = {
  operationId: 'closeLot',
  tags,
  summary: 'Close a lot for ever, and state what came of it',
  description:
    'It takes no devices any more. Requests that wait for their certificate are completed, or declared void where that is not possible; their places are free then. The same again answers with the same statement.',
  params: LotParams,
  body: LotActBody,
  response: {
    200: { description: 'Closed, with the statement.', content: jsonContent(ClosedLot) },
    ...problemResponses(notFound)
  }
}

const listStatementKeys = {
  operationId: 'listStatementKeys',
  tags,
  summary: 'List the keys that statements of lots were signed with',
  response: { 200: { description: 'The key set.', content: jsonContent(JwkSet) } }
}

export const lotRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (app, { services }) => {
  const { lots, lotClosing } = services
  const { isOfLines, assertOwn } = createLotOwnership(services)

  app.post('/v1/lots', { ...writable, schema: createLot }, async (request, reply) => {
    const { lines } = principalOf(request)
    if (!(await isOfLines(request.body.stations ?? [], lines))) throw otherLines(lines)
    const { lot, isNew } = await lots.create(toRequest(request.body), actOf(request))
    return reply
      .code(isNew ? 201 : 200)
      .header('location', `/v1/lots/${lot.id}`)
      .send(viewLot(lot))
  })

  app.get(
    '/v1/lots',
    { ...readable, preValidation: coerceIntegers('query', ['limit']), schema: listLots },
    async request => {
      const { limit = defaultLotLimit, flagged, ...query } = request.query
      const { lines } = principalOf(request)
      return viewPage(
        await lots.list({ ...query, limit, lines, ...(flagged && { isFlagged: flagged === 'true' }) }),
        viewLot
      )
    }
  )

  app.get('/v1/lots/:id', { ...readable, schema: getLot }, async request => {
    const id = await assertOwn(request)
    const lot = await lots.find(id)
    return viewLotProgress(lot, lot.state === 'closed' ? await lotClosing.findStatement(id) : undefined)
  })

  app.patch('/v1/lots/:id', { ...writable, schema: changeLot }, async request => {
    const { reason, ...change } = request.body
    return viewLotProgress(await lots.change(await assertOwn(request), change, actOf(request, reason)))
  })

  app.post('/v1/lots/:id/pause', { ...writable, schema: pauseLot }, async request =>
    viewLotProgress(await lots.pause(await assertOwn(request), actOf(request, request.body?.reason)))
  )

  app.post('/v1/lots/:id/resume', { ...writable, schema: resumeLot }, async request =>
    viewLotProgress(await lots.resume(await assertOwn(request), actOf(request, request.body?.reason)))
  )

  app.post('/v1/lots/:id/close', { ...writable, schema: closeLot }, async request => {
    const closed = await lotClosing.close(await assertOwn(request), actOf(request, request.body?.reason))
    return { ...closed, state: 'closed' as const }
  })
}

export const statementKeyRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { lotClosing } }
) => {
  app.get(
    '/.well-known/jwks.json',
    { config: { access: 'public', turn: 'route' }, schema: listStatementKeys },
    async () => ({
      keys: (await lotClosing.listKeys()) as Record<string, string>[]
    })
  )
}

/** A lot of lines that its maker may not see would be hidden from its maker. */
function otherLines(lines: readonly string[] | undefined): MintlineError {
  return new MintlineError(
    'lines_forbidden',
    `This token is for the lines ${lines?.join(', ') ?? ''}; name stations of these lines alone as "stations".`
  )
}

function toRequest({ opensAt, closesAt, ...request }: Static<typeof LotBody>): LotRequest {
  return {
    ...request,
    ...(opensAt !== undefined && { opensAt: parseInstant(opensAt, '/opensAt') }),
    ...(closesAt !== undefined && { closesAt: parseInstant(closesAt, '/closesAt') })
  }
}

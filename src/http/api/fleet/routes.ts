import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { listContent, rowsTold } from '../../listing/content.ts'
import { chooseRowType, rowsAtOnce, sendRows, streamRows } from '../../listing/listing.ts'
import { actOf } from '../../plugins/access.ts'
import { coerceIntegers } from '../../plugins/coercion.ts'
import { viewPage } from '../../schemas/page.ts'
import { problemResponses } from '../../schemas/problem.ts'
import { jsonContent } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import {
  defaultFleetLimit,
  FleetAcknowledgeBody,
  FleetFinding,
  FleetFindingListQuerystring,
  FleetFindingPage,
  FleetFindingParams,
  FleetReconciliation,
  FleetReconciliationBody,
  FleetReconciliationListQuerystring,
  FleetReconciliationPage,
  FleetReconciliationParams,
  FleetSummary
} from './schemas.ts'
import {
  findingColumns,
  viewFinding,
  viewReconciliation,
  viewSummary,
  viewToldReconciliation
} from './view.ts'

const tags = ['Fleet']
const readers = { access: ['auditor', 'operator', 'admin'] } as const
const actors = { access: ['operator', 'admin'] } as const

const beginReconciliation = {
  operationId: 'beginFleetReconciliation',
  tags,
  summary: 'Look at what AWS IoT holds',
  description:
    'In every account and region in which a CA is registered, in the background, and resumed after a crash: what AWS holds of its certificates is held against the record. `GET /v1/fleet/findings` lists what does not agree. One look goes on at a time; the same again is that one.',
  body: FleetReconciliationBody,
  response: {
    202: {
      description: 'It is on record, and goes on by itself.',
      headers: { Location: { type: 'string', description: 'The look.' } },
      content: jsonContent(FleetReconciliation)
    },
    ...problemResponses({ 409: 'Another one goes on: `reconciliation`.' })
  }
}

const getReconciliation = {
  operationId: 'getFleetReconciliation',
  tags,
  summary: 'Read how far a look at the fleet has come',
  params: FleetReconciliationParams,
  response: {
    200: { description: 'The look.', content: jsonContent(FleetReconciliation) },
    ...problemResponses({ 404: 'There is no such look.' })
  }
}

const listReconciliations = {
  operationId: 'listFleetReconciliations',
  tags,
  summary: 'List the looks at the fleet',
  description: 'Newest first. The last hundred are kept.',
  querystring: FleetReconciliationListQuerystring,
  response: { 200: { description: 'One page.', content: jsonContent(FleetReconciliationPage) } }
}

const getFleet = {
  operationId: 'getFleet',
  tags,
  summary: 'Read what AWS IoT held at the last look',
  description: 'Each CA in each account and region, with the findings by kind.',
  response: { 200: { description: 'The fleet.', content: jsonContent(FleetSummary) } }
}

const listFindings = {
  operationId: 'listFleetFindings',
  tags,
  summary: 'List what AWS IoT and the record do not agree on',
  description: `As of the last look at each account and region. All conditions hold together; \`region\` and \`accountAlias\` do not find what is of a CA as a whole (\`issued-never-seen\`, \`seen-and-gone\`, \`key-used-elsewhere\`). Newest first; \`nextCursor\` leads to older ones. ${rowsTold}`,
  querystring: FleetFindingListQuerystring,
  response: { 200: { description: 'One page, or rows.', content: listContent(FleetFindingPage) } }
}

const acknowledgeFinding = {
  operationId: 'acknowledgeFleetFinding',
  tags,
  summary: 'Acknowledge an alarm of the fleet',
  description:
    'Somebody has looked into it, and says what of it: from then on it counts as open no more, and goes once a look does not find it again. The same again changes nothing.',
  params: FleetFindingParams,
  body: FleetAcknowledgeBody,
  response: {
    200: { description: 'The finding.', content: jsonContent(FleetFinding) },
    ...problemResponses({ 404: 'There is no such alarm.' })
  }
}

/** What AWS IoT holds, held against the record. */
export const fleetRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { fleet, reconciliations } }
) => {
  app.post(
    '/v1/fleet/reconciliations',
    { config: actors, schema: beginReconciliation },
    async (request, reply) => {
      const { note, ...asked } = request.body
      const begun = await reconciliations.begin(asked, actOf(request, note))
      return reply
        .code(202)
        .header('location', `/v1/fleet/reconciliations/${begun.id}`)
        .send(viewToldReconciliation(begun))
    }
  )

  app.get(
    '/v1/fleet/reconciliations/:id',
    { config: readers, schema: getReconciliation },
    async ({ params: { id } }) => viewToldReconciliation(await reconciliations.find(id))
  )

  app.get(
    '/v1/fleet/reconciliations',
    { config: readers, preValidation: coerceIntegers('query', ['limit']), schema: listReconciliations },
    async ({ query: { limit = defaultFleetLimit, ...query } }) =>
      viewPage(await reconciliations.list({ ...query, limit }), viewReconciliation)
  )

  app.get('/v1/fleet', { config: readers, schema: getFleet }, async () =>
    viewSummary(await fleet.summarize())
  )

  app.get(
    '/v1/fleet/findings',
    { config: readers, preValidation: coerceIntegers('query', ['limit']), schema: listFindings },
    async (request, reply) => {
      const { limit = defaultFleetLimit, alarms, ...query } = request.query
      const conditions = { ...query, isOpenAlarm: alarms === 'open' }
      const type = chooseRowType(request.headers.accept)
      if (type === undefined) return viewPage(await fleet.list({ ...conditions, limit }), viewFinding)
      const read = (cursor: string | undefined) => fleet.list({ ...conditions, cursor, limit: rowsAtOnce })
      const rows = await streamRows(request, type, { read, view: viewFinding, columns: findingColumns })
      return sendRows(reply, type, { name: 'fleet-findings', rows })
    }
  )

  app.post(
    '/v1/fleet/findings/:id/acknowledge',
    { config: actors, schema: acknowledgeFinding },
    async request => {
      const { note } = request.body
      return viewFinding(await fleet.acknowledge(request.params.id, actOf(request, note)))
    }
  )
}

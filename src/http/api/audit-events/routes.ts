import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { AuditEntry } from '../../../audit/audit-log.ts'
import { leaveOutNulls } from '../../../records/facts.ts'
import { listContent, rowsTold } from '../../listing/content.ts'
import { chooseRowType, rowsAtOnce, sendRows, streamRows } from '../../listing/listing.ts'
import { coerceIntegers } from '../../plugins/coercion.ts'
import { viewPage } from '../../schemas/page.ts'
import { problemResponses } from '../../schemas/problem.ts'
import { jsonContent } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import { buildAuditConditions } from './query.ts'
import {
  AuditEventListQuerystring,
  AuditEventPage,
  AuditEventParams,
  AuditEventResource,
  type AuditEventView,
  defaultAuditEventLimit
} from './schemas.ts'

const tags = ['Audit']
const config = { access: ['auditor', 'admin'] } as const

const listAuditEvents = {
  operationId: 'listAuditEvents',
  tags,
  summary: 'List administrative acts',
  description: `Who did what, upon what, when and why: every act upon authorities, profiles, stations, tokens, lots, blocked keys, registrations and records, and what Mintline does by itself. All conditions hold together. Newest first; \`nextCursor\` leads to older ones. Who is held to some lines does not get in: the acts are of all of them. ${rowsTold}`,
  querystring: AuditEventListQuerystring,
  response: { 200: { description: 'One page, or rows.', content: listContent(AuditEventPage) } }
}

const getAuditEvent = {
  operationId: 'getAuditEvent',
  tags,
  summary: 'Read one administrative act',
  params: AuditEventParams,
  response: {
    200: { description: 'The act.', content: jsonContent(AuditEventResource) },
    ...problemResponses({ 404: 'There is no such event.' })
  }
}

/** What administrators and operators did. */
export const auditEventRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { auditLog } }
) => {
  app.get(
    '/v1/audit-events',
    { config, preValidation: coerceIntegers('query', ['limit']), schema: listAuditEvents },
    async (request, reply) => {
      const { limit = defaultAuditEventLimit, ...query } = request.query
      const conditions = buildAuditConditions(query)
      const type = chooseRowType(request.headers.accept)
      if (type === undefined) return viewPage(await auditLog.list({ ...conditions, limit }), viewAuditEvent)
      const read = (cursor: string | undefined) => auditLog.list({ ...conditions, cursor, limit: rowsAtOnce })
      const rows = await streamRows(request, type, { read, view: viewAuditEvent, columns: auditColumns })
      return sendRows(reply, type, { name: 'audit-events', rows })
    }
  )

  app.get('/v1/audit-events/:id', { config, schema: getAuditEvent }, async ({ params: { id } }) =>
    viewAuditEvent(await auditLog.find(id))
  )
}

const plain = [
  'id',
  'at',
  'actor',
  'act',
  'subject',
  'reason',
  'requestId',
  'credential',
  'before',
  'after'
] as const

export const auditColumns = Object.fromEntries(
  plain.map(name => [name, (event: AuditEventView) => event[name]])
)

export function viewAuditEvent({ createdAt, ...entry }: AuditEntry): AuditEventView {
  return { ...leaveOutNulls(entry), at: createdAt.toISOString() }
}

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Export } from '../../../exports/export.ts'
import { actOf, principalOf } from '../../plugins/access.ts'
import { coerceIntegers, coerceMember } from '../../plugins/coercion.ts'
import { viewPage } from '../../schemas/page.ts'
import { problemResponses } from '../../schemas/problem.ts'
import { jsonContent } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import { assertMayExport, assertMayRead, visibleTo } from './ownership.ts'
import {
  defaultExportLimit,
  ExportBody,
  ExportListQuerystring,
  ExportPage,
  ExportParams,
  ExportResource,
  type ExportView
} from './schemas.ts'

const tags = ['Exports']
const config = { access: ['auditor', 'operator', 'admin'], heedsLines: true } as const
const notFound = { 404: 'There is no such export, or it is another’s.' }

const createExport = {
  operationId: 'createExport',
  tags,
  summary: 'Have a list made into a file',
  description:
    'What is on record when it is asked for, newest first, as the list answers it to whoever asks. It is made in the background, one at a time; `Location` leads to how far it is. Files are kept for MINTLINE_EXPORT_DAYS.',
  body: ExportBody,
  response: {
    202: {
      description: 'It waits for its turn.',
      headers: { Location: { type: 'string', description: 'Of the export.' } },
      content: jsonContent(ExportResource)
    },
    ...problemResponses({ 429: 'Too many exports wait, or are kept.' })
  }
}

const getExport = {
  operationId: 'getExport',
  tags,
  summary: 'See how far an export is',
  params: ExportParams,
  response: {
    200: { description: 'The export.', content: jsonContent(ExportResource) },
    ...problemResponses(notFound)
  }
}

const listExports = {
  operationId: 'listExports',
  tags,
  summary: 'List exports',
  description: 'Newest first: one’s own; for administrators, everybody’s.',
  querystring: ExportListQuerystring,
  response: { 200: { description: 'One page.', content: jsonContent(ExportPage) } }
}

const deleteExport = {
  operationId: 'deleteExport',
  tags,
  summary: 'Delete an export and its file',
  description: 'One that is not made yet is not made.',
  params: ExportParams,
  response: { 204: { type: 'null', description: 'It is gone.' } as const, ...problemResponses(notFound) }
}

const coerceFilter = coerceMember('filter', { integers: ['profileVersion'], lists: ['metadata'] })

/** Lists as files. */
export const exportRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { exports } }
) => {
  app.post(
    '/v1/exports',
    { config, preValidation: coerceFilter, schema: createExport },
    async (request, reply) => {
      const { of, format, filter = {}, fields } = request.body
      const principal = principalOf(request)
      assertMayExport(principal, of)
      const { lines } = principal
      const made = await exports.create({ of, format, filter, fields, lines }, actOf(request))
      return reply.code(202).header('location', `/v1/exports/${made.id}`).send(viewExport(made))
    }
  )

  app.get('/v1/exports/:id', { config, schema: getExport }, async request =>
    viewExport(assertMayRead(principalOf(request), await exports.find(request.params.id)))
  )

  app.get(
    '/v1/exports',
    { config, preValidation: coerceIntegers('query', ['limit']), schema: listExports },
    async request => {
      const { limit = defaultExportLimit, cursor } = request.query
      const createdBy = visibleTo(principalOf(request))
      return viewPage(await exports.list({ createdBy, limit, cursor: cursor?.toLowerCase() }), viewExport)
    }
  )

  app.delete('/v1/exports/:id', { config, schema: deleteExport }, async (request, reply) => {
    const { id } = assertMayRead(principalOf(request), await exports.find(request.params.id))
    await exports.remove(id, actOf(request))
    return reply.code(204).send(null)
  })
}

function viewExport(found: Export): ExportView {
  const { createdAt, begunAt, endedAt, expiresAt, fields, lines, aboutRows, sha256, ...more } = found
  const { failure, detachedMonths, ...rest } = more
  return {
    ...rest,
    createdAt: createdAt.toISOString(),
    ...(fields && { fields: [...fields] }),
    ...(lines && { lines: [...lines] }),
    ...(begunAt && { begunAt: begunAt.toISOString() }),
    ...(endedAt && { endedAt: endedAt.toISOString() }),
    ...(expiresAt && { expiresAt: expiresAt.toISOString() }),
    ...(aboutRows !== undefined && { aboutRows }),
    ...(sha256 && { sha256: Buffer.from(sha256).toString('hex') }),
    ...(failure && { failure }),
    ...(detachedMonths.length > 0 && { detachedMonths: [...detachedMonths] })
  }
}

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { coerceIntegers } from '../../plugins/coercion.ts'
import { viewPage } from '../../schemas/page.ts'
import { jsonContent } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import { AwsPushListQuerystring, AwsPushPage, defaultPushLimit } from './schemas.ts'
import { viewPush } from './view.ts'

const listPushes = {
  operationId: 'listAwsPushes',
  tags: ['Revocation'],
  summary: 'List what AWS IoT is told of revoked certificates',
  description:
    'One entry for each certificate that is or was out of use, and each account and region in which its CA is registered. All conditions hold together. Newest first; `nextCursor` leads to older ones.',
  querystring: AwsPushListQuerystring,
  response: { 200: { description: 'One page.', content: jsonContent(AwsPushPage) } }
}

/** What AWS IoT is told of revocations, and how far that has come. */
export const awsPushRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { awsPushes } }
) => {
  app.get(
    '/v1/aws-pushes',
    {
      config: { access: ['auditor', 'admin'] },
      preValidation: coerceIntegers('query', ['limit']),
      schema: listPushes
    },
    async ({ query: { limit = defaultPushLimit, ...query } }) =>
      viewPage(await awsPushes.list({ ...query, limit }), viewPush)
  )
}

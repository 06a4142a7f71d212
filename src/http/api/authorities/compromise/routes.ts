import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { IssuanceRecord } from '../../../../records/record.ts'
import { listContent, rowsTold } from '../../../listing/content.ts'
import { chooseRowType, rowsAtOnce, sendRows, streamRows } from '../../../listing/listing.ts'
import { principalOf } from '../../../plugins/access.ts'
import { coerceIntegers } from '../../../plugins/coercion.ts'
import { viewPage } from '../../../schemas/page.ts'
import { problemResponses } from '../../../schemas/problem.ts'
import { jsonContent } from '../../../schemas/reference.ts'
import type { HttpServices } from '../../../services.ts'
import { columnsOf } from '../../records/columns.ts'
import { hiddenFrom } from '../../records/rights.ts'
import { viewRow } from '../../records/row.ts'
import { AuthorityParams } from '../schemas.ts'
import {
  AuthorityCompromise,
  defaultUnprovisionedLimit,
  UnprovisionedPage,
  UnprovisionedQuerystring
} from './schemas.ts'
import { viewCompromise } from './view.ts'

const tags = ['Authorities']
const config = { access: ['auditor', 'admin'] } as const
const notCompromised = problemResponses({ 404: 'There is no such generation, or it is not compromised.' })

const getCompromise = {
  operationId: 'getAuthorityCompromise',
  tags,
  summary: 'Read how far what follows the compromise of a generation has come',
  description:
    'The order that revokes all that it issued, the registrations with AWS IoT that are switched off, and the last CRL.',
  params: AuthorityParams,
  response: {
    200: { description: 'The compromise.', content: jsonContent(AuthorityCompromise) },
    ...notCompromised
  }
}

const listUnprovisioned = {
  operationId: 'listUnprovisioned',
  tags,
  summary: 'List what is to be provisioned anew after a compromise',
  description: `The certificates of a compromised generation whose devices have no other since, oldest first: neither scrapped, nor revoked for a reason of their own. A page may have fewer than \`limit\`. ${rowsTold}`,
  params: AuthorityParams,
  querystring: UnprovisionedQuerystring,
  response: {
    200: { description: 'One page, or rows.', content: listContent(UnprovisionedPage) },
    ...notCompromised
  }
}

/** So many accounts and regions know a CA at the most that is told of here. */
const mostRegistrations = 200

/** What becomes of a generation that was declared compromised. */
export const compromiseRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { compromises, revocationOrders, awsPushes, awsRegistrations } }
) => {
  app.get(
    '/v1/authorities/:name/compromise',
    { config, schema: getCompromise },
    async ({ params: { name } }) => {
      const compromise = await compromises.find(name)
      const { orderId } = compromise
      const registrations = await awsRegistrations.list(name, { limit: mostRegistrations })
      const order =
        orderId === null
          ? undefined
          : { ...(await revocationOrders.find(orderId)), pushes: await awsPushes.countOf(orderId) }
      return viewCompromise({ compromise, registrations: registrations.items, order })
    }
  )

  app.get(
    '/v1/authorities/:name/unprovisioned',
    { config, preValidation: coerceIntegers('query', ['limit']), schema: listUnprovisioned },
    async (request, reply) => {
      const { name } = request.params
      const { limit = defaultUnprovisionedLimit, cursor } = request.query
      const hidden = hiddenFrom(principalOf(request))
      const view = (record: IssuanceRecord) => viewRow(record, { fields: undefined, hidden })
      const type = chooseRowType(request.headers.accept)
      if (type === undefined)
        return viewPage(await compromises.listUnprovisioned(name, { limit, cursor }), view)
      const read = (from: string | undefined) =>
        compromises.listUnprovisioned(name, { limit: rowsAtOnce, cursor: from })
      const rows = await streamRows(request, type, { read, view, columns: columnsOf(undefined, hidden) })
      return sendRows(reply, type, { name: 'unprovisioned', rows })
    }
  )
}

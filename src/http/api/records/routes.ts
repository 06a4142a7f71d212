import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { ofOwn } from '../../../access/principal.ts'
import type { IssuanceRecord } from '../../../records/record.ts'
import type { IssuanceList } from '../../../records/records.ts'
import type { PageQuery } from '../../../sources/page.ts'
import { listContent, rowsTold } from '../../listing/content.ts'
import { detachedHeaders, tellDetached } from '../../listing/detached.ts'
import { omitFields, pickFields } from '../../listing/fields.ts'
import { chooseRowType, rowsAtOnce, sendRows, streamRows } from '../../listing/listing.ts'
import { actOf, principalOf } from '../../plugins/access.ts'
import { coerceIntegers, coerceList } from '../../plugins/coercion.ts'
import { viewPage } from '../../schemas/page.ts'
import { problemResponses } from '../../schemas/problem.ts'
import { jsonContent, referenceTo } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import { viewRecord } from '../issuances/view.ts'
import { IssuanceParams, PurgeBody, ReleaseBody, VoidBody } from './act-schemas.ts'
import { columnsOf } from './columns.ts'
import { assertOwn } from './ownership.ts'
import { buildQuery } from './query.ts'
import { chooseRecordFields, hiddenFrom } from './rights.ts'
import { besidesOf, viewRow } from './row.ts'
import {
  IssuanceEntry,
  type IssuanceEntryView,
  IssuanceListQuerystring,
  IssuancePage,
  IssuanceQuerystring,
  IssuanceSelection,
  IssuedEntry,
  RejectedEntry,
  VoidEntry
} from './schemas.ts'

const tags = ['Issuances']
const config = {
  access: ['station', 'auditor', 'operator', 'admin'],
  heedsLines: true,
  heedsStation: true
} as const

const detached = 'It is of a month that was detached (`record_detached`).'

const getIssuance = {
  operationId: 'getIssuance',
  tags,
  summary: 'Read one record',
  description:
    'What was asked for and what became of it: issued, rejected, unknown after a crash, or void. A station reads its own.',
  params: IssuanceParams,
  querystring: IssuanceQuerystring,
  response: {
    200: {
      description: 'The record, or what `fields` names of it.',
      content: {
        'application/json': {
          schema: Type.Unsafe<object>({ anyOf: [referenceTo(IssuanceEntry), referenceTo(IssuanceSelection)] })
        }
      }
    },
    ...problemResponses({ 404: 'There is no such record.', 409: detached })
  }
}

const listIssuances = {
  operationId: 'listIssuances',
  tags,
  summary: 'Search the records',
  description: `All conditions hold together. Newest first, or by the value where one ends in \`*\`; \`nextCursor\` leads on. By station, profile, authority, outcome, serial number, certificate id and time a record is found at once; by anything else within two seconds. A station finds its own. ${rowsTold}`,
  querystring: IssuanceListQuerystring,
  response: {
    200: { description: 'One page, or rows.', headers: detachedHeaders, content: listContent(IssuancePage) },
    ...problemResponses({
      422: 'The search takes more than two seconds: narrow it.',
      503: 'What is searched by is being filled in.'
    })
  }
}

const declareVoid = {
  operationId: 'declareVoid',
  tags,
  summary: 'End an intent that will not be completed',
  description:
    'For an intent without a certificate: one that was changed in the database (`record_damaged`), or that is not to be completed. It is never signed after that; its device and key are free, so that the same CSR is issued anew. The same again changes nothing.',
  params: IssuanceParams,
  body: VoidBody,
  response: {
    200: { description: 'The record, which is void.', content: jsonContent(VoidEntry) },
    ...problemResponses({
      404: 'There is no such record.',
      409: `The record is issued, or a refusal. ${detached}`
    })
  }
}

const releaseIssuance = {
  operationId: 'releaseIssuance',
  tags,
  summary: 'Let a device have its next certificate',
  description:
    'For a device that is back for rework, under a profile with `reissue: supersede`: its next CSR is certified, with a new key, or with the one it has where the profile says `sameKey: allow`. The certificate that it has stands until then, and is superseded by that. An administrator releases an issuance of a compromised generation as well, under a profile with `afterCompromise: refuse`: with the key it has or a new one. The same again changes nothing.',
  params: IssuanceParams,
  body: ReleaseBody,
  response: {
    200: { description: 'The record, with its release.', content: jsonContent(IssuedEntry) },
    ...problemResponses({
      404: 'There is no such record.',
      409: `The profile says otherwise, it was never issued, or the device has a later certificate. ${detached}`
    })
  }
}

const scrapIssuance = {
  operationId: 'scrapIssuance',
  tags,
  summary: 'Say that a device is no more',
  description:
    'Its certificate is handed out no more (`410 certificate_revoked`), the device gets no other, and its place in the lot is free. Where the profile allows a device several, that one certificate ends, and another may come. There is no way back; the same again changes nothing.',
  params: IssuanceParams,
  body: ReleaseBody,
  response: {
    200: { description: 'The record, with its end.', content: jsonContent(IssuedEntry) },
    ...problemResponses({
      404: 'There is no such record.',
      409: `It was never issued, or its device has a later certificate. ${detached}`
    })
  }
}

const purgeRefusal = {
  operationId: 'purgeRefusal',
  tags,
  summary: 'Blank what was sent with a refused request',
  description:
    'For what must not be kept, by law or because it is a secret. Blanked are the CSR or whatever was sent, the metadata, and the detail and violations, which may quote it. The code, who asked when, and the length and SHA-256 of what was sent stay; when, by whom and why it was purged is told with the record, and is in the audit. Backups made before still have it. There is no way back; the same again changes nothing.',
  params: IssuanceParams,
  body: PurgeBody,
  response: {
    200: { description: 'The record without what was sent.', content: jsonContent(RejectedEntry) },
    ...problemResponses({ 404: 'There is no such record.', 409: `The record is no refusal. ${detached}` })
  }
}

/** The record of every request for a certificate. */
export const recordRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { records, voiding, releasing, scrapping, purging } }
) => {
  // The view has told the kinds of record apart already; a serialiser made from the schema would do so again.
  app.setSerializerCompiler(() => value => JSON.stringify(value))

  app.post(
    '/v1/issuances/:id/void',
    { config: { access: ['admin'] }, schema: declareVoid },
    async request => {
      const { reason } = request.body
      return viewRecord(await voiding.declareVoid(request.params.id, { ...actOf(request), reason }))
    }
  )

  app.post(
    '/v1/issuances/:id/release',
    { config: { access: ['operator', 'admin'], heedsLines: true }, schema: releaseIssuance },
    async request => {
      const { role } = assertOwn(principalOf(request), await records.find(request.params.id))
      const act = { ...actOf(request), reason: request.body.reason }
      return viewRecord(await releasing.release(request.params.id, act, role))
    }
  )

  app.post(
    '/v1/issuances/:id/scrap',
    { config: { access: ['operator', 'admin'], heedsLines: true }, schema: scrapIssuance },
    async request => {
      const { id } = request.params
      assertOwn(principalOf(request), await records.find(id))
      return viewRecord(await scrapping.scrap(id, { ...actOf(request), reason: request.body.reason }))
    }
  )

  app.post(
    '/v1/issuances/:id/purge',
    { config: { access: ['admin'] }, schema: purgeRefusal },
    async request =>
      viewRecord(await purging.purge(request.params.id, { ...actOf(request), reason: request.body.reason }))
  )

  app.get('/v1/issuances/:id', { config, schema: getIssuance }, async request => {
    const principal = principalOf(request)
    const fields = chooseRecordFields(request.query.fields, principal)
    const record = await records.find(request.params.id)
    assertOwn(principal, record)
    const view = omitFields(viewRecord(record), hiddenFrom(principal))
    return fields === undefined ? view : pickFields(view, fields)
  })

  app.get(
    '/v1/issuances',
    { config, preValidation: coerceQuery, schema: listIssuances },
    async (request, reply) => {
      const { fields, ...conditions } = request.query
      const principal = principalOf(request)
      const query = ofOwn(principal, buildQuery(conditions))
      const chosen = chooseRecordFields(fields, principal)
      const list = async (part: Partial<PageQuery>) =>
        query === undefined ? nothing : records.list({ ...query, ...part, ...besidesOf(chosen) })
      return answerList({ request, reply, list, fields: chosen })
    }
  )
}

const coerceQuery = [coerceIntegers('query', ['limit', 'profileVersion']), coerceList('metadata')]

interface AskedList {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly list: (part: Partial<PageQuery>) => Promise<IssuanceList>
  /** Undefined: all but the PEMs. */
  readonly fields: readonly string[] | undefined
}

/** As one page, or as rows to the end. */
async function answerList({ request, reply, list, fields }: AskedList) {
  const hidden = hiddenFrom(principalOf(request))
  const view = (record: IssuanceRecord) => viewRow(record, { fields, hidden })
  const type = chooseRowType(request.headers.accept)
  if (type === undefined) {
    const page = await list({})
    tellDetached(reply, page.detachedMonths)
    return viewList(page, view)
  }
  let detachedMonths: readonly string[] | undefined
  const read = async (cursor: string | undefined) => {
    const page = await list({ cursor, limit: rowsAtOnce })
    // Headers go before the rows: those of the first page, which has the whole range before it.
    detachedMonths ??= page.detachedMonths
    return page
  }
  const rows = await streamRows(request, type, { read, view, columns: columnsOf(fields, hidden) })
  tellDetached(reply, detachedMonths ?? [])
  return sendRows(reply, type, { name: 'issuances', rows })
}

const nothing: IssuanceList = { items: [], nextCursor: undefined, detachedMonths: [] }

function viewList(list: IssuanceList, view: (record: IssuanceRecord) => IssuanceEntryView) {
  const { detachedMonths } = list
  return {
    ...viewPage(list, view),
    ...(detachedMonths.length > 0 && { detachedMonths: [...detachedMonths] })
  }
}

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { BlockedKey as ListedKey, CertifiedUse } from '../../../factory/blocked-keys/blocked-key.ts'
import { toHex } from '../../../pki/der/octet-text.ts'
import { actOf } from '../../plugins/access.ts'
import { coerceIntegers } from '../../plugins/coercion.ts'
import { viewPage } from '../../schemas/page.ts'
import { problemResponses } from '../../schemas/problem.ts'
import { jsonContent, madeOrSame } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import {
  BlockedKey,
  BlockedKeyBody,
  BlockedKeyListQuerystring,
  BlockedKeyPage,
  BlockedKeyParams,
  type BlockedKeyView,
  defaultBlockedKeyLimit
} from './schemas.ts'

const tags = ['Blocked keys']
const readers = { access: ['auditor', 'operator', 'admin'] } as const

const blockKey = {
  operationId: 'blockKey',
  tags,
  summary: 'Block a key for good',
  description:
    'From the moment this answers no process certifies the key, by whatever profile: `422 key_blocked`. An intent of it that waits for its certificate is void, and its device free for a new key. Certificates that exist are named in the answer, stay valid until they are taken out of use, and raise the event `mintline.key.blocked`. The same again changes nothing and answers 200 with the entry as it is. There is no way off the list: a new key pair costs nothing, and a key that others know stays known.',
  body: BlockedKeyBody,
  response: madeOrSame(BlockedKey, {
    made: 'It is blocked.',
    same: 'It was blocked before.',
    location: 'The entry.'
  })
}

const getBlockedKey = {
  operationId: 'getBlockedKey',
  tags,
  summary: 'Ask whether a key is blocked',
  params: BlockedKeyParams,
  response: {
    200: { description: 'It is.', content: jsonContent(BlockedKey) },
    ...problemResponses({ 404: 'It is not.' })
  }
}

const listBlockedKeys = {
  operationId: 'listBlockedKeys',
  tags,
  summary: 'List the blocked keys',
  description: 'Newest first.',
  querystring: BlockedKeyListQuerystring,
  response: { 200: { description: 'One page.', content: jsonContent(BlockedKeyPage) } }
}

/** Keys that are not certified any more. */
export const blockedKeyRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { blockedKeys } }
) => {
  app.post(
    '/v1/blocked-keys',
    { config: { access: ['admin'] }, schema: blockKey },
    async (request, reply) => {
      const { spkiSha256, reason, comment } = request.body
      const block = { spkiSha256: bytesOf(spkiSha256), reason, comment }
      const { isNew, authorities, ...found } = await blockedKeys.block(block, actOf(request))
      return reply
        .code(isNew ? 201 : 200)
        .header('location', `/v1/blocked-keys/${toHex(found.key.spkiSha256)}`)
        .send({ ...viewKey(found), authorities: [...authorities] })
    }
  )

  app.get('/v1/blocked-keys/:spkiSha256', { config: readers, schema: getBlockedKey }, async ({ params }) => {
    return viewKey(await blockedKeys.describe(bytesOf(params.spkiSha256)))
  })

  app.get(
    '/v1/blocked-keys',
    { config: readers, preValidation: coerceIntegers('query', ['limit']), schema: listBlockedKeys },
    async ({ query: { limit = defaultBlockedKeyLimit, ...query } }) =>
      viewPage(await blockedKeys.list({ ...query, limit }), viewEntry)
  )
}

interface Found {
  readonly key: ListedKey
  readonly uses: readonly CertifiedUse[]
  readonly detachedMonths: readonly string[]
}

function viewKey({ key, uses, detachedMonths }: Found): BlockedKeyView {
  const certificates = uses.flatMap(({ issuanceId, serialNumber, certificateId, requestedAt }) =>
    certificateId === null
      ? []
      : [{ issuanceId, serialNumber, certificateId, requestedAt: requestedAt.toISOString() }]
  )
  return {
    ...viewEntry(key),
    certificates,
    ...(detachedMonths.length > 0 && { detachedMonths: [...detachedMonths] })
  }
}

function viewEntry({ spkiSha256, reason, comment, createdAt, actor, requestId }: ListedKey) {
  return {
    spkiSha256: toHex(spkiSha256),
    reason,
    ...(comment !== null && { comment }),
    blockedAt: createdAt.toISOString(),
    blockedBy: actor,
    requestId
  }
}

const bytesOf = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'))

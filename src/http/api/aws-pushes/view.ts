import type { Static } from 'typebox'
import type { Push } from '../../../aws/push/reading/pushes.ts'
import type { AwsPush } from './schemas.ts'

export function viewPush(push: Push): Static<typeof AwsPush> {
  const { id, issuanceId, certificateId, authority, region, state, tries, drifts } = push
  const { accountAlias, revocation, wanted, observed, pushedAt, checkedAt, dueAt, lastError } = push
  return {
    id,
    issuanceId,
    certificateId,
    authority,
    registration: push.registrationId,
    ...(accountAlias !== '' && { accountAlias }),
    region,
    ...(revocation !== null && { revocation }),
    askedAt: push.askedAt.toISOString(),
    state,
    ...(wanted !== null && { wanted }),
    ...(observed !== null && { observed }),
    things: [...push.things],
    tries,
    drifts,
    ...(pushedAt !== null && { pushedAt: pushedAt.toISOString() }),
    ...(checkedAt !== null && { checkedAt: checkedAt.toISOString() }),
    ...(dueAt !== null && { nextTryAt: dueAt.toISOString() }),
    ...(lastError !== null && { lastError: { code: lastError.code, detail: lastError.detail } })
  }
}

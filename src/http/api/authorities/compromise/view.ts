import type { Static } from 'typebox'
import type { PushCounts } from '../../../../aws/push/reading/pushes.ts'
import type { RegistrationView } from '../../../../aws/registrations/view.ts'
import type { ToldCompromise } from '../../../../revocation/compromise/compromise.ts'
import type { ToldOrder } from '../../../../revocation/orders/order.ts'
import { viewOrder } from '../../revocations/order-view.ts'
import type { AuthorityCompromise } from './schemas.ts'

interface Told {
  readonly compromise: ToldCompromise
  readonly registrations: readonly RegistrationView[]
  readonly order: (ToldOrder & { readonly pushes: PushCounts }) | undefined
}

export function viewCompromise(told: Told): Static<typeof AuthorityCompromise> {
  const { compromise, registrations, order } = told
  const { authority, createdAt, actor, note, lastCrl, lastCrlNumber, successor, detachedMonths } = compromise
  return {
    authority,
    state: stateOf(told),
    declaredAt: createdAt.toISOString(),
    declaredBy: actor,
    reason: note,
    ...(order !== undefined && { revocation: { ...viewOrder(order), awsPushes: order.pushes } }),
    registrations: registrations.map(({ id, region, accountAlias, state, desired }) => ({
      id,
      region,
      ...(accountAlias !== undefined && { accountAlias }),
      state,
      allowsRegistration: desired.allowAutoRegistration,
      isActive: desired.setAsActive
    })),
    lastCrl: { state: lastCrl, ...(lastCrlNumber !== null && { number: lastCrlNumber }) },
    ...(successor !== null && { successor }),
    ...(detachedMonths.length > 0 && { detachedMonths: [...detachedMonths] })
  }
}

/** What AWS has never seen, or refuses, is looked after for as long as it takes: `awsPushes` counts it. */
function stateOf({ compromise, registrations, order }: Told): Static<typeof AuthorityCompromise>['state'] {
  const isOver =
    compromise.isAllRevoked &&
    compromise.lastCrl !== 'waiting' &&
    (order?.pushes.waiting ?? 0) === 0 &&
    registrations.every(({ state }) => state === 'registered')
  if (!isOver) return 'running'
  return compromise.failed > 0 || compromise.detachedMonths.length > 0 ? 'incomplete' : 'done'
}

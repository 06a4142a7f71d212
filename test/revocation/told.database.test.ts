import { Compile } from 'typebox/compile'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDelivery } from '../../src/events/delivery.ts'
import { eventData } from '../../src/events/event-data.ts'
import { createOutboxStore } from '../../src/events/outbox-store.ts'
import { createReceiver } from '../../src/events/receiver/receiver.ts'
import { parseWebhookSecret } from '../../src/events/receiver/signature.ts'
import { subscribe } from '../events/owed.ts'
import { createTestReceiver, secret } from '../events/test-receiver.ts'
import { device, leaveOpen, openRework, type Rework } from '../issuance/rework/rework-test.ts'
import { act } from '../support/authority-administration.ts'
import { openRevoking, type Revoking } from './revoking.ts'

let rework: Rework
let revoking: Revoking

beforeAll(async () => {
  rework = await openRework()
  revoking = openRevoking(rework.issuing)
  await subscribe(rework.test.database, ['mintline.issuance.revoked'])
})
afterAll(() => rework.close())

it('the receiver hears of each act once, in their order, as the schema has it', async () => {
  const issue = async (name: string) => (await rework.issuing.issue(device(name))).record.id
  const [held, scrapped, ordered] = [await issue('held'), await issue('scrapped'), await issue('ordered')]
  const open = await leaveOpen(rework, stuck => stuck.issue(device('open')))
  await revoking.hold(held, act)
  await revoking.unhold(held, act)
  await revoking.revoke(held, { reason: 'keyCompromise', invalidityDate: new Date(0) }, act)
  await revoking.revokeFor(held, 'keyCompromise')
  await rework.scrap(scrapped)
  await revoking.revokeFor(open)
  const { id: order } = await revoking.place({ ids: [ordered] })
  await revoking.run(order)

  await using receiver = await createTestReceiver()
  const outbox = createOutboxStore(rework.test.database)
  const target = createReceiver({
    url: receiver.url,
    allowsPrivate: true,
    key: parseWebhookSecret(secret)!,
    timeoutMs: 5_000,
    version: '0',
    readTime: async () => new Date()
  })
  const { clock, randomBytes } = rework.issuing.core
  await createDelivery({ outbox, receiver: target, clock, randomBytes })(new AbortController().signal)

  const { taken } = receiver
  expect(new Set(taken.map(({ type }) => type))).toEqual(new Set(['mintline.issuance.revoked']))
  const schema = Compile(eventData['mintline.issuance.revoked'])
  for (const { data } of taken) expect(schema.Errors(data)).toEqual([])
  expect(taken.map(({ data }) => data)).toMatchObject([
    { issuanceId: held, act: 'hold', before: 'good', after: 'held', reason: 'certificateHold' },
    { issuanceId: held, act: 'unhold', before: 'held', after: 'good', reason: 'removeFromCRL' },
    {
      issuanceId: held,
      act: 'revoke',
      before: 'good',
      after: 'revoked',
      reason: 'keyCompromise',
      invalidityDate: '1970-01-01T00:00:00.000Z'
    },
    { issuanceId: scrapped, act: 'end', after: 'revoked', reason: 'cessationOfOperation' },
    { issuanceId: open, act: 'revoke', before: 'unissued', certificateId: null },
    { issuanceId: ordered, act: 'revoke', before: 'good', revocation: order }
  ])
  expect((await outbox.backlog()).waiting).toBe(0)
})

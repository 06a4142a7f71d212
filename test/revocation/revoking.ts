import {
  createRevocationJobs,
  createRevocationServices
} from '../../src/composition/revocation/revocation.ts'
import type { Database } from '../../src/database/database.ts'
import type { JobData, JobKind } from '../../src/jobs/job.ts'
import type { FinalReason } from '../../src/pki/revocation/reason.ts'
import type { AskedSelection } from '../../src/revocation/orders/orders.ts'
import { act } from '../support/authority-administration.ts'
import type { Issuing } from '../support/issuing.ts'

export type Revoking = ReturnType<typeof openRevoking>

/** What revokes in the process that issues. Its jobs are done when a test does them. */
export function openRevoking({ core, records, blockedKeys }: Issuing) {
  const sent: (readonly [JobKind, object])[] = []
  const jobs = {
    async send<Kind extends JobKind>(kind: Kind, data: JobData[Kind]) {
      sent.push([kind, data])
    }
  }
  // Of the queue, sending alone is used.
  const parts = { records, blockedKeys, jobs: jobs }
  const { revocation, revocationOrders } = createRevocationServices(core, parts)
  const handlers = createRevocationJobs(core, parts)
  const running = new AbortController().signal
  return {
    ...revocation,
    orders: revocationOrders,
    sent,
    run: (orderId: string, signal = running) => handlers['revocation.run']!({ orderId }, signal),
    sweep: () => handlers['revocation.sweep']!({}, running),
    revokeFor: (id: string, reason: FinalReason = 'privilegeWithdrawn') =>
      revocation.revoke(id, { reason }, act),
    async place(select: AskedSelection, reason: FinalReason = 'privilegeWithdrawn') {
      const { count: expectedCount } = await revocationOrders.count(select, { reason })
      return revocationOrders.place({ select, reason, expectedCount }, act)
    }
  }
}

/** What must hold of the acts, whoever wrote them and at once with whom: each row is a breach. */
export async function findBreaches({ prisma }: Pick<Database, 'prisma'>): Promise<unknown> {
  return prisma.$queryRaw`
    SELECT 'steps that do not follow each other' AS breach, intent_id::text FROM revocation_act
      GROUP BY intent_id HAVING count(*) <> max(step) OR min(step) <> 1
    UNION ALL
    SELECT 'revoked or ended twice', intent_id::text FROM revocation_act
      WHERE act IN ('revoke', 'end') GROUP BY intent_id, act HAVING count(*) > 1
    UNION ALL
    SELECT 'something after the revocation', later.intent_id::text
      FROM revocation_act AS final JOIN revocation_act AS later ON later.intent_id = final.intent_id AND later.step > final.step
      WHERE final.act = 'revoke'
    UNION ALL
    SELECT 'a status that is not of the last act', intent_id::text
      FROM certificate_status FULL JOIN (
        SELECT DISTINCT ON (intent_id) intent_id, id FROM revocation_act ORDER BY intent_id, step DESC
      ) AS last USING (intent_id)
      WHERE act_id IS DISTINCT FROM last.id
    UNION ALL
    SELECT 'recorded after it was revoked', intent_id::text
      FROM revocation_act JOIN issued USING (intent_id) WHERE state_before = 'unissued'
    UNION ALL
    SELECT 'an act without its event, or an event without its act', intent_id
      FROM (
        SELECT intent_id::text, act, count(*) AS acts FROM revocation_act WHERE act <> 'end' GROUP BY 1, 2
      ) AS done FULL JOIN (
        SELECT split_part(subject, '/', 2) AS intent_id, split_part(act, '.', 2) AS act, count(*) AS events FROM audit_event
        WHERE act IN ('issuance.revoke', 'issuance.hold', 'issuance.unhold') GROUP BY 1, 2
      ) AS told USING (intent_id, act)
      WHERE acts IS DISTINCT FROM events
    UNION ALL
    SELECT 'a compromised key that is not blocked', intent.id::text
      FROM revocation_act JOIN intent ON intent.id = intent_id
      WHERE reason = 'keyCompromise' AND spki_sha256 NOT IN (SELECT spki_sha256 FROM blocked_key)`
}

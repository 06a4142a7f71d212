import { type Act, type AuditEvent, buildAuditEvent, type ToldAct } from '../../audit/audit-event.ts'
import { maySignCrlsBy } from '../../pki/certificate/authority/certificate.ts'
import type { Clock } from '../../sources/clock.ts'
import { newId } from '../../sources/identifier.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import type { Compromise } from './compromise-store.ts'
import type { AuthorityState } from './life-cycle.ts'

interface Declared {
  readonly compromise: Compromise
  /** Of the order. */
  readonly events: readonly AuditEvent[]
}

interface Generation {
  readonly id: string
  readonly name: string
  readonly state: AuthorityState
  /** Null while it waits for one. */
  readonly certificateDer: Uint8Array | null
}

interface Sources {
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

/**
 * What is asked for when a generation is declared compromised: one that has issued has all of that revoked. What becomes void in the
 * same transaction has done so before.
 */
export function createCompromiseMaker({ clock, randomBytes }: Sources) {
  return (
    generation: Generation,
    act: Act,
    { lastCrl = true }: { readonly lastCrl?: boolean | undefined } = {}
  ): Declared => {
    const { id: authorityId, name, state, certificateDer } = generation
    const createdAt = clock()
    const { actor, reason: note = `${name} was declared compromised` } = act
    const about = { authorityId, createdAt, actor, note }
    if (state === 'pending' || state === 'staged')
      return { compromise: { ...about, lastCrl: false, order: undefined }, events: [] }
    const orderedAt = new Date(createdAt.getTime() + 1)
    const id = newId(createdAt, randomBytes)
    const selection = { compromised: name }
    const order = {
      id,
      createdAt: orderedAt,
      credential: act.credential ?? null,
      requestId: act.requestId ?? null,
      selection
    }
    const what: ToldAct = {
      ...act,
      reason: note,
      act: 'revocation.place',
      subject: `revocation/${id}`,
      after: { select: selection, revocationReason: 'cACompromise' }
    }
    // One that may not be signed would be waited for without end.
    const hasLastCrl = lastCrl && maySignCrlsBy(certificateDer, createdAt)
    return {
      compromise: { ...about, lastCrl: hasLastCrl, order },
      events: [buildAuditEvent(what, { time: createdAt, randomBytes })]
    }
  }
}

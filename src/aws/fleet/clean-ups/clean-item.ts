import { parseCertificate } from '../../../pki/certificate/certificate.ts'
import { cleanUp, removeThings } from '../../push/clean-up.ts'
import type { CertificateControl } from '../../push/control/certificate-control.ts'
import type { ClaimedItem, ItemOutcome, ItemStanding, ItemStore } from './item-store.ts'

export interface CleaningItem {
  readonly store: Pick<ItemStore, 'findStanding' | 'hasOther' | 'noteThings'>
  readonly control: CertificateControl
  /** Of the CA at AWS; undefined where that has no certificate. */
  readonly caCertificateId: string | undefined
  /** @throws MintlineError `clock_untrusted`. */
  readonly assertClock: () => Promise<void>
  readonly now: Date
}

/** Clocks of AWS and of this machine may be apart. */
const expiredMs = 24 * 60 * 60_000

const done: ItemOutcome = { state: 'done' }
const left = (code: string, detail: string): ItemOutcome => ({ state: 'left', detail: { code, detail } })

/**
 * Deletes one, if the record and AWS still say that nobody needs it. What is gone already is done: a crash after the deletion, or
 * somebody at the console, was faster.
 *
 * @throws MintlineError what AWS answered; nobody has forgotten it then.
 */
export async function cleanItem(cleaning: CleaningItem, item: ClaimedItem): Promise<ItemOutcome> {
  const standing = await cleaning.store.findStanding(item)
  if (standing === undefined)
    return left(
      'record_detached',
      'Its month is detached, so it is not known what its device has. Attach it, or delete it at AWS yourself.'
    )
  return item.thing === null
    ? cleanCertificate(cleaning, item, standing)
    : cleanThing(cleaning, item.thing, standing)
}

async function cleanThing(
  { control }: CleaningItem,
  thing: string,
  { isInEffect, others }: ItemStanding
): Promise<ItemOutcome> {
  if (isInEffect || others > 0)
    return left(
      'in_effect',
      'Its device has a certificate in effect, which is attached to the thing or will be.'
    )
  const isFree = await control.isThingFree(thing)
  if (isFree === undefined) return done
  if (!isFree) return left('attached', 'A principal is attached to the thing at AWS.')
  await control.deleteThing(thing)
  return done
}

async function cleanCertificate(
  cleaning: CleaningItem,
  item: ClaimedItem,
  standing: ItemStanding
): Promise<ItemOutcome> {
  const { control, store } = cleaning
  if (!standing.isSuperseded)
    return left(
      'not_superseded',
      'By the record it is not one that has ended since another came in its place.'
    )
  const held = await control.describe(item.keyHex)
  // Asked just before a thing is deleted: calls wait for their turn, and its device may have got another meanwhile.
  const hasOther = () => store.hasOther(item)
  if (held === undefined) {
    // Whoever deleted it may have died before its things.
    await removeThings({ control, hasOther }, item, item.things)
    return done
  }
  if (held.status !== 'INACTIVE' && held.status !== 'REVOKED')
    return left(
      'let_in',
      `AWS has it ${held.status}. First it is told of the revocation (GET /v1/aws-pushes); order again after that.`
    )
  const reason = await returnOf(cleaning, standing)
  if (reason !== undefined) return left('may_return', reason)
  await cleanUp({ control, noteThings: store.noteThings, hasOther }, item, held.certificateArn)
  await control.remove(item.keyHex)
  return done
}

/** Why AWS would, or might, register it anew at its next connection, and let its device in. */
async function returnOf(
  { control, caCertificateId, assertClock, now }: CleaningItem,
  { certificateDer }: ItemStanding
): Promise<string | undefined> {
  if (certificateDer !== undefined && hasExpired(certificateDer, now)) {
    // Not by a clock that is ahead.
    await assertClock()
    return undefined
  }
  if (caCertificateId === undefined)
    return 'The CA has no certificate, so it is not known what AWS has of it.'
  const ca = await control.describeCa(caCertificateId)
  if (ca?.status !== 'ACTIVE' || ca.autoRegistration !== 'ENABLE') return undefined
  return 'The CA registers certificates by itself there: deleted, it would be registered anew when its device connects. Order again once the CA is INACTIVE there, or the certificate has expired for a day.'
}

function hasExpired(certificateDer: Uint8Array, now: Date): boolean {
  try {
    return parseCertificate(certificateDer).notAfter.getTime() + expiredMs < now.getTime()
  } catch {
    // One that cannot be read must not come back all the same.
    return false
  }
}

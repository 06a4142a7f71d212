import type { VerbOf } from '../../audit/audit-act.ts'
import { type Act, type AuditEvent, buildAuditEvent } from '../../audit/audit-event.ts'
import { MintlineError } from '../../errors/mintline-error.ts'
import type { Clock } from '../../sources/clock.ts'
import { newId } from '../../sources/identifier.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import type { DesiredRegistration } from './desired-registration.ts'
import type { RegistrationChange, StoredRegistration } from './registration-store.ts'

/** What becomes of an authority's registrations when it is retired or compromised. */
export const registrationFates = ['keep', 'stop-registering', 'deactivate'] as const
export type RegistrationFate = (typeof registrationFates)[number]

export interface ChangeMaker {
  /** An administrative act, for the audit. */
  eventOf(act: Act, verb: VerbOf<'aws_registration'>, what: EventDetail): AuditEvent
  /** The next version of a registration, or its first. */
  changeOf(act: Act, wanted: Wanted): RegistrationChange
}

interface EventDetail {
  readonly registrationId: string
  readonly before?: object | undefined
  readonly after: object
}

interface Wanted {
  readonly place: Pick<StoredRegistration, 'authorityId' | 'accountAlias' | 'region'>
  readonly existing: StoredRegistration | undefined
  readonly desired: DesiredRegistration
}

export function createChangeMaker(clock: Clock, randomBytes: RandomBytes): ChangeMaker {
  const nextId = () => newId(clock(), randomBytes)
  const eventOf: ChangeMaker['eventOf'] = (act, verb, { registrationId, before, after }) =>
    buildAuditEvent(
      {
        ...act,
        act: `aws_registration.${verb}`,
        subject: `aws-registration/${registrationId}`,
        before,
        after
      },
      { time: clock(), randomBytes }
    )
  return {
    eventOf,
    changeOf(act, { place: { authorityId, accountAlias, region }, existing, desired }) {
      const place = { authorityId, accountAlias, region }
      const registrationId = existing?.id ?? nextId()
      const after = { ...place, ...desired }
      return {
        create: existing === undefined ? place : undefined,
        registrationId,
        versionId: nextId(),
        version: (existing?.version ?? 0) + 1,
        desired,
        event: eventOf(act, 'post', { registrationId, before: existing?.desired, after })
      }
    }
  }
}

/** What is asked for once the authority has met its end. */
export function followed(desired: DesiredRegistration, fate: RegistrationFate): DesiredRegistration {
  switch (fate) {
    case 'keep':
      return desired
    case 'stop-registering':
      return { ...desired, allowAutoRegistration: false }
    case 'deactivate':
      return { ...desired, allowAutoRegistration: false, setAsActive: false }
  }
}

/** @throws MintlineError `aws_registration_invalid` when a CA that AWS holds is to change its mode. */
export function assertSameMode(before: DesiredRegistration, desired: DesiredRegistration): void {
  if (before.certificateMode === desired.certificateMode) return
  const violation = {
    pointer: '/certificateMode',
    expected: before.certificateMode,
    found: desired.certificateMode,
    message: 'AWS never changes the mode of a CA. Delete it at AWS, have that checked, and post this again.'
  }
  throw new MintlineError(
    'aws_registration_invalid',
    `AWS holds this CA in the mode ${before.certificateMode}, which cannot be changed.`,
    { violations: [violation] }
  )
}

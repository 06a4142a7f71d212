/** Every type of event that tells a fact; the sample of `mintline webhook test` tells none. A type is a contract: its data may gain members, but loses none. */
export const eventTypes = [
  'mintline.issuance.issued',
  'mintline.issuance.rejected',
  'mintline.issuance.revoked',
  'mintline.certificate.expiring',
  'mintline.authority.changed',
  'mintline.aws-registration.drifted',
  'mintline.aws-registration.blocked',
  'mintline.aws-push.drifted',
  'mintline.fleet.alarm',
  'mintline.key.blocked',
  'mintline.key.disclosed',
  'mintline.station.paused',
  'mintline.lot.changed'
] as const

export type EventType = (typeof eventTypes)[number]

/** What kind of record each tells. */
export const factKinds = {
  'mintline.issuance.issued': 'issued',
  'mintline.issuance.rejected': 'refused',
  'mintline.issuance.revoked': 'revocation',
  'mintline.certificate.expiring': 'audit',
  'mintline.authority.changed': 'audit',
  'mintline.aws-registration.drifted': 'audit',
  'mintline.aws-registration.blocked': 'audit',
  'mintline.aws-push.drifted': 'audit',
  'mintline.fleet.alarm': 'audit',
  'mintline.key.blocked': 'audit',
  'mintline.key.disclosed': 'audit',
  'mintline.station.paused': 'audit',
  'mintline.lot.changed': 'audit'
} as const satisfies Readonly<Record<EventType, string>>

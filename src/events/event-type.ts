/** Every type of event that tells a fact; the sample of `mintline webhook test` tells none. A type is a contract: its data may gain members, but loses none. */
export const eventTypes = [
  'mintline.issuance.issued',
  'mintline.issuance.rejected',
  'mintline.authority.changed',
  'mintline.aws-registration.drifted',
  'mintline.aws-registration.blocked',
  'mintline.key.blocked',
  'mintline.lot.changed'
] as const

export type EventType = (typeof eventTypes)[number]

/** Every type of event that goes out. A type is a contract: its data may gain members, but loses none. */
export const eventTypes = [
  'mintline.issuance.issued',
  'mintline.issuance.rejected',
  'mintline.authority.changed',
  'mintline.aws-registration.drifted',
  'mintline.key.blocked'
] as const

export type EventType = (typeof eventTypes)[number]

import { choice, wholeNumber } from '../kind.ts'
import { setting } from '../setting/setting.ts'

/** How AWS IoT is told of revoked certificates, and how the fleet there is looked at. */
export const awsSettings = {
  awsPushPerSecond: setting(wholeNumber({ minimum: 1, maximum: 1_000 }), 10, {
    name: 'MINTLINE_AWS_PUSH_PER_SECOND',
    meaning:
      'The most calls of each operation in a second, in each account and region of AWS IoT, to tell it of revoked certificates and to look at the fleet'
  }),
  fleetReconciliation: setting(choice(['off', 'daily', 'weekly'] as const), 'off', {
    name: 'MINTLINE_FLEET_RECONCILIATION',
    meaning: 'How often what AWS IoT holds of the certificates of registered CAs is held against the record'
  }),
  fleetNeverSeenDays: setting(wholeNumber({ minimum: 0, maximum: 3_650, unit: 'days' }), 30, {
    name: 'MINTLINE_FLEET_NEVER_SEEN_DAYS',
    meaning: 'after which a certificate that was issued and is nowhere at AWS IoT is a finding'
  })
}

import { wholeNumber } from '../kind.ts'
import { setting } from '../setting/setting.ts'

/** How AWS IoT is told of revoked certificates. */
export const awsSettings = {
  awsPushPerSecond: setting(wholeNumber({ minimum: 1, maximum: 1_000 }), 10, {
    name: 'MINTLINE_AWS_PUSH_PER_SECOND',
    meaning:
      'The most calls of each operation in a second, in each account and region of AWS IoT, to tell it of revoked certificates'
  })
}

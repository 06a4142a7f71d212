import { wholeNumber } from '../kind.ts'
import { setting } from '../setting/setting.ts'

/** What relying parties are told of certificates. */
export const statusSettings = {
  ocspValidityMinutes: setting(wholeNumber({ minimum: 1, maximum: 1_440, unit: 'minutes' }), 60, {
    name: 'MINTLINE_OCSP_VALIDITY_MINUTES',
    meaning: 'from the thisUpdate to the nextUpdate of an OCSP answer, for which whoever got it may keep it'
  })
}

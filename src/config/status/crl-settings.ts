import { wholeNumber } from '../kind.ts'
import { setting } from '../setting/setting.ts'

/** How long CRLs last. */
export const crlSettings = {
  crlValidityHours: setting(wholeNumber({ minimum: 1, maximum: 8_760, unit: 'hours' }), 168, {
    name: 'MINTLINE_CRL_VALIDITY_HOURS',
    meaning: 'from the thisUpdate to the nextUpdate of a CRL'
  }),
  crlOverlapHours: setting(wholeNumber({ minimum: 0, maximum: 8_759, unit: 'hours' }), 72, {
    name: 'MINTLINE_CRL_OVERLAP_HOURS',
    meaning:
      'before its nextUpdate, in which the next CRL is there already; less than MINTLINE_CRL_VALIDITY_HOURS'
  })
}

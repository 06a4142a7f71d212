import { port, wholeNumber } from '../kind.ts'
import { optional, setting } from '../setting/setting.ts'
import { publicUrl, publicUrls } from './public-url.ts'

/** What relying parties are told of certificates. */
export const statusSettings = {
  /** Undefined: status is told where everything else is. */
  statusPort: optional(port(), {
    name: 'MINTLINE_STATUS_PORT',
    meaning: 'TCP port that tells relying parties alone of certificates, in clear, beside MINTLINE_PORT'
  }),
  /** Undefined: no profile may ask for addresses in its certificates. */
  publicUrl: optional(publicUrl(), {
    name: 'MINTLINE_PUBLIC_URL',
    meaning:
      'Address, such as http://pki.example.com, by which relying parties reach the service or its status port; certificates whose profile asks for it name it'
  }),
  /** Undefined: there was no other before. */
  formerPublicUrls: optional(publicUrls(20), {
    name: 'MINTLINE_FORMER_PUBLIC_URLS',
    meaning: 'What MINTLINE_PUBLIC_URL was before: issuances that were cut off then are completed with it'
  }),
  ocspValidityMinutes: setting(wholeNumber({ minimum: 1, maximum: 1_440, unit: 'minutes' }), 60, {
    name: 'MINTLINE_OCSP_VALIDITY_MINUTES',
    meaning: 'from the thisUpdate to the nextUpdate of an OCSP answer, for which whoever got it may keep it'
  })
}

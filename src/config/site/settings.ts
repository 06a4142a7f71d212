import { utc } from '../../sources/site/zone.ts'
import { setting } from '../setting/setting.ts'
import { shifts, timeZone } from './kinds.ts'

/** By which clocks the site works. */
export const siteSettings = {
  siteTimeZone: setting(timeZone(), utc, {
    name: 'MINTLINE_SITE_TIME_ZONE',
    meaning: 'Time zone by whose days and clocks counts and reports go'
  }),
  /** Empty: there are no reports of shifts. */
  shifts: setting(shifts(), [], {
    name: 'MINTLINE_SHIFTS',
    defaultText: 'none: no reports of shifts',
    meaning:
      'When each shift begins, by the clocks of MINTLINE_SITE_TIME_ZONE; it lasts until the next one begins'
  })
}

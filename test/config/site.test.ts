import { describe, expect, it } from 'vitest'
import { loadConfig, readConfig } from '../../src/config/config.ts'

const read = (settings: Readonly<Record<string, string>>) =>
  readConfig({ MINTLINE_DATA_DIR: '/tmp', ...settings })

describe('the settings of the site', () => {
  it('are UTC and no shifts unless they are given', () => {
    const { siteTimeZone, shifts } = loadConfig({})
    expect([siteTimeZone.name, shifts]).toEqual(['UTC', []])
  })

  it('have the shifts in the order of the day', () => {
    const { siteTimeZone, shifts } = loadConfig({
      MINTLINE_SITE_TIME_ZONE: 'Asia/Kathmandu',
      MINTLINE_SHIFTS: 'night=22:00, early=06:00,late=14:15'
    })
    expect(siteTimeZone.name).toBe('Asia/Kathmandu')
    expect(shifts).toEqual([
      { name: 'early', startMinutes: 360 },
      { name: 'late', startMinutes: 855 },
      { name: 'night', startMinutes: 1320 }
    ])
  })

  it.each([
    ['MINTLINE_SITE_TIME_ZONE', 'CEST/Vienna', 'CEST/Vienna'],
    ['MINTLINE_SITE_TIME_ZONE', '+01:00', '+01:00'],
    ['MINTLINE_SHIFTS', 'early', 'early'],
    ['MINTLINE_SHIFTS', 'early=6:00', 'early=6:00'],
    ['MINTLINE_SHIFTS', 'early=24:00', 'early=24:00'],
    ['MINTLINE_SHIFTS', 'early=06:10', 'early=06:10'],
    ['MINTLINE_SHIFTS', '=06:00', '=06:00'],
    ['MINTLINE_SHIFTS', 'early=06:00,', ''],
    ['MINTLINE_SHIFTS', 'early=06:00,early=14:00', 'early=06:00,early=14:00'],
    ['MINTLINE_SHIFTS', 'early=06:00,late=06:00', 'early=06:00,late=06:00'],
    [
      'MINTLINE_SHIFTS',
      Array.from(
        { length: 25 },
        (_, i) => `s${i}=${String(i % 24).padStart(2, '0')}:${i < 24 ? '00' : '30'}`
      ).join(','),
      '25'
    ]
  ])('refuse %s=%s', (pointer, text, found) => {
    expect(read({ [pointer]: text }).violations).toMatchObject([{ pointer, found }])
  })
})

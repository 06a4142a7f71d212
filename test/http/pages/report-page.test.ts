import { hash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { RecordReportView } from '../../../src/http/api/reports/schemas.ts'
import { formatReportCsv } from '../../../src/http/api/reports/view.ts'
import { renderReportPage, reportSecurityPolicy } from '../../../src/http/pages/report-page.ts'
import { createZone } from '../../../src/sources/site/zone.ts'

const hostile = `=1+1</title><script>alert("1")</script>&'`
const counts = {
  ...{ issued: 12_345, reworked: 1, scrapped: 2, refused: 3, unrecorded: 4, void: 0, unknown: 0 },
  ...{ firstAt: '2026-10-25T00:30:05.000Z', lastAt: '2026-10-25T01:30:06.000Z' },
  reasons: [{ code: 'key_blocked' as const, title: 'The key is blocked', count: 3, unrecorded: 4 }]
}
const view: RecordReportView = {
  ...{ report: 'lot', lot: hostile, zone: 'Europe/Vienna', madeAt: '2026-10-25T02:00:00.000Z' },
  ...{ totals: counts, stations: [{ station: hostile, ...counts }] }
}
const reader = { actor: `auditor/${hostile}`, lines: [hostile], zone: createZone('Europe/Vienna')! }
const page = renderReportPage(view, reader)

describe('the page of a report', () => {
  it('has what people chose as text alone', () => {
    expect(page).not.toContain('<script')
    expect(page.match(/<\/title>/g)).toHaveLength(1)
    expect(
      page.split('=1+1&lt;/title&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;')
    ).toHaveLength(7)
  })

  it('has the one style that its policy lets be', () => {
    const [, style = ''] = /<style>(.*)<\/style>/s.exec(page) ?? []
    expect(style.length).toBeGreaterThan(500)
    expect(reportSecurityPolicy).toContain(`style-src 'sha256-${hash('sha256', style, 'base64')}'`)
    expect(reportSecurityPolicy).toMatch(/^default-src 'none';/)
    expect(page).not.toMatch(/\sstyle=|\son\w+=|href=|src=|url\(|@import/)
  })

  it('tells apart the hour that the clocks of the site show twice', () => {
    const text = page.replaceAll(/<\/?span[^>]*>/g, '')
    expect(text).toContain('2026-10-25 02:30:05 +02:00')
    expect(text).toContain('2026-10-25 02:30:06 +01:00')
  })

  it('says where it is not complete', () => {
    const times = { from: '2026-10-24T22:00:00.000Z', to: '2026-10-25T23:00:00.000Z', complete: false }
    expect(page).not.toContain('Not complete')
    expect(renderReportPage({ ...view, report: 'day', date: '2026-10-25', ...times }, reader)).toContain(
      'Not complete'
    )
  })
})

it('the CSV of a report has no formulas', () => {
  const [, row = ''] = formatReportCsv(view).split('\r\n')
  expect(row).toMatch(/^lot,,,"'=1\+1/)
  expect(formatReportCsv(view)).not.toMatch(/(^|,)"?=/m)
})

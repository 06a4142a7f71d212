import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type CountKey, countKeys, type CountQuery, timeUnits } from '../../../src/records/counts/count.ts'
import { createCounting } from '../../../src/records/counts/count-store.ts'
import type { IssuanceRecord } from '../../../src/records/record.ts'
import type { ReportQuery, ReportSubject } from '../../../src/records/reports/report.ts'
import { createReportStore } from '../../../src/records/reports/report-store.ts'
import { createReports } from '../../../src/records/reports/reports.ts'
import { type Site, spanOfDay, spanOfShift } from '../../../src/sources/site/shifts.ts'
import {
  addDays,
  createZone,
  formatMinutes,
  formatOffset,
  type Zone
} from '../../../src/sources/site/zone.ts'
import { createDice, openScene, type Scene } from './scene.ts'

const zones = ['UTC', 'Europe/Vienna', 'Asia/Kathmandu', 'Australia/Lord_Howe'].map(name => createZone(name)!)
const shifts = [
  { name: 'early', startMinutes: 6 * 60 },
  { name: 'late', startMinutes: 14 * 60 + 15 },
  { name: 'night', startMinutes: 22 * 60 }
]
const dates = ['2026-10-23', '2026-10-24', '2026-10-25', '2026-10-26', '2026-10-27', '2026-10-28']

let scene: Scene
let records: readonly IssuanceRecord[]
let unrecorded: Awaited<ReturnType<Scene['readUnrecorded']>>

beforeAll(async () => {
  scene = await openScene(90)
  await scene.fill()
  records = await scene.readRecords()
  unrecorded = await scene.readUnrecorded()
}, 180_000)
afterAll(() => scene.close())
beforeEach(() => scene.noteFilled())

const codeOf = (record: IssuanceRecord) => (record.outcome === 'rejected' ? record.code : null)

function stateOf(record: IssuanceRecord): string {
  if (record.outcome === 'rejected') return 'refused'
  if (record.outcome !== 'issued') return record.outcome
  if (record.revocation) return 'revoked'
  if (record.hold) return 'held'
  return record.supersession ? 'superseded' : 'issued'
}

function valueOf(record: IssuanceRecord, key: CountKey, zone: Zone): string | number | null {
  const { date, minutes } = zone.localOf(record.createdAt)
  if (key === 'month') return date.slice(0, 7)
  if (key === 'day') return date
  // No change of the clocks in the scene but by whole or half hours, at an hour's beginning.
  if (key === 'hour') {
    const begun = new Date(record.createdAt.getTime() - (minutes % 60) * 60_000)
    const start = zone.localOf(begun)
    return `${start.date}T${formatMinutes(start.minutes)}:00${formatOffset(zone.offsetMs(begun))}`
  }
  if (key === 'expiryMonth')
    return record.outcome === 'rejected' ? null : zone.localOf(record.notAfter).date.slice(0, 7)
  if (key === 'state') return stateOf(record)
  if (key === 'code') return codeOf(record)
  return record[key]
}

function isWithin(
  { createdAt }: Pick<IssuanceRecord, 'createdAt'>,
  { from, to }: Pick<CountQuery, 'from' | 'to'>
) {
  return (from === undefined || createdAt >= from) && (to === undefined || createdAt < to)
}

function isExpiring(record: IssuanceRecord, { expires }: CountQuery): boolean {
  if (expires === undefined) return true
  return record.outcome !== 'rejected' && record.notAfter >= expires.from && record.notAfter < expires.to
}

/** One record after the other. */
function countByHand(query: CountQuery): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const record of records) {
    const filters = [
      ...(['station', 'line', 'site', 'lot', 'credential'] as const),
      ...(['profile', 'profileVersion', 'authority', 'outcome'] as const)
    ]
    const isMeant =
      isWithin(record, query) &&
      filters.every(name => query[name] === undefined || query[name] === record[name]) &&
      (query.code === undefined || query.code === codeOf(record)) &&
      isExpiring(record, query) &&
      (query.rework === undefined || query.rework === 'supersedes' in record) &&
      (query.state === undefined || query.state === stateOf(record)) &&
      (query.lines === undefined || (record.line !== null && query.lines.includes(record.line)))
    if (!isMeant) continue
    const key = JSON.stringify(query.by.map(each => valueOf(record, each, query.zone)))
    counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}

/** In which its certificate runs out; any other of what has none. */
function monthOf(record: IssuanceRecord, zone: Zone) {
  const month = zone.localOf('notAfter' in record ? record.notAfter : record.createdAt).date.slice(0, 7)
  const instantOf = (date: string) => zone.instantOf({ date, minutes: 0 })
  return { from: instantOf(`${month}-01`), to: instantOf(`${addDays(`${month}-01`, 31).slice(0, 7)}-01`) }
}

describe('counts', () => {
  it('are of a scene in which there is everything', () => {
    expect(new Set(records.map(stateOf))).toEqual(
      new Set(['issued', 'refused', 'unknown', 'void', 'revoked', 'held', 'superseded'])
    )
    expect(records.filter(record => 'supersedes' in record).length).toBeGreaterThan(2)
    expect(unrecorded.length).toBeGreaterThan(3)
  })

  it('are those by hand, whatever is asked for', async () => {
    const counting = createCounting(scene.database)
    const dice = createDice(11)
    const sometimes = <Value>(values: readonly Value[]) =>
      dice(4) === 0 ? values[dice(values.length)] : undefined
    let counted = 0
    for (let round = 0; round < 450; round += 1) {
      const zone = zones[dice(zones.length)]!
      const others = countKeys.filter(key => !(timeUnits as readonly string[]).includes(key))
      const by = [
        ...new Set([
          countKeys[dice(countKeys.length)]!,
          ...[0, 1, 2].slice(dice(4)).map(() => others[dice(others.length)]!)
        ])
      ]
      const sample = records[dice(records.length)]!
      const query: CountQuery = {
        by,
        zone,
        from: sometimes(dates.map(date => spanOfDay(zone, date).from)),
        to: sometimes(dates.map(date => spanOfDay(zone, date).to)),
        station: sometimes([sample.station, 'nobody']),
        line: sometimes(['A7', 'B2']),
        lines: sometimes([['A7'], ['A7', 'B2'], []]),
        site: sometimes(['Graz', 'Linz']),
        lot: sometimes(['lot-1', 'lot-2']),
        credential: sometimes([sample.credential]),
        profileVersion: sometimes([1, 2]),
        rework: sometimes([true, false]),
        expires: sometimes([monthOf(sample, zone)]),
        profile: sometimes(['starter', 'reworked']),
        authority: sometimes(['starter-g1', 'starter-g9']),
        outcome: sometimes([sample.outcome]),
        code: sometimes(['subject_refused', 'csr_malformed'] as const),
        state: sometimes(['issued', 'superseded', 'revoked', 'held', 'unknown', 'void', 'refused'] as const)
      }
      const { groups } = await counting.count(query)
      const found = Object.fromEntries(
        groups.map(({ values, count }) => [JSON.stringify(by.map(key => values[key])), count])
      )
      expect(found, JSON.stringify({ ...query, zone: zone.name })).toEqual(countByHand(query))
      expect(groups).toHaveLength(Object.keys(found).length)
      counted += groups.length
    }
    expect(counted).toBeGreaterThan(500)
  })

  it('come in the order of their values, and those without one last', async () => {
    const { groups } = await createCounting(scene.database).count({ by: ['day', 'line'], zone: zones[2]! })
    const keys = groups.map(({ values }) => `${values.day} ${values.line ?? '~'}`)
    expect(keys).toEqual(keys.toSorted())
    expect(keys.some(key => key.endsWith('~'))).toBe(true)
  })
})

function tally(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

/** One record after the other. @param isMeant by station, lines and lot. */
function reportByHand(span: { from: Date; to: Date } | undefined, isMeant: (of: IssuanceRecord) => boolean) {
  const within = (time: Date) => span === undefined || (time >= span.from && time < span.to)
  const made = records.filter(record => isMeant(record) && within(record.createdAt))
  const issued = made.filter(({ outcome }) => outcome === 'issued')
  const times = issued.map(({ createdAt }) => createdAt).sort((a, b) => a.getTime() - b.getTime())
  const count = (outcome: string) => made.filter(record => record.outcome === outcome).length
  return {
    issued: issued.length,
    reworked: issued.filter(record => 'supersedes' in record).length,
    scrapped: records.filter(
      record =>
        record.outcome === 'issued' && isMeant(record) && record.scrap && within(record.scrap.scrappedAt)
    ).length,
    refused: count('rejected'),
    void: count('void'),
    unknown: count('unknown'),
    firstAt: times[0] ?? null,
    lastAt: times.at(-1) ?? null,
    unrecorded: unrecorded
      .filter(row => isMeant(row as unknown as IssuanceRecord) && within(row.at))
      .reduce((sum, row) => sum + row.count, 0),
    codes: tally(made.map(codeOf).filter(code => code !== null))
  }
}

describe('reports', () => {
  const subjects = (site: Site): readonly ReportSubject[] => [
    ...dates.map(date => ({ kind: 'day', date }) as const),
    ...dates.flatMap(date => shifts.map(({ name }) => ({ kind: 'shift', date, shift: name }) as const)),
    { kind: 'lot', lot: 'lot-1' },
    { kind: 'lot', lot: 'lot-2' },
    ...['=st-1', 'st-3', 'st-4'].map(
      station => ({ kind: 'station', station, ...spanOfDay(site.zone, '2026-10-25') }) as const
    )
  ]

  it.each(zones.map(zone => [zone.name, zone] as const))(
    'say what is counted by hand, in %s',
    async (_name, zone) => {
      const site = { zone, shifts }
      const reports = createReports({
        store: createReportStore(scene.database),
        site,
        clock: () => new Date()
      })
      let [issued, scrapped, reworked, only] = [0, 0, 0, 0]
      for (const subject of subjects(site))
        for (const lines of [undefined, ['A7'], ['B2', 'A7'], ['C']] as ReportQuery['lines'][]) {
          const report = await reports.make({ subject, lines })
          const isMeant = ({ station, lot, line }: Pick<IssuanceRecord, 'station' | 'lot' | 'line'>) =>
            (subject.kind !== 'station' || station === subject.station) &&
            (subject.kind !== 'lot' || lot === subject.lot) &&
            (lines === undefined || (line !== null && lines.includes(line)))
          const span =
            subject.kind === 'day'
              ? spanOfDay(zone, subject.date)
              : subject.kind === 'shift'
                ? spanOfShift(site, subject.date, subject.shift)
                : subject.kind === 'station'
                  ? subject
                  : undefined
          for (const counts of [report.totals, ...report.stations]) {
            const of = 'station' in counts ? counts.station : undefined
            const { codes, ...byHand } = reportByHand(
              span,
              row => isMeant(row) && (of === undefined || row.station === of)
            )
            expect(counts, JSON.stringify({ subject, lines, of })).toMatchObject(byHand)
            const told = counts.reasons
              .filter(({ count }) => count > 0)
              .map(({ code, count }) => [code, count])
            expect(Object.fromEntries(told)).toEqual(codes)
          }
          const sum = (name: 'issued' | 'refused' | 'scrapped' | 'unrecorded') =>
            report.stations.reduce((all, counts) => all + counts[name], 0)
          for (const name of ['issued', 'refused', 'scrapped', 'unrecorded'] as const)
            expect(sum(name)).toBe(report.totals[name])
          issued += report.totals.issued
          scrapped += report.totals.scrapped
          reworked += report.totals.reworked
          only += report.totals.unrecorded
        }
      for (const count of [issued, scrapped, reworked, only]) expect(count).toBeGreaterThan(0)
    }
  )

  it('of the days together are all there is', async () => {
    const site = { zone: zones[1]!, shifts }
    const reports = createReports({ store: createReportStore(scene.database), site, clock: () => new Date() })
    const all = { issued: 0, byShift: 0 }
    const last = site.zone.localOf(scene.lastAt).date
    for (
      let date = '2026-10-23';
      date <= last;
      date = site.zone.localOf(spanOfDay(site.zone, date).to).date
    ) {
      all.issued += (await reports.make({ subject: { kind: 'day', date } })).totals.issued
      for (const { name } of shifts)
        all.byShift += (await reports.make({ subject: { kind: 'shift', date, shift: name } })).totals.issued
    }
    const issued = records.filter(({ outcome }) => outcome === 'issued').length
    expect(all).toEqual({ issued, byShift: issued })
  })

  it('know no shift of another name', async () => {
    const store = createReportStore(scene.database)
    const asked = { subject: { kind: 'shift', date: '2026-10-23', shift: 'noon' } } as const
    for (const [known, detail] of [
      [shifts, /Take one of early, late, night/],
      [[], /MINTLINE_SHIFTS/]
    ] as const) {
      const reports = createReports({
        store,
        site: { zone: zones[0]!, shifts: known },
        clock: () => new Date()
      })
      await expect(reports.make(asked)).rejects.toMatchObject({
        code: 'shift_not_found',
        detail: expect.stringMatching(detail) as string
      })
    }
  })
})

import type { Database } from '../../database/database.ts'
import { Prisma } from '../../database/generated/client.ts'
import { type Ask, type Limit, withinLimit } from '../search/finding/search-session-store.ts'
import { assertCounted, countedUpTo } from '../search/progress-store.ts'
import { searchTooBroad } from '../search/too-broad.ts'
import { type Bucket, bucketsOf } from './buckets.ts'
import {
  type CountGroup,
  type Counting,
  type CountKey,
  type CountQuery,
  type Counts,
  type Dimension,
  timeUnits
} from './count.ts'
import { countedByExpiry, countedRows, expiryBounds } from './scope-store.ts'

/** What an answer holds. */
const mostGroups = 10_000
const addConditions = 'Add from and to nearer to each other, or a station, line, lot, profile or code.'

const columns: Readonly<Record<Dimension, Prisma.Sql>> = {
  station: Prisma.sql`station COLLATE "C"`,
  line: Prisma.sql`line COLLATE "C"`,
  site: Prisma.sql`site COLLATE "C"`,
  lot: Prisma.sql`lot COLLATE "C"`,
  credential: Prisma.sql`credential::text`,
  profile: Prisma.sql`profile COLLATE "C"`,
  profileVersion: Prisma.sql`profile_version`,
  authority: Prisma.sql`authority COLLATE "C"`,
  code: Prisma.sql`code COLLATE "C"`,
  state: Prisma.sql`state COLLATE "C"`,
  outcome: Prisma.sql`outcome COLLATE "C"`
}

interface GroupRow {
  readonly values: readonly (string | number | null)[]
  readonly count: number
}

/** @param search for what people look up, which must not hold up the issuance path. */
export function createCounting(search: Database, limit: Pick<Limit, 'limitMs'> = {}): Counting {
  return {
    count: query =>
      withinLimit(search, ask => countGroups(ask, query), {
        ...limit,
        narrower: addConditions,
        isOneMoment: true
      })
  }
}

async function countGroups(ask: Ask, query: CountQuery): Promise<Counts> {
  const unit = timeUnits.find(each => query.by.includes(each))
  const span = unit === undefined ? undefined : await boundSpan(ask, query)
  const pieces = {
    buckets: span && unit ? await bucketsOf(unit, query.zone, span) : [],
    expiries: query.by.includes('expiryMonth') || query.expires ? await expiriesOf(ask, query) : []
  }
  const rows = await ask<GroupRow>(countStatement({ ...query, ...span }, pieces))
  if (rows.length > mostGroups)
    throw searchTooBroad(`There are more than ${mostGroups} groups.`, `${addConditions} Or count by less.`)
  const nameOf = (key: CountKey, value: string | number | null) => {
    const named = key === unit ? pieces.buckets : key === 'expiryMonth' ? pieces.expiries : undefined
    return named === undefined || value === null ? value : named[(value as number) - 1]!.label
  }
  return {
    groups: rows.map(row => toGroup(query.by, row, nameOf)),
    countedUpTo: countedUpTo(await assertCounted(ask, query.to))
  }
}

interface Pieces {
  readonly buckets: readonly Bucket[]
  readonly expiries: readonly Bucket[]
}

/** The month that is asked for, or those from the first in which a certificate runs out to the last. */
async function expiriesOf(ask: Ask, query: CountQuery): Promise<readonly Bucket[]> {
  if (query.expires !== undefined) return bucketsOf('month', query.zone, query.expires)
  const [bounds] = await ask<{ first: Date | null; last: Date | null }>(expiryBounds(query))
  const { first, last } = bounds!
  if (first === null || last === null) return []
  return bucketsOf('month', query.zone, { from: first, to: new Date(last.getTime() + 1) })
}

/** From the first to the last quarter of an hour in which there was anything, within what is asked for. */
async function boundSpan(ask: Ask, { from, to }: CountQuery): Promise<{ from: Date; to: Date }> {
  const [bounds] = await ask<{ first: Date | null; last: Date }>(Prisma.sql`
    SELECT (SELECT min(quarter) FROM issuance_tally) AS first,
      greatest((SELECT max(quarter) FROM issuance_tally), clock_timestamp()) AS last`)
  const first = bounds!.first ?? bounds!.last
  const end = new Date(bounds!.last.getTime() + 1)
  return {
    from: from === undefined || from < first ? first : from,
    to: to === undefined || to > end ? end : to
  }
}

function countStatement(query: CountQuery, { buckets, expiries }: Pieces): Prisma.Sql {
  const starts = startsOf(buckets)
  const { expires } = query
  const isByExpiry = query.by.includes('expiryMonth') || expires !== undefined
  // What runs out before or after the month is in none, or in the one behind it.
  const expiryStarts = [...startsOf(expiries), ...(expires ? [expires.to.toISOString()] : [])]
  const rows = isByExpiry ? countedByExpiry(query, expiryStarts) : countedRows(query)
  const meant = expires === undefined ? Prisma.sql`true` : Prisma.sql`expiry = 1`
  const keys = query.by.map(key => {
    if (key === 'expiryMonth') return Prisma.sql`expiry`
    return isDimension(key) ? columns[key] : Prisma.sql`width_bucket(at, ${starts}::timestamptz[])`
  })
  const named = keys.map((key, index) => Prisma.sql`${key} AS ${nameOfKey(index)}`)
  const names = Prisma.join(keys.map((_, index) => nameOfKey(index)))
  return Prisma.sql`
    SELECT jsonb_build_array(${names}) AS values, sum(count)::float8 AS count
    FROM (SELECT ${Prisma.join(named)}, count FROM (${rows}) AS counted WHERE ${meant}) AS keyed
    GROUP BY ${names} ORDER BY ${names} LIMIT ${mostGroups + 1}`
}

const startsOf = (pieces: readonly Bucket[]) => pieces.map(({ start }) => start.toISOString())

const nameOfKey = (index: number) => Prisma.raw(`key_${index}`)

function isDimension(key: CountKey): key is Dimension {
  return key in columns
}

function toGroup(
  by: readonly CountKey[],
  { values, count }: GroupRow,
  nameOf: (key: CountKey, value: string | number | null) => string | number | null
): CountGroup {
  return {
    values: Object.fromEntries(by.map((key, index) => [key, nameOf(key, values[index] ?? null)])),
    count
  }
}

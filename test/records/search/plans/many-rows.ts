import { Prisma } from '../../../../src/database/generated/client.ts'
import type { TestDatabase } from '../../../support/test-database.ts'

/** The id of the n-th record: one each second. */
export const idOf = (n: number): string => {
  const time = timeOf(n)
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, '0')}`
}
const startMs = Date.UTC(2026, 5, 1)
const timeOf = (n: number) => (startMs + n * 1_000).toString(16).padStart(12, '0')

/** SHA-256 of its SPKI. */
export const repeatedKey = 'ab'.repeat(32)
export const records = 100_000
const facets = 400

const idSeries = Prisma.sql`
  SELECT n, (lpad(to_hex(${startMs}::bigint + n::bigint * 1000), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid AS id
  FROM generate_series(0, ${records - 1}::int) AS n`

/**
 * What 100,000 records of 20 stations are searched by, without the records: a profile for each four stations, two lines,
 * lots one after the other, a rare state and a rare refusal, and an authority that ended early.
 */
export async function writeManyRows({ owner }: TestDatabase): Promise<void> {
  const { prisma } = owner
  await prisma.$executeRaw`
    INSERT INTO search_facet (outcome, state, station, line, site, lot, credential, profile, profile_version, authority, code, rework,
      value_ids, sha256, first_id, last_id)
    SELECT CASE WHEN f = 7 THEN 'rejected' ELSE 'issued' END,
      CASE f WHEN 7 THEN 'refused' WHEN 8 THEN 'revoked' ELSE 'issued' END,
      'station-' || f % 20, CASE WHEN f % 20 < 10 THEN 'A' ELSE 'B' END, CASE f WHEN 9 THEN 'Linz' ELSE 'Graz' END, 'lot-' || f / 20,
      ('00000000-0000-4000-8000-' || lpad((f % 20)::text, 12, '0'))::uuid, 'profile-' || f % 20 / 4, f / 200 + 1,
      CASE WHEN f < 20 THEN 'ca-g1' ELSE 'ca-g2' END, CASE WHEN f = 7 THEN 'key_refused' END, false, '{}',
      sha256(f::text::bytea), gen_random_uuid(), gen_random_uuid()
    FROM generate_series(0, ${facets - 1}::int) AS f`
  await prisma.$executeRaw`
    INSERT INTO issuance_search (record_id, facet_id, not_after)
    SELECT record.id, (SELECT min(id) FROM search_facet) + record.n * 20 / ${records}::int * 20 + record.n % 20,
      CASE WHEN record.n % 20 <> 7 OR record.n >= 5000 THEN '2030-01-01'::timestamptz + record.n * interval '1 second' END
    FROM (${idSeries}) AS record`
  await prisma.$executeRaw`
    UPDATE search_facet SET first_id = first, last_id = last, not_after_first = "from", not_after_last = "to",
      validity_least_ms = 113183999000, validity_most_ms = 113184001000
    FROM (
      SELECT facet_id, (array_agg(record_id ORDER BY record_id))[1] AS first,
        (array_agg(record_id ORDER BY record_id DESC))[1] AS last, min(not_after) AS "from", max(not_after) AS "to"
      FROM issuance_search GROUP BY facet_id
    ) AS own
    WHERE own.facet_id = id`
  await prisma.$executeRaw`
    INSERT INTO search_term (name, value, record_id, facet_id)
    SELECT term.name, term.value, record.id, own.facet_id
    FROM (${idSeries}) AS record JOIN issuance_search AS own ON own.record_id = record.id
    CROSS JOIN LATERAL (VALUES
      (CASE WHEN record.n % 2 = 0 THEN 106 ELSE 6 END, 'sensor-' || lpad(record.n::text, 7, '0')), (21, 'tray:tray-' || record.n % 1000)
    ) AS term(name, value)`
  // A value that is shared, but that no facets were left for.
  await prisma.$executeRaw`INSERT INTO search_value (name, value) VALUES (21, 'shift:early')`
  await prisma.$executeRaw`
    INSERT INTO search_term (name, value, record_id, facet_id)
    SELECT 21, 'shift:early', id, facet_id FROM (${idSeries}) AS record JOIN issuance_search ON record_id = id WHERE n % 3 = 0`
  // What the stations 5 have always, and the stations 3 had once.
  await prisma.$executeRaw`
    INSERT INTO search_term (name, value, record_id, facet_id)
    SELECT 21, 'belt:left', id, facet_id FROM (${idSeries}) AS record JOIN issuance_search ON record_id = id
    WHERE n % 20 = 5 OR (n % 20 = 3 AND n < 1000)`
  // What the lot 0 had for a while, and masses of others, of no facet that is asked for, had later.
  await prisma.$executeRaw`
    INSERT INTO search_term (name, value, record_id, facet_id)
    SELECT 21, 'shift:late', id, facet_id FROM (${idSeries}) AS record JOIN issuance_search ON record_id = id WHERE n < 1500
    UNION ALL
    SELECT 21, 'shift:late', (${timeOf(4_000)} || '70009000' || lpad(to_hex(n), 12, '0'))::uuid, 0
    FROM generate_series(1, 220000) AS n`
  // A key that more refusals were for than records may be of one request id.
  await prisma.$executeRaw`
    INSERT INTO search_term (name, value, record_id, facet_id)
    SELECT 22, ${repeatedKey}, id, facet_id FROM (${idSeries}) AS record JOIN issuance_search ON record_id = id
    WHERE n < 10500`
  await prisma.$executeRaw`UPDATE search_progress SET records = ${records}::int, filled_at = clock_timestamp(), position = ${idOf(records)}::uuid`
  for (const table of ['search_facet', 'issuance_search', 'search_term'])
    await prisma.$executeRawUnsafe(`VACUUM ANALYZE ${table}`)
}

import { afterAll, beforeAll, expect, it } from 'vitest'
import { createCleanUpStore } from '../../../../src/aws/fleet/clean-ups/clean-up-store.ts'
import { explain } from '../../../records/search/plans/explained.ts'
import { type FleetBench, openFleet } from '../fleeting.ts'

const things = 2_000

let service: FleetBench
beforeAll(async () => {
  service = await openFleet()
  await plantOrphans()
})
afterAll(() => service.stop())

/** Of as many devices, which have no certificate in effect. */
async function plantOrphans(): Promise<void> {
  const { id } = await service.issue()
  const { prisma } = service.test.owner
  await prisma.$executeRaw`
    INSERT INTO intent SELECT (jsonb_populate_record(intent, jsonb_build_object(
      'id', left(id::text, 19) || 'bfff' || substr(id::text, 24, 5) || lpad(to_hex(each), 8, '0'),
      'serial_number', '\\x' || lpad(to_hex(each), 16, '01'), 'device_sha256', '\\x' || lpad(to_hex(each), 64, '0')
    ))).* FROM intent, generate_series(1, ${things}::int) AS each WHERE id = ${id}::uuid`
  await prisma.$executeRaw`
    INSERT INTO fleet_finding
      (kind, authority_id, registration_id, place_id, key, intent_id, details, is_alarm, found_at, confirmed_at, confirmed_by)
    SELECT 'orphaned-thing', authority_id, ${service.registrationId}::uuid, ${service.registrationId}::uuid,
      sha256(convert_to(id::text, 'UTF8')), id, jsonb_build_object('thing', id::text), false, now(), now(), gen_random_uuid()
    FROM intent WHERE id <> ${id}::uuid`
  for (const table of ['intent', 'fleet_finding']) await prisma.$executeRawUnsafe(`ANALYZE ${table}`)
}

it('of more things than an order is about it is not asked of each whether its device has a certificate', async () => {
  const of = 'orphaned-things'
  const { database, take } = explain(service.test.database)
  const store = createCleanUpStore(database)
  expect(await store.count({ of }, things + 1)).toEqual({ count: things, mayBeLeft: 0 })
  const askedOf = () =>
    take().nodes.flatMap(node => (node['Node Type'] === 'Function Scan' ? [node['Actual Loops']] : []))
  expect(askedOf()).toEqual([things])
  expect(await store.count({ of }, 100)).toEqual({ count: 100, mayBeLeft: 0 })
  expect(askedOf()).toEqual([100])
  expect(await store.select({ of }, 20)).toHaveLength(20)
  expect(askedOf()).toEqual([20])
})

import { afterAll, beforeAll, expect, it } from 'vitest'
import { createCrlStore } from '../../../../src/status/crl/crl-store.ts'
import { createMakingStore } from '../../../../src/status/crl/making/making-store.ts'
import { explain } from '../../../records/search/plans/explained.ts'
import { startIssuing } from '../../../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../../support/test-database.ts'

/** Of half a day of revocations. */
const count = 20_000

let test: TestDatabase
let directory: TemporaryDirectory
let authorityId: string
beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  const { authorities } = await startIssuing(test.database, directory.path)
  authorityId = authorities.list()[0]!.id
  await plantDeltas()
})
afterAll(async () => {
  await test.drop()
  await directory.remove()
})

/** One complete CRL, of the number 1, and deltas of it. */
async function plantDeltas(): Promise<void> {
  const { prisma } = test.owner
  await prisma.$transaction([
    ...['crl_number', 'crl_intent', 'crl'].map(table =>
      prisma.$executeRawUnsafe(`ALTER TABLE ${table} DISABLE TRIGGER USER`)
    ),
    prisma.$executeRaw`
      INSERT INTO crl_number (authority_id, number, taken_at)
      SELECT ${authorityId}::uuid, n, now() FROM generate_series(1, ${count}::int) AS n`,
    prisma.$executeRaw`
      INSERT INTO crl_intent (id, authority_id, number, created_at, this_update, next_update, entries, final_entries,
        tbs_octets, tbs_sha256, base_number, freshest_crl)
      SELECT gen_random_uuid(), ${authorityId}::uuid, n, now(), now(), now() + interval '1 week', 1, 1, 1, sha256('x'),
        CASE WHEN n > 1 THEN 1 END, CASE WHEN n = 1 THEN 'http://pki.example.com/delta' END
      FROM generate_series(1, ${count}::int) AS n`,
    prisma.$executeRaw`
      INSERT INTO crl (intent_id, signed_at, signature_algorithm, signature, octets, sha256)
      SELECT id, now(), 'ecdsa-with-SHA256', 'x', 1, sha256('x') FROM crl_intent`
  ])
  for (const table of ['crl_intent', 'crl']) await prisma.$executeRawUnsafe(`ANALYZE ${table}`)
}

it('a complete CRL is found without its deltas being passed, however many there are', async () => {
  const { database, take } = explain(test.database)
  const [crl] = await createCrlStore(database).listNewest()
  expect(crl).toMatchObject({ number: 1, isDelta: false })
  expect(take().blocks).toBeLessThan(100)
  const [state] = await createMakingStore(database).listStates(new Date())
  expect(state).toMatchObject({ freshestCrl: 'http://pki.example.com/delta', delta: { entries: 1 } })
  expect(take().blocks).toBeLessThan(200)
  const [facts] = await createCrlStore(database).listDeltaFacts()
  expect(facts).toMatchObject({ deltaBases: 1, deltasMissing: 0 })
  expect(take().blocks).toBeLessThan(200)
})

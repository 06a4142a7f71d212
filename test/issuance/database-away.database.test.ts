import { expect, it } from 'vitest'
import { createDatabase } from '../../src/database/database.ts'
import { migrateDatabase } from '../../src/database/migrations/migrations.ts'
import { makeCertificationRequest } from '../support/certification-request.ts'
import { startIssuing } from '../support/issuing.ts'
import { startTestPostgres } from '../support/postgres/test-postgres.ts'
import { silentLog } from '../support/silent-log.ts'
import { createTemporaryDirectory } from '../support/temporary-directory.ts'

it('uses the CA key not once while the database is away, and issues again when it is back', async () => {
  const postgres = await startTestPostgres()
  const { connectionString } = postgres
  await using directory = await createTemporaryDirectory()
  await migrateDatabase({ connectionString, log: silentLog })
  const database = createDatabase({ connectionString, poolSize: 3 })
  let signatures = 0
  const { issue } = await startIssuing(database, directory.path, {
    wrapSigner: signer => ({ ...signer, sign: bytes => (signatures++, signer.sign(bytes)) })
  })
  const requests = Array.from({ length: 10 }, (_, index) =>
    makeCertificationRequest({ Country: 'US', CommonName: `away-${index}` })
  )
  await issue(makeCertificationRequest({ Country: 'US', CommonName: 'before' }))
  expect(signatures).toBe(1)

  await postgres.stop()
  const refused = await Promise.allSettled(requests.map(csr => issue(csr)))
  for (const result of refused) {
    expect(result).toMatchObject({ status: 'rejected', reason: { code: 'database_unavailable' } })
  }
  expect(signatures).toBe(1)

  await postgres.start()
  const served = await Promise.all(requests.map(csr => issue(csr)))
  expect(served.every(({ replayed }) => !replayed)).toBe(true)
  expect(signatures).toBe(1 + requests.length)
  await database.close()
  await postgres.remove()
})

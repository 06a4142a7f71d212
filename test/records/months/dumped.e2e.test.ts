import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrateDatabase } from '../../../src/database/migrations/migrations.ts'
import { monthlyTables, partitionOf } from '../../../src/records/months/month.ts'
import { device, refusalOf } from '../../issuance/rework/rework-test.ts'
import { needs } from '../../support/needs/needs.ts'
import { startInstalledPostgres } from '../../support/postgres/installed-postgres.ts'
import { silentLog } from '../../support/silent-log.ts'
import { createTestDatabase } from '../../support/test-database.ts'
import { dropMonth, type Months, monthsAgo, openMonths } from './months-test.ts'

const { month } = monthsAgo(5)
const intents = partitionOf('intent', month)

describe(
  'a month, by the pg_dump and pg_restore of the system',
  needs('pg_dump', 'pg_restore', 'pg_ctlcluster'),
  () => {
    let server: Awaited<ReturnType<typeof startInstalledPostgres>>
    let months: Months
    let certificate: Uint8Array
    const csr = device('of-then')

    const answer = async () => {
      const { record } = await months.issuing.issue(csr)
      if (record.outcome !== 'issued') throw new Error('it was not issued')
      return Buffer.from(record.certificateDer)
    }

    beforeAll(async () => {
      server = await startInstalledPostgres()
      const database = await createTestDatabase({ empty: true, server: server.connectionString })
      await migrateDatabase({ connectionString: database.connectionString, log: silentLog })
      months = await openMonths(database)
      certificate = await answer()
      await refusalOf(months.issuing.issue(new Uint8Array([1, 2, 3])))
      months.at(new Date())
    })
    afterAll(async () => {
      await months.close()
      await server.remove()
    })

    /** As docs/operations.md has it. */
    async function goAndComeBack() {
      const { connectionString } = months.test
      const file = join(months.directory, 'month.dump')
      const tables = `--table=*_${month.name.replace('-', '_')}`
      execFileSync('pg_dump', ['--format=custom', `--file=${file}`, tables, connectionString], {
        stdio: 'pipe'
      })
      await dropMonth(months.client, month)
      execFileSync('pg_restore', [`--dbname=${connectionString}`, file], { stdio: 'pipe' })
    }

    const definitionsOf = async (table: string) => {
      const { rows } = await months.client.query<{ definition: string }>(
        `SELECT conname || ' ' || pg_get_constraintdef(oid) AS definition FROM pg_constraint
       WHERE conrelid = ('public.' || $1)::regclass AND contype = 'c' ORDER BY 1`,
        [table]
      )
      return rows.map(({ definition }) => definition)
    }

    async function expectAttached() {
      expect((await months.attach(month)).find(({ name }) => name === intents)).toMatchObject({ rows: 1 })
      expect(await answer()).toEqual(certificate)
      for (const table of monthlyTables)
        expect(await definitionsOf(partitionOf(table, month))).toEqual(await definitionsOf(table))
    }

    it('comes back', async () => {
      await months.detach(month)
      await goAndComeBack()
      await expectAttached()
    })

    it('comes back from a dump of before its checks were written in the words of today', async () => {
      await months.detach(month)
      await months.client.query(
        `ALTER TABLE ${intents} DROP CONSTRAINT intent_serial_number_check, ADD CONSTRAINT intent_serial_number_check
         CHECK (octet_length(serial_number) BETWEEN 1 AND 20 AND serial_number < '\\x80')`
      )
      await goAndComeBack()
      await expectAttached()
    })

    it('is refused where its rows are not as a check of today asks for, by the name of that', async () => {
      await months.detach(month)
      await months.client.query(
        `ALTER TABLE intent ADD CONSTRAINT later_check CHECK (created_at > '${month.name}-28')`
      )
      const { code, detail } = await refusalOf(months.attach(month))
      expect([code, detail]).toEqual(['month_refused', expect.stringContaining('later_check')])
      await months.client.query('ALTER TABLE intent DROP CONSTRAINT later_check')
      await expectAttached()
    })
  }
)

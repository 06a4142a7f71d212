import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createDatabase } from '../../src/database/database.ts'
import { makeCertificationRequest } from '../support/certification-request.ts'
import { startIssuing } from '../support/issuing.ts'
import { createTemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase } from '../support/test-database.ts'

it('is made once, however many processes start at once on one database and directory', async () => {
  await using test = await createTestDatabase()
  await using directory = await createTemporaryDirectory()
  const databases = Array.from({ length: 4 }, () =>
    createDatabase({ connectionString: test.connectionString, poolSize: 2 })
  )
  const replicas = await Promise.all(databases.map(database => startIssuing(database, directory.path)))
  expect(await test.database.prisma.authority.count()).toBe(1)
  const intents = await test.database.prisma.authorityCertificateIntent.findMany({
    include: { authority: true }
  })
  expect(intents).toMatchObject([{ purpose: 'self-signed', authority: { name: 'starter-g1' } }])
  for (const [index, { issue }] of replicas.entries()) {
    const { replayed } = await issue(
      makeCertificationRequest({ Country: 'US', CommonName: `replica-${index}` })
    )
    expect(replayed).toBe(false)
  }
  // The key on disk is the one of the authority: a later start finds it.
  await startIssuing(test.database, directory.path)
  const stationToken = (await readFile(join(directory.path, 'station-token'), 'utf8')).trim()
  const [, idHex] = /^mintline_([0-9a-f]{32})_/.exec(stationToken) ?? []
  const { id } = await test.database.prisma.token.findFirstOrThrow({ where: { role: 'station' } })
  expect(idHex).toBe(id.replaceAll('-', ''))
  await Promise.all(databases.map(database => database.close()))
})

it('for another database leaves the keys and tokens of the first where they can be found', async () => {
  await using directory = await createTemporaryDirectory()
  await using first = await createTestDatabase()
  await using second = await createTestDatabase()
  await startIssuing(first.database, directory.path)
  const token = await readFile(join(directory.path, 'admin-token'), 'utf8')
  await startIssuing(second.database, directory.path)
  const { issue } = await startIssuing(first.database, directory.path)
  expect((await issue(makeCertificationRequest({ Country: 'US', CommonName: 'back' }))).replayed).toBe(false)
  const kept = (await readdir(directory.path)).filter(file => file.startsWith('admin-token.until-'))
  expect(await readFile(join(directory.path, kept[0]!), 'utf8')).toBe(token)
  expect(await readdir(join(directory.path, 'authorities'))).toHaveLength(2)
})

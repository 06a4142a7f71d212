import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  act,
  type AdministrationOptions,
  createTestAdministration,
  selfSigned
} from './authority-administration.ts'
import { createTemporaryDirectory } from './temporary-directory.ts'
import { createTestDatabase } from './test-database.ts'

export type TestAdministration = Awaited<ReturnType<typeof startTestAdministration>>

/**
 * The administration of authorities, on a database and a data directory of a test file's own. Call it in `beforeAll`, and
 * `stop` in `afterAll`.
 */
export async function startTestAdministration(options: AdministrationOptions = {}) {
  const test = await createTestDatabase()
  const data = await createTemporaryDirectory()
  await writeFile(join(data.path, 'ca-passphrase'), 'correct horse\n')
  const parts = createTestAdministration(test.database, data.path, options)
  return {
    ...parts,
    test,
    data,
    /** Makes the next generation of a line, self-signed, and activates it; gives its name. */
    async activeGeneration(line: string): Promise<string> {
      const name = await parts.administration.create(selfSigned(line), act)
      await parts.administration.activate(name, act)
      return name
    },
    async stop(): Promise<void> {
      await parts.authorities.close()
      await test.drop()
      await data.remove()
    }
  }
}

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createCertificateAccesses } from '../../../../src/aws/push/control/certificate-accesses.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../../support/temporary-directory.ts'
import { standInEnvironment, startControlPlane } from '../../registering.ts'

const region = 'eu-central-1'
const aliases = ['', 'other']
let plane: Awaited<ReturnType<typeof startControlPlane>>['plane']
let directory: TemporaryDirectory

beforeAll(async () => {
  plane = (await startControlPlane()).plane
  directory = await createTemporaryDirectory()
  const configFile = join(directory.path, 'config')
  await writeFile(
    configFile,
    '[profile other]\naws_access_key_id = AKIDOTHER\naws_secret_access_key = never-verified\n'
  )
  for (const [name, value] of Object.entries(standInEnvironment(plane.url, configFile)))
    vi.stubEnv(name, value)
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await plane.stop()
  await directory.remove()
})

/** How long it takes to ask four times by each alias, at ten calls a second. */
async function timeOf(accountOf: (alias: string) => string | undefined): Promise<number> {
  const accesses = createCertificateAccesses(10)
  const opened = await Promise.all(
    aliases.map(accountAlias => accesses.open({ accountAlias, region }, accountOf(accountAlias)))
  )
  // The clients are loaded and connected first.
  await Promise.all(opened.map(each => each.within(20_000).describe('ab'.repeat(32))))
  const start = performance.now()
  await Promise.all(
    opened.flatMap(each =>
      Array.from({ length: 4 }, () => each.within(20_000).update('ab'.repeat(32), 'REVOKED'))
    )
  )
  accesses.close()
  return performance.now() - start
}

it('two aliases of one account keep one pace in a region, where it is known whose they are', async () => {
  expect(await timeOf(() => '111122223333')).toBeGreaterThan(650)
  expect(await timeOf(alias => (alias === '' ? '111122223333' : '444455556666'))).toBeLessThan(600)
  expect(await timeOf(() => undefined)).toBeLessThan(600)
})

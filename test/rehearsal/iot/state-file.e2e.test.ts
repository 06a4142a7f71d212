import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { createRegistry } from '../../../src/rehearsal/iot/registry/registry.ts'
import { createTemporaryDirectory } from '../../support/temporary-directory.ts'
import { factoryPolicy } from './gateway/device-rehearsal.ts'

it('a change is in the state file soon, for its owner alone, though nobody waits for it', async () => {
  const folder = await createTemporaryDirectory()
  onTestFinished(folder.remove)
  const stateFile = join(folder.path, 'state.json')
  const options = { accountId: '111122223333', region: 'eu-west-1', clock: Date.now, stateFile }
  const registry = await createRegistry(options)
  registry.createPolicy('factory-device', factoryPolicy)
  await vi.waitFor(async () => expect(await readFile(stateFile, 'utf8')).toContain('factory-device'), 10_000)
  expect((await stat(stateFile)).mode & 0o777).toBe(0o600)
  const again = await createRegistry(options)
  expect(again.getPolicy('factory-device')).toEqual(registry.getPolicy('factory-device'))
})

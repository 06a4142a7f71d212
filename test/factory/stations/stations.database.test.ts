import { expect, it, vi } from 'vitest'
import { createCertificateStore } from '../../../src/factory/stations/client-certificates/certificate-store.ts'
import { createStationStore } from '../../../src/factory/stations/station-store.ts'
import { createStations } from '../../../src/factory/stations/stations.ts'
import { createRandomSource } from '../../../src/sources/random-bytes.ts'
import { administrator } from '../../support/issuing.ts'
import { createTestDatabase } from '../../support/test-database.ts'

it('sixty changes of one station at once take sixty transactions, and each is of what the one before has left', async () => {
  await using test = await createTestDatabase()
  const store = createStationStore(test.database)
  const change = vi.fn(store.change)
  const stations = createStations({
    store: { ...store, change },
    certificates: createCertificateStore(test.database),
    findUnknownProfiles: async () => [],
    onChange: () => undefined,
    clock: () => new Date(),
    randomBytes: createRandomSource()
  })
  await stations.create({ name: 'crowded', profiles: ['*'] }, administrator)
  const lines = Array.from({ length: 60 }, (_, index) => `L${index}`)
  await Promise.all(lines.map(line => stations.change('crowded', { line }, administrator)))
  expect(change).toHaveBeenCalledTimes(60)
  expect(change.mock.calls.map(([{ line }]) => line)).toEqual([null, ...lines.slice(0, -1)])
})

import type { Database } from '../../src/database/database.ts'
import { type EventType, eventTypes } from '../../src/events/event-type.ts'
import { createOutboxStore } from '../../src/events/outbox-store.ts'
import { refusalColumns } from '../../src/records/record-model.ts'
import { createRefusalStore } from '../../src/records/refusal-store.ts'
import { newId as idAt } from '../../src/sources/identifier.ts'
import { createRandomSource } from '../../src/sources/random-bytes.ts'
import { nullsOf } from '../records/nulls.ts'

const randomBytes = createRandomSource()
const newId = () => idAt(new Date(), randomBytes)

/** From then on records owe events. */
export async function subscribe(database: Database, types: readonly EventType[] = eventTypes): Promise<void> {
  const subscription = { enabled: types.length > 0, eventTypes: types }
  await createOutboxStore(database).subscribe(subscription, newId(), new Date())
}

/** Records refusals, which owe an event each, and gives their ids. */
export async function reject(
  database: Database,
  count: number,
  requestIdOf: (index: number) => string = index => `request-${index}`
): Promise<readonly string[]> {
  const { commit } = createRefusalStore(database)
  const rows = Array.from({ length: count }, (_, index) => ({
    ...nullsOf(refusalColumns),
    id: newId(),
    createdAt: new Date(),
    code: 'subject_refused' as const,
    detail: 'One field is refused.',
    violations: [
      { pointer: '/subject/Country', expected: 'two letters', found: '"D"', message: 'Correct it.' }
    ],
    csr: new Uint8Array([1, 2, 3]),
    station: 'station-7',
    credential: newId(),
    profile: 'starter',
    metadata: { fixture: 'F-12' },
    requestId: requestIdOf(index)
  }))
  for (let start = 0; start < rows.length; start += 100) await commit(rows.slice(start, start + 100))
  return rows.map(({ id }) => id)
}

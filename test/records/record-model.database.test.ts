import { randomBytes } from 'node:crypto'
import { Compile } from 'typebox/compile'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAuditLog } from '../../src/audit/audit-log-store.ts'
import type { Column, Columns } from '../../src/database/column.ts'
import { buildCloudEvent } from '../../src/events/cloud-event.ts'
import { eventData } from '../../src/events/event-data.ts'
import { createOutboxStore, isTold } from '../../src/events/outbox-store.ts'
import type { ExportFormat } from '../../src/exports/formats/format.ts'
import { createExportLists } from '../../src/http/api/exports/lists.ts'
import { viewRecord } from '../../src/http/api/issuances/view.ts'
import { viewRow } from '../../src/http/api/records/row.ts'
import { IssuedEntry, RejectedEntry, UnknownEntry } from '../../src/http/api/records/schemas.ts'
import { createCycleStore } from '../../src/issuance/commit/cycle-store.ts'
import { buildTbsCertificate } from '../../src/pki/certificate/tbs-certificate.ts'
import {
  certificateFacts,
  type Intent,
  intentColumns,
  intentFacts,
  issuedColumns,
  refusalColumns,
  refusalFacts,
  type RefusalRow,
  type SignedCertificate
} from '../../src/records/record-model.ts'
import { createRefusalStore } from '../../src/records/refusal-store.ts'
import { createFillStore } from '../../src/records/search/filling/fill-store.ts'
import { createFilling } from '../../src/records/search/filling/filling.ts'
import { newId } from '../../src/sources/identifier.ts'
import { subscribe } from '../events/owed.ts'
import { createTestAuthority, deviceContent } from '../pki/certificate/authority-fixture.ts'
import { type Issuing, startIssuing } from '../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

const random = (size: number) => new Uint8Array(randomBytes(size))
const time = new Date('2026-11-23T10:00:00.123Z')

/** A value that nothing else has; what must be of a certain form is put over it. */
function sample(name: string, { type }: Column): unknown {
  switch (type) {
    case 'uuid':
      return newId(time, random)
    case 'text':
      return `the ${name}`
    case 'int':
      return 7
    case 'timestamptz':
      return time
    case 'bytea':
      return random(32)
    case 'json':
    case 'jsonb':
      return { [name]: 'value' }
  }
}

const sampleRow = (columns: Columns) =>
  Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, sample(name, column)]))

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing
let intent: Intent
let certificate: SignedCertificate
let refusal: RefusalRow
let events: ReadonlyMap<string, object>

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  issuing = await startIssuing(test.database, directory.path)
  await subscribe(test.database)
  const { version } = await issuing.profiles.current('starter')
  intent = {
    ...(sampleRow(intentColumns) as unknown as Intent),
    serialNumber: Uint8Array.of(1, ...random(15)),
    tbsDer: buildTbsCertificate(deviceContent(createTestAuthority())),
    credential: issuing.station.tokenId,
    profileVersionId: version.id,
    mes: {
      name: 'plant',
      verdict: 'allow',
      at: time.toISOString(),
      message: 'go on',
      metadata: { fixture: 'F-12' },
      replaced: { fixture: 'F-11' }
    },
    authorityId: (await issuing.authorities.issuing('starter')).id
  }
  certificate = {
    ...(sampleRow(issuedColumns) as unknown as SignedCertificate),
    intentId: intent.id,
    thing: {
      thingName: 'sensor-1',
      attributes: { line: 'A7' },
      thingTypeName: null,
      thingGroups: ['sensors'],
      billingGroup: null
    }
  }
  refusal = {
    ...(sampleRow(refusalColumns) as unknown as RefusalRow),
    code: 'subject_refused',
    withheld: 'excess',
    violations: []
  }
  await makeLot(intent.lot!)
  const { commit } = createCycleStore(test.database)
  expect(await commit([{ kind: 'intent', intent }])).toMatchObject([{ kind: 'durable' }])
  expect(await commit([{ kind: 'certificate', certificate }])).toEqual([{ kind: 'recorded' }])
  await createRefusalStore(test.database).commit([refusal])
  const owed = await createOutboxStore(test.database).takeBatch(newId(time, random), 10)
  events = new Map(
    owed.filter(isTold).map(event => [event.recordId, buildCloudEvent(event, issuing.station.tokenId).data])
  )
})

async function makeLot(id: string): Promise<void> {
  const by = { createdAt: time, createdBy: 'admin/test', changedAt: time, changedBy: 'admin/test' }
  const data = { id, profile: 'starter', quantity: 1, stations: [], state: 'open', ...by }
  await test.database.prisma.lot.create({ data })
}

afterAll(async () => {
  await test.drop()
  await directory.remove()
})

interface Table {
  readonly columns: Columns
  readonly rowOf: () => object
  readonly idOf: () => string
  readonly key: string
}

const tables: readonly (readonly [string, Table])[] = [
  ['intent', { columns: intentColumns, rowOf: () => intent, idOf: () => intent.id, key: 'id' }],
  ['issued', { columns: issuedColumns, rowOf: () => certificate, idOf: () => intent.id, key: 'intent_id' }],
  ['refusal', { columns: refusalColumns, rowOf: () => refusal, idOf: () => refusal.id, key: 'id' }]
]

describe.each(tables)('the table %s', (table, { columns, rowOf, idOf, key }) => {
  it('has the columns of the model, of their types, and no others', async () => {
    const found = await test.database.prisma.$queryRaw<object[]>`
      SELECT column_name AS sql, replace(udt_name, 'int4', 'int') AS type, is_nullable = 'YES' AS "isNullable"
      FROM information_schema.columns WHERE table_schema = 'public' AND table_name = ${table}`
    expect(new Map(found.map(column => [(column as Column).sql, column]))).toEqual(
      new Map(Object.values(columns).map(column => [column.sql, { ...column }]))
    )
  })

  it('is written in every column', async () => {
    const [found] = await test.database.prisma.$queryRawUnsafe<Record<string, unknown>[]>(
      `SELECT * FROM ${table} WHERE ${key} = $1::uuid`,
      idOf()
    )
    const row = rowOf() as unknown as Record<string, unknown>
    const expected = Object.entries(columns).map(([name, { sql }]) => [sql, row[name]])
    expect(found).toEqual(Object.fromEntries(expected))
  })
})

const apiName = (name: string) => (name === 'createdAt' ? 'requestedAt' : name)
const eventName = (name: string) => (name === 'id' ? 'issuanceId' : apiName(name))
const issuanceFacts = [...Object.keys(intentFacts), ...Object.keys(certificateFacts)]

/** Shown in a column of another name, or in one where it is asked for by name alone. */
const withoutColumn = ['thing', 'violations', 'withheld', 'bodyLength', 'bodySha256']

const kinds = [
  ['an issuance', { id: () => intent.id, facts: issuanceFacts.map(apiName) }],
  ['a refusal', { id: () => refusal.id, facts: Object.keys(refusalFacts).map(apiName) }]
] as const

async function exportAs(format: ExportFormat) {
  const open = createExportLists({ records: issuing.records, auditLog: createAuditLog(test.database) })
  const asked = { of: 'issuances', format, filter: {}, fields: undefined, lines: undefined } as const
  const list = open({ ...asked, createdAt: new Date(time.getTime() + 60_000) })
  const { items } = await list.read(undefined)
  return { columns: list.columns.map(({ name }) => name), items }
}

describe('each fact', () => {
  it('has a member in the schemas of the API', () => {
    const membersOf = (names: readonly string[]) =>
      expect.objectContaining(
        Object.fromEntries(names.map(name => [apiName(name), expect.anything()]))
      ) as object
    expect(IssuedEntry.properties).toEqual(membersOf(issuanceFacts))
    expect(UnknownEntry.properties).toEqual(membersOf(Object.keys(intentFacts)))
    expect(RejectedEntry.properties).toEqual(membersOf(Object.keys(refusalFacts)))
  })

  it.each([
    ['an issuance', { id: () => intent.id, facts: issuanceFacts, schema: IssuedEntry }],
    ['a refusal', { id: () => refusal.id, facts: Object.keys(refusalFacts), schema: RejectedEntry }]
  ] as const)(
    'of %s is shown by the API, and nothing that its schema does not know',
    async (_, { id, facts, schema }) => {
      const view = viewRecord(await issuing.records.find(id()))
      expect(Object.keys(view)).toEqual(expect.arrayContaining(facts.map(apiName)))
      const unknown = Object.keys(view).filter(name => !(name in schema.properties))
      expect(unknown).toEqual([])
    }
  )

  it.each(kinds)('of %s is in lists, also of what a search finds', async (_, { id, facts }) => {
    const filling = createFilling({ store: createFillStore(test.database), clock: () => new Date() })
    while (await filling.step());
    for (const query of [{}, { lot: intent.lot! }]) {
      const { items } = await issuing.records.list({ ...query, limit: 10 })
      const record = items.find(item => item.id === id())!
      const view = viewRow(record, { fields: undefined, hidden: new Set() })
      expect(Object.keys(view)).toEqual(expect.arrayContaining([...facts]))
    }
  })

  it.each(kinds)('of %s is in files, in a column of its own', async (_, { id, facts }) => {
    const told = facts.filter(name => !withoutColumn.includes(name))
    for (const format of ['csv', 'xlsx', 'parquet'] as const) {
      const { columns, items } = await exportAs(format)
      const row = items.find(cells => cells[columns.indexOf('id')] === id())!
      expect(told.filter(name => row[columns.indexOf(name)] == null)).toEqual([])
    }
    const lines = (await exportAs('ndjson')).items.map(([line]) => line as unknown as { readonly id: string })
    expect(Object.keys(lines.find(line => line.id === id())!)).toEqual(expect.arrayContaining([...facts]))
  })

  it.each([
    ['an issuance', { type: 'mintline.issuance.issued', id: () => intent.id, facts: issuanceFacts }],
    [
      'a refusal',
      { type: 'mintline.issuance.rejected', id: () => refusal.id, facts: Object.keys(refusalFacts) }
    ]
  ] as const)('of %s is told by its event, as the schema says', (_, { type, id, facts }) => {
    const data = events.get(id())!
    const told = facts.filter(name => name !== 'templateSha256').map(eventName)
    expect(Object.keys(data)).toEqual(expect.arrayContaining(told))
    // Not every record is damaged, or of a device that came back.
    const members = Object.keys(eventData[type].properties).filter(
      name => name !== 'damaged' && name !== 'supersedes'
    )
    expect(Object.keys(data).sort()).toEqual(members.sort())
    expect(Compile(eventData[type]).Errors(data)).toEqual([])
  })
})

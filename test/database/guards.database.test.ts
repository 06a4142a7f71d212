import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let test: TestDatabase

const id = (digit: number): string => `'00000000-0000-7000-8000-00000000000${digit}'`
const sha256 = "decode(repeat('ab', 32), 'hex')"

interface IntentColumns {
  readonly serialNumber?: string
  readonly spkiSha256?: string
  readonly deviceSha256?: string
  readonly requestSha256?: string
  readonly csrDer?: string
}

function insertIntent(intentId: string, columns: IntentColumns = {}): string {
  const { serialNumber = `'\\x0${intentId.at(-2)}'`, spkiSha256 = sha256, deviceSha256 = sha256 } = columns
  const { requestSha256 = sha256, csrDer = "''" } = columns
  return `INSERT INTO intent (id, created_at, serial_number, spki_sha256, device_sha256, request_sha256, tbs_der,
      csr_der, station, token_id, profile_version_id, authority_id, metadata, request_id)
    VALUES (${intentId}, now(), ${serialNumber}, ${spkiSha256}, ${deviceSha256}, ${requestSha256}, '', ${csrDer},
      'station', ${id(1)}, ${id(1)}, ${id(1)}, '{}', 'request')`
}

interface AuthorityColumns {
  readonly line: string
  readonly state: string
  readonly generation?: number
}

const insertAuthority = (digit: number, { line, state, generation = digit }: AuthorityColumns): string =>
  `INSERT INTO authority (id, name, line, generation, state, certificate_der, issuers_der, signer, created_at)
   VALUES (${id(digit)}, 'g${digit}', '${line}', ${generation}, '${state}', '', '{}', '{}', now())`

const insertToken = (digit: number, secretSha256: string): string =>
  `INSERT INTO token (id, name, role, secret_sha256, created_at, created_by)
   VALUES (${id(digit)}, 'token', 'auditor', ${secretSha256}, now(), 'test')`

const rows = [
  insertAuthority(1, { line: 'line', state: 'active' }),
  `INSERT INTO profile_version VALUES (${id(1)}, 'profile', 1, '{}', ${sha256}, now(), 'test')`,
  insertToken(1, sha256),
  insertIntent(id(1)),
  `INSERT INTO open_intent VALUES (${id(1)})`,
  `INSERT INTO open_intent VALUES (${id(9)})`,
  `INSERT INTO issued VALUES (${id(1)}, '', ${sha256}, NULL, now())`,
  `INSERT INTO certified_key VALUES (${sha256}, 1, ${sha256}, ${id(1)})`,
  `INSERT INTO certified_device VALUES (${sha256}, 1, ${id(1)})`,
  `INSERT INTO certified_serial VALUES ('\\x01', ${id(1)})`,
  `INSERT INTO certified_id VALUES (${sha256}, ${id(1)})`,
  `INSERT INTO refusal (id, created_at, code, detail, violations, csr, station, token_id, profile_name, metadata,
     request_id)
   VALUES (${id(1)}, now(), 'csr_malformed', '', '[]', '', 'station', ${id(1)}, 'profile', '{}', 'request')`,
  `INSERT INTO authority_certificate_intent
   VALUES (${id(1)}, now(), 'admin', 'self-signed', 'line-g2', NULL, '{}', '\\x02', '')`,
  `INSERT INTO audit_event VALUES (${id(1)}, now(), 'admin', 'create', 'token')`
]

const run = (statement: string): Promise<number> => test.owner.prisma.$executeRawUnsafe(statement)

/** The SQLSTATE of the refusal. */
async function refusalOf(statement: string): Promise<unknown> {
  const error = await run(statement).then(
    () => undefined,
    (reason: unknown) => reason
  )
  const cause = (
    error as { meta?: { driverAdapterError?: { cause?: { originalCode?: string } } } } | undefined
  )?.meta
  return cause?.driverAdapterError?.cause?.originalCode
}

beforeAll(async () => {
  test = await createTestDatabase()
  // The ids of these tests are of the first moment that a UUIDv7 can tell.
  await test.owner.prisma.$queryRaw`SELECT ensure_partitions('1970-01-01', 1)`
  for (const statement of rows) await run(statement)
})

afterAll(() => test.drop())

const appendOnly = [
  ['profile_version', 'name'],
  ['intent', 'station'],
  ['issued', 'certificate_der'],
  ['void', 'reason'],
  ['release', 'reason'],
  ['certified_key', 'intent_id'],
  ['certified_device', 'intent_id'],
  ['certified_serial', 'intent_id'],
  ['certified_id', 'intent_id'],
  ['authority_certificate_intent', 'purpose'],
  ['cross_certificate', 'intent_id'],
  ['aws_registration_step', 'outcome'],
  ['refusal', 'code'],
  ['audit_event', 'actor']
] as const

describe('append-only tables', () => {
  it.each(appendOnly)('%s refuses UPDATE, DELETE and TRUNCATE', async (table, column) => {
    expect(await refusalOf(`UPDATE ${table} SET ${column} = ${column}`)).toBe('23000')
    expect(await refusalOf(`DELETE FROM ${table}`)).toBe('23000')
    expect(await refusalOf(`TRUNCATE ${table} CASCADE`)).toBe('23000')
  })

  it.each(appendOnly)('%s refuses a DELETE also while triggers are told to rest', async table => {
    const statement = `DO $$ BEGIN SET LOCAL session_replication_role = replica; DELETE FROM ${table}; END $$`
    expect(await refusalOf(statement)).toBe('23000')
  })
})

describe('rows of which one column may change', () => {
  it('an authority changes its state and nothing else, and stays', async () => {
    await run(insertAuthority(2, { line: 'changing', state: 'pending', generation: 1 }))
    await run(`UPDATE authority SET state = 'staged' WHERE id = ${id(2)}`)
    expect(await refusalOf(`UPDATE authority SET certificate_der = '\\x00' WHERE id = ${id(2)}`)).toBe(
      '23000'
    )
    expect(await refusalOf(`UPDATE authority SET signer = '{"kind":"x"}' WHERE id = ${id(2)}`)).toBe('23000')
    expect(await refusalOf(`DELETE FROM authority WHERE id = ${id(2)}`)).toBe('23000')
    expect(await refusalOf('TRUNCATE authority CASCADE')).toBe('23000')
  })

  it('a token is revoked once, changes nothing else, and stays', async () => {
    await run(insertToken(2, "decode(repeat('cd', 32), 'hex')"))
    expect(await refusalOf(`UPDATE token SET role = 'admin' WHERE id = ${id(2)}`)).toBe('23000')
    await run(`UPDATE token SET revoked_at = '2026-01-01' WHERE id = ${id(2)}`)
    expect(await refusalOf(`UPDATE token SET revoked_at = '2026-01-02' WHERE id = ${id(2)}`)).toBe('23000')
    expect(await refusalOf(`UPDATE token SET revoked_at = NULL WHERE id = ${id(2)}`)).toBe('23000')
    expect(await refusalOf(`DELETE FROM token WHERE id = ${id(2)}`)).toBe('23000')
  })

  it('an open intent can only be closed', async () => {
    expect(await refusalOf(`UPDATE open_intent SET intent_id = ${id(1)}`)).toBe('23000')
    expect(await refusalOf('TRUNCATE open_intent')).toBe('23000')
    expect(await run(`DELETE FROM open_intent WHERE intent_id = ${id(9)}`)).toBe(1)
  })
})

describe('what a row may hold', () => {
  it.each([
    ['an empty serial number', { serialNumber: "''" }],
    ['a serial number of 21 octets', { serialNumber: "decode(repeat('01', 21), 'hex')" }],
    ['a negative serial number', { serialNumber: "'\\x80'" }],
    ['a short key hash', { spkiSha256: "'\\xab'" }],
    ['a short device hash', { deviceSha256: "'\\xab'" }],
    ['a long request hash', { requestSha256: "decode(repeat('ab', 33), 'hex')" }],
    ['a CSR over 64 KiB', { csrDer: "decode(repeat('00', 65537), 'hex')" }]
  ])('%s is refused', async (_flaw, columns) => {
    expect(await refusalOf(insertIntent(id(3), columns))).toBe('23514')
  })

  it('takes the greatest serial number, the longest CSR, and a device that is its key', async () => {
    const serialNumber = `decode('7f' || repeat('ff', 19), 'hex')`
    const csrDer = "decode(repeat('00', 65536), 'hex')"
    expect(await run(insertIntent(id(4), { serialNumber, csrDer, deviceSha256: sha256 }))).toBe(1)
  })

  it.each([
    ['token', insertToken(5, "'\\xab'")],
    ['issued', `INSERT INTO issued VALUES (${id(1)}, '', '\\xab', NULL, now())`],
    ['certified_key', `INSERT INTO certified_key VALUES ('\\xab', 1, ${sha256}, ${id(1)})`],
    ['certified_device', `INSERT INTO certified_device VALUES ('\\xab', 1, ${id(1)})`],
    ['certified_id', `INSERT INTO certified_id VALUES ('\\xab', ${id(1)})`]
  ])('a hash of another length is refused in %s', async (_table, statement) => {
    expect(await refusalOf(statement)).toBe('23514')
  })
})

describe('uniqueness', () => {
  it.each([
    ['serial number', `INSERT INTO certified_serial VALUES ('\\x01', ${id(2)})`],
    ['certificate id', `INSERT INTO certified_id VALUES (${sha256}, ${id(2)})`],
    ['key', `INSERT INTO certified_key VALUES (${sha256}, 1, ${sha256}, ${id(1)})`],
    ['device', `INSERT INTO certified_device VALUES (${sha256}, 1, ${id(1)})`],
    [
      'certificate of an intent',
      `INSERT INTO issued VALUES (${id(1)}, '', decode(repeat('00', 32), 'hex'), NULL, now())`
    ],
    ['secret of a token', insertToken(6, sha256)],
    ['active generation of a line', insertAuthority(7, { line: 'line', state: 'active' })]
  ])('a second %s is refused', async (_what, statement) => {
    expect(await refusalOf(statement)).toBe('23505')
  })

  it('a line may have further generations that are not active', async () => {
    expect(await run(insertAuthority(8, { line: 'line', state: 'staged' }))).toBe(1)
    expect(await refusalOf(`UPDATE authority SET state = 'active' WHERE id = ${id(8)}`)).toBe('23505')
  })
})

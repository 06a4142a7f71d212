import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { makeCertificationRequest, makeDeviceKey } from '../../support/certification-request.ts'
import { type LinesProcess, startLinesProcess } from './lines-process.ts'

let lines: LinesProcess

beforeAll(async () => {
  lines = await startLinesProcess()
})

afterAll(() => lines.stop())

const device = (name: string, key = makeDeviceKey()) =>
  makeCertificationRequest({ Country: 'US', CommonName: name }, key)

/** Lets nothing pass that inserts such a row, kills the service with -9 once something is stuck there, starts it again. */
async function killStuck(table: 'issued' | 'audit_event', condition: string, ask: () => Promise<unknown>) {
  const { prisma } = lines.test.owner
  await prisma.$executeRawUnsafe(
    `CREATE FUNCTION get_stuck() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NEW; END'`
  )
  await prisma.$executeRawUnsafe(
    `CREATE TRIGGER stuck BEFORE INSERT ON ${table} FOR EACH ROW WHEN (${condition}) EXECUTE FUNCTION get_stuck()`
  )
  const asked = ask().catch(() => undefined)
  const stuck = () =>
    prisma.$queryRawUnsafe<{ pid: number }[]>(`
    SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`)
  await vi.waitFor(async () => expect(await stuck()).toHaveLength(1), { timeout: 10_000 })
  await lines.current().end('SIGKILL')
  await asked
  for (const { pid } of await stuck()) await prisma.$queryRaw`SELECT pg_terminate_backend(${pid}::int)`
  await vi.waitFor(async () => expect(await stuck()).toEqual([]), { timeout: 10_000 })
  await prisma.$executeRawUnsafe(`DROP TRIGGER stuck ON ${table}`)
  await prisma.$executeRawUnsafe('DROP FUNCTION get_stuck()')
  await lines.restart()
}

/** As an auditor reads it. */
async function read<Body>(path: string): Promise<Body> {
  return (await (await lines.ask('auditor', path)).json()) as Body
}

const openIntents = async () => (await read<{ items: { id: string }[] }>('/issuances?outcome=unknown')).items

const compromise = (name: string) => lines.administer(`/authorities/${name}/compromise`, { reason: 'stolen' })

describe('the compromise of one line’s CA', () => {
  const [served, open] = [device('served'), device('open')]

  it('happens as a whole or not at all, whatever is killed in the middle of it', async () => {
    expect((await lines.post('acme', served)).status).toBe(201)
    await killStuck('issued', 'true', () => lines.post('acme', open))
    expect(await openIntents()).toHaveLength(1)

    // After the step and the void, before the commit.
    await killStuck('audit_event', `NEW.act = 'issuance.void'`, () => compromise('acme-g1'))
    expect(await openIntents()).toHaveLength(1)
    expect((await lines.readiness('?line=acme')).status).toBe(200)
    const { auditEvent, void: voids } = lines.test.database.prisma
    expect(await voids.count()).toBe(0)
    expect(await auditEvent.count({ where: { act: 'authority.compromised' } })).toBe(0)
  })

  it('ends what is open as void, with its audit event, and leaves the other line serving', async () => {
    const [intent] = await openIntents()
    await compromise('acme-g1')
    expect(await openIntents()).toEqual([])
    expect(await read(`/issuances/${intent!.id}`)).toMatchObject({
      outcome: 'void',
      reason: 'acme-g1 was declared compromised: stolen',
      voidedBy: expect.stringMatching(/^admin\//) as string
    })
    const where = { act: 'issuance.void', subject: `issuance/${intent!.id}` }
    const events = await lines.test.database.prisma.auditEvent.findMany({ where })
    expect(events).toMatchObject([
      {
        reason: 'acme-g1 was declared compromised: stolen',
        before: { authority: 'acme-g1', profile: 'acme', state: 'unknown' },
        after: { state: 'void' }
      }
    ])

    expect((await lines.post('starter', device('neighbour'))).status).toBe(201)
    const refused = await lines.post('acme', device('new'))
    expect(refused).toMatchObject({ status: 503, body: { code: 'authority_unavailable' } })
    expect(refused.body.detail).toContain('acme-g1 is compromised')
    expect(Number(refused.retryAfter)).toBeGreaterThan(0)
    const { status, checks } = await lines.readiness()
    expect(status).toBe(200)
    expect(checks.lines).toMatchObject([
      { name: 'acme', ready: false, reason: expect.stringContaining('acme-g1 is compromised') as string },
      { name: 'starter', ready: true }
    ])
  })

  it('keeps what was issued from being handed out, and shows it to auditors with a mark', async () => {
    const retry = await lines.post('acme', served)
    expect(retry).toMatchObject({ status: 410, body: { code: 'certificate_compromised' } })
    expect(retry.body.detail).toContain('once an administrator has activated another generation')
    const { earlierIssuance, issuanceId } = retry.body
    expect(await read(`/issuances/${issuanceId}`)).toMatchObject({
      outcome: 'rejected',
      code: 'certificate_compromised'
    })
    expect(await read(`/issuances/${earlierIssuance?.id}`)).toMatchObject({
      outcome: 'issued',
      compromised: true,
      certificatePem: expect.stringContaining('BEGIN CERTIFICATE') as string
    })
  })

  it('lets devices out by the next generation, and survives a kill -9 on the way', async () => {
    await lines.addGeneration('acme', 2)
    const gotOut = await lines.post('acme', open)
    expect(gotOut).toMatchObject({ status: 201, body: { authority: 'acme-g2', replayed: false } })
    expect(await lines.post('acme', open)).toMatchObject({
      status: 200,
      body: { replayed: true, serialNumber: gotOut.body.serialNumber }
    })

    // The same request gets the device's next certificate.
    await killStuck('issued', 'true', () => lines.post('acme', served))
    const first = await lines.post('acme', served)
    expect(first).toMatchObject({ body: { authority: 'acme-g2' } })
    expect(await lines.post('acme', served)).toMatchObject({ status: 200, body: { id: first.body.id } })
    expect(await lines.post('acme', device('served'))).toMatchObject({
      status: 409,
      body: { code: 'device_already_certified' }
    })
  })
})

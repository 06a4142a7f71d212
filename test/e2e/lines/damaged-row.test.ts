import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { type LinesProcess, startLinesProcess } from './lines-process.ts'

let lines: LinesProcess

beforeAll(async () => {
  lines = await startLinesProcess()
})

afterAll(() => lines.stop())

const device = (name: string) => makeCertificationRequest({ Country: 'US', CommonName: name })

/** What only the owner of the tables, or the disk, can do. */
async function writeCertificate(name: string, certificateDer: Uint8Array): Promise<void> {
  const { prisma } = lines.test.owner
  await prisma.$executeRaw`ALTER TABLE authority DISABLE TRIGGER only_state_changes`
  await prisma.$executeRaw`UPDATE authority SET certificate_der = ${certificateDer} WHERE name = ${name}`
  await prisma.$executeRaw`ALTER TABLE authority ENABLE ALWAYS TRIGGER only_state_changes`
}

describe('a line whose CA certificate is damaged in the database', () => {
  it('is told of by name, the others serve, and it is well again when the row is', async () => {
    const { certificateDer } = await lines.test.database.prisma.authority.findUniqueOrThrow({
      where: { name: 'acme-g1' }
    })
    await writeCertificate('acme-g1', certificateDer!.subarray(0, 80))
    await lines.restart()
    expect(lines.current().output()).toMatch(/"line":"acme".*acme-g1 in the database is damaged/)

    expect((await lines.post('starter', device('beside-damaged'))).status).toBe(201)
    const refused = await lines.post('acme', device('damaged'))
    expect(refused).toMatchObject({ status: 503, body: { code: 'authority_unavailable' } })
    expect(refused.body.detail).toContain('acme-g1 in the database is damaged')
    expect(Number(refused.retryAfter)).toBeGreaterThan(0)
    const { status, ready, checks } = await lines.readiness()
    expect({ status, ready }).toEqual({ status: 200, ready: true })
    expect(checks.lines).toEqual([
      { name: 'acme', ready: false, reason: expect.stringContaining('acme-g1 in the database') as string },
      { name: 'starter', ready: true }
    ])
    expect(await lines.readiness('?line=acme')).toMatchObject({ status: 503, ready: false })

    await writeCertificate('acme-g1', certificateDer!)
    await expect.poll(async () => (await lines.post('acme', device('damaged'))).status).toBe(201)
    expect(await lines.readiness('?line=acme')).toMatchObject({ status: 200, ready: true })
  })
})

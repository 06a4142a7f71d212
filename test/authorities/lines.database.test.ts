import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLines } from '../../src/authorities/lines.ts'
import {
  act,
  createTestAdministration,
  obstaclesOf,
  selfSigned
} from '../support/authority-administration.ts'
import { startTestAdministration, type TestAdministration } from '../support/test-administration.ts'

let parts: TestAdministration

beforeAll(async () => {
  parts = await startTestAdministration()
})

afterAll(() => parts.stop())

describe('a line', () => {
  it('that cannot issue stops no other, and each says why', async () => {
    await parts.activeGeneration('serving')
    const betrayed = await parts.activeGeneration('betrayed')
    await parts.administration.compromise(betrayed, act)
    await parts.administration.create(selfSigned('waiting'), act)
    const states = await createLines(parts.authorities, () => new Date()).judgeAll()
    const stateOf = (name: string) => states.find(({ line }) => line === name)
    expect(stateOf('serving')).toEqual({ line: 'serving', authority: 'serving-g1', obstacle: undefined })
    for (const [line, found] of [
      ['betrayed', 'betrayed-g1 is compromised'],
      ['waiting', 'waiting-g1 is staged']
    ] as const) {
      expect(stateOf(line)).toMatchObject({
        authority: undefined,
        obstacle: { code: 'authority_unavailable' }
      })
      expect(stateOf(line)?.obstacle?.detail).toContain(found)
    }
  })

  it('cannot issue once its CA has ended', async () => {
    await parts.activeGeneration('ended')
    const inAHundredYears = new Date(Date.now() + 100 * 365.25 * 86_400_000)
    expect(await obstaclesOf(parts.authorities, inAHundredYears)).toMatchObject({
      ended: 'authority_expires_first'
    })
  })

  it('whose key store never answers keeps nobody waiting', async () => {
    const name = await parts.activeGeneration('hanging')
    const hanging = parts.authorities.list().find(each => each.name === name)!
    const isHanging = (reference: object) =>
      JSON.stringify(reference) === JSON.stringify(hanging.signerReference)
    const other = createTestAdministration(parts.test.database, parts.data.path, {
      wrapOpener: open => async reference =>
        isHanging(reference) ? new Promise<never>(() => undefined) : open(reference)
    })
    await other.authorities.refresh()
    const start = performance.now()
    expect(await obstaclesOf(other.authorities)).toMatchObject({
      hanging: 'signer_unavailable',
      serving: undefined
    })
    expect(performance.now() - start).toBeLessThan(6_000)
  })

  it('whose row is damaged stops no other, and is well when the row is', async () => {
    await parts.activeGeneration('beside')
    const name = await parts.activeGeneration('damaged')
    const staged = await parts.administration.create(selfSigned('damaged'), act)
    const { prisma } = parts.test.owner
    const { id, certificateDer } = await prisma.authority.findUniqueOrThrow({ where: { name } })
    const write = async (der: Uint8Array) => {
      await prisma.$executeRaw`ALTER TABLE authority DISABLE TRIGGER only_state_changes`
      await prisma.$executeRaw`UPDATE authority SET certificate_der = ${der} WHERE id = ${id}::uuid`
      await prisma.$executeRaw`ALTER TABLE authority ENABLE ALWAYS TRIGGER only_state_changes`
      await parts.authorities.refresh()
    }
    for (const der of [new Uint8Array(), Uint8Array.of(1, 2, 3), certificateDer!.subarray(0, 80)]) {
      await write(der)
      expect(await obstaclesOf(parts.authorities)).toMatchObject({
        damaged: 'authority_unavailable',
        beside: undefined
      })
      const lines = createLines(parts.authorities, () => new Date())
      const { authority, obstacle } = await lines.judge('damaged')
      expect(authority).toBe(name)
      expect(obstacle?.detail).toContain(`${name} in the database is damaged`)
      await expect(parts.authorities.issuing('damaged')).rejects.toMatchObject({
        code: 'authority_unavailable'
      })
      await expect(parts.authorities.issuingById(id)).rejects.toMatchObject({ code: 'authority_unavailable' })
      await expect(parts.authorities.find(id)).rejects.toMatchObject({ code: 'authority_unavailable' })
      expect((await parts.authorities.issuing('beside')).name).toBe('beside-g1')
    }
    // The way out that the message names.
    await parts.administration.activate(staged, act)
    expect((await parts.authorities.issuing('damaged')).name).toBe(staged)
    await write(certificateDer!)
    expect(await obstaclesOf(parts.authorities)).toMatchObject({ damaged: undefined })
    expect((await parts.authorities.find(id)).name).toBe(name)
  })

  it('is named, or refused when there is none of that name', async () => {
    const lines = createLines(parts.authorities, () => new Date())
    expect(await lines.judge('serving')).toMatchObject({ line: 'serving', obstacle: undefined })
    await expect(lines.judge('nowhere')).rejects.toMatchObject({ code: 'authority_not_found' })
  })
})

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

  it('is named, or refused when there is none of that name', async () => {
    const lines = createLines(parts.authorities, () => new Date())
    expect(await lines.judge('serving')).toMatchObject({ line: 'serving', obstacle: undefined })
    await expect(lines.judge('nowhere')).rejects.toMatchObject({ code: 'authority_not_found' })
  })
})

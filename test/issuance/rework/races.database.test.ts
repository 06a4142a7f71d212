import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDatabase, type Database } from '../../../src/database/database.ts'
import { isMintlineError } from '../../../src/errors/mintline-error.ts'
import { makeDeviceKey } from '../../support/certification-request.ts'
import { type Issuing, startIssuing } from '../../support/issuing.ts'
import { breaches, device, insist, openRework, type Rework } from './rework-test.ts'

let rework: Rework
let databases: Database[]
let processes: Issuing[]
let made = 0

beforeAll(async () => {
  rework = await openRework()
  await rework.postProfile('supersede', { reissue: 'supersede' })
  await rework.postProfile('same-key', { reissue: 'supersede', sameKey: 'allow' })
  await rework.openLot('raced', 'supersede', 1_000)
  databases = [1, 2].map(() => createDatabase({ connectionString: rework.connectionString, poolSize: 3 }))
  processes = await Promise.all(databases.map(each => startIssuing(each, rework.directory)))
})

afterAll(async () => {
  expect(await rework.prisma.$queryRawUnsafe(breaches)).toEqual([])
  await Promise.all(databases.map(database => database.close()))
  await rework.close()
})

let who = ''
beforeEach(() => {
  who = `raced-${++made}`
})

/** Through both processes in turns: certificates that were issued, of replays, and codes of refusals. */
async function askAll(csrs: readonly Uint8Array[], profile: string) {
  const answers = await Promise.all(
    csrs.map(async (csr, index) =>
      insist(() => processes[index % 2]!.issue(csr, profile)).catch((error: unknown) => {
        if (isMintlineError(error)) return error
        throw error
      })
    )
  )
  const served = answers.flatMap(answer => (isMintlineError(answer) ? [] : [answer]))
  return {
    issued: served.filter(({ replayed }) => !replayed).map(({ record }) => record.id),
    replayed: served.filter(({ replayed }) => replayed).map(({ record }) => record.id),
    refused: answers.flatMap(answer => (isMintlineError(answer) ? [answer.code] : []))
  }
}

const standing = async () =>
  rework.prisma.$queryRaw<{ id: string }[]>`
    SELECT id::text FROM intent JOIN issued ON issued.intent_id = id
    WHERE csr_der IS NOT NULL AND id NOT IN (SELECT intent_id FROM revocation)
      AND device_sha256 IN (SELECT device_sha256 FROM intent WHERE metadata ->> 'raced' = ${who})`

const first = async (profile: string, csr = device(who)) =>
  (
    await rework.issuing.issue(csr, profile, {
      metadata: { raced: who },
      ...(profile === 'supersede' && { lot: 'raced' })
    })
  ).record

describe('one released device', () => {
  it('gets one certificate of a hundred new keys at once, in two processes', async () => {
    const { id } = await first('supersede')
    await rework.release(id)
    const { issued, replayed, refused } = await askAll(
      Array.from({ length: 100 }, () => device(who)),
      'supersede'
    )
    expect([issued.length + replayed.length, refused.length]).toEqual([1, 99])
    expect(new Set(refused)).toEqual(new Set(['device_already_certified']))
    expect(await standing()).toEqual([{ id: [...issued, ...replayed][0] }])
  })

  it('gets one certificate for the key it has, however often it is asked for at once', async () => {
    const csr = device(who, makeDeviceKey())
    const { id } = await first('same-key', csr)
    await rework.release(id)
    const { issued, replayed, refused } = await askAll(
      Array.from({ length: 60 }, () => csr),
      'same-key'
    )
    expect([issued.length, refused]).toEqual([1, []])
    expect(new Set(replayed)).toEqual(new Set(issued))
    expect(await standing()).toEqual([{ id: issued[0] }])
  })

  it('gets one certificate or none where it is released while it is asked for', async () => {
    let [certified, refusedOften] = [0, 0]
    for (let round = 0; round < 15; round++) {
      who = `raced-${++made}`
      const { id } = await first('supersede')
      const [{ issued, refused }] = await Promise.all([
        askAll(
          Array.from({ length: 4 }, () => device(who)),
          'supersede'
        ),
        rework.release(id)
      ])
      expect(issued.length).toBeLessThanOrEqual(1)
      expect(issued.length + refused.length).toBe(4)
      expect(await standing()).toEqual([{ id: issued[0] ?? id }])
      if (issued.length === 1) certified++
      else refusedOften++
    }
    expect(certified + refusedOften).toBe(15)
  })

  it('is scrapped or has its next certificate, never both', async () => {
    const seen = { scrapped: 0, succeeded: 0 }
    for (let round = 0; round < 40; round++) {
      who = `raced-${++made}`
      const { id } = await first('supersede')
      await rework.release(id)
      const [{ issued }, scrapped] = await Promise.all([
        askAll([device(who)], 'supersede'),
        rework.scrap(id).then(
          () => true,
          () => false
        )
      ])
      expect(issued.length).toBe(scrapped ? 0 : 1)
      if (scrapped) seen.scrapped++
      else seen.succeeded++
    }
    expect(seen.scrapped + seen.succeeded).toBe(40)
  })
})

describe('many released devices of a lot', () => {
  it('move their places along, each once, in two processes', async () => {
    const before = await rework.issuing.core.lots.find('raced')
    const names = Array.from({ length: 50 }, () => `raced-${++made}`)
    for (const each of names) {
      const { record } = await rework.issuing.issue(device(each), 'supersede', { lot: 'raced' })
      await rework.release(record.id)
    }
    const { issued } = await askAll(
      names.flatMap(each => [device(each), device(each)]),
      'supersede'
    )
    expect(issued).toHaveLength(50)
    expect(await rework.issuing.core.lots.find('raced')).toMatchObject({
      issued: before.issued + 50,
      taken: before.taken + 50
    })
  })
})

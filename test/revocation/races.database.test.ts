import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDatabase, type Database } from '../../src/database/database.ts'
import { isMintlineError } from '../../src/errors/mintline-error.ts'
import {
  breaches,
  device,
  insist,
  leaveOpen,
  openRework,
  refusalOf,
  type Rework
} from '../issuance/rework/rework-test.ts'
import { act } from '../support/authority-administration.ts'
import { makeDeviceKey } from '../support/certification-request.ts'
import { type Issuing, startIssuing } from '../support/issuing.ts'
import { findBreaches, openRevoking, type Revoking } from './revoking.ts'

let rework: Rework
let databases: Database[]
let processes: (Issuing & { readonly revoking: Revoking })[]
let who = ''
let made = 0

beforeAll(async () => {
  rework = await openRework()
  await rework.postProfile('supersede', { reissue: 'supersede' })
  databases = [1, 2].map(() => createDatabase({ connectionString: rework.connectionString, poolSize: 4 }))
  processes = await Promise.all(
    databases.map(async each => {
      const issuing = await startIssuing(each, rework.directory)
      return { ...issuing, revoking: openRevoking(issuing) }
    })
  )
})
afterAll(async () => {
  await Promise.all(databases.map(database => database.close()))
  await rework.close()
})
beforeEach(() => {
  who = `raced-${++made}`
})
afterEach(async () => {
  expect(await findBreaches(rework)).toEqual([])
  expect(await rework.prisma.$queryRawUnsafe(breaches)).toEqual([])
})

const rounds = 20

/** What became of it: a code, or what was answered. @throws what is no refusal. */
async function settle<Answer>(work: () => Promise<Answer>): Promise<Answer | string> {
  return insist(work).catch((error: unknown) => {
    if (isMintlineError(error)) return error.code
    throw error
  })
}

const isNew = (answer: { readonly isNew: boolean } | string) => typeof answer !== 'string' && answer.isNew
const actsOf = (intentId: string) =>
  rework.prisma.revocationAct.findMany({ where: { intentId }, orderBy: { step: 'asc' } })

describe('of two processes', () => {
  it('a hundred revocations for two reasons leave one, and each is told what is so', async () => {
    const { id } = (await rework.issuing.issue(device(who))).record
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        settle(() =>
          processes[index % 2]!.revoking.revokeFor(
            id,
            index % 4 < 2 ? 'privilegeWithdrawn' : 'affiliationChanged'
          )
        )
      )
    )
    // Who has written it and gets no answer, since the machine is busy, asks again: then it is so already.
    expect(answers.filter(isNew).length).toBeLessThanOrEqual(1)
    expect(answers.filter(answer => answer === 'revocation_conflict')).toHaveLength(50)
    expect(await actsOf(id)).toHaveLength(1)
  })

  it('one revokes while the other hands out: what is asked for afterwards is refused', async () => {
    for (let round = 0; round < rounds; round++) {
      const csr = device(`${who}-${round}`)
      const { id } = (await rework.issuing.issue(csr)).record
      const [first, second] = [processes[round % 2]!, processes[(round + 1) % 2]!]
      const answers = await Promise.all([
        settle(() => first.revoking.revokeFor(id)),
        ...Array.from({ length: 4 }, () => settle(() => second.issue(csr)))
      ])
      for (const answer of answers.slice(1))
        expect(typeof answer === 'string' ? answer : 'served').toMatch(/^(certificate_revoked|served)$/)
      expect((await refusalOf(second.issue(csr))).code).toBe('certificate_revoked')
    }
  })

  it('one revokes while the other completes what was begun: it has a certificate, or none for ever', async () => {
    for (let round = 0; round < rounds; round++) {
      const csr = device(`${who}-${round}`)
      const id = await leaveOpen(rework, stuck => stuck.issue(csr))
      const [first, second] = [processes[round % 2]!, processes[(round + 1) % 2]!]
      const pause = new Promise(resolve => setTimeout(resolve, (round % 5) * 4))
      const [revoked, completed] = await Promise.all([
        pause.then(() => settle(() => first.revoking.revokeFor(id))),
        settle(() => second.issue(csr))
      ])
      expect(isNew(revoked)).toBe(true)
      const { stateBefore } = (await actsOf(id))[0]!
      expect(stateBefore).toMatch(/^(good|unissued)$/)
      expect(await rework.prisma.issued.count({ where: { intentId: id } })).toBe(
        stateBefore === 'good' ? 1 : 0
      )
      if (stateBefore === 'unissued') expect(completed).toBe('certificate_revoked')
      expect((await refusalOf(second.issue(csr))).code).toBe('certificate_revoked')
    }
  })

  it('one revokes or holds while the other scraps: both are on record, in one order', async () => {
    for (let round = 0; round < rounds; round++) {
      const { id } = (await rework.issuing.issue(device(`${who}-${round}`))).record
      const { revoking } = processes[round % 2]!
      const isRevoked = round % 4 < 2
      const [answer] = await Promise.all([
        settle(() =>
          isRevoked
            ? revoking.revokeFor(id, 'keyCompromise')
            : revoking.hold(id, { ...act, reason: 'missing' })
        ),
        rework.scrap(id)
      ])
      const acts = (await actsOf(id)).map(each => each.act)
      if (isRevoked) expect([['revoke'], ['end', 'revoke']]).toContainEqual(acts)
      else expect(acts).toEqual(isNew(answer) ? ['hold', 'end'] : ['end'])
      expect(await rework.issuing.records.find(id)).toMatchObject({
        scrap: {},
        revocation: { revocationReason: isRevoked ? 'keyCompromise' : 'cessationOfOperation' }
      })
    }
  })

  it('one holds and the other takes off hold, again and again: the acts take turns', async () => {
    const { id } = (await rework.issuing.issue(device(who))).record
    const note = { ...act, reason: 'looked for' }
    await Promise.all(
      Array.from({ length: 60 }, (_, index) => {
        const { revoking } = processes[index % 2]!
        return settle(() => (index % 3 === 0 ? revoking.unhold(id, note) : revoking.hold(id, note)))
      })
    )
    const acts = (await actsOf(id)).map(each => each.act)
    expect(acts.length).toBeGreaterThan(0)
    expect(acts).toEqual(acts.map((_, index) => (index % 2 === 0 ? 'hold' : 'unhold')))
  })

  it('one revokes what the other replaces: the device has the next one, and the first is revoked', async () => {
    for (let round = 0; round < rounds; round++) {
      const name = `${who}-${round}`
      const { id } = (await rework.issuing.issue(device(name, makeDeviceKey()), 'supersede')).record
      await rework.release(id)
      const [first, second] = [processes[round % 2]!, processes[(round + 1) % 2]!]
      const [revoked, next] = await Promise.all([
        settle(() => first.revoking.revokeFor(id, 'keyCompromise')),
        settle(() => second.issue(device(name, makeDeviceKey()), 'supersede'))
      ])
      expect(isNew(revoked)).toBe(true)
      // It was released before: that stands.
      expect(next).toMatchObject({ replayed: false })
      expect(await rework.issuing.records.find(id)).toMatchObject({
        supersession: {},
        revocation: { revocationReason: 'keyCompromise' }
      })
    }
  })

  it('one holds what the other replaces: held, or replaced, never both', async () => {
    for (let round = 0; round < rounds; round++) {
      const name = `${who}-${round}`
      const { id } = (await rework.issuing.issue(device(name, makeDeviceKey()), 'supersede')).record
      await rework.release(id)
      const [first, second] = [processes[round % 2]!, processes[(round + 1) % 2]!]
      const [held, next] = await Promise.all([
        settle(() => first.revoking.hold(id, { ...act, reason: 'missing' })),
        settle(() => second.issue(device(name, makeDeviceKey()), 'supersede'))
      ])
      const { supersession, hold } = (await rework.issuing.records.find(id)) as {
        supersession?: object
        hold?: object
      }
      expect({ held: isNew(held), next: typeof next }).toEqual(
        supersession === undefined
          ? { held: true, next: 'string' }
          : // It was held when the next was begun, and taken as begun before.
            { held: isNew(held), next: 'object' }
      )
      expect([supersession, hold].filter(each => each !== undefined)).toHaveLength(1)
    }
  })

  it('an order and single acts upon the same certificates revoke each once', async () => {
    const ids: string[] = []
    for (let index = 0; index < 40; index++)
      ids.push((await rework.issuing.issue(device(`${who}-${index}`))).record.id)
    const { id: order } = await processes[0]!.revoking.place({ ids })
    await Promise.all([
      processes[0]!.revoking.run(order),
      processes[1]!.revoking.run(order),
      ...ids.map((id, index) =>
        index % 2 === 0
          ? settle(() => processes[1]!.revoking.revokeFor(id, 'affiliationChanged'))
          : rework.scrap(id)
      )
    ])
    const revoked = { act: 'revoke', intentId: { in: ids } }
    expect(await rework.prisma.revocationAct.count({ where: revoked })).toBe(40)
    const { done, failed, finishedAt } = await processes[0]!.revoking.orders.find(order)
    expect([await rework.prisma.revocationAct.count({ where: { orderId: order } }), failed]).toEqual([
      done,
      0
    ])
    expect(finishedAt).not.toBeNull()
  })
})

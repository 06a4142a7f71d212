import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createAuthorityServices } from '../../../src/composition/authority-services.ts'
import { crlDutyOptions } from '../../../src/composition/status/crl.ts'
import { MintlineError } from '../../../src/errors/mintline-error.ts'
import type { OpenSigner } from '../../../src/signing/signers/open-signer.ts'
import type { Signer } from '../../../src/signing/signers/signer.ts'
import { newId } from '../../../src/sources/identifier.ts'
import { allParts } from '../../../src/status/crl/scope.ts'
import { act, selfSigned } from '../../support/authority-administration.ts'
import { type Issuing, startIssuing } from '../../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { openMaking } from './making-crls.ts'

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing
let administration: ReturnType<typeof createAuthorityServices>['administration']
let making: ReturnType<typeof openMaking>

/** `old-g1` is retired, so that its key is opened for each CRL: by what a test gives. `lost-g1` and `new-g1` issue. */
beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  issuing = await startIssuing(test.database, directory.path)
  const listRegistrationGaps = async () => []
  administration = createAuthorityServices(issuing.core, { listRegistrationGaps }).administration
  making = openMaking(issuing.core)
  for (const line of ['old', 'old', 'new', 'lost'])
    await administration.activate(await administration.create(selfSigned(line), act), act)
  await administration.retire('old-g1', { abandon: false }, act)
  await making.step()
})
afterAll(async () => {
  await test.drop()
  await directory.remove()
})

const away = new MintlineError('signer_unavailable', 'The key is away.')

/** Opens keys whose signers are changed. */
function opening(change: (signer: Signer) => Partial<Signer>): OpenSigner {
  return async reference => {
    const signer = await issuing.core.openSigner(reference)
    return { ...signer, close: () => signer.close(), ...change(signer) }
  }
}

const authorityOf = (name: string) => test.database.prisma.authority.findFirstOrThrow({ where: { name } })
const numberOf = async (name: string) => (await making.read(name)).number

async function change(name: string, count = 1): Promise<void> {
  const { id } = await authorityOf(name)
  await test.owner.prisma.$executeRaw`
    INSERT INTO crl_change (authority_id) SELECT ${id}::uuid FROM generate_series(1, ${count}::int)`
}

const taken = async (name: string) => {
  const { id: authorityId } = await authorityOf(name)
  return {
    numbers: await test.database.prisma.crlNumber.count({ where: { authorityId } }),
    intents: await test.database.prisma.crlIntent.count({ where: { authorityId } }),
    crls: await test.database.prisma.crl.count({ where: { intent: { authorityId } } })
  }
}

describe('a generation whose key is away', () => {
  const isAway = { assertUsable: () => Promise.reject(away) }

  it('hides nothing of the others, however many changes wait for it', async () => {
    await change('old-g1', 60_000)
    await change('new-g1')
    const before = await numberOf('new-g1')
    await openMaking(issuing.core, { openSigner: opening(() => isAway) }).step()
    expect(await numberOf('new-g1')).toBeGreaterThan(before)
    await making.step()
    await making.step()
    expect(await test.database.prisma.crlChange.count()).toBe(0)
  })

  it('has no list made that nobody could sign', async () => {
    await change('old-g1')
    const before = await taken('old-g1')
    await openMaking(issuing.core, { openSigner: opening(() => isAway) }).step()
    expect(await taken('old-g1')).toEqual(before)
  })

  it('leaves an intent where it goes after that, which is never signed', async () => {
    const before = await taken('old-g1')
    const failing = openMaking(issuing.core, {
      openSigner: opening(() => ({ sign: () => Promise.reject(away) }))
    })
    await failing.step()
    expect(failing.troubles).toMatchObject([{ err: { code: 'signer_unavailable' } }])
    expect(await taken('old-g1')).toEqual({
      numbers: before.numbers + 1,
      intents: before.intents + 1,
      crls: before.crls
    })
    await making.step()
    expect(await taken('old-g1')).toEqual({
      numbers: before.numbers + 2,
      intents: before.intents + 2,
      crls: before.crls + 1
    })
  })

  it('is asked less often the longer a try takes', async () => {
    let atMs = 0
    let asked = 0
    const assertUsable = () => {
      asked += 1
      atMs += 60_000
      return Promise.reject(away)
    }
    const slow = openMaking(issuing.core, {
      openSigner: opening(() => ({ assertUsable })),
      stopwatch: () => atMs
    })
    await change('old-g1')
    await slow.step()
    atMs += 290_000
    await slow.step()
    expect(asked).toBe(1)
    atMs += 10_000
    await slow.step()
    expect(asked).toBe(2)
    await making.step()
  })

  it('holds up no other while it is waited for', async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    const sign = (signer: Signer) => async (der: Uint8Array) => {
      await released
      return signer.sign(der)
    }
    const slow = openMaking(issuing.core, { openSigner: opening(signer => ({ sign: sign(signer) })) })
    const [old, fresh] = [await numberOf('old-g1'), await numberOf('new-g1')]
    await change('old-g1')
    await slow.begin()
    for (const round of [1, 2]) {
      await change('new-g1')
      const { id: authorityId } = await authorityOf('new-g1')
      await vi.waitFor(
        async () => {
          await slow.begin()
          expect(await test.database.prisma.crlChange.count({ where: { authorityId } })).toBe(0)
        },
        { timeout: 60_000, interval: 100 }
      )
      expect(await numberOf('new-g1'), `round ${round}`).toBeGreaterThan(fresh)
    }
    expect(await numberOf('old-g1')).toBe(old)
    release()
    await slow.duty.settled()
    expect(await numberOf('old-g1')).toBeGreaterThan(old)
  })
})

describe('a generation that is compromised', () => {
  const compromise = async () =>
    test.owner.prisma.$executeRaw`UPDATE authority SET state = 'compromised' WHERE name = 'lost-g1'`

  it('gets no record of what was signed meanwhile', async () => {
    const { store } = crlDutyOptions(issuing.core)
    const before = await taken('lost-g1')
    await change('lost-g1')
    const overtaken = openMaking(issuing.core, {
      store: {
        ...store,
        async insert(intent) {
          const inserted = await store.insert(intent)
          await compromise()
          return inserted
        }
      }
    })
    await overtaken.step()
    expect(overtaken.troubles).toEqual([])
    expect(await taken('lost-g1')).toMatchObject({ intents: before.intents + 1, crls: before.crls })
  })

  it('has no CRL made by a process that has not heard of it', async () => {
    expect(issuing.authorities.list().find(({ name }) => name === 'lost-g1')?.state).toBe('active')
    const before = await taken('lost-g1')
    await change('lost-g1')
    await making.step()
    expect(await taken('lost-g1')).toEqual(before)
    expect(await test.database.prisma.crlChange.count()).toBe(0)
  })

  it('gets no intent, whoever asks', async () => {
    const { store } = crlDutyOptions(issuing.core)
    const { id: authorityId } = await authorityOf('lost-g1')
    const createdAt = new Date()
    const number = await store.takeNumber({ authorityId, ...allParts }, createdAt)
    const id = newId(createdAt, issuing.core.randomBytes)
    const tbsDer = Uint8Array.of(0x30, 0)
    await store.writeChunk(id, 0, tbsDer)
    const nextUpdate = new Date(createdAt.getTime() + 60_000)
    const period = { number, createdAt, thisUpdate: createdAt, nextUpdate }
    const rest = { entries: 0, finalEntries: 0, tbsDer, tbsSha256: new Uint8Array(32) }
    expect(await store.insert({ id, authorityId, ...allParts, ...period, ...rest })).toBeUndefined()
  })
})

it('octets of nobody go within one turn, however many there are', async () => {
  const long = newId(new Date(Date.now() - 3_600_000), issuing.core.randomBytes)
  await test.owner.prisma.$executeRaw`
    INSERT INTO crl_chunk (intent_id, position, octets) SELECT ${long}::uuid, n, '\\x30' FROM generate_series(1, 450) AS n`
  await making.step()
  expect(await test.database.prisma.crlChunk.count({ where: { intentId: long } })).toBe(0)
})

import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPermitStore } from '../../../../src/authorities/token-logins/permit-store.ts'
import { createLoginPermits } from '../../../../src/authorities/token-logins/permits.ts'
import type { Login } from '../../../../src/signing/signers/pkcs11/pins/login-judgement.ts'
import { createPinStore, type PinStore } from '../../../../src/signing/signers/pkcs11/pins/pin-store.ts'
import { createTestDatabase, type TestDatabase } from '../../../support/test-database.ts'

let test: TestDatabase
let store: PinStore
let elsewhere: PinStore

beforeAll(async () => {
  test = await createTestDatabase()
  store = createPinStore(test.database)
  elsewhere = createPinStore(test.database)
})
afterAll(() => test.drop())

let tokens = 0
const makeLogin = (): Login => ({
  tokenLabel: `token-${tokens++}`,
  tokenSerial: '1',
  mark: randomBytes(32),
  markKeyId: Buffer.alloc(8, 1),
  triesLeft: 'all'
})
const withOtherPin = (login: Login): Login => ({ ...login, mark: randomBytes(32) })

describe('the record of PINs', () => {
  it('withholds a PIN that was refused, in each process, and takes the next', async () => {
    const login = makeLogin()
    expect(await store.admit(login)).toEqual({ kind: 'allowed' })
    await store.settle(login, 'refused')
    for (const each of [store, elsewhere]) expect(await each.admit(login)).toMatchObject({ kind: 'withheld' })
    expect(await elsewhere.admit(withOtherPin(login))).toEqual({ kind: 'allowed' })
  })

  it('lets one of many processes that start at once try the PIN', async () => {
    const login = makeLogin()
    const processes = Array.from({ length: 8 }, () => createPinStore(test.database))
    const verdicts = await Promise.all(processes.map(each => each.admit(login)))
    expect(verdicts.map(({ kind }) => kind).sort()).toEqual(['allowed', ...Array<string>(7).fill('waits')])
  })

  it('counts a refusal no more once the token has taken a PIN', async () => {
    const login = makeLogin()
    await store.admit(login)
    await store.settle(login, 'refused')
    const ofOtherKey = { ...withOtherPin(login), markKeyId: Buffer.alloc(8, 2) }
    expect(await elsewhere.admit(ofOtherKey)).toMatchObject({ kind: 'withheld' })
    const right = withOtherPin(login)
    await store.admit(right)
    await store.settle(right, 'accepted')
    expect(await elsewhere.admit(ofOtherKey)).toEqual({ kind: 'allowed' })
    expect(await store.admit(login)).toMatchObject({ kind: 'withheld' })
  })

  it('is of the newest few attempts at a token', async () => {
    const first = makeLogin()
    for (let pin = 0; pin < 40; pin++) {
      const login = pin === 0 ? first : withOtherPin(first)
      await store.admit(login)
      await store.settle(login, 'refused')
    }
    const where = { tokenLabel: first.tokenLabel }
    expect(await test.database.prisma.pinAttempt.count({ where })).toBe(32)
  })
})

describe('a permit', () => {
  const permit = (tokenLabel: string) =>
    createLoginPermits({
      store: createPermitStore(test.database),
      clock: () => new Date(),
      randomBytes
    }).permit(tokenLabel, { actor: 'admin/test', reason: 'a test' })

  async function makeRefused(): Promise<Login> {
    const login = makeLogin()
    await store.admit(login)
    await store.settle(login, 'refused')
    return login
  }

  it('is good for one login at its token, in one process', async () => {
    const [login, other] = [await makeRefused(), await makeRefused()]
    await permit(login.tokenLabel)
    expect(await store.admit(other)).toMatchObject({ kind: 'withheld' })
    const verdicts = await Promise.all([store.admit(login), elsewhere.admit(login)])
    expect(verdicts.map(({ kind }) => kind)).toContain('allowed')
    expect(verdicts.filter(({ kind }) => kind === 'allowed')).toHaveLength(1)
    await store.settle(login, 'refused')
    expect(await store.admit(login)).toMatchObject({ kind: 'withheld' })
  })

  it('expires', async () => {
    const login = await makeRefused()
    const { expiresAt } = await permit(login.tokenLabel)
    expect(expiresAt.getTime()).toBeGreaterThan(Date.now() + 50 * 60_000)
    await test.database.prisma.pinPermit.updateMany({
      where: { tokenLabel: login.tokenLabel },
      data: { expiresAt: new Date(Date.now() - 1_000) }
    })
    expect(await store.admit(login)).toMatchObject({ kind: 'withheld' })
  })

  it('does not open a token that is locked, and stays for when it is not', async () => {
    const login = await makeRefused()
    await permit(login.tokenLabel)
    expect(await store.admit({ ...login, triesLeft: 'none' })).toMatchObject({ kind: 'withheld' })
    expect(await store.admit({ ...login, triesLeft: 'last' })).toEqual({ kind: 'allowed' })
  })

  it('is used up by a login that needed none', async () => {
    const login = makeLogin()
    await permit(login.tokenLabel)
    await store.admit(login)
    await store.settle(login, 'accepted')
    expect(await store.admit({ ...login, triesLeft: 'last' })).toMatchObject({ kind: 'withheld' })
  })
})

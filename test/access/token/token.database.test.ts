import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ErrorCode } from '../../../src/errors/mintline-error.ts'
import { administrator } from '../../support/issuing.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { createTestTokens } from '../../support/tokens.ts'

let test: TestDatabase
let now = new Date('2026-11-01T00:00:00Z')
let elapsedMs = 0
let names = 0

beforeAll(async () => {
  test = await createTestDatabase()
})

afterAll(() => test.drop())

function makeTokens() {
  return createTestTokens(test.database, { clock: () => now, stopwatch: () => elapsedMs })
}

const withCode = (code: ErrorCode): unknown => expect.objectContaining({ code })

describe('a token', () => {
  it('proves its name and role', async () => {
    const tokens = makeTokens()
    const { token, secret } = await tokens.create({ role: 'station', name: 'line-1' }, administrator)
    expect(await tokens.authenticate(secret)).toMatchObject({
      tokenId: token.id,
      name: 'line-1',
      role: 'station',
      station: { name: 'line-1', profiles: ['*'] }
    })
  })

  it('is kept as a digest, and its making is on record', async () => {
    const { token, secret } = await makeTokens().create({ role: 'auditor', name: 'eve' }, administrator)
    const stored = await test.database.prisma.token.findUniqueOrThrow({ where: { id: token.id } })
    const event = await test.database.prisma.auditEvent.findFirstOrThrow({
      where: { subject: `token/${token.id}` }
    })
    // Behind the name and the id; it may have the same sign in it.
    const random = secret.replace(/^mintline_[0-9a-f]+_/, '')
    expect(random).toHaveLength(43)
    expect(JSON.stringify([stored, event])).not.toContain(random)
    expect(stored.secretSha256).toHaveLength(32)
    expect(event).toMatchObject({
      actor: 'admin/test',
      act: 'token.create',
      after: { name: 'eve', role: 'auditor' }
    })
  })

  it('is listed without its secret', async () => {
    const tokens = makeTokens()
    const { token } = await tokens.create({ role: 'station', name: 'listed' }, administrator)
    expect((await tokens.list({ limit: 100 })).items).toContainEqual(token)
    expect(Object.keys(token)).not.toContain('secretSha256')
  })

  it('is worth nothing once revoked, at once here and in a second elsewhere, whatever the clock says', async () => {
    const [here, elsewhere] = [makeTokens(), makeTokens()]
    const { token, secret } = await here.create({ role: 'station', name: 'gone' }, administrator)
    // Both have seen it valid, and would take it for valid a while longer.
    await Promise.all([here.authenticate(secret), elsewhere.authenticate(secret)])
    await here.revoke(token.id, administrator)
    await expect(here.authenticate(secret)).rejects.toEqual(withCode('token_invalid'))
    now = new Date(now.getTime() - 86_400_000)
    elapsedMs += 1_001
    await expect(elsewhere.authenticate(secret)).rejects.toEqual(withCode('token_invalid'))
  })

  it('is worth nothing elsewhere at once, where notice is taken of its revocation or it is asked for afresh', async () => {
    const [here, elsewhere] = [makeTokens(), makeTokens()]
    const { token, secret } = await here.create({ role: 'admin', name: 'gone' }, administrator)
    await here.create({ role: 'admin', name: 'stays' }, administrator)
    await elsewhere.authenticate(secret)
    await here.revoke(token.id, administrator)
    expect(await elsewhere.authenticate(secret)).toMatchObject({ name: 'gone' })
    await expect(elsewhere.authenticate(secret, { afresh: true })).rejects.toEqual(withCode('token_invalid'))
    elsewhere.forget()
    await expect(elsewhere.authenticate(secret)).rejects.toEqual(withCode('token_invalid'))
  })

  it('that is revoked makes and revokes no tokens any more, nor anything on record', async () => {
    const tokens = makeTokens()
    const { token: gone } = await tokens.create({ role: 'admin', name: 'gone' }, administrator)
    const { token: other } = await tokens.create({ role: 'admin', name: 'other' }, administrator)
    await tokens.revoke(gone.id, administrator)
    const act = { actor: 'admin/gone', tokenId: gone.id }
    const before = await test.database.prisma.auditEvent.count()
    await expect(tokens.create({ role: 'admin', name: 'more' }, act)).rejects.toEqual(
      withCode('token_invalid')
    )
    await expect(tokens.revoke(other.id, act)).rejects.toEqual(withCode('token_invalid'))
    expect(await test.database.prisma.auditEvent.count()).toBe(before)
    expect((await tokens.list({ limit: 100 })).items.map(({ name }) => name)).not.toContain('more')
  })

  it('may revoke itself', async () => {
    const tokens = makeTokens()
    const { token } = await tokens.create({ role: 'admin', name: 'self' }, administrator)
    await tokens.revoke(token.id, { actor: 'admin/self', tokenId: token.id })
    expect((await tokens.list({ limit: 100 })).items.find(({ id }) => id === token.id)?.revokedAt).toEqual(
      now
    )
  })

  it('can be revoked once', async () => {
    const tokens = makeTokens()
    const { token } = await tokens.create({ role: 'station', name: 'twice' }, administrator)
    await tokens.revoke(token.id, administrator)
    await expect(tokens.revoke(token.id, administrator)).rejects.toEqual(withCode('token_not_found'))
  })
})

describe('the last admin token', () => {
  it('cannot be revoked, not even by several administrators at once', async () => {
    await using own = await createTestDatabase()
    const tokens = createTestTokens(own.database, { clock: () => now })
    // At once as well, so that each has its connection already when it comes to the revocation.
    const made = await Promise.all(
      ['one', 'two', 'three', 'four'].map(name => tokens.create({ role: 'admin', name }, administrator))
    )
    const outcomes = await Promise.allSettled(made.map(({ token }) => tokens.revoke(token.id, administrator)))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
    expect(outcomes).toContainEqual({ status: 'rejected', reason: withCode('last_admin_token') })
  })
})

describe('authenticate', () => {
  it.each<[string, (secret: string) => string]>([
    ['nothing', () => ''],
    ['another word', () => 'password'],
    ['a cut token', secret => secret.slice(0, -1)],
    [
      'another secret under the same id',
      secret => secret.slice(0, -4) + (secret.endsWith('AAAA') ? 'BBBB' : 'AAAA')
    ],
    ['another id with the same secret', secret => secret.replace(/_.{32}_/, `_${'0'.repeat(32)}_`)],
    ['a longer token', secret => `${secret}A`]
  ])('refuses %s', async (_, change) => {
    const tokens = makeTokens()
    const { secret } = await tokens.create({ role: 'admin', name: `x-${++names}` }, administrator)
    await expect(tokens.authenticate(change(secret))).rejects.toEqual(withCode('token_invalid'))
  })
})

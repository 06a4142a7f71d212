import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTokenStore } from '../../src/access/token/token-store.ts'
import { createTokenUses } from '../../src/access/token/uses.ts'
import type { ErrorCode } from '../../src/errors/mintline-error.ts'
import { createCertificateStore } from '../../src/factory/stations/client-certificates/certificate-store.ts'
import { createStationStore } from '../../src/factory/stations/station-store.ts'
import { createStations } from '../../src/factory/stations/stations.ts'
import { createRandomSource } from '../../src/sources/random-bytes.ts'
import { administrator } from '../support/issuing.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { createTestTokens } from '../support/tokens.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())

let names = 0
const newName = () => `credential-${++names}`
const withCode = (code: ErrorCode): unknown => expect.objectContaining({ code })
const secondsFromNow = (seconds: number) => new Date(Date.now() + seconds * 1_000)

/** With a clock of its own, which does not go on by itself. */
function makeTokens() {
  let now = new Date()
  const tokens = createTestTokens(test.database, { clock: () => now, stopwatch: () => now.getTime() })
  return {
    tokens,
    wait(seconds: number) {
      now = new Date(now.getTime() + seconds * 1_000)
    }
  }
}

const stations = () =>
  createStations({
    store: createStationStore(test.database),
    certificates: createCertificateStore(test.database),
    findUnknownProfiles: async () => [],
    onChange: () => undefined,
    clock: () => new Date(),
    randomBytes: createRandomSource()
  })

describe('a token that ends', () => {
  it('is taken until then, and says when it ended after that', async () => {
    const { tokens, wait } = makeTokens()
    const request = { role: 'auditor' as const, name: newName(), expiresAt: secondsFromNow(60) }
    const { token, secret } = await tokens.create(request, administrator)
    expect(token.expiresAt).toEqual(request.expiresAt)
    expect(await tokens.authenticate(secret)).toMatchObject({ name: request.name })
    wait(61)
    await expect(tokens.authenticate(secret)).rejects.toMatchObject({
      code: 'token_expired',
      detail: expect.stringContaining(request.expiresAt.toISOString()) as string
    })
  })

  it('tells that to nobody who does not hold its secret', async () => {
    const { tokens, wait } = makeTokens()
    const { secret } = await tokens.create(
      { role: 'auditor', name: newName(), expiresAt: secondsFromNow(60) },
      administrator
    )
    wait(61)
    const other = secret.slice(0, -4) + (secret.endsWith('AAAA') ? 'BBBB' : 'AAAA')
    await expect(tokens.authenticate(other)).rejects.toEqual(withCode('token_invalid'))
  })

  it('is not made when that is over', async () => {
    const { tokens } = makeTokens()
    const request = { role: 'auditor' as const, name: newName(), expiresAt: new Date(0) }
    await expect(tokens.create(request, administrator)).rejects.toMatchObject({
      code: 'request_invalid',
      violations: [{ pointer: '/expiresAt' }]
    })
  })

  it('does no act that is committed after its end, by the clock of the database', async () => {
    const { tokens } = makeTokens()
    const { token } = await tokens.create(
      { role: 'admin', name: newName(), expiresAt: secondsFromNow(1) },
      administrator
    )
    await new Promise(resolve => setTimeout(resolve, 1_100))
    const act = { actor: 'admin/late', tokenId: token.id }
    await expect(tokens.create({ role: 'auditor', name: newName() }, act)).rejects.toEqual(
      withCode('token_invalid')
    )
  })

  it('does not count as the other administrator without whom nobody could get in', async () => {
    await using own = await createTestDatabase()
    const tokens = createTestTokens(own.database)
    const { token } = await tokens.create({ role: 'admin', name: 'lasting' }, administrator)
    const ending = { role: 'admin' as const, name: 'ending', expiresAt: secondsFromNow(1) }
    await tokens.create(ending, administrator)
    await new Promise(resolve => setTimeout(resolve, 1_100))
    await expect(tokens.revoke(token.id, administrator)).rejects.toEqual(withCode('last_admin_token'))
  })
})

describe('the name of a token', () => {
  it('is that of one valid token, whatever its role', async () => {
    const { tokens } = makeTokens()
    const name = newName()
    const { token } = await tokens.create({ role: 'auditor', name }, administrator)
    await expect(tokens.create({ role: 'admin', name }, administrator)).rejects.toEqual(
      withCode('token_exists')
    )
    await tokens.revoke(token.id, administrator)
    await tokens.create({ role: 'admin', name }, administrator)
  })

  it('is free again once a token has ended', async () => {
    const { tokens, wait } = makeTokens()
    const name = newName()
    await tokens.create({ role: 'auditor', name, expiresAt: secondsFromNow(60) }, administrator)
    wait(61)
    await tokens.create({ role: 'auditor', name }, administrator)
  })

  it.each(['station', 'auditor'] as const)('goes to one of ten who ask for it at once: %s', async role => {
    const { tokens } = makeTokens()
    const name = newName()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, () => tokens.create({ role, name }, administrator))
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const refused = outcomes.flatMap(each => (each.status === 'rejected' ? [each.reason as unknown] : []))
    expect(refused).toEqual(Array.from({ length: 9 }, () => withCode('token_exists')))
  })
})

describe('a token of a station', () => {
  it('belongs to the one that is named', async () => {
    const { tokens } = makeTokens()
    const station = newName()
    await stations().create({ name: station, line: 'A7', profiles: ['one'] }, administrator)
    const made = await tokens.create({ role: 'station', name: newName(), station }, administrator)
    expect([made.token.station, made.warnings]).toEqual([station, []])
    expect(await tokens.authenticate(made.secret)).toMatchObject({
      name: station,
      station: { line: 'A7', profiles: ['one'] }
    })
  })

  it('makes one of its name, for all profiles, with a warning', async () => {
    const { tokens } = makeTokens()
    const name = newName()
    const made = await tokens.create({ role: 'station', name }, administrator)
    expect(made.warnings).toEqual([expect.stringContaining('may use every profile')])
    expect(await stations().find(name)).toMatchObject({ name, profiles: ['*'], enabled: true })
  })

  it('belongs to the one of its name where there is one, with a warning', async () => {
    const { tokens } = makeTokens()
    const name = newName()
    await stations().create({ name, profiles: ['one'] }, administrator)
    const made = await tokens.create({ role: 'station', name }, administrator)
    expect(made.warnings).toHaveLength(1)
    expect(await stations().find(name)).toMatchObject({ profiles: ['one'] })
  })

  it.each([
    [{ role: 'station' as const, station: 'nowhere' }, 'station_not_found'],
    [{ role: 'auditor' as const, station: 'starter' }, 'request_invalid']
  ])('is not made as %o', async (request, code) => {
    const { tokens } = makeTokens()
    await expect(tokens.create({ name: newName(), ...request }, administrator)).rejects.toMatchObject({
      code
    })
  })

  it('belongs to one that somebody else makes at the same moment, once', async () => {
    const { tokens } = makeTokens()
    const name = newName()
    const kept: string[] = []
    const made = createTestTokens(test.database, {
      async findStation(wanted) {
        const found = await createStationStore(test.database).find(wanted)
        // After the look, and before the commit.
        if (found === undefined)
          await stations().create({ name: wanted, profiles: ['starter'] }, administrator)
        return found
      }
    })
    const keep = async (secret: string) => void kept.push(secret)
    const { token, secret, warnings } = await made.create({ role: 'station', name }, administrator, keep)
    expect([token.station, kept, warnings.length]).toEqual([name, [secret], 1])
    expect(await tokens.authenticate(secret)).toMatchObject({ station: { profiles: ['starter'] } })
  })

  it('is worth nothing while the station is disabled', async () => {
    const { tokens } = makeTokens()
    const name = newName()
    const { secret } = await tokens.create({ role: 'station', name }, administrator)
    await stations().change(name, { enabled: false }, administrator)
    await expect(tokens.authenticate(secret)).rejects.toEqual(withCode('station_disabled'))
    await stations().change(name, { enabled: true }, administrator)
    tokens.forget()
    expect(await tokens.authenticate(secret)).toMatchObject({ name })
  })
})

describe('a rotation', () => {
  it('is made while the station is disabled, for when it comes back', async () => {
    const { tokens } = makeTokens()
    const name = newName()
    const { token } = await tokens.create({ role: 'station', name }, administrator)
    await stations().change(name, { enabled: false }, administrator)
    const { secret } = await tokens.rotate(token.id, { overlapSeconds: 0 }, administrator)
    await expect(tokens.authenticate(secret)).rejects.toEqual(withCode('station_disabled'))
    await stations().change(name, { enabled: true }, administrator)
    tokens.forget()
    expect(await tokens.authenticate(secret)).toMatchObject({ tokenId: token.id })
  })

  it('keeps id and name, and takes both secrets for a while', async () => {
    const { tokens, wait } = makeTokens()
    const name = newName()
    const { token, secret: first } = await tokens.create({ role: 'auditor', name }, administrator)
    const rotated = await tokens.rotate(token.id, { overlapSeconds: 60 }, administrator)
    expect(rotated.token).toMatchObject({ id: token.id, name })
    expect(rotated.secret).not.toBe(first)
    for (const secret of [first, rotated.secret])
      expect(await tokens.authenticate(secret)).toMatchObject({ tokenId: token.id })
    wait(61)
    await expect(tokens.authenticate(first)).rejects.toEqual(withCode('token_invalid'))
    expect(await tokens.authenticate(rotated.secret)).toMatchObject({ tokenId: token.id })
  })

  it('without overlap ends the old secret at once', async () => {
    const { tokens } = makeTokens()
    const { token, secret } = await tokens.create({ role: 'auditor', name: newName() }, administrator)
    await tokens.rotate(token.id, { overlapSeconds: 0 }, administrator)
    await expect(tokens.authenticate(secret)).rejects.toEqual(withCode('token_invalid'))
  })

  it('leaves two secrets at most', async () => {
    const { tokens } = makeTokens()
    const { token, secret: first } = await tokens.create({ role: 'auditor', name: newName() }, administrator)
    const { secret: second } = await tokens.rotate(token.id, { overlapSeconds: 60 }, administrator)
    const { secret: third } = await tokens.rotate(token.id, { overlapSeconds: 60 }, administrator)
    await expect(tokens.authenticate(first)).rejects.toEqual(withCode('token_invalid'))
    for (const secret of [second, third]) expect(await tokens.authenticate(secret)).toBeDefined()
  })

  it('may give it another end', async () => {
    const { tokens, wait } = makeTokens()
    const ending = { role: 'auditor' as const, name: newName(), expiresAt: secondsFromNow(60) }
    const { token } = await tokens.create(ending, administrator)
    const later = { overlapSeconds: 0, expiresAt: secondsFromNow(600) }
    const { secret } = await tokens.rotate(token.id, later, administrator)
    wait(61)
    expect(await tokens.authenticate(secret)).toMatchObject({ tokenId: token.id })
  })

  it.each(['revoked', 'ended', 'unknown'])('of a token that is %s is refused', async kind => {
    const { tokens, wait } = makeTokens()
    const { token } = await tokens.create(
      { role: 'auditor', name: newName(), expiresAt: secondsFromNow(60) },
      administrator
    )
    if (kind === 'revoked') await tokens.revoke(token.id, administrator)
    if (kind === 'ended') wait(61)
    const id = kind === 'unknown' ? token.id.replace(/.$/, each => (each === '0' ? '1' : '0')) : token.id
    await expect(tokens.rotate(id, { overlapSeconds: 0 }, administrator)).rejects.toEqual(
      withCode('token_not_found')
    )
  })

  it('is on record without a secret', async () => {
    const { tokens } = makeTokens()
    const { token } = await tokens.create({ role: 'auditor', name: newName() }, administrator)
    const { name, role } = token
    const { secret } = await tokens.rotate(token.id, { overlapSeconds: 60 }, administrator)
    const event = await test.database.prisma.auditEvent.findFirstOrThrow({
      where: { subject: `token/${token.id}`, act: 'token.rotate' }
    })
    expect(JSON.stringify(event)).not.toContain(secret.slice(-43))
    expect(event.before).toEqual({ name, role })
    expect(event.after).toEqual({ name, role, previousSecretUntil: expect.any(String) as string })
  })
})

describe('the use of a token', () => {
  it('is noted to the minute, for all tokens together', async () => {
    await using stops = new AsyncDisposableStack()
    const store = createTokenStore(test.database)
    const uses = createTokenUses({ store, log: { warn: () => undefined } }, stops)
    const { token } = await makeTokens().tokens.create({ role: 'auditor', name: newName() }, administrator)
    expect((await store.find(token.id))?.lastUsedAt).toBeUndefined()
    const [early, late] = [new Date('2026-11-01T10:00:00Z'), new Date('2026-11-01T10:01:00Z')]
    for (const time of [early, late]) uses.note(token.id, time)
    await uses.flush()
    expect((await store.find(token.id))?.lastUsedAt).toEqual(late)
    // Another process was slower to write.
    uses.note(token.id, early)
    await uses.flush()
    expect((await store.find(token.id))?.lastUsedAt).toEqual(late)
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeDeviceKey } from '../../support/certification-request.ts'
import { breaches, device, insist, leaveOpen, openRework, refusalOf, type Rework } from './rework-test.ts'

let rework: Rework
let made = 0

beforeAll(async () => {
  rework = await openRework()
  await rework.postProfile('refuse', { reissue: 'refuse' })
  await rework.postProfile('supersede', { reissue: 'supersede' })
  await rework.postProfile('same-key', { reissue: 'supersede', sameKey: 'allow' })
  await rework.postProfile('two', { reissue: { allow: 2 } })
})

afterAll(async () => {
  expect(await rework.prisma.$queryRawUnsafe(breaches)).toEqual([])
  await rework.close()
})

const name = () => `device-${++made}`
const issue = async (csr: Uint8Array, profile: string, lot?: string) =>
  (await rework.issuing.issue(csr, profile, { lot })).record
const refused = (csr: Uint8Array, profile: string, lot?: string) =>
  refusalOf(rework.issuing.issue(csr, profile, { lot }))
const find = (id: string) => rework.issuing.records.find(id)
const replays = async (csr: Uint8Array, profile: string, id: string) =>
  expect(await rework.issuing.issue(csr, profile)).toMatchObject({ replayed: true, record: { id } })

describe('a released device', () => {
  it('gets its next certificate, by which the one before ends; the release is for one', async () => {
    const who = name()
    const [first, second, third] = [device(who), device(who), device(who)]
    const { id } = await issue(first, 'supersede')
    const released = await rework.release(id)
    expect(released.release).toMatchObject({
      releasedBy: 'operator/rework',
      releaseReason: 'back for rework'
    })
    expect(await rework.release(id, 'again')).toEqual(released)
    await replays(first, 'supersede', id)
    const next = await issue(second, 'supersede')
    expect(await find(id)).toMatchObject({
      outcome: 'issued',
      supersession: { supersededAt: next.issuedAt, successor: next.id, endsAt: next.issuedAt }
    })
    expect(await find(next.id)).toMatchObject({ supersedes: id })
    const row = await rework.prisma.revocation.findUniqueOrThrow({ where: { intentId: id } })
    expect(row).toMatchObject({ cause: 'superseded', actor: 'operator/rework', note: 'back for rework' })
    const old = await refused(first, 'supersede')
    expect(old).toMatchObject({ code: 'certificate_superseded', members: { laterIssuance: next.id } })
    expect(old.members['earlierIssuance']).toMatchObject({ id })
    await replays(second, 'supersede', next.id)
    expect((await refused(third, 'supersede')).code).toBe('device_already_certified')
    expect(await rework.release(id)).toMatchObject({ id })
    expect((await refused(third, 'supersede')).code).toBe('device_already_certified')
    const again = await refusalOf(rework.scrap(id))
    expect(again).toMatchObject({ code: 'issuance_not_scrappable', members: { laterIssuance: next.id } })
  })

  it('comes back with its key once, whoever sends the CSR how often', async () => {
    const csr = device(name())
    const { id } = await issue(csr, 'same-key')
    await rework.release(id)
    const answers = await Promise.all(
      Array.from({ length: 20 }, async () => rework.issuing.issue(csr, 'same-key'))
    )
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1)
    const ids = new Set(answers.map(({ record }) => record.id))
    expect(ids.size).toBe(1)
    expect(ids.has(id)).toBe(false)
    await replays(csr, 'same-key', [...ids][0]!)
  })

  it('does not come back with a key of an earlier certificate', async () => {
    const who = name()
    const first = device(who)
    const { id } = await issue(first, 'same-key')
    await rework.release(id)
    const second = device(who)
    const next = await issue(second, 'same-key')
    await rework.release(next.id)
    // A stray retry of the board that is gone.
    const stray = await refused(first, 'same-key')
    expect(stray).toMatchObject({ code: 'certificate_superseded', members: { laterIssuance: next.id } })
    expect((await rework.issuing.issue(second, 'same-key')).record.id).not.toBe(next.id)
  })

  it.each([
    ['now', 0],
    [{ afterDays: 30 }, 30 * 86_400_000],
    ['when-connected', null]
  ] as const)(
    'has the old certificate end as the newest profile says: %j',
    async (supersededEnds, afterMs) => {
      const profile = `ends-${++made}`
      await rework.postProfile(profile, { reissue: 'supersede', supersededEnds: 'now' })
      const who = name()
      const { id } = await issue(device(who), profile)
      await rework.release(id)
      await rework.postProfile(profile, { reissue: 'supersede', supersededEnds })
      const { issuedAt } = await issue(device(who), profile)
      const endsAt = afterMs === null ? null : new Date(issuedAt.getTime() + afterMs)
      expect(await find(id)).toMatchObject({ supersession: { supersededAt: issuedAt, endsAt } })
    }
  )

  it('keeps what it has while the next is open, and where that comes to nothing; the release counts again', async () => {
    const who = name()
    const [first, second] = [device(who), device(who)]
    await rework.openLot('void-frees', 'supersede', 1)
    const { id } = await issue(first, 'supersede', 'void-frees')
    await rework.release(id)
    const open = await leaveOpen(rework, stuck => stuck.issue(second, 'supersede'))
    expect(await find(open)).toMatchObject({ outcome: 'unknown', supersedes: id, lot: 'void-frees' })
    expect(await rework.issuing.core.lots.find('void-frees')).toMatchObject({ issued: 1, open: 0, taken: 1 })
    expect(await find(id)).not.toHaveProperty('supersession')
    await replays(first, 'supersede', id)
    const other = await refused(device(who), 'supersede')
    expect(other.code).toBe('device_already_certified')
    expect(other.detail).toContain(`POST /v1/issuances/${open}/void`)
    expect((await refusalOf(rework.scrap(id))).members['laterIssuance']).toBe(open)
    await rework.declareVoid(open)
    await replays(first, 'supersede', id)
    expect(await rework.issuing.core.lots.find('void-frees')).toMatchObject({ issued: 1, open: 0, taken: 1 })
    const next = await issue(second, 'supersede')
    expect(next).toMatchObject({ lot: 'void-frees' })
    expect(next.id).not.toBe(open)
    expect(await find(id)).toMatchObject({ supersession: { successor: next.id } })
  })

  it('is told the refusal that is in the way of its next certificate, with the key it has', async () => {
    const profile = `narrowed-${++made}`
    await rework.postProfile(profile, { reissue: 'supersede', sameKey: 'allow' })
    const { document } = (await rework.issuing.profiles.current(profile)).version
    const csr = device(name())
    const { id } = await issue(csr, profile)
    const narrowed = { ...document.subject, CommonName: { rule: 'required', pattern: 'pump-.*' } } as const
    await rework.issuing.profiles.post({ ...document, subject: narrowed }, { actor: 'admin/test' })
    await replays(csr, profile, id)
    await rework.release(id)
    expect((await refused(csr, profile)).code).toBe('subject_refused')
  })

  it('may be released before its generation is compromised, and has its next after that', async () => {
    const [lost, kept] = [name(), name()]
    const csr = device(lost)
    const { id } = await issue(csr, 'supersede')
    await rework.release(id)
    const other = await issue(device(kept), 'supersede')
    await rework.activateNext()
    const generation = (await issue(device(name()), 'supersede')).authority
    const superseded = await issue(device(lost), 'supersede')
    expect(superseded.authority).toBe(generation)
    await rework.compromise()
    await rework.activateNext()
    // What was superseded stays so, though its successor is compromised.
    expect((await refused(csr, 'supersede')).code).toBe('certificate_superseded')
    await issue(device(lost), 'supersede')
    expect(await find(superseded.id)).toMatchObject({ compromised: true })
    expect(await find(superseded.id)).not.toHaveProperty('supersession')
    expect(await find(other.id)).not.toHaveProperty('compromised')
  })
})

describe('the place in the lot', () => {
  const lotOf = async (id: string) => {
    const lot = await rework.issuing.core.lots.find(id)
    const shares = lot.stationShares.map(({ station, issued }) => [station, issued])
    return {
      issued: lot.issued,
      taken: lot.taken,
      open: lot.open,
      shares: Object.fromEntries(shares) as object
    }
  }

  it('moves along from station to station, also where the lot is full', async () => {
    const other = await rework.makeStation('station-2')
    await rework.openLot('full', 'supersede', 1)
    const who = name()
    const { id, station } = await issue(device(who), 'supersede', 'full')
    await rework.release(id)
    const { record } = await rework.issuing.issueAs(other, device(who), { profile: 'supersede' })
    expect(record.lot).toBe('full')
    expect(await lotOf('full')).toEqual({
      issued: 1,
      taken: 1,
      open: 0,
      shares: { [station]: 0, 'station-2': 1 }
    })
    expect((await refused(device(name()), 'supersede', 'full')).code).toBe('lot_full')
  })

  it('is taken in another lot, and given back in the first when that one is recorded, not before', async () => {
    for (const lot of ['from', 'to']) await rework.openLot(lot, 'supersede', 1)
    const who = name()
    const { id, station } = await issue(device(who), 'supersede', 'from')
    await rework.release(id)
    const open = await leaveOpen(rework, stuck => stuck.issue(device(who), 'supersede', { lot: 'to' }))
    expect(await lotOf('from')).toMatchObject({ issued: 1, taken: 1 })
    expect(await lotOf('to')).toMatchObject({ issued: 0, taken: 1, open: 1 })
    await rework.declareVoid(open)
    expect(await lotOf('to')).toMatchObject({ issued: 0, taken: 0, open: 0 })
    await issue(device(who), 'supersede', 'to')
    expect(await lotOf('from')).toEqual({ issued: 0, taken: 0, open: 0, shares: { [station]: 0 } })
    expect(await lotOf('to')).toMatchObject({ issued: 1, taken: 1 })
  })

  it('is stated of what is in effect', async () => {
    await rework.openLot('stated', 'supersede', 3)
    const who = name()
    const { id } = await issue(device(who), 'supersede', 'stated')
    await issue(device(name()), 'supersede', 'stated')
    await rework.release(id)
    await issue(device(who), 'supersede')
    const last = await leaveOpen(rework, stuck => stuck.issue(device(name()), 'supersede', { lot: 'stated' }))
    const { statement } = await rework.closeLot('stated')
    const stated: unknown = JSON.parse(Buffer.from(statement.split('.')[1]!, 'base64url').toString())
    expect(stated).toMatchObject({ ordered: 3, issued: 3, remaining: 0, scrapped: 0 })
    expect(await find(last)).toMatchObject({ outcome: 'issued' })
  })
})

describe('a profile that allows a device two at once', () => {
  it('takes a place for each, replays each, and refuses a third until one is scrapped', async () => {
    await rework.openLot('two', 'two', 5)
    const who = name()
    const csrs = [device(who), device(who), device(who)] as const
    const [one, two] = [await issue(csrs[0], 'two', 'two'), await issue(csrs[1], 'two', 'two')]
    expect(await rework.issuing.core.lots.find('two')).toMatchObject({ issued: 2, taken: 2 })
    await replays(csrs[0], 'two', one.id)
    await replays(csrs[1], 'two', two.id)
    const full = await refused(csrs[2], 'two', 'two')
    expect([full.code, full.members['earlierIssuance']]).toEqual([
      'device_already_certified',
      expect.objectContaining({ id: two.id })
    ])
    expect(full.detail).toContain(`POST /v1/issuances/${two.id}/scrap`)
    // Any of them, the first as well.
    await rework.scrap(one.id)
    expect(await rework.issuing.core.lots.find('two')).toMatchObject({ issued: 1, scrapped: 1, taken: 1 })
    expect((await refused(csrs[0], 'two')).code).toBe('certificate_revoked')
    await replays(csrs[1], 'two', two.id)
    const three = await issue(csrs[2], 'two', 'two')
    expect(await rework.issuing.core.lots.find('two')).toMatchObject({ issued: 2, taken: 2 })
    await rework.scrap(three.id)
    // The latest is gone, and the device has another all the same.
    await replays(csrs[1], 'two', two.id)
    await issue(device(who), 'two', 'two')
    expect((await refused(device(who), 'two', 'two')).code).toBe('device_already_certified')
  })

  it('counts by lot, and without one by device', async () => {
    for (const lot of ['two-a', 'two-b']) await rework.openLot(lot, 'two', 5)
    const who = name()
    for (const lot of ['two-a', 'two-a', 'two-b', 'two-b']) await issue(device(who), 'two', lot)
    for (const lot of ['two-a', 'two-b']) {
      const full = await refused(device(who), 'two', lot)
      expect(full.code).toBe('device_already_certified')
      expect(await find((full.members['earlierIssuance'] as { id: string }).id)).toMatchObject({ lot })
    }
    const free = name()
    await issue(device(free), 'two')
    await issue(device(free), 'two')
    expect((await refused(device(free), 'two')).code).toBe('device_already_certified')
  })

  it('is not exceeded by a hundred at once', async () => {
    const who = name()
    const answers = await Promise.allSettled(
      Array.from({ length: 100 }, () => device(who)).map(csr =>
        insist(() => rework.issuing.issue(csr, 'two'))
      )
    )
    const refusals = answers.flatMap(answer =>
      answer.status === 'rejected' ? [answer.reason as unknown] : []
    )
    expect(refusals).toHaveLength(98)
    for (const refusal of refusals) expect(refusal).toMatchObject({ code: 'device_already_certified' })
  })

  it('does not go round what the profile says of a compromise', async () => {
    const profile = `compromised-${++made}`
    await rework.postProfile(profile, { reissue: { allow: 2 }, afterCompromise: 'refuse' })
    const who = name()
    const { id } = await issue(device(who), profile)
    await rework.compromise()
    await rework.activateNext()
    expect((await refused(device(who), profile)).code).toBe('certificate_compromised')
    expect((await refusalOf(rework.release(id))).code).toBe('role_forbidden')
    await rework.releasing.release(id, { actor: 'admin/test', reason: 'known' }, 'admin')
    await issue(device(who), profile)
    await issue(device(who), profile)
    expect((await refused(device(who), profile)).code).toBe('device_already_certified')
  })
})

describe('what is not released', () => {
  it.each(['refuse', 'two'])('under %s, and is told what helps', async profile => {
    const { id } = await issue(device(name()), profile)
    const refusal = await refusalOf(rework.release(id))
    expect(refusal.code).toBe('issuance_not_releasable')
    expect(refusal.detail).toMatch(/reissue "supersede" \(POST \/v1\/profiles\)/)
    expect(refusal.detail).toContain(`POST /v1/issuances/${id}/scrap`)
    expect(await rework.prisma.release.count({ where: { intentId: id } })).toBe(0)
  })

  it('is what was scrapped, or has a later one', async () => {
    const { id: gone } = await issue(device(name()), 'supersede')
    await rework.scrap(gone)
    expect((await refusalOf(rework.release(gone))).code).toBe('issuance_not_releasable')
    const who = name()
    await rework.postProfile('was-two', { reissue: { allow: 2 } })
    const { id } = await issue(device(who), 'was-two')
    const { id: later } = await issue(device(who), 'was-two')
    await rework.postProfile('was-two', { reissue: 'supersede' })
    expect(await refusalOf(rework.release(id))).toMatchObject({
      code: 'issuance_not_releasable',
      members: { laterIssuance: later }
    })
  })
})

describe('the way out that a refusal tells', () => {
  /** Does what the text says, in its order. */
  async function follow(detail: string): Promise<string[]> {
    const done: string[] = []
    for (const [, profile, member, value] of detail.matchAll(
      /the profile ([\w-]+) with (reissue|sameKey) "(\w+)"/g
    )) {
      const { document } = (await rework.issuing.profiles.current(profile!)).version
      await rework.issuing.profiles.post({ ...document, [member!]: value }, { actor: 'admin/test' })
      done.push(`${member} ${value}`)
    }
    for (const [, id, act] of detail.matchAll(
      /POST \/v1\/issuances\/([0-9a-f-]{36})\/(release|scrap|void)/g
    )) {
      if (act === 'release') await rework.release(id!)
      if (act === 'scrap') await rework.scrap(id!)
      if (act === 'void') await rework.declareVoid(id!)
      done.push(act!)
    }
    return done
  }

  it.each([
    ['refuse', ['reissue supersede', 'release']],
    ['supersede', ['release']],
    ['same-key', ['release']]
  ] as const)('exists: a new key under %s', async (rules, acts) => {
    const profile = await copyOf(rules)
    const who = name()
    await issue(device(who), profile)
    const next = device(who)
    const refusal = await refused(next, profile)
    expect(refusal.code).toBe('device_already_certified')
    expect(await follow(refusal.detail)).toEqual(acts)
    expect(await issue(next, profile)).toMatchObject({ outcome: 'issued' })
  })

  it.each([
    ['refuse', ['reissue supersede', 'sameKey allow', 'release']],
    ['supersede', ['sameKey allow', 'release']],
    ['same-key', ['release']]
  ] as const)('exists: the same key with another subject under %s', async (rules, acts) => {
    const profile = await copyOf(rules)
    const [who, key] = [name(), makeDeviceKey()]
    await issue(device(who, key), profile)
    const next = device(who, key, 'DE')
    const refusal = await refused(next, profile)
    expect(refusal.code).toBe('key_already_certified')
    expect((await follow(refusal.detail)).sort()).toEqual([...acts].sort())
    expect(await issue(next, profile)).toMatchObject({ outcome: 'issued' })
  })

  it('exists: a third where two are allowed, also for one of another profile', async () => {
    const profile = await copyOf('two')
    const who = name()
    await issue(device(who), profile)
    const elsewhere = await refused(device(who), 'refuse')
    expect(elsewhere.code).toBe('device_already_certified')
    await issue(device(who), profile)
    const third = device(who)
    const refusal = await refused(third, profile)
    expect(await follow(refusal.detail)).toEqual(['scrap'])
    await issue(third, profile)
    const another = device(who)
    expect(await follow((await refused(another, 'refuse')).detail)).toEqual(['reissue supersede', 'release'])
    expect(await issue(another, 'refuse')).toMatchObject({ profile: 'refuse' })
  })

  it('exists: an open intent', async () => {
    const who = name()
    await leaveOpen(rework, stuck => stuck.issue(device(who), 'refuse'))
    const next = device(who)
    const refusal = await refused(next, 'refuse')
    expect(await follow(refusal.detail)).toEqual(['void'])
    await issue(next, 'refuse')
  })

  it('exists: a released device that sends the key it has', async () => {
    const profile = await copyOf('supersede')
    const [who, key] = [name(), makeDeviceKey()]
    const { id } = await issue(device(who, key), profile)
    await rework.release(id)
    const next = device(who, key, 'DE')
    const refusal = await refused(next, profile)
    expect(refusal.code).toBe('key_already_certified')
    expect(await follow(refusal.detail)).toEqual(['sameKey allow'])
    await issue(next, profile)
  })

  it('exists: what is superseded', async () => {
    const who = name()
    const old = device(who)
    const { id } = await issue(old, 'supersede')
    await rework.release(id)
    await issue(device(who), 'supersede')
    expect(await follow((await refused(old, 'supersede')).detail)).toEqual(['release'])
    await issue(device(who), 'supersede')
  })

  it('is another key where the key is another device’s, for ever', async () => {
    const key = makeDeviceKey()
    const { id } = await issue(device(name(), key), 'same-key')
    await rework.release(id)
    const who = name()
    for (const profile of ['refuse', 'same-key', 'two']) {
      const refusal = await refused(device(who, key), profile)
      expect([refusal.code, refusal.detail]).toEqual([
        'key_already_certified',
        expect.stringContaining('Make a new key on this device')
      ])
    }
    await rework.scrap(id)
    expect((await refused(device(who, key), 'two')).code).toBe('key_already_certified')
    await issue(device(who), 'two')
  })

  /** So that what is changed of it changes no other test. */
  async function copyOf(rules: string): Promise<string> {
    const profile = `copy-${++made}`
    const { document } = (await rework.issuing.profiles.current(rules)).version
    await rework.issuing.profiles.post({ ...document, name: profile }, { actor: 'admin/test' })
    return profile
  }
})

describe('a connection that was cut after the commit', () => {
  it('is made good by another station of the lot, with the same bytes', async () => {
    await rework.openLot('shared', 'supersede', 5)
    const other = await rework.makeStation('station-3')
    const csr = device(name())
    // Recorded, and never answered.
    const cut = await issue(csr, 'supersede', 'shared')
    const again = await rework.issuing.issueAs(other, csr, { profile: 'supersede', lot: 'shared' })
    expect(again).toMatchObject({ replayed: true, record: { certificateId: cut.certificateId } })
    const lost = device(name())
    const open = await leaveOpen(rework, stuck => stuck.issue(lost, 'supersede', { lot: 'shared' }))
    const finished = await rework.issuing.issueAs(other, lost, { profile: 'supersede', lot: 'shared' })
    expect(finished.record.id).toBe(open)
    expect(await rework.issuing.core.lots.find('shared')).toMatchObject({ issued: 2, taken: 2, open: 0 })
  })
})

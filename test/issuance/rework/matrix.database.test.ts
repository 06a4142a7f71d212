import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StationPrincipal } from '../../../src/access/principal.ts'
import { isMintlineError } from '../../../src/errors/mintline-error.ts'
import { makeDeviceKey } from '../../support/certification-request.ts'
import { breaches, device, openRework, type Rework, type Rules } from './rework-test.ts'

/** What a second request comes to. */
type Outcome =
  /** The certificate of the first, again. */
  | 'replay'
  /** A certificate that supersedes that of the first. */
  | 'next'
  /** Another certificate of the device, while that of the first stands. */
  | 'beside'
  /** The first certificate of another device. */
  | 'first'
  | 'key_already_certified'
  | 'device_already_certified'

const situations = {
  refuse: { rules: { reissue: 'refuse' }, isReleased: false },
  supersede: { rules: { reissue: 'supersede' }, isReleased: false },
  'supersede, same key': { rules: { reissue: 'supersede', sameKey: 'allow' }, isReleased: false },
  'allow 2': { rules: { reissue: { allow: 2 }, sameKey: 'allow' }, isReleased: false },
  'supersede, released': { rules: { reissue: 'supersede' }, isReleased: true },
  'supersede, same key, released': { rules: { reissue: 'supersede', sameKey: 'allow' }, isReleased: true }
} as const satisfies Record<string, { rules: Rules; isReleased: boolean }>
type Situation = keyof typeof situations

const [key, dev] = ['key_already_certified', 'device_already_certified'] as const
type Same = 'same' | 'other'

/** The second request has the same or another device, key and profile. */
const table: readonly (readonly [Situation, Same, Same, Same, Outcome])[] = [
  ['refuse', 'same', 'same', 'same', 'replay'],
  ['refuse', 'same', 'same', 'other', key],
  ['refuse', 'same', 'other', 'same', dev],
  ['refuse', 'same', 'other', 'other', dev],
  ['refuse', 'other', 'same', 'same', key],
  ['refuse', 'other', 'same', 'other', key],
  ['refuse', 'other', 'other', 'same', 'first'],
  ['refuse', 'other', 'other', 'other', 'first'],
  ['supersede', 'same', 'same', 'same', 'replay'],
  ['supersede', 'same', 'same', 'other', key],
  ['supersede', 'same', 'other', 'same', dev],
  ['supersede', 'same', 'other', 'other', dev],
  ['supersede', 'other', 'same', 'same', key],
  ['supersede', 'other', 'same', 'other', key],
  ['supersede', 'other', 'other', 'same', 'first'],
  ['supersede', 'other', 'other', 'other', 'first'],
  ['supersede, same key', 'same', 'same', 'same', 'replay'],
  ['supersede, same key', 'same', 'same', 'other', key],
  ['supersede, same key', 'same', 'other', 'same', dev],
  ['supersede, same key', 'same', 'other', 'other', dev],
  ['supersede, same key', 'other', 'same', 'same', key],
  ['supersede, same key', 'other', 'same', 'other', key],
  ['supersede, same key', 'other', 'other', 'same', 'first'],
  ['supersede, same key', 'other', 'other', 'other', 'first'],
  ['allow 2', 'same', 'same', 'same', 'replay'],
  ['allow 2', 'same', 'same', 'other', key],
  ['allow 2', 'same', 'other', 'same', 'beside'],
  ['allow 2', 'same', 'other', 'other', dev],
  ['allow 2', 'other', 'same', 'same', key],
  ['allow 2', 'other', 'same', 'other', key],
  ['allow 2', 'other', 'other', 'same', 'first'],
  ['allow 2', 'other', 'other', 'other', 'first'],
  ['supersede, released', 'same', 'same', 'same', 'replay'],
  ['supersede, released', 'same', 'same', 'other', key],
  ['supersede, released', 'same', 'other', 'same', 'next'],
  ['supersede, released', 'same', 'other', 'other', 'next'],
  ['supersede, released', 'other', 'same', 'same', key],
  ['supersede, released', 'other', 'same', 'other', key],
  ['supersede, released', 'other', 'other', 'same', 'first'],
  ['supersede, released', 'other', 'other', 'other', 'first'],
  ['supersede, same key, released', 'same', 'same', 'same', 'next'],
  ['supersede, same key, released', 'same', 'same', 'other', 'next'],
  ['supersede, same key, released', 'same', 'other', 'same', 'next'],
  ['supersede, same key, released', 'same', 'other', 'other', 'next'],
  ['supersede, same key, released', 'other', 'same', 'same', key],
  ['supersede, same key, released', 'other', 'same', 'other', key],
  ['supersede, same key, released', 'other', 'other', 'same', 'first'],
  ['supersede, same key, released', 'other', 'other', 'other', 'first']
]

/** What changes no outcome: where, and by which generation, the second is asked for. A lot is of one profile. */
const circumstances = [
  { lot: 'none', station: 'same', generation: 'same' },
  { lot: 'same', station: 'other', generation: 'same' },
  { lot: 'other', station: 'other', generation: 'next' },
  { lot: 'none', station: 'other', generation: 'next' }
] as const

const profileOf = (situation: Situation) => situation.replaceAll(/\W+/g, '-')

const cases = table.flatMap(([situation, sameDevice, sameKey, sameProfile, outcome], row) =>
  circumstances
    .filter(({ lot }) => sameProfile === 'same' || lot === 'none')
    .map(({ lot, station, generation }, index) => ({
      name: `${situation}: ${sameDevice} device, ${sameKey} key, ${sameProfile} profile; lot ${lot}, station ${station}, generation ${generation}`,
      situation,
      outcome,
      isSameRequest: [sameDevice, sameKey, sameProfile].every(each => each === 'same'),
      csrs: csrsOf(`matrix-${row}-${index}`, sameDevice, sameKey),
      profiles: [profileOf(situation), sameProfile === 'same' ? profileOf(situation) : 'elsewhere'] as const,
      lots: [
        lot === 'none' ? undefined : `${profileOf(situation)}-1`,
        lot === 'none' ? undefined : `${profileOf(situation)}-${lot === 'same' ? 1 : 2}`
      ] as const,
      station,
      generation
    }))
)
type Case = (typeof cases)[number]

function csrsOf(name: string, sameDevice: Same, sameKey: Same) {
  const firstKey = makeDeviceKey()
  return [
    device(name, firstKey),
    device(sameDevice === 'same' ? name : `${name}-other`, sameKey === 'same' ? firstKey : makeDeviceKey())
  ] as const
}

let rework: Rework
/** Of each case its own: who sends one key for several devices is paused. */
const stations = new Map<Case, readonly [StationPrincipal, StationPrincipal]>()
const results = new Map<Case, { first: string; second: Awaited<ReturnType<typeof ask>> }>()

async function ask(each: Case, index: 0 | 1) {
  const { csrs, profiles, lots, station } = each
  const as = stations.get(each)![station === 'other' ? index : 0]
  try {
    return await rework.issuing.issueAs(as, csrs[index], { profile: profiles[index], lot: lots[index] })
  } catch (error) {
    if (isMintlineError(error)) return error
    throw error
  }
}

beforeAll(async () => {
  rework = await openRework()
  for (const [situation, { rules }] of Object.entries(situations)) {
    const profile = profileOf(situation as Situation)
    await rework.postProfile(profile, rules)
    for (const lot of [1, 2]) await rework.openLot(`${profile}-${lot}`, profile, 1_000)
  }
  // What counts is the profile of the first.
  await rework.postProfile('elsewhere', { reissue: 'refuse' })
  const firsts = new Map<Case, string>()
  for (const [index, each] of cases.entries()) {
    const makeStation = (side: string) => rework.makeStation(`station-${index}-${side}`)
    stations.set(each, [await makeStation('a'), await makeStation('b')])
    const first = await ask(each, 0)
    if (isMintlineError(first)) throw first
    firsts.set(each, first.record.id)
    if (situations[each.situation].isReleased) await rework.release(first.record.id)
  }
  for (const generation of ['same', 'next']) {
    if (generation === 'next') await rework.activateNext()
    for (const each of cases.filter(one => one.generation === generation))
      results.set(each, { first: firsts.get(each)!, second: await ask(each, 1) })
  }
}, 120_000)

afterAll(() => rework.close())

/** It stands, and is handed out again, unless its device is released for the very key. */
async function expectFirst(each: Case, first: string): Promise<void> {
  const again = await ask(each, 0)
  if (isMintlineError(again)) throw again
  const { replayed, record } = again
  if (each.situation !== 'supersede, same key, released') {
    expect([replayed, record.id]).toEqual([true, first])
    return
  }
  expect(replayed).toBe(false)
  expect(await rework.issuing.records.find(record.id)).toMatchObject({ supersedes: first })
}

describe('a second request', () => {
  it.each(cases)('$outcome: $name', async each => {
    const { first, second } = results.get(each)!
    if (isMintlineError(second)) {
      expect(second.code).toBe(each.outcome)
      expect(second.members['earlierIssuance']).toMatchObject({ id: first })
      return expectFirst(each, first)
    }
    const { replayed, record } = second
    expect([replayed, record.id === first]).toEqual([each.outcome === 'replay', each.outcome === 'replay'])
    expect(await ask(each, 1)).toMatchObject({ replayed: true, record: { id: record.id } })
    if (each.outcome !== 'next') return expectFirst(each, first)
    expect(await rework.issuing.records.find(first)).toMatchObject({ supersession: { successor: record.id } })
    expect(await rework.issuing.records.find(record.id)).toMatchObject({ supersedes: first })
    expect(await ask(each, 0)).toMatchObject(
      each.isSameRequest
        ? { replayed: true, record: { id: record.id } }
        : { code: 'certificate_superseded', members: { laterIssuance: record.id } }
    )
  })

  it('is served or refused without a trace in the invariants', async () => {
    expect(await rework.prisma.$queryRawUnsafe(breaches)).toEqual([])
  })

  it('leaves each lot with as many places as there are certificates in effect', async () => {
    for (const situation of Object.keys(situations)) {
      for (const lot of [1, 2]) {
        const id = `${profileOf(situation as Situation)}-${lot}`
        const expected = await rework.prisma.$queryRaw<{ count: number }[]>`
          SELECT count(*)::int FROM intent JOIN issued ON issued.intent_id = intent.id
          WHERE lot = ${id} AND id NOT IN (SELECT intent_id FROM revocation)`
        expect(await rework.issuing.core.lots.find(id)).toMatchObject({
          issued: expected[0]!.count,
          taken: expected[0]!.count,
          open: 0
        })
      }
    }
  })
})

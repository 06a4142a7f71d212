import { expect, it } from 'vitest'
import { MintlineError } from '../../../src/errors/mintline-error.ts'
import { createDisclosureAudit } from '../../../src/issuance/refusals/disclosures/audit.ts'
import { createRefusalRecorder } from '../../../src/issuance/refusals/refusal.ts'
import { createRepeatWindows } from '../../../src/issuance/refusals/repeat-windows.ts'
import { createStationLimits } from '../../../src/issuance/refusals/station-limits.ts'
import type { CountedRefusal } from '../../../src/records/refusal-counts/refusal-count.ts'
import type { RefusalOutcome } from '../../../src/records/refusal-store.ts'
import { createRandomSource } from '../../../src/sources/random-bytes.ts'

const station = { tokenId: '019ab1f0-0000-7c6a-9b61-0d6f0b8f2a11', name: 'one', role: 'station' } as const
const refusal = new MintlineError('csr_malformed', 'It is no CSR.')

/** Of a station that may have one refusal recorded a minute, in a minute that does not end. */
function dependencies() {
  const counted: CountedRefusal[] = []
  const warned: object[] = []
  const stopwatch = () => 0
  return {
    counted,
    warned,
    repeats: createRepeatWindows({ stopwatch }),
    limits: createStationLimits({ perMinute: 1, stopwatch }),
    counting: { count: (each: CountedRefusal) => void counted.push(each) },
    storageReserve: () => false,
    whyTokenEnded: async () => undefined,
    clockTrust: { assertTrusted: async () => undefined },
    clock: () => new Date('2026-11-23T08:00:00Z'),
    randomBytes: createRandomSource(),
    log: { warn: (facts: object) => void warned.push(facts) }
  }
}

/** Each call does the next of them. */
function inTurn<Result>(...steps: readonly (() => Promise<Result>)[]) {
  let calls = 0
  return async () => steps[calls++]!()
}

const away = async () => Promise.reject(new MintlineError('database_unavailable', 'It is away.'))

it('a refusal that is not recorded takes none of what its station may have recorded', async () => {
  const parts = dependencies()
  const submit = inTurn<RefusalOutcome>(
    away,
    async () => 'token-revoked',
    async () => 'recorded'
  )
  const record = createRefusalRecorder({ ...parts, refusals: { submit } })
  const send = async (csr: string) =>
    record(
      refusal,
      { csr: Buffer.from(csr), profile: 'starter', metadata: {}, station, requestId: 'test' },
      { profileVersion: null, authority: null }
    )
  await expect(send('one')).rejects.toMatchObject({ code: 'database_unavailable' })
  expect(await send('two')).toMatchObject({ code: 'token_invalid' })
  const recorded = await send('three')
  expect(recorded).toMatchObject({
    code: 'csr_malformed',
    members: { issuanceId: expect.any(String) as string }
  })
  expect([parts.counted, parts.warned]).toEqual([[], []])

  const beyond = await send('four')
  expect(beyond.members).not.toHaveProperty('issuanceId')
  expect(parts.counted).toMatchObject([{ reason: 'station_limit', station: 'one' }])
  await send('five')
  expect(parts.warned).toEqual([{ station: 'one' }])
})

it('a private key that is not put into the audit takes none of it either', async () => {
  const parts = dependencies()
  let events = 0
  const insertEvent = inTurn<void>(away, async () => void events++)
  const audit = createDisclosureAudit({ ...parts, insertEvent })
  const send = async (octet: number) =>
    audit(refusal, {
      route: 'POST /v1/profiles',
      principal: station,
      requestId: 'test',
      kept: { bodyLength: 9, bodySha256: new Uint8Array(32).fill(octet) },
      listing: { spkiSha256: [] }
    })
  await expect(send(1)).rejects.toMatchObject({ code: 'database_unavailable' })
  await send(2)
  expect([events, parts.counted, parts.warned]).toEqual([1, [], []])
  await send(3)
  expect(events).toBe(1)
  expect(parts.counted).toMatchObject([{ reason: 'station_limit' }])
  await send(4)
  expect(parts.warned).toEqual([{ actor: 'station/one' }])
})

import { describe, expect, it, vi } from 'vitest'
import type { Authority } from '../../../src/authorities/authority.ts'
import { MintlineError } from '../../../src/errors/mintline-error.ts'
import {
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeUnsignedInteger
} from '../../../src/pki/der/writer.ts'
import { nameIssuer } from '../../../src/pki/ocsp/certificate-id.ts'
import { createOcsp } from '../../../src/status/ocsp/ocsp.ts'
import type { AskedCertificate, RecordedStatus } from '../../../src/status/ocsp/status-store.ts'
import { createTestAuthority } from '../../pki/certificate/authority-fixture.ts'

const { certificate } = createTestAuthority()
const name = 'acme-g1'
const begin = Date.parse('2026-12-01T12:00:00Z')
const end = new Date(begin + 7 * 86_400_000)
const authority = {
  ...{ id: 'one', name, state: 'active', certificate, path: { notAfter: end } }
} as unknown as Authority

/** About one certificate of the authority, without a nonce. */
function requestOf(serial: number): Uint8Array {
  const { nameHash, keyHash } = nameIssuer(certificate).sha1
  const id = encodeSequence(
    encodeSequence(encodeObjectIdentifier('1.3.14.3.2.26'), encodeNull()),
    encodeOctetString(nameHash),
    encodeOctetString(keyHash),
    encodeUnsignedInteger(Uint8Array.of(serial))
  )
  return encodeSequence(encodeSequence(encodeSequence(encodeSequence(id))))
}

function openOcsp(find: (asked: AskedCertificate) => Promise<RecordedStatus>) {
  const state = { nowMs: begin, asked: [] as AskedCertificate[], told: [] as string[] }
  const ocsp = createOcsp({
    authorities: { list: () => [authority] },
    responders: {
      find: async () => ({
        keyHash: new Uint8Array(20),
        notBefore: new Date(begin),
        notAfter: end,
        respond: octets => octets
      })
    },
    lookup: {
      submit(asked) {
        state.asked.push(asked)
        return find(asked)
      }
    },
    clockTrust: { assertTrusted: async () => undefined },
    clock: () => new Date(state.nowMs),
    stopwatch: () => state.nowMs,
    validityMs: 600_000,
    observe: () => undefined,
    tell: ({ code }) => state.told.push(code)
  })
  return { state, ask: () => ocsp.answer(name, requestOf(7)) }
}

describe('an answer', () => {
  it('is of the time of the service, and not given again past the end of what it says', async () => {
    const until = new Date(begin + 2_000)
    const { state, ask } = openOcsp(async ({ at }) =>
      at < until ? { state: 'good', until } : { state: 'revoked', at: until, reason: 'superseded' }
    )
    expect(await ask()).toMatchObject({ outcome: 'good', lasts: { nextUpdate: until } })
    state.nowMs += 1_999
    expect((await ask()).outcome).toBe('good')
    state.nowMs += 1
    expect((await ask()).outcome).toBe('revoked')
    expect(state.asked.map(({ at }) => at.getTime() - begin)).toEqual([0, 2_000])
  })

  it('tells since when a key may have been in other hands', async () => {
    const invalidityDate = new Date('2026-01-02T03:04:05Z')
    const { ask } = openOcsp(async ({ at }) => ({
      state: 'revoked',
      at,
      reason: 'keyCompromise',
      invalidityDate
    }))
    const { der } = await ask()
    // The extension of 2.5.29.24 with the time, as in an entry of a CRL.
    const extension = Buffer.concat([
      Buffer.from('0603551d180411180f', 'hex'),
      Buffer.from('20260102030405Z')
    ])
    expect(Buffer.from(der).includes(extension)).toBe(true)
  })

  it('is tryLater after five seconds where the database says nothing', async () => {
    vi.useFakeTimers()
    try {
      const { state, ask } = openOcsp(() => new Promise(() => undefined))
      const outcome = vi.fn()
      void ask().then(outcome)
      await vi.advanceTimersByTimeAsync(4_999)
      expect(outcome).not.toHaveBeenCalled()
      await vi.advanceTimersByTimeAsync(1)
      expect(outcome).toHaveBeenCalledWith(expect.objectContaining({ outcome: 'tryLater' }))
      expect(state.told).toEqual([])
    } finally {
      vi.useRealTimers()
    }
  })

  it.each([
    ['database_unavailable', 'tryLater', []],
    ['overloaded', 'tryLater', []],
    ['internal_error', 'internalError', ['internal_error']],
    ['lint_failed', 'tryLater', ['lint_failed']]
  ] as const)('to %s is %s, and told where nobody expects it', async (code, outcome, told) => {
    const { state, ask } = openOcsp(async () => {
      throw new MintlineError(code, 'It failed.')
    })
    expect((await ask()).outcome).toBe(outcome)
    expect(state.told).toEqual(told)
  })
})

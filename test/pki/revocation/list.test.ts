import { describe, expect, it } from 'vitest'
import { toHex } from '../../../src/pki/der/octet-text.ts'
import { buildName } from '../../../src/pki/name/name.ts'
import {
  type RevokedCertificate,
  RevokedCertificatesWriter
} from '../../../src/pki/revocation/list/entries.ts'
import { lintTbsCertList, type ListExpectation } from '../../../src/pki/revocation/list/list-lint.ts'
import {
  frameCertificateList,
  frameTbsCertList,
  type ListHead
} from '../../../src/pki/revocation/list/tbs-cert-list.ts'
import { parseRevocationList } from '../../../src/pki/revocation/revocation-list.ts'

const head: ListHead = {
  signatureAlgorithm: 'ecdsa-with-SHA256',
  issuerNameDer: buildName({ CommonName: 'issuer' }),
  authorityKeyIdentifier: new Uint8Array(20).fill(7),
  number: 1_795_000_000_123,
  thisUpdate: new Date('2026-11-28T03:00:00Z'),
  nextUpdate: new Date('2026-12-05T03:00:00Z'),
  keepsExpiredSince: new Date('2026-01-01T00:00:00Z')
}

const entry = (serial: number, change: Partial<RevokedCertificate> = {}): RevokedCertificate => ({
  serialNumber: Uint8Array.of(0x40, serial >> 16, (serial >> 8) & 0xff, serial & 0xff),
  revocationDate: new Date('2026-11-01T00:00:00.999Z'),
  reason: 'superseded',
  ...change
})

function build(entries: Iterable<RevokedCertificate>, change: Partial<ListHead> = {}) {
  const writer = new RevokedCertificatesWriter()
  for (const each of entries) writer.add(each)
  const written = { ...head, ...change }
  const { before, after } = frameTbsCertList(written, writer.octets)
  const tbsDer = Uint8Array.from(Buffer.concat([before, ...writer.finish(), after]))
  return { tbsDer, expected: { ...written, entries: writer.count, finalEntries: writer.finalCount } }
}

function lint({
  tbsDer,
  expected
}: {
  readonly tbsDer: Uint8Array
  readonly expected: ListExpectation
}): number {
  let steps = 0
  for (const _ of lintTbsCertList(tbsDer, expected)) steps += _ === undefined ? 1 : 0
  return steps
}

const failure = (act: () => unknown): unknown => {
  try {
    act()
    return undefined
  } catch (error) {
    const { code, violations } = error as { code: string; violations: readonly { pointer: string }[] }
    return [code, ...violations.map(({ pointer }) => pointer)]
  }
}

describe('a CRL', () => {
  it('holds what it was made of, entry for entry', () => {
    const built = build([
      entry(1, { reason: 'unspecified' }),
      entry(2, { reason: 'keyCompromise', invalidityDate: new Date('2026-10-01T01:02:03Z') }),
      entry(3, { reason: 'certificateHold', revocationDate: new Date('2049-12-31T23:59:59Z') }),
      entry(4, { revocationDate: new Date('2050-01-01T00:00:00Z') })
    ])
    expect(built.expected).toMatchObject({ entries: 4, finalEntries: 3 })
    lint(built)
    const hex = toHex(built.tbsDer)
    const text = (value: string) => Buffer.from(value).toString('hex')
    // UTCTime through 2049, GeneralizedTime from 2050, and for the invalidity date always.
    expect(hex).toContain(`3015020440000001170d${text('261101000000Z')}30`)
    expect(hex).toContain(`170d${text('491231235959Z')}`)
    expect(hex).toContain(`180f${text('20500101000000Z')}`)
    expect(hex).toContain(`0603551d180411180f${text('20261001010203Z')}`)
    expect(hex).toContain('0603551d1504030a0106')
  })

  it('without entries has no list of them', () => {
    const built = build([])
    lint(built)
    expect(toHex(built.tbsDer)).toContain(`${Buffer.from('261205030000Z').toString('hex')}a0`)
  })

  it('is read by the reader of CRLs', () => {
    const { tbsDer } = build([entry(1), entry(2)])
    const { before, after } = frameCertificateList(tbsDer.length, head.signatureAlgorithm, new Uint8Array(70))
    const list = parseRevocationList(Uint8Array.from(Buffer.concat([before, tbsDer, after])))
    expect([list.revoked.size, list.thisUpdate, list.nextUpdate]).toEqual([
      2,
      head.thisUpdate,
      head.nextUpdate
    ])
  })

  it('that is a delta names its base, and may put back into use', () => {
    const baseNumber = head.number - 1
    const built = build([entry(1, { reason: 'removeFromCRL' }), entry(2)], { baseNumber })
    expect(built.expected).toMatchObject({ entries: 2, finalEntries: 1 })
    lint(built)
    const hex = toHex(built.tbsDer)
    expect(hex).toContain('0603551d1504030a0108')
    expect(hex).toContain(
      `0603551d1b0101ff0408020601${(baseNumber % 2 ** 40).toString(16).padStart(10, '0')}`
    )
    const { before, after } = frameCertificateList(
      built.tbsDer.length,
      head.signatureAlgorithm,
      new Uint8Array(70)
    )
    expect(
      failure(() => parseRevocationList(Uint8Array.from(Buffer.concat([before, built.tbsDer, after]))))
    ).toEqual(['certificate_malformed'])
  })

  it('that has deltas says where they are', () => {
    const freshestCrl = 'http://pki.example.com/d'
    const built = build([entry(1)], { freshestCrl })
    lint(built)
    expect(toHex(built.tbsDer)).toContain(
      `0603551d2e0422302030 1ea01ca01a8618${Buffer.from(freshestCrl).toString('hex')}`.replace(' ', '')
    )
  })

  it('of 100,000 entries takes a time that grows with their number', () => {
    const all = Array.from({ length: 100_000 }, (_, serial) => entry(serial))
    const startMs = performance.now()
    const built = build(all)
    expect(performance.now() - startMs).toBeLessThan(1_000)
    expect(lint(built)).toBe(100)
  })

  it.each([new Uint8Array(), new Uint8Array(21)])('takes no serial number of %o', serialNumber => {
    expect(() => build([entry(1, { serialNumber })])).toThrow(RangeError)
  })
})

describe('the rules for CRLs refuse', () => {
  const two = build([entry(1), entry(2)])
  const cases: readonly (readonly [string, unknown, Parameters<typeof lint>[0]])[] = [
    ['an entry twice', '/lint/order', build([entry(1), entry(1)])],
    ['entries out of order', '/lint/order', build([entry(2), entry(1)])],
    ['a negative serial number', '/lint/serial', build([entry(1, { serialNumber: Uint8Array.of(0x80, 1) })])],
    ['what is put back into use', '/lint/reason', build([entry(1, { reason: 'removeFromCRL' })])],
    [
      'another base',
      '/lint/deltaCRLIndicator',
      {
        ...build([], { baseNumber: 7 }),
        expected: { ...build([]).expected, baseNumber: 8 }
      }
    ],
    ['a base that is later', '/lint/deltaCRLIndicator', build([], { baseNumber: head.number })],
    [
      'another address of deltas',
      '/lint/freshestCRL',
      {
        ...build([], { freshestCrl: 'http://one' }),
        expected: { ...build([]).expected, freshestCrl: 'http://two' }
      }
    ],
    ['a delta of a delta', '/lint/freshestCRL', build([], { baseNumber: 7, freshestCrl: 'http://one' })],
    ['fewer entries', '/lint/entries', { ...two, expected: { ...two.expected, entries: 3 } }],
    ['none in the place of some', '/lint/entries', { tbsDer: build([]).tbsDer, expected: two.expected }],
    [
      'another number of those for good',
      '/lint/entries',
      { ...two, expected: { ...two.expected, finalEntries: 1 } }
    ],
    ['another number', '/lint/number', { ...two, expected: { ...two.expected, number: 1 } }],
    [
      'another issuer',
      '/lint/issuer',
      { ...two, expected: { ...two.expected, issuerNameDer: buildName({ CommonName: 'x' }) } }
    ],
    [
      'another key',
      '/lint/authorityKeyIdentifier',
      { ...two, expected: { ...two.expected, authorityKeyIdentifier: new Uint8Array(20) } }
    ],
    [
      'another algorithm',
      '/lint/algorithm',
      { ...two, expected: { ...two.expected, signatureAlgorithm: 'ecdsa-with-SHA384' } }
    ],
    [
      'another time',
      '/lint/thisUpdate',
      { ...two, expected: { ...two.expected, thisUpdate: head.nextUpdate } }
    ],
    ['an end before the beginning', '/lint/period', build([], { nextUpdate: head.thisUpdate })],
    [
      'another day since which expired ones are kept',
      '/lint/expiredCertsOnCRL',
      { ...two, expected: { ...two.expected, keepsExpiredSince: head.nextUpdate } }
    ]
  ]

  it.each(cases)('%s', (_name, pointer, list) => {
    expect(failure(() => lint(list))).toEqual(['lint_failed', pointer])
  })

  it('each octet that is another, or says nothing', () => {
    const { tbsDer, expected } = build([entry(1, { invalidityDate: head.thisUpdate }), entry(2)])
    // What an octet of a time, a reason or a serial number may be otherwise, the rules cannot tell.
    let refused = 0
    for (let at = 0; at < tbsDer.length; at++) {
      const changed = Uint8Array.from(tbsDer)
      changed[at] = changed[at]! ^ 0x80
      if (failure(() => lint({ tbsDer: changed, expected })) !== undefined) refused += 1
    }
    expect(refused).toBeGreaterThan(tbsDer.length - 20)
    for (let length = 0; length < tbsDer.length; length++)
      expect(failure(() => lint({ tbsDer: tbsDer.subarray(0, length), expected }))).toBeDefined()
  })
})

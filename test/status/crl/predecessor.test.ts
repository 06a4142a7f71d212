import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeSequence } from '../../../src/pki/der/writer.ts'
import {
  type RevokedCertificate,
  RevokedCertificatesWriter
} from '../../../src/pki/revocation/list/entries.ts'
import { frameTbsCertList } from '../../../src/pki/revocation/list/tbs-cert-list.ts'
import type { RevocationReason } from '../../../src/pki/revocation/reason.ts'
import { Predecessor } from '../../../src/status/crl/making/predecessor.ts'

const at = new Date('2026-11-28T12:00:00.500Z')
const long = new Date('2026-11-01T00:00:00Z')

function entry(serial: number, reason: RevocationReason = 'unspecified', revocationDate = long) {
  const serialNumber = Uint8Array.of(0x40, serial >> 8, serial & 0xff)
  return { serialNumber, reason, revocationDate, isByClock: false }
}

function tbsOf(entries: readonly RevokedCertificate[]): Uint8Array {
  const writer = new RevokedCertificatesWriter()
  for (const each of entries) writer.add(each)
  const head = {
    signatureAlgorithm: 'ecdsa-with-SHA256',
    issuerNameDer: encodeSequence(),
    authorityKeyIdentifier: new Uint8Array(20),
    number: 7,
    thisUpdate: long,
    nextUpdate: at,
    keepsExpiredSince: long
  } as const
  const { before, after } = frameTbsCertList(head, writer.octets)
  return Buffer.concat([before, ...writer.finish(), after])
}

interface Comparison {
  readonly before: readonly RevokedCertificate[]
  readonly now: readonly ReturnType<typeof entry>[]
  readonly chunkOctets?: number
  /** Changes what is read of the one before. */
  readonly spoil?: (tbsDer: Uint8Array) => Uint8Array
}

/** @returns what `finish` does. */
async function compare({ before, now, chunkOctets = 100, spoil = der => der }: Comparison): Promise<boolean> {
  const signed = tbsOf(before)
  const tbsSha256 = createHash('sha256').update(signed).digest()
  const read = spoil(Uint8Array.from(signed))
  const source = {
    findPredecessor: async () => undefined,
    readChunk: async (_id: string, position: number) =>
      read.subarray(position * chunkOctets, (position + 1) * chunkOctets)
  }
  const stored = { intentId: 'one', number: 7, tbsOctets: signed.length, tbsSha256 }
  const predecessor = new Predecessor(stored, source, at)
  for (let passed = 0; passed < now.length; passed += 3) await predecessor.pass(now.slice(passed, passed + 3))
  return predecessor.finish()
}

const isRefused = { code: 'record_damaged' }

describe('a new CRL, held against the one before', () => {
  it.each([
    ['nothing after nothing', [], []],
    ['the first', [], [entry(1)]],
    ['the same', [entry(1), entry(2)], [entry(1), entry(2)]],
    ['more, in between and at both ends', [entry(2), entry(4)], [1, 2, 3, 4, 5].map(each => entry(each))],
    ['one that is off hold', [entry(1, 'certificateHold'), entry(2)], [entry(2)]],
    ['one that was on hold and is revoked', [entry(1, 'certificateHold')], [entry(1, 'keyCompromise')]],
    ['one that is still on hold', [entry(1, 'certificateHold')], [entry(1, 'certificateHold')]],
    ['one that is over no more by a clock that was set back', [entry(1, 'superseded', at)], []]
  ])('may say %s', async (_name, before, now) => {
    expect(await compare({ before, now })).toBe(true)
  })

  it.each([
    ['nothing any more', [entry(1)], []],
    ['less, and another', [entry(1), entry(2)], [entry(1), entry(3)]],
    ['less at the beginning', [entry(1), entry(2)], [entry(2), entry(3)]],
    ['that what was revoked is on hold', [entry(1)], [entry(1, 'certificateHold')]],
    ['nothing of what has been superseded for long', [entry(1, 'superseded')], []]
  ])('may not say %s', async (_name, before, now) => {
    await expect(compare({ before, now })).rejects.toMatchObject(isRefused)
  })

  it('may not leave out any, wherever the octets are parted', async () => {
    const reason = fc.constantFrom<RevocationReason>('unspecified', 'keyCompromise', 'certificateHold')
    const serials = fc.uniqueArray(fc.record({ serial: fc.nat(400), reason }), {
      selector: ({ serial }) => serial,
      maxLength: 60
    })
    const entriesOf = (chosen: readonly { readonly serial: number; readonly reason: RevocationReason }[]) =>
      chosen.toSorted((a, b) => a.serial - b.serial).map(each => entry(each.serial, each.reason))
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          old: serials,
          more: serials,
          leftOut: fc.option(fc.nat(59)),
          chunkOctets: fc.integer({ min: 90, max: 700 })
        }),
        async ({ old, more, leftOut, chunkOctets }) => {
          const known = new Set(old.map(({ serial }) => serial))
          const kept = old.filter((_each, index) => index !== leftOut)
          const isMissing = leftOut !== null && old[leftOut] && old[leftOut].reason !== 'certificateHold'
          const now = entriesOf([...kept, ...more.filter(({ serial }) => !known.has(serial))])
          const comparing = compare({ before: entriesOf(old), now, chunkOctets })
          if (isMissing) await expect(comparing).rejects.toMatchObject(isRefused)
          else expect(await comparing).toBe(true)
        }
      ),
      { numRuns: 200 }
    )
  })
})

describe('octets of the one before that are not those that were signed', () => {
  const before = Array.from({ length: 50 }, (_each, index) => entry(index))

  it.each([
    ['changed', (der: Uint8Array) => der.with(500, der[500]! ^ 1)],
    ['changed where an entry begins', (der: Uint8Array) => der.map(octet => (octet === 0x40 ? 0x41 : octet))],
    ['nothing at all', () => new Uint8Array()],
    ['of another kind', (der: Uint8Array) => der.map(() => 0xff)],
    ['cut off', (der: Uint8Array) => der.subarray(0, 300)],
    ['cut off behind the entries', (der: Uint8Array) => der.subarray(0, der.length - 1)]
  ])('say nothing: %s', async (_name, spoil) => {
    expect(await compare({ before, now: [], spoil })).toBe(false)
  })

  it('say nothing, whatever they are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 400 }), async octets => {
        expect(await compare({ before, now: before, spoil: () => octets })).toBe(false)
      }),
      { numRuns: 300 }
    )
  })
})

import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { isMintlineError } from '../../../src/errors/mintline-error.ts'
import { parseCertificate } from '../../../src/pki/certificate/certificate.ts'
import { parseCertificationRequest } from '../../../src/pki/csr/certification-request.ts'
import { decodeCertificationRequest } from '../../../src/pki/csr/intake.ts'
import { encodePem } from '../../../src/pki/pem/pem.ts'
import { createTestAuthority } from '../certificate/authority-fixture.ts'
import { anyCharacter } from '../der/code-point.ts'
import { nodeAt, readNode, writeNode } from '../der/der-edit.ts'
import { mutated, mutationWith } from '../der/mutation.ts'
import { fixtureNames, readFixture, takeIn } from './csr-fixture.ts'

// Other suites share the machine.
vi.setConfig({ testTimeout: 20_000 })

const codes = [
  'csr_malformed',
  'csr_too_large',
  'csr_signature_algorithm_refused',
  'csr_signature_invalid',
  'key_refused',
  'subject_refused'
]
const slowestMs = 1000

const names = [
  ...fixtureNames(''),
  ...fixtureNames('refused/').filter(
    name => !/certificate|public-key|cms|pkcs12|cmp|crmf|spkac|version/.test(name)
  )
]
const requests = names.map(name => new Uint8Array(decodeCertificationRequest(readFixture(name))))
const signedParts = new Set(requests.map(der => hex(parseSigned(der))))

/** The CertificationRequestInfo, as far as the structure shows it: the first element inside. */
function parseSigned(der: Uint8Array): Uint8Array {
  return writeNode(nodeAt(readNode(der), [0]))
}

/**
 * `refused` for an expected refusal; `unchanged` when what the device signed is as it was, which a change of the
 * optional NULL parameters of an algorithm leaves so; else what must not happen.
 */
async function outcomeOf(input: Uint8Array): Promise<string> {
  const start = performance.now()
  try {
    const { infoDer } = await takeIn(input)
    return signedParts.has(hex(infoDer)) ? 'unchanged' : 'accepted'
  } catch (error) {
    if (!isMintlineError(error)) return `another error: ${String(error)}`
    if (!codes.includes(error.code)) return `another code: ${error.code}`
    if (performance.now() - start > slowestMs) return 'slow'
    return 'refused'
  }
}

const request = fc.constantFrom(...requests)
const octet = fc.integer({ min: 0, max: 255 })

/** One structural change somewhere in a CSR. */
const mutation = mutationWith(request)

describe('no CSR makes the intake fail in another way than by refusing it', () => {
  it('with changes to its DER structure', async () => {
    const property = fc.asyncProperty(
      request,
      fc.array(mutation, { minLength: 1, maxLength: 3 }),
      async (der, mutations) => {
        const input = mutated(der, mutations)
        expect(await outcomeOf(input)).toMatch(/^(refused|unchanged)$/)
      }
    )
    await fc.assert(property, { numRuns: 1500 })
  })

  it('with changes to its bytes', async () => {
    const property = fc.asyncProperty(
      request,
      fc.record({ at: fc.nat(), value: octet, width: fc.nat({ max: 3 }) }),
      async (der, { at, value, width }) => {
        const offset = at % der.length
        const input = Buffer.concat([
          der.subarray(0, offset),
          Uint8Array.of(value),
          der.subarray(offset + width)
        ])
        expect(await outcomeOf(input)).toMatch(/^(refused|unchanged)$/)
      }
    )
    await fc.assert(property, { numRuns: 1000 })
  })

  it('with changes to its PEM', async () => {
    const piece = fc.constantFrom(
      '-',
      '-----',
      '\n',
      '\r',
      '\0',
      '=',
      '_',
      '\u2014',
      'BEGIN',
      'END',
      '-----END X-----\n',
      ' ',
      'A',
      '\ufeff'
    )
    const property = fc.asyncProperty(
      request,
      fc.array(fc.tuple(fc.nat(), piece, fc.nat({ max: 70 })), { minLength: 1, maxLength: 3 }),
      async (der, edits) => {
        const pem = edits.reduce(
          (text, [at, insert, drop]) => {
            const offset = at % text.length
            return text.slice(0, offset) + insert + text.slice(offset + drop)
          },
          encodePem('CERTIFICATE REQUEST', der)
        )
        expect(await outcomeOf(Buffer.from(pem))).toMatch(/^(refused|unchanged)$/)
      }
    )
    await fc.assert(property, { numRuns: 1000 })
  })

  it('with bytes of no meaning', async () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc.string({ unit: anyCharacter, maxLength: 400 }).map(text => Buffer.from(text))
    )
    await fc.assert(
      fc.asyncProperty(anything, async input => {
        expect(await outcomeOf(input)).toBe('refused')
      }),
      { numRuns: 800 }
    )
  })

  it('of the greatest size', async () => {
    const largest = 16 * 1024 - 4
    const fillings = [
      Buffer.alloc(largest, 0x30),
      Buffer.from('3000'.repeat(largest / 2), 'hex'),
      Buffer.from('30800000'.repeat(largest / 4), 'hex'),
      Buffer.from('31003000'.repeat(largest / 4), 'hex')
    ]
    for (const filling of fillings) {
      const der = Buffer.concat([Uint8Array.of(0x30, 0x82, largest >> 8, largest & 0xff), filling])
      expect(await outcomeOf(der)).toBe('refused')
    }
    for (const text of ['-', 'A', '-----BEGIN ', ' ', '\n', '=', '-----BEGIN CERTIFICATE REQUEST-----\n']) {
      expect(await outcomeOf(Buffer.from(text.repeat((24 * 1024) / text.length)))).toBe('refused')
    }
  })
})

describe('what is accepted', () => {
  it('is DER in one way only: written back it is the same', () => {
    for (const der of requests) expect(hex(writeNode(readNode(der)))).toBe(hex(der))
  })

  it('stays within its own bytes', () => {
    fc.assert(
      fc.property(
        request,
        fc.uint8Array({ maxLength: 20 }),
        fc.uint8Array({ maxLength: 20 }),
        (der, before, after) => {
          const all = new Uint8Array(Buffer.concat([before, der, after]))
          const view = all.subarray(before.length, before.length + der.length)
          const known = tryParse(der)
          expect(tryParse(view)).toEqual(known)
        }
      ),
      { numRuns: 200 }
    )
  })
})

function tryParse(der: Uint8Array): unknown {
  try {
    const { infoDer, spkiDer, subject } = parseCertificationRequest(der)
    return { info: hex(infoDer), spki: hex(spkiDer), subject }
  } catch (error) {
    return isMintlineError(error) ? error.code : error
  }
}

describe('no certificate makes the reader fail in another way than by refusing it', () => {
  const { der } = createTestAuthority().certificate
  it('with changes to its structure', () => {
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), mutations => {
        try {
          parseCertificate(mutated(der, mutations))
        } catch (error) {
          expect(isMintlineError(error, 'certificate_mismatch')).toBe(true)
        }
      }),
      { numRuns: 1000 }
    )
  })
})

function hex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex')
}

import { describe, expect, it } from 'vitest'
import { validityDifferences, validityOf, type ValidityRules } from '../../../src/issuance/validity.ts'

const day = 86_400_000
const now = new Date('2026-11-28T10:00:00.400Z')
const after = (days: number) => new Date(now.getTime() + days * day)

type Validity = ValidityRules['document']['validity']

/** @param endsInDays when the first CA of the chain ends; @param beganDaysAgo when the issuer began. */
function rules(validity: Validity, endsInDays = 3_000, beganDaysAgo = 10): ValidityRules {
  return {
    document: { name: 'starter', backdateMinutes: 60, validity },
    authority: {
      name: 'starter-g1',
      certificate: { notBefore: after(-beganDaysAgo) },
      path: { notAfter: after(endsInDays), endsWith: undefined }
    } as unknown as ValidityRules['authority'],
    now
  }
}

const refusing: Validity = { days: 100, whenIssuerExpiresFirst: 'refuse' }
const shortening: Validity = { days: 100, whenIssuerExpiresFirst: 'shorten' }
const unlimited: Validity = { notAfter: '99991231235959Z', whenIssuerExpiresFirst: 'shorten' }

describe('a validity that was read back', () => {
  it.each<[string, ValidityRules]>([
    ['by days', rules(refusing)],
    ['of an issuer that began a minute ago', rules(refusing, 3_000, 1 / 1_440)],
    ['of an issuer that is yet to begin', rules(refusing, 3_000, -1)],
    ['shortened to the end of the chain', rules(shortening, 50)],
    ['shortened, with as many days as are demanded', rules({ ...shortening, minimumDays: 40 }, 50)],
    ['without end, shortened', rules(unlimited, 50)]
  ])('is as it was reckoned: %s', (_, given) => {
    expect(validityDifferences(validityOf(given), given)).toEqual([])
  })

  it.each<[string, readonly [ValidityRules, Partial<ReturnType<typeof validityOf>>, string]]>([
    ['an earlier beginning', [rules(refusing), { notBefore: after(-1) }, '/notBefore']],
    ['a later beginning', [rules(refusing), { notBefore: after(0.01) }, '/notBefore']],
    ['a later end', [rules(refusing), { notAfter: after(101) }, '/notAfter']],
    ['an earlier end', [rules(refusing), { notAfter: after(99) }, '/notAfter']],
    ['an earlier end where it could be shortened', [rules(shortening), { notAfter: after(99) }, '/notAfter']],
    ['an end before that of the chain', [rules(shortening, 50), { notAfter: after(49) }, '/notAfter']],
    ['none beyond that of the chain', [rules(unlimited, 50), { notAfter: after(49) }, '/notAfter']]
  ])('is none with %s', (_, [given, change, pointer]) => {
    const found = { ...validityOf(given), ...change }
    expect(validityDifferences(found, given).map(each => each.pointer)).toEqual([pointer])
  })

  it.each<[string, Validity]>([
    ['refuse', refusing],
    ['demand more days', { ...shortening, minimumDays: 60 }]
  ])('does not end with the chain under rules that %s', (_, validity) => {
    const given = rules(validity, 50)
    expect(() => validityOf(given)).toThrow(expect.objectContaining({ code: 'authority_expires_first' }))
    const shortened = { notBefore: after(0), notAfter: given.authority.path.notAfter }
    expect(validityDifferences(shortened, given).map(each => each.pointer)).toEqual(['/notAfter'])
  })
})

import { describe, expect, it } from 'vitest'
import { ProfileDocument } from '../../src/profiles/document.ts'
import { completeProfile, ProfileRequest } from '../../src/profiles/request.ts'
import { starterProfile } from '../../src/starter/starter-profile.ts'

const least = { name: 'pumps', authority: 'starter', template: starterProfile.template! }

describe('a profile of name, authority and template', () => {
  it('says what the starter profile says', () => {
    const { description: _said, name: _name, ...starter } = starterProfile
    const { name: _other, ...completed } = completeProfile(least)
    const { Country } = starter.subject
    expect({ ...completed, subject: { ...completed.subject, Country } }).toEqual(starter)
    expect(completed.subject.Country).toEqual({ ...Country, rule: 'allowed' })
  })

  it('is complete: nothing that the description gives a default is left out of it', () => {
    const { properties } = ProfileRequest as unknown as { properties: Record<string, { default?: unknown }> }
    const completed: Readonly<Record<string, unknown>> = completeProfile(least)
    const defaulted = Object.keys(properties).filter(name => properties[name]?.default !== undefined)
    expect(defaulted).toHaveLength(12)
    for (const name of defaulted) expect([name, completed[name]]).toEqual([name, properties[name]?.default])
    expect(Object.keys(completed)).toEqual(expect.arrayContaining(ProfileDocument.required))
  })

  it('is the same when it is completed again', () => {
    expect(completeProfile(completeProfile(least))).toEqual(completeProfile(least))
  })
})

describe('a profile that says something itself', () => {
  it.each([
    [{ validity: { days: 90 } }, { validity: { days: 90, whenIssuerExpiresFirst: 'shorten' } }],
    [{ jitp: { functions: 'accept' as const } }, { jitp: { ...starterProfile.jitp, functions: 'accept' } }],
    [{ keys: { ec: { curves: ['P-521' as const] } } }, { keys: { ec: { curves: ['P-521'] } } }],
    [{ deviceIdentity: ['SerialNumber' as const] }, { deviceIdentity: ['SerialNumber'] }],
    [{ backdateMinutes: 0 }, { backdateMinutes: 0 }]
  ])('by %j is kept with %j', (said, kept) => {
    expect(completeProfile({ ...least, ...said })).toMatchObject(kept)
  })

  it('of the subject, and not of the device, takes the key for it', () => {
    const completed = completeProfile({ ...least, subject: { CommonName: { rule: 'required' } } })
    expect(completed).not.toHaveProperty('deviceIdentity')
    expect(completed.subject).toEqual({ CommonName: { rule: 'required' } })
  })
})

import { describe, expect, it } from 'vitest'
import type { StoredAuthority } from '../../src/authorities/authority-store.ts'
import { partitionOf } from '../../src/aws/iot/place.ts'
import type { DesiredRegistration } from '../../src/aws/registrations/desired-registration.ts'
import { type LintInput, registrationViolations } from '../../src/aws/registrations/lint/lint.ts'
import { createTestAuthority } from '../pki/certificate/authority-fixture.ts'

/** Valid from 2020 through 9999. */
const { certificate } = createTestAuthority()
const authority: StoredAuthority = {
  id: 'a1',
  name: 'acme-g1',
  line: 'acme',
  generation: 1,
  state: 'active',
  purpose: 'devices',
  certificateDer: certificate.der,
  issuersDer: [],
  signer: { kind: 'local', keyFile: 'acme-g1.key.pem' },
  createdAt: new Date('2026-01-01T00:00:00Z')
}
const desired: DesiredRegistration = {
  certificateMode: 'SNI_ONLY',
  setAsActive: true,
  allowAutoRegistration: true,
  provisioning: null
}
const input: LintInput = {
  place: { accountAlias: '', region: 'eu-central-1' },
  desired,
  target: { certificateMode: 'SNI_ONLY', status: 'ACTIVE', autoRegistration: 'ENABLE', provisioning: null },
  authority,
  profileLine: undefined,
  isRegistered: false,
  neighbours: [],
  now: new Date('2026-11-23T10:00:00Z')
}
const off = { ...desired, setAsActive: false, allowAutoRegistration: false }
const byDefault: DesiredRegistration = { ...desired, certificateMode: 'DEFAULT' }
const retired = { ...authority, state: 'retired' } as const
const compromised = { ...authority, state: 'compromised' } as const
const neighbour = (change: object = {}) => ({
  place: input.place,
  desired,
  authority: { ...authority, id: 'other' },
  ...change
})
const before = new Date('2019-12-31T00:00:00Z')
const provisioning = { profile: 'p', roleArn: 'arn:aws:iam::111122223333:role/r', templateName: null }
const longBody = {
  ...provisioning,
  templateBody: ' '.repeat(10_241),
  templateSha256: '',
  profileVersion: 1,
  profile: 'acme',
  mayAdopt: false
}

describe('registrationViolations', () => {
  it('has nothing against a sound CA', () => {
    expect(registrationViolations(input)).toEqual([])
  })

  it.each<[string, Partial<LintInput>, string]>([
    ['an authority that is not valid yet', { now: before }, '/path/name'],
    ['an expired one', { now: new Date('+010000-01-01T00:00:00Z') }, '/path/name'],
    [
      'an expired one that is registered, as long as it is to work',
      { now: new Date('+010000-01-01T00:00:00Z'), isRegistered: true },
      '/path/name'
    ],
    ['a compromised one', { authority: compromised, desired: off }, '/path/name'],
    ['a compromised one that is to work on', { authority: compromised, isRegistered: true }, '/path/name'],
    ['a signature of a retired key', { authority: retired, desired: byDefault }, '/certificateMode'],
    [
      'an eleventh CA of one subject',
      { neighbours: Array.from({ length: 10 }, () => neighbour()) },
      '/path/name'
    ],
    [
      'the mode DEFAULT in a second account',
      {
        desired: byDefault,
        neighbours: [
          neighbour({ desired: byDefault, authority, place: { accountAlias: 'b', region: 'eu-central-1' } })
        ]
      },
      '/certificateMode'
    ],
    [
      'a body that is too long',
      {
        desired: { ...desired, provisioning },
        target: { ...input.target, provisioning: longBody },
        profileLine: 'acme'
      },
      '/profile'
    ]
  ])('refuses %s', (_flaw, change, pointer) => {
    expect(registrationViolations({ ...input, ...change }).map(violation => violation.pointer)).toEqual([
      pointer
    ])
  })

  it.each<[string, Partial<LintInput>]>([
    ['a retired CA in SNI_ONLY mode, for devices that are still in their boxes', { authority: retired }],
    ['deactivating a compromised CA', { authority: compromised, desired: off, isRegistered: true }],
    [
      'ten CAs of one subject in another account',
      {
        neighbours: Array.from({ length: 10 }, () =>
          neighbour({ place: { accountAlias: 'b', region: 'eu-central-1' } })
        )
      }
    ],
    [
      'a registered CA among ten of one subject',
      {
        isRegistered: true,
        neighbours: Array.from({ length: 10 }, () => neighbour())
      }
    ]
  ])('lets %s pass', (_name, change) => {
    expect(registrationViolations({ ...input, ...change })).toEqual([])
  })
})

describe('partitionOf', () => {
  it.each([
    ['eu-central-1', 'aws'],
    ['cn-north-1', 'aws-cn'],
    ['us-gov-west-1', 'aws-us-gov'],
    ['us-iso-east-1', 'aws-iso'],
    ['us-isob-east-1', 'aws-iso-b']
  ])('of %s is %s', (region, partition) => {
    expect(partitionOf(region)).toBe(partition)
  })
})

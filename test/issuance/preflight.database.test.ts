import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createIssuancePath } from '../../src/composition/issuance-path.ts'
import { isMintlineError, type MintlineError } from '../../src/errors/mintline-error.ts'
import { noWeakKeys } from '../../src/factory/weak-keys/weak-keys.ts'
import { createFirstUse } from '../../src/issuance/first-use.ts'
import { createPreview, type Preview } from '../../src/issuance/preview.ts'
import { examineTemplate } from '../../src/jitp/checks/check.ts'
import { compileTemplate } from '../../src/jitp/evaluation/compile.ts'
import { readTemplateSource } from '../../src/jitp/reading/template-source.ts'
import type { ProfileDocument } from '../../src/profiles/document.ts'
import { createRandomSource } from '../../src/sources/random-bytes.ts'
import { starterProfile } from '../../src/starter/starter-profile.ts'
import { makeCertificate } from '../rehearsal/iot/certificate-making.ts'
import { makeCertificationRequest } from '../support/certification-request.ts'
import { administrator, type Issuing, startIssuing } from '../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing
let preview: Preview

const parameter = (name: string) => `AWS::IoT::Certificate::${name}`
const body = JSON.stringify({
  Parameters: {
    [parameter('CommonName')]: { Type: 'String' },
    [parameter('Organization')]: { Type: 'String' },
    [parameter('Id')]: { Type: 'String' }
  },
  Resources: {
    thing: {
      Type: 'AWS::IoT::Thing',
      Properties: {
        ThingName: { Ref: parameter('CommonName') },
        AttributePayload: {
          maker: { Ref: parameter('Organization') },
          certificate: { Ref: parameter('Id') }
        },
        ThingGroups: ['sensors']
      },
      OverrideSettings: { AttributePayload: 'MERGE', ThingTypeName: 'DO_NOTHING', ThingGroups: 'DO_NOTHING' }
    },
    certificate: {
      Type: 'AWS::IoT::Certificate',
      Properties: { CertificateId: { Ref: parameter('Id') }, Status: 'ACTIVE' },
      OverrideSettings: { Status: 'REPLACE' }
    },
    policy: { Type: 'AWS::IoT::Policy', Properties: { PolicyName: 'sensor' } }
  }
})

function namedByCommonName(name: string, account = '123456789012'): ProfileDocument {
  const { deviceIdentity, keys, validity, backdateMinutes, keyUsage, extendedKeyUsage } = starterProfile
  return {
    name,
    authority: 'starter',
    registrationConfig: { templateBody: body, roleArn: `arn:aws:iam::${account}:role/jitp` },
    subject: { CommonName: { rule: 'required' }, Organization: { rule: 'required' } },
    deviceIdentity: deviceIdentity!,
    keys,
    validity,
    backdateMinutes,
    keyUsage,
    extendedKeyUsage
  }
}

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  issuing = await startIssuing(test.database, directory.path)
  const { profiles, authorities, blockedKeys } = issuing
  preview = createPreview({
    firstUse: createFirstUse(createRandomSource()),
    profiles,
    authorities,
    blockedKeys,
    weakKeys: noWeakKeys,
    publicUrl: undefined,
    clock: () => new Date(),
    randomBytes: createRandomSource()
  })
  for (const [name, account] of [
    ['sensor', undefined],
    ['sensor-b', undefined],
    ['elsewhere', '210987654321']
  ] as const) {
    await profiles.post(namedByCommonName(name, account), administrator)
  }
})

afterAll(async () => {
  await test.drop()
  await directory.remove()
})

let lastDevice = 0
const newDevice = () => ({ Organization: 'Acme', CommonName: `sensor-${++lastDevice}` })

async function refusal(attempt: Promise<unknown>): Promise<MintlineError> {
  const error: unknown = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown
  )
  expect(isMintlineError(error)).toBe(true)
  return error as MintlineError
}

describe('an issued certificate', () => {
  it('comes with the thing that AWS will make, filled in, and the template it was checked against', async () => {
    const subject = newDevice()
    const { record } = await issuing.issue(makeCertificationRequest(subject), 'sensor')
    expect(record.thing).toEqual({
      thingName: subject.CommonName,
      attributes: { maker: 'Acme', certificate: record.certificateId },
      thingTypeName: null,
      thingGroups: ['sensors'],
      billingGroup: null
    })
    const { templateSha256 } = await issuing.profiles.find('sensor')
    expect(record.templateSha256).toBe(templateSha256)
    expect(await issuing.records.find(record.id)).toEqual(record)
  })

  it('has the thing named by its own id where the template says so', async () => {
    const { record } = await issuing.issue(
      makeCertificationRequest({ Country: 'US', CommonName: `starter-${++lastDevice}` })
    )
    expect(record.thing).toMatchObject({ thingName: record.certificateId, attributes: { country: 'US' } })
    expect(record.thing).not.toHaveProperty('thingNameFrom')
  })
})

describe('a value that is made with the certificate id', () => {
  /** The same template, whose attribute `certificate` is the id and what is added to it. */
  const addingTo = (name: string, added: string): ProfileDocument => {
    const usual = namedByCommonName(name)
    const joined = JSON.stringify({ 'Fn::Join': ['', [{ Ref: parameter('Id') }, added]] })
    const templateBody = body.replace(`"certificate":{"Ref":"${parameter('Id')}"}`, `"certificate":${joined}`)
    return {
      ...usual,
      registrationConfig: { templateBody, roleArn: 'arn:aws:iam::123456789012:role/jitp' },
      jitp: { functions: 'accept' }
    }
  }
  const countIntents = () => test.database.prisma.intent.count()

  it('is refused before anything is signed where no id would make it a value', async () => {
    await issuing.profiles.post(addingTo('spaced', ' of hall 3'), administrator)
    const before = await countIntents()
    const error = await refusal(issuing.issue(makeCertificationRequest(newDevice()), 'spaced'))
    expect(error.code).toBe('jitp_would_fail')
    expect(await countIntents()).toBe(before)
  })

  it('is refused as a template where it would pass for the id before that is known', async () => {
    const error = await refusal(
      issuing.profiles.post(addingTo('deceiving', '\uFFFF'.repeat(64)), administrator)
    )
    expect(error.code).toBe('profile_invalid')
    expect(error.violations.map(({ found }) => found)).toContain('U+FFFF')
  })

  it('that is refused once it is known ends the intent as void, and its device and key are free', async () => {
    await issuing.profiles.post(addingTo('late', '-of-hall-3'), administrator)
    const { current } = issuing.profiles
    // No template that passes its check is refused as late as this.
    const unchecked = createIssuancePath(
      {
        ...issuing.core,
        profiles: {
          ...issuing.profiles,
          current: async name => ({
            ...(await current(name)),
            template: compileUnchecked('\uFFFF'.repeat(64))
          })
        }
      },
      issuing.core.stops,
      { resumeAfterMs: 50 }
    )
    const csr = makeCertificationRequest(newDevice())
    const before = await countIntents()
    for (const times of [1, 2]) {
      const request = { csr, profile: 'late', metadata: {}, station: issuing.station, requestId: 'test' }
      expect((await refusal(unchecked.issuance.issue(request))).code).toBe('jitp_would_fail')
      expect(await countIntents()).toBe(before + times)
    }
    const [last] = await test.database.prisma.intent.findMany({ orderBy: { id: 'desc' }, take: 1 })
    expect(await issuing.records.find(last!.id)).toMatchObject({
      outcome: 'void',
      voidedBy: 'system'
    })
    const { record } = await issuing.issue(csr, 'late')
    expect(record.thing?.attributes['certificate']).toBe(`${record.certificateId}-of-hall-3`)
  })

  function compileUnchecked(added: string) {
    const source = readTemplateSource(addingTo('late', added).registrationConfig!)
    const options = { functions: 'accept' } as const
    return compileTemplate({ template: examineTemplate(source, options).template, findings: [] }, options)
  }
})

describe('a CSR that AWS would not provision', () => {
  it.each([
    ['a space in the thing name', { Organization: 'Acme', CommonName: 'SN 0042' }, '/subject/CommonName'],
    ['an @ in the thing name', { Organization: 'Acme', CommonName: 'sn@42' }, '/subject/CommonName'],
    ['a space in an attribute', { Organization: 'Acme Corp', CommonName: 'sn-42' }, '/subject/Organization']
  ])('is refused before anything is signed: %s', async (_, subject, pointer) => {
    const intents = await test.database.prisma.intent.count()
    const error = await refusal(issuing.issue(makeCertificationRequest(subject), 'sensor'))
    expect(error.code).toBe('jitp_would_fail')
    expect(error.violations.map(violation => violation.pointer)).toContain(pointer)
    expect(await test.database.prisma.intent.count()).toBe(intents)
    expect(await issuing.records.find(error.members['issuanceId'] as string)).toMatchObject({
      outcome: 'rejected',
      code: 'jitp_would_fail',
      violations: error.violations
    })
  })
})

describe('a thing', () => {
  it('has one certificate in an account, whichever profile it comes from', async () => {
    const subject = newDevice()
    await issuing.issue(makeCertificationRequest(subject), 'sensor')
    const error = await refusal(issuing.issue(makeCertificationRequest(subject), 'sensor-b'))
    expect(error.code).toBe('device_already_certified')
    expect(error.violations).toMatchObject([
      { pointer: '/subject/CommonName', found: JSON.stringify(subject.CommonName) }
    ])
    expect(error.violations[0]?.message).toContain('makes the thing')
  })

  const commonName = { Ref: parameter('CommonName') }
  const id = { Ref: parameter('Id') }
  it.each([
    ['an item that is not taken', { 'Fn::Select': ['1', [id, commonName]] }],
    [
      'a piece that is not taken',
      { 'Fn::Select': ['1', { 'Fn::Split': ['/', { 'Fn::Join': ['/', [id, commonName]] }] }] }
    ],
    ['a variable that is not used', { 'Fn::Sub': [`\${${parameter('CommonName')}}`, { id }] }]
  ])('is the same whatever the certificate id where that is only %s', async (where, name) => {
    // Without the thing's name, the key would be the identity.
    const { registrationConfig, deviceIdentity: _, ...rest } = namedByCommonName(where.replaceAll(' ', '-'))
    const templateBody = body.replace(
      `"ThingName":${JSON.stringify(commonName)}`,
      `"ThingName":${JSON.stringify(name)}`
    )
    expect(templateBody).not.toBe(body)
    await issuing.profiles.post(
      {
        ...rest,
        registrationConfig: { ...registrationConfig!, templateBody },
        jitp: { functions: 'accept' }
      },
      administrator
    )
    const subject = newDevice()
    const { record } = await issuing.issue(makeCertificationRequest(subject), rest.name)
    expect(record.thing).toMatchObject({ thingName: subject.CommonName })
    // Another key.
    const error = await refusal(issuing.issue(makeCertificationRequest(subject), rest.name))
    expect(error.code).toBe('device_already_certified')
    expect(error.violations).toMatchObject([
      { pointer: '/subject/CommonName', found: JSON.stringify(subject.CommonName) }
    ])
  })

  it('that is the same for all devices is told as that', async () => {
    const fixedName = body.replace(`{"Ref":"${parameter('CommonName')}"}`, '"the-one"')
    const { registrationConfig, ...rest } = namedByCommonName('constant')
    await issuing.profiles.post(
      { ...rest, registrationConfig: { ...registrationConfig!, templateBody: fixedName } },
      administrator
    )
    await issuing.issue(makeCertificationRequest(newDevice()), 'constant')
    const error = await refusal(issuing.issue(makeCertificationRequest(newDevice()), 'constant'))
    expect(error.code).toBe('device_already_certified')
    expect(error.violations).toMatchObject([{ pointer: '/template', found: '"the-one"' }])
  })

  it('of the same name in another account is another device', async () => {
    const subject = newDevice()
    await issuing.issue(makeCertificationRequest(subject), 'sensor')
    const { replayed } = await issuing.issue(makeCertificationRequest(subject), 'elsewhere')
    expect(replayed).toBe(false)
  })
})

describe('a preview', () => {
  const principal = { tokenId: '', name: 'anybody', role: 'station' } as const
  const counts = async () => [
    await test.database.prisma.intent.count(),
    await test.database.prisma.refusal.count()
  ]

  it('of a CSR says what an issuance would, and leaves nothing behind', async () => {
    const subject = newDevice()
    const csr = makeCertificationRequest(subject)
    const before = await counts()
    const tried = await preview.preview({ kind: 'csr', csr, profile: 'sensor', principal })
    expect(tried).toMatchObject({
      subject,
      prediction: {
        thing: { thingName: subject.CommonName, attributes: { maker: 'Acme', certificate: null } },
        policies: [{ policyName: 'sensor' }]
      }
    })
    const bad = makeCertificationRequest({ ...subject, CommonName: 'SN 0042' })
    const error = await refusal(preview.preview({ kind: 'csr', csr: bad, profile: 'sensor', principal }))
    expect(error.code).toBe('jitp_would_fail')
    expect(await counts()).toEqual(before)
    expect((await issuing.issue(csr, 'sensor')).replayed).toBe(false)
  })

  it('of a certificate knows its id', async () => {
    const { record } = await issuing.issue(makeCertificationRequest(newDevice()), 'sensor')
    const { prediction } = await preview.preview({
      kind: 'certificate',
      certificate: record.certificateDer,
      profile: 'sensor'
    })
    expect(prediction.thing).toEqual(record.thing)
  })

  it('of a certificate with two names is refused', async () => {
    const { certificatePem } = await makeCertificate({ commonNames: ['sensor-x', 'sensor-y'] })
    const certificate = Buffer.from(certificatePem)
    const attempt = preview.preview({ kind: 'certificate', certificate, profile: 'sensor' })
    const error = await refusal(attempt)
    expect(error.code).toBe('subject_refused')
    expect(error.violations).toMatchObject([{ pointer: '/subject/CommonName' }])
  })

  it('of anything else says what it is not', async () => {
    const junk = Buffer.from('junk')
    const asCertificate = preview.preview({ kind: 'certificate', certificate: junk, profile: 'sensor' })
    expect((await refusal(asCertificate)).code).toBe('certificate_malformed')
    const asCsr = preview.preview({ kind: 'csr', csr: junk, profile: 'sensor', principal })
    expect((await refusal(asCsr)).code).toBe('csr_malformed')
  })
})

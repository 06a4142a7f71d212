import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { IotRefusal } from '../../../src/rehearsal/iot/iot-refusal.ts'
import { createAutoRegistration } from '../../../src/rehearsal/iot/provisioning/auto-registration.ts'
import { readCertificateParameters } from '../../../src/rehearsal/iot/provisioning/certificate-parameters.ts'
import { registerThing } from '../../../src/rehearsal/iot/provisioning/provisioning.ts'
import type { RoleRecord } from '../../../src/rehearsal/iot/records.ts'
import type { Registry } from '../../../src/rehearsal/iot/registry/registry.ts'
import { defaultStandInSettings, type StandInSettings } from '../../../src/rehearsal/iot/stand-in-settings.ts'
import { needs } from '../../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import {
  endpoint,
  openRegistry,
  registerCa,
  roleArn,
  trustInIot,
  workingTemplate
} from './gateway/device-rehearsal.ts'
import { createCa, issueDevice, type OpensslCertificate } from './openssl-pki.ts'

let folder: TemporaryDirectory
let ca: OpensslCertificate
let device: OpensslCertificate

beforeAll(async () => {
  folder = await createTemporaryDirectory()
  ca = createCa(folder.path, '/O=Example/CN=Factory CA')
  device = issueDevice(ca, '/C=DE/O=Example/CN=unit-1', { directory: folder.path })
})
afterAll(() => folder.remove())

type Template = ReturnType<typeof workingTemplate>
type Body = Record<string, Record<string, unknown>>
const part = (template: Template, name: string, member = 'Properties') =>
  ((template.Resources as Body)[name] as Body)[member] as Record<string, unknown>

/** A first connection without the connection. */
async function provision(
  registry: Registry,
  templateBody: string,
  { unit = device, settings }: { unit?: OpensslCertificate; settings?: Partial<StandInSettings> } = {}
) {
  const registration = createAutoRegistration({
    registry,
    settings: { ...defaultStandInSettings, ...settings },
    clock: Date.now,
    serverNames: [endpoint],
    provisioningDelayMs: 0,
    publish: () => undefined,
    assertWithinQuota: () => undefined
  })
  const known = registry
    .listCaCertificates()
    .find(({ certificatePem }) => certificatePem === ca.certificatePem)
  const registrationConfig = { templateBody, roleArn }
  if (known === undefined) registerCa(registry, ca, registrationConfig)
  else registry.updateCaCertificate(known.certificateId, { registrationConfig })
  const admitted = registration.admit({
    certificatePem: unit.certificatePem,
    chainIds: new Set(),
    serverName: endpoint
  })
  expect(admitted).toBeUndefined()
  await registration.settled()
  const { certificateId } = readId(unit)
  return {
    certificateId,
    last: registry.entries.at(-1),
    status: registry.describeCertificate(certificateId).status
  }
}

function readId(unit: OpensslCertificate) {
  const { values } = readCertificateParameters(unit.certificatePem, defaultStandInSettings)
  return { certificateId: values.get('AWS::IoT::Certificate::Id') ?? '', values }
}

const documentAllowing = (resource: string) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 'iot:*', Resource: resource }]
  })

/** What the registry holds beside certificates. */
const contents = (registry: Registry) => ({
  things: registry.listThings(),
  policies: registry.listPolicies().map(({ policyName, targets }) => ({ policyName, targets }))
})

describe('a template that fails leaves the device pending and nothing made', needs('openssl'), () => {
  const ref = (name: string) => ({ Ref: `AWS::IoT::Certificate::${name}` })
  const failures: readonly [string, (template: Template) => unknown, string][] = [
    ['is not JSON', () => '{', 'InvalidRequestException'],
    ['is no object', () => '[]', 'InvalidRequestException'],
    ['is stringified twice', template => JSON.stringify(JSON.stringify(template)), 'InvalidRequestException'],
    [
      'is longer than 10240 characters',
      template => JSON.stringify(template).padEnd(10_241),
      'InvalidRequestException'
    ],
    ['has Mappings', template => ({ ...template, Mappings: {} }), 'InvalidRequestException'],
    [
      'has DeviceConfiguration',
      template => ({ ...template, DeviceConfiguration: {} }),
      'InvalidRequestException'
    ],
    [
      'declares what the subject lacks',
      template => void (template.Parameters['AWS::IoT::Certificate::StateName'] = { Type: 'String' }),
      'InvalidRequestException'
    ],
    [
      'declares a name of its own',
      template => void (template.Parameters.Line = { Type: 'String' }),
      'InvalidRequestException'
    ],
    [
      'declares another type',
      template => void (template.Parameters['AWS::IoT::Certificate::Country'] = { Type: 'Number' }),
      'InvalidRequestException'
    ],
    [
      'refers to what is not declared',
      template => void (part(template, 'thing').AttributePayload = { c: ref('Country') }),
      'InvalidRequestException'
    ],
    [
      'uses Fn::Join',
      template => void (part(template, 'thing').ThingName = { 'Fn::Join': ['-', ['a', ref('CommonName')]] }),
      'InvalidRequestException'
    ],
    [
      'has an unknown resource type',
      template => void (template.Resources.more = { Type: 'AWS::IoT::Rule', Properties: {} }),
      'InvalidRequestException'
    ],
    [
      'has an unknown property',
      template => void (part(template, 'thing').Attributes = {}),
      'InvalidRequestException'
    ],
    [
      'has two things',
      template => void (template.Resources.other = template.Resources.thing as Record<string, unknown>),
      'InvalidRequestException'
    ],
    ['has no certificate', template => void delete template.Resources.certificate, 'InvalidRequestException'],
    [
      'has no thing name',
      template => void delete part(template, 'thing').ThingName,
      'InvalidRequestException'
    ],
    [
      'has a thing name with a space',
      template => void (part(template, 'thing').ThingName = 'unit 1'),
      'InvalidRequestException'
    ],
    [
      'has a thing name of 129 characters',
      template => void (part(template, 'thing').ThingName = 'u'.repeat(129)),
      'InvalidRequestException'
    ],
    [
      'has an attribute with a space',
      template => void (part(template, 'thing').AttributePayload = { a: 'b c' }),
      'InvalidRequestException'
    ],
    [
      'has an attribute that is a number',
      template => void (part(template, 'thing').AttributePayload = { a: 7 }),
      'InvalidRequestException'
    ],
    [
      'wraps its attributes',
      template => void (part(template, 'thing').AttributePayload = { attributes: { a: 'b' } }),
      'InvalidRequestException'
    ],
    [
      'has four attributes and no thing type',
      template => void (part(template, 'thing').AttributePayload = { a: '1', b: '2', c: '3', d: '4' }),
      'InvalidRequestException'
    ],
    [
      'names a thing type that is not there',
      template => void (part(template, 'thing').ThingTypeName = 'sensor'),
      'ResourceRegistrationFailureException'
    ],
    [
      'names a group that is not there',
      template => void (part(template, 'thing').ThingGroups = ['north']),
      'ResourceRegistrationFailureException'
    ],
    [
      'names a billing group that is not there',
      template => void (part(template, 'thing').BillingGroup = 'north'),
      'ResourceRegistrationFailureException'
    ],
    [
      'names two groups of one hierarchy',
      template => void (part(template, 'thing').ThingGroups = ['plant', 'hall']),
      'InvalidRequestException'
    ],
    [
      'names a policy that is not there',
      template => void (part(template, 'policy').PolicyName = 'nobody'),
      'ResourceRegistrationFailureException'
    ],
    [
      'has eleven policies',
      template => {
        for (let index = 0; index < 10; index++)
          template.Resources[`more${index}`] = {
            Type: 'AWS::IoT::Policy',
            Properties: { PolicyDocument: documentAllowing(`topic-${index}`) }
          }
      },
      'InvalidRequestException'
    ],
    [
      'has a policy name and a document',
      template => void (part(template, 'policy').PolicyDocument = documentAllowing('*')),
      'InvalidRequestException'
    ],
    ['has neither', template => void delete part(template, 'policy').PolicyName, 'InvalidRequestException'],
    [
      'has a policy that is not JSON',
      template =>
        void (template.Resources.policy = { Type: 'AWS::IoT::Policy', Properties: { PolicyDocument: '{' } }),
      'InvalidRequestException'
    ],
    [
      'has a policy without Version',
      template =>
        void (template.Resources.policy = {
          Type: 'AWS::IoT::Policy',
          Properties: { PolicyDocument: documentAllowing('*').replace('2012', '2013') }
        }),
      'InvalidRequestException'
    ],
    [
      'has a policy of an older version',
      template =>
        void (template.Resources.policy = {
          Type: 'AWS::IoT::Policy',
          Properties: { PolicyDocument: documentAllowing('*').replace('2012', '2008') }
        }),
      'InvalidRequestException'
    ],
    [
      'has a policy with an empty action',
      template =>
        void (template.Resources.policy = {
          Type: 'AWS::IoT::Policy',
          Properties: { PolicyDocument: documentAllowing('*').replace('iot:*', '') }
        }),
      'InvalidRequestException'
    ],
    [
      'has a policy whose condition is no map of maps',
      template =>
        void (template.Resources.policy = {
          Type: 'AWS::IoT::Policy',
          Properties: {
            PolicyDocument: documentAllowing('*').replace('"Effect"', '"Condition":{"Bool":"x"},"Effect"')
          }
        }),
      'InvalidRequestException'
    ],
    [
      'has a policy with a Ref inside',
      template =>
        void (template.Resources.policy = {
          Type: 'AWS::IoT::Policy',
          Properties: { PolicyDocument: { Version: '2012-10-17', Statement: [ref('CommonName')] } }
        }),
      'InvalidRequestException'
    ],
    [
      'nests thousands of lists',
      template => JSON.stringify(template).replace('"A7"', () => '['.repeat(4_500) + ']'.repeat(4_500)),
      'InvalidRequestException'
    ],
    [
      'has AllowedValues',
      template =>
        void (template.Parameters['AWS::IoT::Certificate::CommonName'] = {
          Type: 'String',
          AllowedValues: ['unit-1']
        }),
      'InvalidRequestException'
    ],
    [
      'has a policy of 2049 characters',
      template =>
        void (template.Resources.policy = {
          Type: 'AWS::IoT::Policy',
          Properties: { PolicyDocument: documentAllowing('x'.repeat(2000)) }
        }),
      'InvalidRequestException'
    ],
    [
      'names another certificate',
      template => void (part(template, 'certificate').CertificateId = 'a'.repeat(64)),
      'InvalidRequestException'
    ],
    [
      'has the certificate in two ways',
      template => void (part(template, 'certificate').CertificatePem = 'x'),
      'InvalidRequestException'
    ],
    [
      'brings the certificate itself',
      template =>
        void (template.Resources.certificate = {
          Type: 'AWS::IoT::Certificate',
          Properties: { CertificatePem: device.certificatePem }
        }),
      'InvalidRequestException'
    ],
    [
      'has an unknown status',
      template => void (part(template, 'certificate').Status = 'PENDING'),
      'InvalidRequestException'
    ],
    [
      'fails on a certificate that exists',
      template => void ((template.Resources.certificate as Body).OverrideSettings = { Status: 'FAIL' }),
      'ConflictingResourceUpdateException'
    ],
    [
      'has an unknown override',
      template => void ((template.Resources.certificate as Body).OverrideSettings = { Status: 'MERGE' }),
      'InvalidRequestException'
    ],
    [
      'overrides what every object has',
      template => void ((template.Resources.certificate as Body).OverrideSettings = { constructor: 'FAIL' }),
      'InvalidRequestException'
    ]
  ]
  it.each(failures)('%s', async (_, spoil, errorCode) => {
    const registry = await openRegistry()
    const group = { description: '', attributes: {} }
    registry.createThingGroup({ ...group, thingGroupName: 'plant', parentGroupName: null })
    registry.createThingGroup({ ...group, thingGroupName: 'hall', parentGroupName: 'plant' })
    const before = contents(registry)
    const template = workingTemplate()
    const spoiled = spoil(template) ?? template
    const { certificateId, last, status } = await provision(
      registry,
      typeof spoiled === 'string' ? spoiled : JSON.stringify(spoiled)
    )
    expect(status).toBe('PENDING_ACTIVATION')
    expect(last).toMatchObject({ eventType: 'ProvisionDevice', outcome: 'Failure', errorCode, certificateId })
    expect(registry.entries.filter(({ eventType }) => eventType === 'RegisterThing')).toMatchObject([
      { outcome: 'Failure', errorCode, certificateId }
    ])
    expect(contents(registry)).toEqual(before)
  })

  it('has the eleventh policy of its certificate', async () => {
    const registry = await openRegistry()
    const { certificatePem } = device
    const { certificateId } = registry.registerCertificateWithoutCa({ certificatePem, status: 'INACTIVE' })
    for (let index = 0; index < 10; index++) {
      registry.createPolicy(`more-${index}`, documentAllowing('*'))
      registry.attachPolicy(`more-${index}`, registry.certificateArn(certificateId))
    }
    const before = contents(registry)
    const { values: parameters } = readCertificateParameters(certificatePem, defaultStandInSettings)
    const templateBody = JSON.stringify(workingTemplate())
    const call = () => registerThing(registry, defaultStandInSettings, { templateBody, parameters, roleArn })
    expect(call).toThrow(expect.objectContaining({ errorName: 'InvalidRequestException' }) as Error)
    expect(contents(registry)).toEqual(before)
    registry.detachPolicy('more-0', registry.certificateArn(certificateId))
    expect(call).not.toThrow()
  })

  it('and the template itself works', async () => {
    const registry = await openRegistry()
    const { status, last } = await provision(registry, JSON.stringify(workingTemplate()))
    expect(status).toBe('ACTIVE')
    expect(last).toMatchObject({ eventType: 'ProvisionDevice', outcome: 'Success', thingName: 'unit-1' })
  })
})

describe('the role', needs('openssl'), () => {
  const allow = (Action: unknown, Effect = 'Allow') =>
    JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect, Action, Resource: '*' }] })
  const bare: RoleRecord = {
    roleArn,
    assumeRolePolicyDocument: trustInIot,
    policies: {},
    attachedPolicyArns: []
  }
  const needed = ['iot:CreateThing', 'iot:AttachThingPrincipal', 'iot:AttachPolicy', 'iot:UpdateCertificate']
  const roles: readonly [string, RoleRecord | undefined, boolean][] = [
    ['that is not there', undefined, false],
    ['without a policy', bare, false],
    ['with all it needs', { ...bare, policies: { jitp: allow(needed) } }, true],
    [
      'with all it needs in any case',
      { ...bare, policies: { jitp: allow(needed.map(action => action.toUpperCase())) } },
      true
    ],
    [
      'with all it needs in two policies',
      { ...bare, policies: { a: allow(needed.slice(2)), b: allow(needed.slice(0, 2)) } },
      true
    ],
    ['with a wildcard', { ...bare, policies: { jitp: allow('iot:*') } }, true],
    ['with a denial', { ...bare, policies: { jitp: allow('*'), no: allow('iot:Create*', 'Deny') } }, false],
    [
      'with a denial of all but something',
      {
        ...bare,
        policies: { jitp: allow('*'), no: allow('iot:Describe*', 'Deny').replace('"Action"', '"NotAction"') }
      },
      false
    ],
    ['with a policy that is not JSON', { ...bare, policies: { jitp: '{' } }, false],
    [
      'that another service may assume',
      {
        ...bare,
        assumeRolePolicyDocument: trustInIot.replace('iot.', 'lambda.'),
        policies: { jitp: allow('*') }
      },
      false
    ],
    [
      'with a trust policy that denies as well',
      {
        ...bare,
        assumeRolePolicyDocument: JSON.stringify({
          Statement: ['Allow', 'Deny'].map(Effect => ({
            Effect,
            Principal: { Service: 'iot.amazonaws.com' },
            Action: 'sts:AssumeRole'
          }))
        }),
        policies: { jitp: allow('*') }
      },
      false
    ],
    [
      'with a trust policy that is not JSON',
      { ...bare, assumeRolePolicyDocument: '', policies: { jitp: allow('*') } },
      false
    ],
    ...needed.map((missing): [string, RoleRecord, boolean] => [
      `without ${missing}`,
      { ...bare, policies: { jitp: allow(needed.filter(action => action !== missing)) } },
      false
    ])
  ]
  it.each(roles)('%s', async (_, role, isEnough) => {
    const registry = await openRegistry()
    registry.removeRole(roleArn)
    if (role !== undefined) registry.putRole(role)
    const { status, last } = await provision(registry, JSON.stringify(workingTemplate()))
    expect(status).toBe(isEnough ? 'ACTIVE' : 'PENDING_ACTIVATION')
    expect(last?.errorCode).toBe(isEnough ? undefined : 'UnauthorizedException')
    expect(registry.listThings()).toHaveLength(isEnough ? 1 : 0)
  })

  it('needs more for a policy that is made, and for a group', async () => {
    const registry = await openRegistry()
    registry.createThingGroup({
      thingGroupName: 'north',
      parentGroupName: null,
      description: '',
      attributes: {}
    })
    const template = workingTemplate()
    template.Resources.policy = {
      Type: 'AWS::IoT::Policy',
      Properties: { PolicyDocument: documentAllowing('*') }
    }
    part(template, 'thing').ThingGroups = ['north']
    for (const more of [[], ['iot:CreatePolicy'], ['iot:AddThingToThingGroup']]) {
      registry.putRole({ ...bare, policies: { jitp: allow([...needed, ...more]) } })
      expect((await provision(registry, JSON.stringify(template))).status).toBe('PENDING_ACTIVATION')
    }
    const both = allow([...needed, 'iot:CreatePolicy', 'iot:AddThingToThingGroup'])
    registry.putRole({ ...bare, policies: { jitp: both } })
    expect((await provision(registry, JSON.stringify(template))).status).toBe('ACTIVE')
  })
})

describe('the parameters', needs('openssl'), () => {
  const parametersOf = (subject: string, settings: Partial<StandInSettings> = {}) =>
    readCertificateParameters(issueDevice(ca, subject, { directory: folder.path }).certificatePem, {
      ...defaultStandInSettings,
      ...settings
    })
  const short = (values: ReadonlyMap<string, string>) =>
    Object.fromEntries(
      [...values].map(([name, value]) => [name.replace('AWS::IoT::Certificate::', ''), value])
    )

  it('are eight at the most', () => {
    const { values } = parametersOf(
      '/C=DE/ST=Hessen/L=Kassel/O=Example/OU=Line 7/CN=unit-1/dnQualifier=q/serialNumber=S1'
    )
    expect(short(values)).toEqual({
      Country: 'DE',
      StateName: 'Hessen',
      Organization: 'Example',
      OrganizationalUnit: 'Line 7',
      CommonName: 'unit-1',
      DistinguishedNameQualifier: 'q',
      SerialNumber: expect.stringMatching(/^1\d{3}$/) as string,
      Id: expect.stringMatching(/^[0-9a-f]{64}$/) as string
    })
  })

  it('take the serial number of the subject where the settings say so', () => {
    expect(
      short(parametersOf('/CN=a/serialNumber=S1', { serialNumberSource: 'subject' }).values).SerialNumber
    ).toBe('S1')
    expect(short(parametersOf('/CN=a', { serialNumberSource: 'subject' }).values)).not.toHaveProperty(
      'SerialNumber'
    )
  })

  it('escape what RFC 4514 escapes, unless the settings say otherwise', () => {
    expect(short(parametersOf('/CN=a,b=c').values).CommonName).toBe('a\\,b\\=c')
    expect(short(parametersOf('/CN=a,b=c', { subjectCharacters: 'keep' }).values).CommonName).toBe('a,b=c')
  })

  it('withhold a value that is there twice, unless the first one is asked for', () => {
    const { values, withheld } = parametersOf('/OU=a/OU=b/CN=unit-1')
    expect([...withheld.keys()]).toEqual(['AWS::IoT::Certificate::OrganizationalUnit'])
    expect(short(values)).not.toHaveProperty('OrganizationalUnit')
    expect(
      short(parametersOf('/OU=a/OU=b/CN=unit-1', { multipleValues: 'first' }).values).OrganizationalUnit
    ).toBe('a')
  })

  it('have a default for what the subject lacks, but not for what it has twice', async () => {
    const template = workingTemplate()
    template.Parameters['AWS::IoT::Certificate::OrganizationalUnit'] = { Type: 'String', Default: 'none' }
    part(template, 'thing').AttributePayload = { unit: { Ref: 'AWS::IoT::Certificate::OrganizationalUnit' } }
    const registry = await openRegistry()
    const twice = issueDevice(ca, '/OU=a/OU=b/CN=unit-2', { directory: folder.path })
    expect((await provision(registry, JSON.stringify(template), { unit: twice })).last?.errorCode).toBe(
      'InvalidRequestException'
    )
    expect((await provision(registry, JSON.stringify(template))).status).toBe('ACTIVE')
    expect(registry.describeThing('unit-1').attributes).toEqual({ unit: 'none' })
  })
})

describe('a policy made from a document', needs('openssl'), () => {
  const withDocument = (PolicyDocument: unknown) => {
    const template = workingTemplate()
    template.Resources.policy = { Type: 'AWS::IoT::Policy', Properties: { PolicyDocument } }
    return JSON.stringify(template)
  }

  it('is named by its SHA-1, and shared by devices with the same text', async () => {
    const registry = await openRegistry()
    const document = documentAllowing('*')
    await provision(registry, withDocument(document))
    await provision(registry, withDocument(document), {
      unit: issueDevice(ca, '/CN=unit-2', { directory: folder.path })
    })
    const made = registry.listPolicies().filter(({ policyName }) => policyName !== 'factory-device')
    expect(made).toMatchObject([{ policyDocument: document }])
    expect(made[0]?.targets).toHaveLength(2)
    // printf %s '{"Version"…}' | sha1sum
    expect(made[0]?.policyName).toBe('028AA4AAFA5DA4180F172AEE7CC55AACA7EA1CD5')
  })

  it('is one for each device where a value is put into it', async () => {
    const registry = await openRegistry()
    const document = { 'Fn::Sub': documentAllowing('${AWS::IoT::Certificate::CommonName}') }
    const settings = { intrinsicFunctions: 'evaluate' } as const
    await provision(registry, withDocument(document), { settings })
    await provision(registry, withDocument(document), {
      unit: issueDevice(ca, '/CN=unit-2', { directory: folder.path }),
      settings
    })
    expect(registry.listPolicies()).toHaveLength(3)
  })

  it('may be named without regard to white space', async () => {
    const registry = await openRegistry()
    const document = documentAllowing('*')
    const compact = { generatedPolicyName: 'sha1-of-compact-document' } as const
    await provision(registry, withDocument(document), { settings: compact })
    const spaced = JSON.stringify(JSON.parse(document), undefined, 2)
    await provision(registry, withDocument(spaced), {
      unit: issueDevice(ca, '/CN=unit-2', { directory: folder.path }),
      settings: compact
    })
    expect(registry.listPolicies()).toHaveLength(2)
  })
})

describe('a thing that exists', needs('openssl'), () => {
  interface Outcome {
    readonly attributes?: object
    readonly thingTypeName?: string
    readonly thingGroups?: readonly string[]
    readonly errorCode?: string
  }
  const untouched = {
    attributes: { line: 'A1', old: 'yes' },
    thingTypeName: 'sensor',
    thingGroups: ['north']
  }
  interface Given {
    readonly overrides?: Readonly<Record<string, string>>
    readonly settings?: Partial<StandInSettings>
  }
  const outcomes: readonly [string, Given, Outcome][] = [
    ['is left alone by default', {}, untouched],
    [
      'is left alone',
      {
        overrides: { AttributePayload: 'DO_NOTHING', ThingTypeName: 'DO_NOTHING', ThingGroups: 'DO_NOTHING' }
      },
      untouched
    ],
    [
      'gets new attributes',
      { overrides: { AttributePayload: 'REPLACE' } },
      { ...untouched, attributes: { line: 'A7' } }
    ],
    [
      'gets attributes beside its own',
      { overrides: { AttributePayload: 'MERGE' } },
      { ...untouched, attributes: { line: 'A7', old: 'yes' } }
    ],
    [
      'gets another type',
      { overrides: { ThingTypeName: 'REPLACE' } },
      { ...untouched, thingTypeName: 'actor' }
    ],
    [
      'changes its groups',
      { overrides: { ThingGroups: 'REPLACE' } },
      { ...untouched, thingGroups: ['south'] }
    ],
    [
      'joins more groups',
      { overrides: { ThingGroups: 'MERGE' } },
      { ...untouched, thingGroups: ['north', 'south'] }
    ],
    [
      'is replaced where the settings say so',
      { settings: { absentOverride: 'REPLACE' } },
      { attributes: { line: 'A7' }, thingTypeName: 'actor', thingGroups: ['south'] }
    ],
    ...['AttributePayload', 'ThingTypeName', 'ThingGroups'].map((name): [string, Given, Outcome] => [
      `stops it by ${name}`,
      { overrides: { [name]: 'FAIL' } },
      { ...untouched, errorCode: 'ConflictingResourceUpdateException' }
    ])
  ]
  it.each(outcomes)('%s', async (_, { overrides, settings = {} }, { errorCode, ...expected }) => {
    const registry = await openRegistry()
    for (const thingTypeName of ['sensor', 'actor'])
      registry.createThingType({ thingTypeName, description: '', searchableAttributes: [] })
    for (const thingGroupName of ['north', 'south'])
      registry.createThingGroup({ thingGroupName, parentGroupName: null, description: '', attributes: {} })
    registry.createThing({ thingName: 'unit-1', attributes: untouched.attributes, thingTypeName: 'sensor' })
    registry.addThingToThingGroup('north', 'unit-1')
    const template = workingTemplate()
    Object.assign(part(template, 'thing'), { ThingTypeName: 'actor', ThingGroups: ['south'] })
    ;(template.Resources.thing as Body).OverrideSettings = overrides as Record<string, unknown>
    const { status, last } = await provision(registry, JSON.stringify(template), { settings })
    expect(last?.errorCode).toBe(errorCode)
    expect(status).toBe(errorCode === undefined ? 'ACTIVE' : 'PENDING_ACTIVATION')
    expect(registry.describeThing('unit-1')).toMatchObject(expected)
    expect(registry.describeThing('unit-1').principals).toHaveLength(errorCode === undefined ? 1 : 0)
  })
})

describe('the certificate', needs('openssl'), () => {
  it.each([
    [undefined, undefined, 'ACTIVE'],
    ['Active', undefined, 'ACTIVE'],
    ['ACTIVE', 'DO_NOTHING', 'ACTIVE'],
    ['ACTIVE', 'REPLACE', 'ACTIVE'],
    ['INACTIVE', 'REPLACE', 'INACTIVE']
  ])('with status %s and override %s becomes %s', async (Status, override, expected) => {
    const registry = await openRegistry()
    const template = workingTemplate()
    part(template, 'certificate').Status = Status
    ;(template.Resources.certificate as Body).OverrideSettings = { Status: override }
    expect((await provision(registry, JSON.stringify(template))).status).toBe(expected)
  })

  it('may be on one thing alone', async () => {
    const registry = await openRegistry()
    const template = workingTemplate()
    part(template, 'certificate').ThingPrincipalType = 'EXCLUSIVE_THING'
    await provision(registry, JSON.stringify(template))
    expect(registry.describeThing('unit-1').principals).toMatchObject([
      { thingPrincipalType: 'EXCLUSIVE_THING' }
    ])
  })
})

describe('RegisterThing of a caller', needs('openssl'), () => {
  const template = () => {
    const { Resources } = workingTemplate()
    const Parameters = { Name: { Type: 'String' }, Pem: { Type: 'String' }, Line: { Type: 'String' } }
    Resources.certificate = { Type: 'AWS::IoT::Certificate', Properties: { CertificatePem: { Ref: 'Pem' } } }
    part({ Parameters, Resources }, 'thing').ThingName = { Ref: 'Name' }
    return { Parameters, Resources } satisfies Template
  }
  const parameters = (): Map<string, string> =>
    new Map([
      ['Name', 'unit-1'],
      ['Pem', device.certificatePem]
    ])

  it('registers the certificate, and needs no role and no parameter that is not used', async () => {
    const registry = await openRegistry()
    registerCa(registry, ca)
    const { certificatePem, resourceArns } = registerThing(registry, defaultStandInSettings, {
      templateBody: JSON.stringify(template()),
      parameters: parameters()
    })
    const { certificateId } = readId(device)
    expect(certificatePem).toBe(device.certificatePem)
    expect(resourceArns).toEqual({
      certificate: registry.certificateArn(certificateId),
      thing: registry.thingArn('unit-1'),
      policy: registry.policyArn('factory-device')
    })
    expect(registry.describeCertificate(certificateId).status).toBe('ACTIVE')
    expect(registry.listAttachedPolicies(registry.certificateArn(certificateId))).toHaveLength(1)
  })

  it.each([
    [
      'uses a parameter without a value',
      (body: Template) => void (part(body, 'thing').AttributePayload = { l: { Ref: 'Line' } }),
      'InvalidRequestException'
    ],
    [
      'names a certificate that is not there',
      (body: Template) =>
        void (
          (part(body, 'certificate').CertificatePem = undefined),
          (part(body, 'certificate').CertificateId = 'a'.repeat(64))
        ),
      'ResourceRegistrationFailureException'
    ],
    [
      'asks for a certificate',
      (body: Template) =>
        void (
          (part(body, 'certificate').CertificatePem = undefined),
          (part(body, 'certificate').CertificateSigningRequest = 'x')
        ),
      'InvalidRequestException'
    ],
    [
      'brings no certificate',
      (body: Template) => void (part(body, 'certificate').CertificatePem = 'x'),
      'ResourceRegistrationFailureException'
    ]
  ])('that %s is refused', async (_, spoil, errorName) => {
    const registry = await openRegistry()
    registerCa(registry, ca)
    const body = template()
    spoil(body)
    const call = () =>
      registerThing(registry, defaultStandInSettings, {
        templateBody: JSON.stringify(body),
        parameters: parameters()
      })
    expect(call).toThrow(expect.objectContaining({ errorName }) as Error)
    expect(registry.listCertificates()).toEqual([])
  })

  it('evaluates functions where the settings say so', async () => {
    const registry = await openRegistry()
    registerCa(registry, ca)
    const body = template()
    part(body, 'thing').ThingName = { 'Fn::Join': ['-', ['x', { Ref: 'Name' }]] }
    part(body, 'thing').AttributePayload = {
      second: { 'Fn::Select': ['1', { 'Fn::Split': ['-', { Ref: 'Name' }] }] },
      mapped: { 'Fn::FindInMap': ['Lines', { Ref: 'Name' }, 'line'] },
      put: { 'Fn::Sub': ['${Name}:${Hall}', { Hall: 'H3' }] }
    }
    const templateBody = JSON.stringify({ ...body, Mappings: { Lines: { 'unit-1': { line: 'A7' } } } })
    const settings = { ...defaultStandInSettings, intrinsicFunctions: 'evaluate' } as const
    registerThing(registry, settings, { templateBody, parameters: parameters() })
    expect(registry.describeThing('x-unit-1').attributes).toEqual({
      second: '1',
      mapped: 'A7',
      put: 'unit-1:H3'
    })
  })

  it('throws nothing but a refusal, whatever the body', async () => {
    const registry = await openRegistry()
    const text = fc.oneof(
      fc.constantFrom(
        'AWS::IoT::Thing',
        'AWS::IoT::Certificate',
        'Ref',
        'Fn::Select',
        '__proto__',
        'constructor'
      ),
      fc.string()
    )
    const value = fc.letrec(tie => ({
      value: fc.oneof(
        { maxDepth: 4 },
        text,
        fc.integer(),
        fc.constant(null),
        fc.array(tie('value')),
        fc.dictionary(text, tie('value'))
      )
    })).value
    const resource = fc.record({
      Type: fc.constantFrom('AWS::IoT::Thing', 'AWS::IoT::Certificate', 'AWS::IoT::Policy'),
      Properties: fc.dictionary(
        fc.constantFrom(
          'ThingName',
          'AttributePayload',
          'ThingGroups',
          'CertificateId',
          'Status',
          'PolicyDocument'
        ),
        value
      ),
      OverrideSettings: fc.oneof(fc.constant({}), value)
    })
    const body = fc.record({
      Parameters: fc.oneof(fc.constant({}), value),
      Resources: fc.dictionary(fc.string(), resource)
    })
    const settings = { ...defaultStandInSettings, intrinsicFunctions: 'evaluate' } as const
    fc.assert(
      fc.property(body, template => {
        try {
          registerThing(registry, settings, { templateBody: JSON.stringify(template), parameters: new Map() })
        } catch (error) {
          expect(error).toBeInstanceOf(IotRefusal)
        }
      }),
      { numRuns: 300 }
    )
  })
})

import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AwsRegistrationAnswer } from '../../src/http/api/aws-registrations/schemas.ts'
import { buildTrustPolicy } from '../../src/jitp/policy/required-actions.ts'
import { connectDocument, ref, templateOf } from '../jitp/template-cases.ts'
import { needs } from '../support/needs/needs.ts'
import { builtProgram } from '../support/program/program.ts'
import { accountId, type Field, openField, otherAccountId, roleArn } from './field.ts'

let field: Field
let templateSha256: string

/** Its policy names no place. */
const everywhere = templateOf({ policy: { PolicyDocument: connectDocument('arn:aws:iot:*:*:client/*') } })

beforeAll(async () => {
  field = await openField()
  await field.makeAuthority('field')
  ;({ templateSha256 } = (await field.postProfile('field', everywhere)).body)
})
afterAll(() => field.close())

/** One for each registration: nothing is there yet, but the logs are on. */
const unusedRegions =
  `us-east-2 us-west-1 us-west-2 ca-central-1 sa-east-1 eu-central-1 eu-central-2 eu-west-1 eu-west-2
  eu-west-3 eu-north-1 eu-south-1 eu-south-2 ap-east-1 ap-south-1 ap-south-2 ap-northeast-1 ap-northeast-2 ap-northeast-3
  ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 me-south-1 me-central-1 il-central-1
  af-south-1`.split(/\s+/)

function newRegion(): string {
  const region = unusedRegions.pop()
  if (region === undefined) throw new Error('every region has been used')
  for (const account of [accountId, otherAccountId])
    registryOf(region, account).setLogging({ roleArn, defaultLogLevel: 'ERROR', disableAllLogs: false })
  return region
}

const registryOf = (region: string, account = accountId) => field.cloud.registry.neighbour(account, region)
const jitp = { profile: 'field', roleArn }
const fieldsOf = ({ drift }: AwsRegistrationAnswer) =>
  drift.map(({ field: name, expected }) => `${name} ${expected}`)
const stepsOf = ({ steps }: AwsRegistrationAnswer) => steps.map(({ step, outcome }) => `${step} ${outcome}`)
const pointersOf = ({ violations = [] }: { violations?: readonly { pointer: string }[] }) =>
  violations.map(({ pointer }) => pointer)

describe('registration', () => {
  it('#2 notes CAs of one subject, which rotation avoids by itself', async () => {
    const region = newRegion()
    const subject = { Organization: 'Acme', CommonName: 'One Name' }
    for (const authority of ['one-name', 'same-name']) {
      await field.makeAuthority(authority, 9125, subject)
      await field.postProfile(authority, templateOf(), { authority })
    }
    const first = await field.register('one-name-g1', { region })
    expect(stepsOf(first)).not.toContain('lint noted')
    expect(stepsOf(await field.register('same-name-g1', { region }))).toContain('lint noted')
    const key = { kind: 'local', keyType: 'P-256' }
    const next = { line: 'one-name', key, subject, certificate: { kind: 'self-signed', days: 9125 } }
    await field.call.post('admin', '/authorities', next)
    expect(stepsOf(await field.register('one-name-g2', { region }))).not.toContain('lint noted')
  })

  it('#6 sends the body as it is on record, to the octet', async () => {
    const { observed } = await field.register('field-g1', { region: newRegion(), ...jitp })
    expect(observed?.templateSha256).toBe(templateSha256)
  })

  it('#7 compares the role with what the template needs', async () => {
    const name = (role: string) => `arn:aws:iam::${accountId}:role/${role}`
    const trust = (service: string) =>
      JSON.stringify(buildTrustPolicy()).replace('iot.amazonaws.com', service)
    const allow = (Action: readonly string[]) =>
      JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource: '*' }] })
    const actions = [
      'iot:UpdateCertificate',
      'iot:CreateThing',
      'iot:AttachThingPrincipal',
      'iot:CreatePolicy'
    ]
    const role = { policies: { own: allow(actions) }, attachedPolicyArns: [] }
    field.cloud.registry.putRole({
      ...role,
      roleArn: name('weak'),
      assumeRolePolicyDocument: trust('iot.amazonaws.com')
    })
    field.cloud.registry.putRole({
      ...role,
      roleArn: name('foreign'),
      assumeRolePolicyDocument: trust('lambda.amazonaws.com')
    })
    const weak = await field.register('field-g1', { region: newRegion(), ...jitp, roleArn: name('weak') })
    expect([weak.state, ...fieldsOf(weak)]).toEqual(['drifted', 'role.actions iot:AttachPolicy'])
    const foreign = await field.register('field-g1', {
      region: newRegion(),
      ...jitp,
      roleArn: name('foreign')
    })
    expect(foreign.drift.map(({ field: what }) => what)).toContain('role.trust')
  })

  it('#8 looks up what the template names in the account and region', async () => {
    const thing = {
      ThingName: ref('CommonName'),
      ThingTypeName: 'sensor',
      ThingGroups: ['hall-7', 'fleet'],
      BillingGroup: 'plant'
    }
    await field.postProfile('names', templateOf({ thing, policy: { PolicyName: 'device' } }))
    const region = newRegion()
    registryOf(region).createThingGroup({
      thingGroupName: 'fleet',
      parentGroupName: null,
      description: '',
      attributes: {}
    })
    const registration = await field.register('field-g1', { region, profile: 'names', roleArn })
    const missing = ['template.thingType sensor', 'template.thingGroup hall-7', 'template.billingGroup plant']
    expect([registration.state, ...fieldsOf(registration)]).toEqual([
      'drifted',
      ...missing,
      'template.policy device'
    ])
    const registry = registryOf(region)
    registry.createThingType({ thingTypeName: 'sensor', description: '', searchableAttributes: [] })
    registry.createThingGroup({
      thingGroupName: 'hall-7',
      parentGroupName: null,
      description: '',
      attributes: {}
    })
    registry.createBillingGroup({ billingGroupName: 'plant', description: '' })
    await expect.poll(() => field.check(registration).then(fieldsOf)).toEqual(['template.policy device'])
    registry.createPolicy('device', connectDocument())
    await expect.poll(() => field.check(registration).then(({ state }) => state)).toBe('registered')
  })

  it('#8 notes what it may not look up', async () => {
    await field.postProfile('unseen', templateOf({ policy: { PolicyName: 'unseen' } }))
    field.cloud.setFaults({ deniedOperations: ['GetPolicy'] })
    const registration = await field.register('field-g1', { region: newRegion(), profile: 'unseen', roleArn })
    field.cloud.setFaults({ deniedOperations: [] })
    expect([registration.state, ...stepsOf(registration)]).toEqual([
      'registered',
      'references noted',
      'register done'
    ])
  })

  it('#9 says whether the CA is switched on, and finds what somebody switched off', async () => {
    const region = newRegion()
    const unsaid = { region, ...jitp, setAsActive: undefined }
    expect((await field.askRegistration('field-g1', unsaid)).body).toMatchObject({ code: 'request_invalid' })
    const off = await field.register('field-g1', { region, ...jitp, setAsActive: false })
    expect(stepsOf(off)).toContain('lint noted')
    expect(off.observed?.status).toBe('INACTIVE')
    const on = await field.register('field-g1', { region, ...jitp })
    registryOf(region).updateCaCertificate(on.caCertificateId, {
      status: 'INACTIVE',
      autoRegistrationStatus: 'DISABLE'
    })
    expect(fieldsOf(await field.check(on))).toEqual(['status ACTIVE', 'autoRegistration ENABLE'])
  })

  it('#9 finds a stored template that was disabled', async () => {
    const region = newRegion()
    const stored = await field.register('field-g1', { region, ...jitp, templateName: 'devices' })
    expect(stored.state).toBe('registered')
    registryOf(region).updateProvisioningTemplate('devices', { enabled: false })
    expect(fieldsOf(await field.check(stored))).toEqual(['templateEnabled true'])
  })

  it('#10 refuses a CA of another line than the one that signs the devices of the profile', async () => {
    await field.makeAuthority('root')
    const { status, body } = await field.askRegistration('root-g1', { region: newRegion(), ...jitp })
    expect([status, body.code, ...pointersOf(body)]).toEqual([422, 'aws_registration_invalid', '/profile'])
  })

  it('#10 notes a CA that signs no device, where just-in-time registration names no profile', async () => {
    await field.makeAuthority('top')
    expect(stepsOf(await field.register('top-g1', { region: newRegion() }))).toContain('lint noted')
    expect(stepsOf(await field.register('field-g1', { region: newRegion() }))).not.toContain('lint noted')
  })

  it('#16 proves the key with the code of each region', async () => {
    const [one, other] = [newRegion(), newRegion()]
    for (const region of [one, other]) {
      const registration = await field.register('field-g1', { region, ...jitp, certificateMode: 'DEFAULT' })
      expect(registration.state).toBe('registered')
      expect(stepsOf(registration)).toContain('verification-certificate done')
    }
    expect(registryOf(one).getRegistrationCode()).not.toBe(registryOf(other).getRegistrationCode())
  })

  it('#17 signs a verification certificate in DEFAULT mode alone', async () => {
    const region = newRegion()
    const registration = await field.register('field-g1', { region, ...jitp, certificateMode: 'SNI_ONLY' })
    expect([registration.state, ...stepsOf(registration)]).toEqual(['registered', 'register done'])
    expect(registryOf(region).describeCaCertificate(registration.caCertificateId).certificateMode).toBe(
      'SNI_ONLY'
    )
  })

  it('#23 refuses DEFAULT mode in a second account of the region, and takes SNI_ONLY in both', async () => {
    const region = newRegion()
    await field.register('field-g1', { region, certificateMode: 'DEFAULT' })
    const second = { region, accountAlias: 'other', certificateMode: 'DEFAULT' }
    const { status, body } = await field.askRegistration('field-g1', second)
    expect([status, body.code, ...pointersOf(body)]).toEqual([
      422,
      'aws_registration_invalid',
      '/certificateMode'
    ])
    const both = newRegion()
    for (const accountAlias of [undefined, 'other'])
      expect(await field.register('field-g1', { region: both, accountAlias })).toMatchObject({
        state: 'registered',
        awsAccountId: accountAlias === undefined ? accountId : otherAccountId
      })
  })

  it('#26 names the template and the CA in each record, and finds a template that was edited', async () => {
    const { body: profile } = await field.postProfile('pinned', everywhere)
    const registration = await field.register('field-g1', { region: newRegion(), profile: 'pinned', roleArn })
    const { body: issued } = await field.askCertificate('pinned', { CommonName: 'pinned-1' })
    expect(issued).toMatchObject({
      templateSha256: profile.templateSha256,
      authority: 'field-g1',
      profileVersion: 1
    })
    const registry = registryOf(registration.region)
    const { registrationConfig } = registry.describeCaCertificate(registration.caCertificateId)
    const { templateBody } = registrationConfig as { templateBody: string }
    expect(createHash('sha256').update(templateBody).digest('hex')).toBe(issued.templateSha256)
    const edited = { templateBody: templateBody.replace('MERGE', 'REPLACE'), roleArn }
    registry.updateCaCertificate(registration.caCertificateId, { registrationConfig: edited })
    const drifted = await field.check(registration)
    expect([drifted.state, ...fieldsOf(drifted)]).toEqual(['drifted', 'template "MERGE"'])
    expect((await field.sync(drifted)).state).toBe('registered')
  })

  it('#27 knows the partition of a region, and notes where provisioning was missing before', async () => {
    const region = 'cn-north-1'
    const { body } = await field.askRegistration('field-g1', { region, ...jitp })
    expect([body.code, ...pointersOf(body)]).toEqual(['aws_registration_invalid', '/roleArn'])
    const china = { region, profile: 'field', roleArn: `arn:aws-cn:iam::${accountId}:role/JITPRole` }
    expect(stepsOf(await field.register('field-g1', china))).toContain('lint noted')
    expect(stepsOf(await field.register('field-g1', { region: newRegion(), ...jitp }))).not.toContain(
      'lint noted'
    )
  })
})

describe('registration of what AWS refuses', () => {
  it('#30 leaves a stored template alone that somebody else made under the name', async () => {
    const region = newRegion()
    const templateBody = JSON.stringify(templateOf())
    registryOf(region).createProvisioningTemplate({
      templateName: 'devices',
      type: 'JITP',
      description: 'made by hand',
      templateBody,
      enabled: true,
      provisioningRoleArn: roleArn
    })
    const { status, body } = await field.askRegistration('field-g1', {
      region,
      ...jitp,
      templateName: 'devices'
    })
    expect([status, body.code]).toEqual([409, 'aws_template_not_ours'])
    const { versions, description } = registryOf(region).describeProvisioningTemplate('devices')
    expect([versions.length, description]).toEqual([1, 'made by hand'])
  })

  it('#34 notes a second CA of one subject', async () => {
    const region = newRegion()
    for (const authority of ['second-a', 'second-b'])
      await field.makeAuthority(authority, 9125, { Organization: 'Acme', CommonName: 'Second' })
    expect(stepsOf(await field.register('second-a-g1', { region }))).toContain('lint noted')
    const { steps } = await field.register('second-b-g1', { region })
    const notes = steps.filter(({ step }) => step === 'lint').map(({ detail }) => detail)
    expect(notes.join('\n')).toContain('second-a-g1')
  })

  it('#37 says what to grant where the service may not pass the role', async () => {
    field.cloud.setFaults({ deniedOperations: ['RegisterCACertificate'] })
    const { state, lastError } = await field.register('field-g1', { region: newRegion(), ...jitp })
    field.cloud.setFaults({ deniedOperations: [] })
    expect([state, lastError?.code]).toEqual(['failed', 'aws_refused'])
    expect(lastError?.detail).toContain('iam:PassRole')
  })
})

describe('pre-flight: the import of a CA', needs('openssl'), () => {
  const command = builtProgram()

  /** Makes a CA as openssl does and has it imported: the exit code, and the code of the refusal. */
  function importCa(line: string, options: string): string {
    const name = 'distinguished_name=name\nx509_extensions=ca\n[name]'
    writeFileSync(join(field.folder, 'ca.cnf'), `[req]\n${name}\n[ca]\nsubjectKeyIdentifier=hash\n`)
    const request = 'req -x509 -noenc -config ca.cnf -subj /CN=Old -keyout old.key -out old.pem -addext'
    execFileSync('openssl', `${request} ${options}`.split(' '), { cwd: field.folder, stdio: 'pipe' })
    const args = ['authority', 'import', '--line', line, '--key', 'old.key', '--certificate', 'old.pem']
    const { status, stderr } = spawnSync(process.execPath, [command, ...args], {
      cwd: field.folder,
      env: { ...process.env, ...field.environment },
      encoding: 'utf8'
    })
    return `${status} ${/\w+_(?:invalid|unusable)/.exec(stderr)?.[0] ?? 'imported'}`
  }

  it.each([
    ['RSA of 1024 bits', 'basicConstraints=critical,CA:TRUE -newkey rsa:1024', '1 key_unusable'],
    ['an Ed25519 key', 'basicConstraints=critical,CA:TRUE -newkey ed25519', '1 key_unusable'],
    ['a SHA-1 signature', 'basicConstraints=critical,CA:TRUE -newkey rsa:2048 -sha1', '1 authority_invalid'],
    ['CA:FALSE', 'basicConstraints=critical,CA:FALSE -newkey rsa:2048', '1 authority_invalid']
  ])('#18 is not imported: %s', (_flaw, options, outcome) => {
    expect(importCa('old', options)).toBe(outcome)
  })

  it('#18 without these flaws is imported', () => {
    expect(importCa('old', 'basicConstraints=critical,CA:TRUE -newkey rsa:2048')).toBe('0 imported')
  })
})

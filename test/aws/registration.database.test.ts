import { createHash, X509Certificate } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requireCertified, requireGeneration } from '../../src/authorities/generations/generation.ts'
import type { RegistrationRequest } from '../../src/aws/registrations/request.ts'
import { ownJobMs } from '../../src/aws/registrations/runs/sweep.ts'
import { provideVerification } from '../../src/aws/registrations/verification/verification.ts'
import { encodeCertificatePem } from '../../src/pki/pem/pem.ts'
import { templateBodyOf } from '../../src/profiles/template.ts'
import type { CaCertificateRecord } from '../../src/rehearsal/iot/records.ts'
import type { Registry } from '../../src/rehearsal/iot/registry/registry.ts'
import { starterProfile } from '../../src/starter/starter-profile.ts'
import { act, createTestAdministration, selfSigned } from '../support/authority-administration.ts'
import { administrator } from '../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import {
  goodRole,
  jitp,
  jitr,
  type Registering,
  roleArn,
  standInEnvironment,
  startControlPlane,
  startRegistering
} from './registering.ts'

const otherAccountId = '444455556666'
const otherRoleArn = `arn:aws:iam::${otherAccountId}:role/provisioning`

let cloud: Awaited<ReturnType<typeof startControlPlane>>
let test: TestDatabase
let data: TemporaryDirectory
let registering: Registering

beforeAll(async () => {
  data = await createTemporaryDirectory()
  cloud = await startControlPlane({ accounts: new Map([['AKIDOTHER', otherAccountId]]) })
  cloud.registry.putRole({ ...goodRole, roleArn: otherRoleArn })
  const configFile = join(data.path, 'config')
  await writeFile(
    configFile,
    '[profile other]\naws_access_key_id = AKIDOTHER\naws_secret_access_key = never-verified\n'
  )
  Object.assign(process.env, standInEnvironment(cloud.plane.url, configFile))
  test = await createTestDatabase()
  registering = await startRegistering(test.database, data.path)
})

afterAll(async () => {
  registering.close()
  await cloud.plane.stop()
  await test.drop()
  await data.remove()
})

let regions = 0

/** A region of its own for each test: nothing is there yet. */
function newPlace(accountId = '111122223333') {
  const region = `eu-test-${++regions}`
  const registry: Registry = cloud.registry.neighbour(accountId, region)
  return {
    region,
    registry,
    ca: (): CaCertificateRecord => registry.listCaCertificates()[0]!,
    /** Posts and does the jobs. */
    async ask(request: RegistrationRequest, authority = 'starter-g1') {
      const { id } = await registering.registrations.post(authority, { ...request, region }, act)
      await registering.runJobs()
      return registering.registrations.find(authority, id)
    },
    async sync(id: string, authority = 'starter-g1') {
      await registering.registrations.sync(authority, id, act)
      await registering.runJobs()
      return registering.registrations.find(authority, id)
    },
    async check(id: string, authority = 'starter-g1') {
      await registering.registrations.check(authority, id, act)
      await registering.runJobs()
      return registering.registrations.find(authority, id)
    }
  }
}

/** Requests since it was made. */
function countRequests() {
  const before = new Map(cloud.plane.requestCounts)
  return () =>
    Object.fromEntries(
      [...cloud.plane.requestCounts]
        .map(([name, count]) => [name, count - (before.get(name) ?? 0)] as const)
        .filter(([, count]) => count > 0)
    )
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const stepsOf = ({ steps }: { steps: readonly { step: string; outcome: string }[] }) =>
  steps.map(({ step, outcome }) => `${step} ${outcome}`)

async function auditEvents(id: string) {
  const where = { subject: `aws-registration/${id}` }
  return test.database.prisma.auditEvent.findMany({ where, orderBy: { id: 'asc' } })
}

const auditActs = async (id: string) => (await auditEvents(id)).map(({ act: name }) => name)

describe('a registration in DEFAULT mode', () => {
  it('is pending until its job is done, then registered with exactly the bytes on record', async () => {
    const place = newPlace()
    const posted = await registering.registrations.post('starter-g1', { ...jitp, region: place.region }, act)
    expect(posted).toMatchObject({ state: 'pending', version: 1, awsAccountId: undefined, steps: [] })
    await registering.runJobs()
    const found = await registering.registrations.find('starter-g1', posted.id)
    expect(found).toMatchObject({
      state: 'registered',
      drift: [],
      profileVersion: 1,
      awsAccountId: '111122223333',
      arns: [`arn:aws:iot:${place.region}:111122223333:cacert/${found.caCertificateId}`, roleArn]
    })
    expect(stepsOf(found)).toEqual([
      'logs noted',
      'registration-code done',
      'verification-intent done',
      'verification-certificate done',
      'register done'
    ])
    const { templateSha256 } = await registering.issuing.profiles.find('starter')
    const { registrationConfig, status, autoRegistrationStatus, certificateMode } = place.ca()
    expect({ status, autoRegistrationStatus, certificateMode }).toEqual({
      status: 'ACTIVE',
      autoRegistrationStatus: 'ENABLE',
      certificateMode: 'DEFAULT'
    })
    expect(sha256((registrationConfig as { templateBody: string }).templateBody)).toBe(templateSha256)
    expect(await auditActs(posted.id)).toEqual(['aws_registration.post', 'aws_registration.registered'])
  })

  it('proves the key with a certificate that is on record apart from those of devices', async () => {
    const place = newPlace()
    const { id } = await place.ask(jitp)
    const { prisma } = test.database
    const [row, ...more] = await prisma.awsVerification.findMany({
      where: { registrationId: id },
      include: { certificate: true }
    })
    expect(more).toEqual([])
    const certificate = new X509Certificate(row!.certificate!.certificateDer)
    expect(certificate.subject).toBe(`CN=${place.registry.getRegistrationCode()}`)
    expect(certificate.verify(new X509Certificate(place.ca().certificatePem).publicKey)).toBe(true)
    expect(certificate.ca).toBe(false)
    const serial = await prisma.certifiedSerial.findMany({ where: { intentId: row!.id } })
    expect(serial.map(({ serialNumber }) => serialNumber)).toEqual([row!.serialNumber])
    expect(await prisma.intent.count()).toBe(0)
  })

  it('gets a code anew, once, when AWS does not take the one it gave', async () => {
    const place = newPlace()
    const careless = await startRegistering(test.database, data.path, usual => ({
      openSigner: async reference => {
        // Somebody else has the code replaced while it is being signed.
        if (place.registry.getRegistrationCode() === firstCode) place.registry.deleteRegistrationCode()
        return usual.openSigner(reference)
      }
    }))
    const firstCode = place.registry.getRegistrationCode()
    const { id } = await careless.registrations.post('starter-g1', { ...jitp, region: place.region }, act)
    await careless.runJobs()
    careless.close()
    const found = await registering.registrations.find('starter-g1', id)
    expect(found.state).toBe('registered')
    expect(stepsOf(found).filter(step => step === 'verification-intent done')).toHaveLength(2)
  })

  it('is refused in a second account, with a text that says what to do', async () => {
    const other = newPlace(otherAccountId)
    expect(await other.ask({ ...jitr, accountAlias: 'other' })).toMatchObject({
      state: 'registered',
      awsAccountId: otherAccountId
    })
    const own = { ...jitp, region: other.region }
    await expect(registering.registrations.post('starter-g1', own, act)).rejects.toMatchObject({
      code: 'aws_registration_invalid',
      violations: [{ pointer: '/certificateMode' }]
    })
  })

  it('that another account holds without our knowledge fails for good', async () => {
    const { id: registrationId } = await newPlace().ask(jitr)
    const place = newPlace()
    const stranger = cloud.registry.neighbour(otherAccountId, place.region)
    const { dependencies } = registering
    const generations = await dependencies.authorities.generations()
    const authority = requireCertified(requireGeneration(generations, 'starter-g1'))
    const proof = await provideVerification(
      { ...dependencies, store: dependencies.verifications },
      { registrationId, authority, registrationCode: stranger.getRegistrationCode(), onStep: async () => {} }
    )
    stranger.registerCaCertificate({
      caCertificatePem: encodeCertificatePem(authority.certificateDer),
      verificationCertificatePem: encodeCertificatePem(proof),
      certificateMode: 'DEFAULT',
      setAsActive: true,
      allowAutoRegistration: true,
      registrationConfig: null
    })
    expect(await place.ask(jitr)).toMatchObject({ state: 'failed', lastError: { code: 'aws_refused' } })
    expect(registering.sent).toEqual([])
  })
})

describe('a registration in SNI_ONLY mode', () => {
  it('asks for no code and signs nothing, in as many accounts as there are', async () => {
    const place = newPlace()
    const requests = countRequests()
    const { id, state } = await place.ask({ ...jitp, certificateMode: 'SNI_ONLY' })
    expect(state).toBe('registered')
    const elsewhere = {
      ...jitp,
      certificateMode: 'SNI_ONLY',
      accountAlias: 'other',
      roleArn: otherRoleArn
    } as const
    expect(await place.ask(elsewhere)).toMatchObject({
      state: 'registered',
      awsAccountId: otherAccountId
    })
    expect(requests()).not.toHaveProperty('GetRegistrationCode')
    expect(await test.database.prisma.awsVerification.count({ where: { registrationId: id } })).toBe(0)
  })

  it('can become DEFAULT when it was deleted at AWS', async () => {
    const place = newPlace()
    const { id, caCertificateId } = await place.ask({ ...jitp, certificateMode: 'SNI_ONLY' })
    place.registry.updateCaCertificate(caCertificateId, { status: 'INACTIVE' })
    place.registry.deleteCaCertificate(caCertificateId)
    expect(await place.check(id)).toMatchObject({ state: 'drifted', awsAccountId: undefined })
    expect(await place.ask(jitp)).toMatchObject({
      state: 'registered',
      observed: { certificateMode: 'DEFAULT' }
    })
  })

  it('cannot become DEFAULT once it is registered', async () => {
    const place = newPlace()
    await place.ask({ ...jitp, certificateMode: 'SNI_ONLY' })
    await expect(place.ask(jitp)).rejects.toMatchObject({
      code: 'aws_registration_invalid',
      violations: [{ pointer: '/certificateMode', expected: 'SNI_ONLY' }]
    })
  })
})

describe('asking again', () => {
  it('for the same makes no version, and a run without need writes nothing at AWS', async () => {
    const place = newPlace()
    const { id, version } = await place.ask(jitp)
    expect((await place.ask(jitp)).version).toBe(version)
    const requests = countRequests()
    await place.sync(id)
    expect(requests()).toEqual({
      DescribeCACertificate: 1,
      GetRole: 1,
      SimulatePrincipalPolicy: 1,
      GetV2LoggingOptions: 1
    })
  })

  it('goes from provisioning to registration and back, each in one call', async () => {
    const place = newPlace()
    await place.ask(jitp)
    const asJitr = await place.ask(jitr)
    expect(asJitr).toMatchObject({
      state: 'registered',
      version: 2,
      registeredTopic: `$aws/events/certificates/registered/${asJitr.caCertificateId}`
    })
    expect(place.ca()).toMatchObject({ registrationConfig: null, autoRegistrationStatus: 'ENABLE' })
    expect(await place.ask(jitp)).toMatchObject({ state: 'registered', version: 3 })
    expect(place.ca().registrationConfig).toMatchObject({ roleArn })
  })

  it('turns status and auto-registration off', async () => {
    const place = newPlace()
    await place.ask(jitp)
    await place.ask({ ...jitp, setAsActive: false, allowAutoRegistration: false })
    expect(place.ca()).toMatchObject({ status: 'INACTIVE', autoRegistrationStatus: 'DISABLE' })
  })
})

describe('a stored template', () => {
  const stored = { ...jitp, certificateMode: 'SNI_ONLY', templateName: 'devices' } as const

  it('is made of type JITP and enabled, and the CA names it', async () => {
    const place = newPlace()
    expect(await place.ask(stored)).toMatchObject({
      state: 'registered',
      observed: { templateName: 'devices', templateEnabled: true, templateType: 'JITP', roleArn }
    })
    expect(place.ca().registrationConfig).toEqual({ templateName: 'devices' })
    expect(place.registry.describeProvisioningTemplate('devices').templateBody).toBe(
      templateBodyOf(starterProfile)
    )
  })

  it('takes the place of a body, and gives it back', async () => {
    const place = newPlace()
    await place.ask({ ...stored, templateName: undefined })
    expect((await place.ask(stored)).state).toBe('registered')
    expect((await place.ask({ ...stored, templateName: undefined })).state).toBe('registered')
    expect(place.ca().registrationConfig).toMatchObject({ roleArn })
  })

  it('says whose it is', async () => {
    const place = newPlace()
    await place.ask(stored)
    expect(place.registry.describeProvisioningTemplate('devices')).toMatchObject({
      description: 'Managed by Mintline for the profile starter.',
      tags: { 'managed-by': 'mintline' }
    })
  })

  /** Made by somebody else, in five versions. */
  function makeForeign(place: ReturnType<typeof newPlace>, change: object = {}) {
    place.registry.createProvisioningTemplate({
      templateName: 'devices',
      type: 'JITP',
      description: 'by hand',
      templateBody: '{}',
      enabled: false,
      provisioningRoleArn: `${roleArn}-2`,
      ...change
    })
    for (let count = 0; count < 4; count++)
      place.registry.createProvisioningTemplateVersion('devices', `{"a":${count}}`, count === 0)
  }
  const heldIn = (place: ReturnType<typeof newPlace>) =>
    place.registry.describeProvisioningTemplate('devices')
  const versionsIn = (place: ReturnType<typeof newPlace>) =>
    heldIn(place).versions.map(({ versionId }) => versionId)

  it('that somebody else made is refused when it is asked for, and left as it is', async () => {
    const place = newPlace()
    makeForeign(place)
    const before = heldIn(place)
    const asking = registering.registrations.post('starter-g1', { ...stored, region: place.region }, act)
    await expect(asking).rejects.toMatchObject({
      code: 'aws_template_not_ours',
      violations: [{ pointer: '/templateName', found: expect.stringContaining('version 2') as string }]
    })
    expect(registering.sent).toEqual([])
    expect(heldIn(place)).toEqual(before)
  })

  it('that somebody else made meanwhile is left as it is, until it may be adopted', async () => {
    const place = newPlace()
    const asked = { ...stored, region: place.region }
    const { id } = await registering.registrations.post('starter-g1', asked, act)
    makeForeign(place)
    const before = heldIn(place)
    await registering.runJobs()
    const failed = await registering.registrations.find('starter-g1', id)
    expect(failed).toMatchObject({ state: 'failed', lastError: { code: 'aws_template_not_ours' } })
    expect(heldIn(place)).toEqual(before)

    expect(await place.ask({ ...stored, adopt: true })).toMatchObject({
      state: 'registered',
      steps: expect.arrayContaining([
        expect.objectContaining({
          step: 'template',
          detail: expect.stringMatching(
            /version was 2 .*--default-version-id 2 --provisioning-role-arn/
          ) as string
        })
      ]) as unknown
    })
    expect(heldIn(place)).toMatchObject({
      enabled: true,
      provisioningRoleArn: roleArn,
      templateBody: templateBodyOf(starterProfile),
      tags: { 'managed-by': 'mintline' }
    })
    // The second one is what the way back leads to.
    expect(versionsIn(place)).toEqual([2, 3, 4, 5, 6])
    for (let time = 0; time < 4; time++) {
      place.registry.deleteProvisioningTemplateVersion('devices', versionsIn(place)[1]!)
      place.registry.createProvisioningTemplateVersion('devices', `{"b":${time}}`, true)
      await place.sync(id)
    }
    expect(versionsIn(place)[0]).toBe(2)
  })

  it('is ours by its tag alone where the description was changed by hand', async () => {
    const place = newPlace()
    const { id } = await place.ask(stored)
    place.registry.updateProvisioningTemplate('devices', { description: 'devices of hall 3' })
    place.registry.createProvisioningTemplateVersion('devices', '{}', true)
    expect((await place.sync(id)).state).toBe('registered')
    expect(heldIn(place)).toMatchObject({
      description: 'devices of hall 3',
      templateBody: templateBodyOf(starterProfile)
    })
  })

  it('that is full gives up its oldest version', async () => {
    const place = newPlace()
    makeForeign(place, { description: 'Managed by Mintline for the profile starter.' })
    expect((await place.ask(stored)).state).toBe('registered')
    expect(versionsIn(place)).toEqual([2, 3, 4, 5, 6])
    expect(heldIn(place)).toMatchObject({ enabled: true, defaultVersionId: 6 })
  })

  it.each([false, true])('for fleet provisioning is left alone, adopt: %s', async adopt => {
    const place = newPlace()
    makeForeign(place, { type: 'FLEET_PROVISIONING' })
    const before = heldIn(place)
    if (adopt) {
      expect(await place.ask({ ...stored, adopt })).toMatchObject({
        state: 'failed',
        lastError: { code: 'aws_refused', detail: expect.stringContaining('never changes') as string }
      })
    } else {
      await expect(place.ask(stored)).rejects.toMatchObject({
        code: 'aws_template_not_ours',
        violations: [{ message: expect.stringContaining('never changes the type') as string }]
      })
    }
    expect(heldIn(place)).toEqual(before)
  })
})

describe('drift', () => {
  const otherRole = `${roleArn}-2`
  const templateOf = (registry: Registry) => registry.describeProvisioningTemplate('devices')
  const cases: Record<string, (registry: Registry, id: string) => void> = {
    status: (registry, id) => registry.updateCaCertificate(id, { status: 'INACTIVE' }),
    autoRegistration: (registry, id) =>
      registry.updateCaCertificate(id, { autoRegistrationStatus: 'DISABLE' }),
    roleArn: registry => registry.updateProvisioningTemplate('devices', { provisioningRoleArn: otherRole }),
    template: registry => registry.createProvisioningTemplateVersion('devices', '{}', true),
    templateName: (registry, id) => registry.updateCaCertificate(id, { registrationConfig: null }),
    templateEnabled: registry => registry.updateProvisioningTemplate('devices', { enabled: false }),
    registration: (registry, id) => {
      registry.updateCaCertificate(id, { status: 'INACTIVE' })
      registry.deleteCaCertificate(id)
    }
  }

  it.each(Object.entries(cases))(
    'of %s is shown by a check and repaired by a sync',
    async (field, change) => {
      const place = newPlace()
      const { id, caCertificateId } = await place.ask({
        ...jitp,
        certificateMode: 'SNI_ONLY',
        templateName: 'devices'
      })
      change(place.registry, caCertificateId)
      const requests = countRequests()
      const checked = await place.check(id)
      expect(checked.state).toBe('drifted')
      expect(checked.drift.map(each => each.field)).toContain(field)
      expect(Object.keys(requests()).filter(name => !/^(Describe|Get|Simulate)/.test(name))).toEqual([])
      expect(await place.sync(id)).toMatchObject({ state: 'registered', drift: [] })
      expect(templateOf(place.registry)).toMatchObject({ enabled: true, provisioningRoleArn: roleArn })
      expect((await auditActs(id)).filter(name => !/post|sync|check/.test(name))).toEqual([
        'aws_registration.registered',
        'aws_registration.drifted',
        'aws_registration.registered'
      ])
    }
  )

  it.each([
    ['roleArn', { templateBody: templateBodyOf(starterProfile), roleArn: otherRole }],
    ['template', { templateBody: '{}', roleArn }]
  ])('of %s in the CA itself is repaired as well', async (field, registrationConfig) => {
    const place = newPlace()
    const { id, caCertificateId } = await place.ask(jitp)
    place.registry.updateCaCertificate(caCertificateId, { registrationConfig })
    const { drift } = await place.check(id)
    expect(new Set(drift.map(each => each.field))).toEqual(new Set([field]))
    expect((await place.sync(id)).state).toBe('registered')
  })

  it('of a template is told by the places where it differs', async () => {
    const place = newPlace()
    const { id, caCertificateId } = await place.ask(jitp)
    const templateBody = templateBodyOf(starterProfile)
      .replaceAll('iot:Publish', 'iot:*')
      .replace('"v1"', '"v2"')
    place.registry.updateCaCertificate(caCertificateId, { registrationConfig: { templateBody, roleArn } })
    expect((await place.check(id)).drift).toEqual([
      {
        field: 'template',
        pointer: '/Resources/thing/Properties/AttributePayload/version',
        expected: '"v1"',
        found: '"v2"'
      },
      {
        field: 'template',
        pointer: '/Resources/policy/Properties/PolicyDocument#/Statement/0/Action/1',
        expected: '"iot:Publish"',
        found: '"iot:*"'
      }
    ])
  })

  it.each([
    ['half of a character', { 'cut\ud83d': '\ud83d' }],
    ['a character that would be cut in two', { wide: `${'x'.repeat(198)}\u{1f600}\u{1f600}` }],
    ['U+0000', { 'nul\0': '\0' }]
  ])('of a template with %s, which no database keeps, is told all the same', async (_what, members) => {
    const place = newPlace()
    const { id, caCertificateId } = await place.ask(jitp)
    const templateBody = JSON.stringify({ ...JSON.parse(templateBodyOf(starterProfile)), ...members })
    place.registry.updateCaCertificate(caCertificateId, { registrationConfig: { templateBody, roleArn } })
    expect(await place.check(id)).toMatchObject({ state: 'drifted', drift: [{ field: 'template' }] })
  })

  it('of the mode cannot be repaired, and is told', async () => {
    const place = newPlace()
    const { caCertificateId } = await place.ask(jitp)
    const { certificatePem } = place.ca()
    place.registry.updateCaCertificate(caCertificateId, { status: 'INACTIVE' })
    place.registry.deleteCaCertificate(caCertificateId)
    place.registry.registerCaCertificate({
      caCertificatePem: certificatePem,
      verificationCertificatePem: null,
      certificateMode: 'SNI_ONLY',
      setAsActive: true,
      allowAutoRegistration: true,
      registrationConfig: null
    })
    const synced = await place.ask({ ...jitp, allowAutoRegistration: false })
    expect(synced).toMatchObject({
      state: 'drifted',
      drift: [{ field: 'certificateMode', expected: 'DEFAULT', found: 'SNI_ONLY' }]
    })
  })
})

describe('the provisioning role', () => {
  const ownRole = (name: string) => `arn:aws:iam::111122223333:role/${name}`

  it.each([
    ['is missing', undefined, ['role']],
    ['does not trust AWS IoT', { assumeRolePolicyDocument: '{"Statement":[]}' }, ['role.trust']],
    [
      'may not attach a policy',
      {
        policies: { deny: '{"Statement":[{"Effect":"Deny","Action":"iot:AttachPolicy","Resource":"*"}]}' }
      },
      ['role.actions']
    ]
  ])('that %s is drift, since no device would be provisioned', async (_flaw, change, fields) => {
    const place = newPlace()
    const arn = ownRole(`role-${place.region}`)
    if (change !== undefined) cloud.registry.putRole({ ...goodRole, ...change, roleArn: arn })
    const found = await place.ask({ ...jitp, roleArn: arn })
    expect(found.state).toBe('drifted')
    expect(found.drift.map(({ field }) => field)).toEqual(fields)
    cloud.registry.putRole({ ...goodRole, roleArn: arn })
    expect((await place.check(found.id)).state).toBe('registered')
  })

  it('that lacks what AWS may do without is a note, and so is an IAM that may not be read', async () => {
    const place = newPlace()
    const arn = ownRole(`role-${place.region}`)
    const policies = { deny: '{"Statement":[{"Effect":"Deny","Action":"iot:GetPolicy","Resource":"*"}]}' }
    cloud.registry.putRole({ ...goodRole, policies, roleArn: arn })
    const found = await place.ask({ ...jitp, roleArn: arn })
    expect(found.state).toBe('registered')
    expect(stepsOf(found)).toContain('role noted')

    const unread = newPlace()
    cloud.plane.setFaults({ deniedOperations: ['GetRole', 'SimulatePrincipalPolicy'] })
    const other = await unread.ask(jitp)
    cloud.plane.setFaults({ deniedOperations: [] })
    expect(other.state).toBe('registered')
    expect(stepsOf(other).filter(step => step === 'role noted')).toHaveLength(2)
  })
})

describe('an AWS that fails', () => {
  it.each(['RegisterCACertificate', 'GetRegistrationCode', 'UpdateCACertificate'] as const)(
    'a lost reply to %s costs nothing',
    async operation => {
      const place = newPlace()
      if (operation === 'UpdateCACertificate') await place.ask(jitr)
      cloud.plane.failNext(operation, 'dropReply')
      expect((await place.ask(jitp)).state).toBe('registered')
    }
  )

  it('an answer of throttling is waited for', async () => {
    const place = newPlace()
    cloud.plane.failNext('RegisterCACertificate', 'throttle')
    expect((await place.ask(jitp)).state).toBe('registered')
  })

  it('for longer than the SDK tries leaves the job to be tried again, and signs once', async () => {
    const place = newPlace()
    cloud.plane.failNext('RegisterCACertificate', 'failure', 4)
    await expect(place.ask(jitp)).rejects.toMatchObject({ code: 'aws_unavailable' })
    const [{ id, state, lastError }] = (
      await registering.registrations.list('starter-g1', { limit: 100 })
    ).items.slice(-1) as [Awaited<ReturnType<typeof place.ask>>]
    expect({ state, lastError: lastError?.code }).toEqual({ state: 'failed', lastError: 'aws_unavailable' })
    const synced = await place.sync(id)
    expect(synced.state).toBe('registered')
    expect(stepsOf(synced).filter(step => step.startsWith('verification'))).toHaveLength(2)
    expect(await auditActs(id)).toContain('aws_registration.failed')
  })

  it.each([
    ['GetRegistrationCode', 'iot:GetRegistrationCode'],
    ['RegisterCACertificate', 'iam:PassRole']
  ])('a denial of %s is told with what to grant, and no secret', async (operation, permission) => {
    const place = newPlace()
    cloud.plane.setFaults({ deniedOperations: [operation] })
    const found = await place.ask(jitp)
    cloud.plane.setFaults({ deniedOperations: [] })
    expect(found).toMatchObject({ state: 'failed', lastError: { code: 'aws_refused' } })
    expect(found.lastError?.detail).toContain(permission)
    expect(JSON.stringify(found)).not.toContain('never-verified')
    expect(registering.sent).toEqual([])
  })

  it('an account alias without credentials is a refusal', async () => {
    const place = newPlace()
    const found = await place.ask({ ...jitp, accountAlias: 'nobody' })
    expect(found).toMatchObject({ state: 'failed', lastError: { code: 'aws_refused' } })
  })
})

describe('what AWS would refuse is refused before', () => {
  const refusals: Record<string, [Partial<RegistrationRequest>, string]> = {
    'a profile without a role': [{ roleArn: undefined }, '/roleArn'],
    'a role without a profile': [{ profile: undefined }, '/profile'],
    'a template name without a profile': [{ ...jitr, templateName: 'a' }, '/profile'],
    'a profile of another line': [{ profile: 'other-line' }, '/profile'],
    'a role of another partition': [{ roleArn: 'arn:aws-cn:iam::111122223333:role/a' }, '/roleArn']
  }

  beforeAll(async () => {
    const { administration } = createTestAdministration(test.database, data.path)
    await administration.create(selfSigned('other'), act)
    await registering.issuing.authorities.refresh()
    await registering.issuing.profiles.post(
      { ...starterProfile, name: 'other-line', authority: 'other' },
      administrator
    )
  })

  it.each(Object.entries(refusals))('%s', async (_flaw, [change, pointer]) => {
    await expect(newPlace().ask({ ...jitp, ...change })).rejects.toMatchObject({
      code: 'aws_registration_invalid',
      violations: [{ pointer }]
    })
  })

  it('an unknown authority, an unknown profile, an unknown registration', async () => {
    await expect(newPlace().ask(jitp, 'nobody-g1')).rejects.toMatchObject({ code: 'authority_not_found' })
    await expect(newPlace().ask({ ...jitp, profile: 'nobody' })).rejects.toMatchObject({
      code: 'profile_not_found'
    })
    const unknown = '019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a11'
    await expect(registering.registrations.find('starter-g1', unknown)).rejects.toMatchObject({
      code: 'aws_registration_not_found'
    })
    await expect(registering.registrations.find('other-g1', unknown)).rejects.toMatchObject({
      code: 'aws_registration_not_found'
    })
  })

  it('a stored template that another profile has', async () => {
    const place = newPlace()
    const stored = { ...jitp, certificateMode: 'SNI_ONLY', templateName: 'shared' } as const
    await place.ask(stored)
    await expect(place.ask({ ...stored, profile: 'other-line' }, 'other-g1')).rejects.toMatchObject({
      violations: [{ pointer: '/templateName' }]
    })
  })
})

describe('the life of an authority', () => {
  it('a staged successor is registered ahead of its time; what is missing is a gap', async () => {
    const { administration } = createTestAdministration(test.database, data.path)
    const place = newPlace()
    await administration.create(selfSigned('rotating'), act)
    await administration.activate('rotating-g1', act)
    await place.ask(jitr, 'rotating-g1')
    expect(await registering.registrations.registrationGaps('rotating')).toMatchObject([
      { region: place.region, active: 'rotating-g1', successor: undefined, state: undefined }
    ])
    await administration.create(selfSigned('rotating'), act)
    expect(await registering.registrations.registrationGaps('rotating')).toMatchObject([
      { successor: 'rotating-g2', state: undefined }
    ])
    await place.ask({ ...jitr, certificateMode: 'SNI_ONLY' }, 'rotating-g2')
    expect(await registering.registrations.registrationGaps('rotating')).toEqual([])
  })

  it('a compromised one is deactivated unless told otherwise, and never registered again', async () => {
    const { administration } = createTestAdministration(test.database, data.path)
    const place = newPlace()
    await administration.create(selfSigned('leaked'), act)
    const { id } = await place.ask(jitr, 'leaked-g1')
    await expect(
      registering.registrations.followAuthority('leaked-g1', { end: 'retired' }, act)
    ).rejects.toMatchObject({ code: 'authority_transition_refused' })
    const leak = { ...act, reason: 'its key leaked' }
    await registering.registrations.followAuthority('leaked-g1', { end: 'compromised' }, leak)
    await administration.compromise('leaked-g1', leak)
    await registering.runJobs()
    expect(await registering.registrations.find('leaked-g1', id)).toMatchObject({
      state: 'registered',
      desired: { setAsActive: false, allowAutoRegistration: false }
    })
    expect(place.ca()).toMatchObject({ status: 'INACTIVE', autoRegistrationStatus: 'DISABLE' })
    expect(
      (await auditEvents(id)).flatMap(each => (each.act === 'aws_registration.post' ? [each.reason] : []))
    ).toEqual([act.reason, 'its key leaked'])
    await expect(place.ask(jitr, 'leaked-g1')).rejects.toMatchObject({ code: 'aws_registration_invalid' })
    await expect(newPlace().ask(jitr, 'leaked-g1')).rejects.toMatchObject({
      code: 'aws_registration_invalid'
    })
  })

  it('one that issues in the place of a compromised one is told to be missing where that was, until it is there', async () => {
    const { administration } = createTestAdministration(test.database, data.path)
    const place = newPlace()
    await administration.create(selfSigned('replaced'), act)
    await administration.activate('replaced-g1', act)
    await place.ask(jitr, 'replaced-g1')
    const told = async () => {
      await registering.issuing.core.authorities.refresh()
      return {
        gaps: (await registering.registrations.registrationGaps('replaced')).flatMap(
          ({ active, successor }) => (active === 'replaced-g1' ? [successor] : [])
        ),
        warnings: (await registering.issuing.core.listWarnings()).filter(
          ({ kind, authority }) => kind === 'registration_missing' && authority.startsWith('replaced-')
        )
      }
    }
    const leak = { ...act, reason: 'its key leaked' }
    await registering.registrations.followAuthority('replaced-g1', { end: 'compromised' }, leak)
    await administration.compromise('replaced-g1', leak)
    await registering.runJobs()
    await administration.create(selfSigned('replaced'), act)
    expect(await told()).toEqual({ gaps: ['replaced-g2'], warnings: [] })
    await administration.activate('replaced-g2', act)
    expect(await told()).toMatchObject({
      gaps: ['replaced-g2'],
      warnings: [{ authority: 'replaced-g2', message: expect.stringContaining('replaced-g1') as string }]
    })
    await place.ask(jitr, 'replaced-g2')
    expect(await told()).toEqual({ gaps: [], warnings: [] })
  })

  it('one that issues after an ordinary rotation is told to be missing where AWS takes devices of the one before', async () => {
    const { administration } = createTestAdministration(test.database, data.path)
    const place = newPlace()
    for (const name of ['turned-g1', 'turned-g2']) {
      await administration.create(selfSigned('turned'), act)
      await administration.activate(name, act)
      if (name === 'turned-g1') await place.ask(jitr, name)
    }
    const told = async () => {
      await registering.issuing.core.authorities.refresh()
      const warnings = await registering.issuing.core.listWarnings()
      return warnings.flatMap(({ kind, authority, message }) =>
        kind === 'registration_missing' && authority.startsWith('turned-') ? [{ authority, message }] : []
      )
    }
    const missing = [
      { authority: 'turned-g2', message: expect.stringContaining(`turned-g1 in ${place.region}`) as string }
    ]
    expect(await told()).toEqual(missing)
    await administration.retire('turned-g1', { abandon: false }, act)
    expect(await told()).toEqual(missing)
    await place.ask({ ...jitr, allowAutoRegistration: false }, 'turned-g1')
    expect(await told()).toEqual([])
    await place.ask(jitr, 'turned-g1')
    expect(await told()).toEqual(missing)
    await place.ask(jitr, 'turned-g2')
    expect(await told()).toEqual([])
  })

  it('a retired one is kept, or registers no more where asked', async () => {
    const { administration } = createTestAdministration(test.database, data.path)
    const place = newPlace()
    for (const name of ['aging-g1', 'aging-g2']) {
      await administration.create(selfSigned('aging'), act)
      await administration.activate(name, act)
    }
    const { version } = await place.ask(jitr, 'aging-g1')
    await registering.registrations.followAuthority('aging-g1', { end: 'retired' }, act)
    expect((await registering.registrations.list('aging-g1', { limit: 100 })).items[0]?.version).toBe(version)
    await registering.registrations.followAuthority(
      'aging-g1',
      { end: 'retired', fate: 'stop-registering' },
      act
    )
    await registering.runJobs()
    expect(place.ca()).toMatchObject({ status: 'ACTIVE', autoRegistrationStatus: 'DISABLE' })
  })
})

describe('a sweep', () => {
  it('finds what a crash left without a job, and a newer profile', async () => {
    const place = newPlace()
    await registering.issuing.profiles.post({ ...starterProfile, name: 'swept' }, administrator)
    const { id } = await registering.registrations.post(
      'starter-g1',
      { ...jitp, profile: 'swept', region: place.region },
      act
    )
    registering.sent.splice(0)
    await registering.sweep(new Date(Date.now() + ownJobMs))
    expect(registering.sent).toContainEqual({
      kind: 'aws-registration.reconcile',
      data: { registrationId: id }
    })
    await registering.runJobs()
    expect((await registering.registrations.find('starter-g1', id)).profileVersion).toBe(1)
    const registrationConfig = {
      roleArn: `arn:aws:iam::111122223333:role/x`,
      templateBody: JSON.stringify(starterProfile.template).replace('"v1"', '"v2"')
    }
    const document = { ...starterProfile, name: 'swept', registrationConfig }
    delete document.template
    await registering.issuing.profiles.post(document, administrator)
    await registering.sweep()
    await registering.runJobs()
    expect(await registering.registrations.find('starter-g1', id)).toMatchObject({
      state: 'registered',
      profileVersion: 2,
      observed: { templateSha256: sha256(registrationConfig.templateBody) }
    })
    expect(place.ca().registrationConfig).toEqual({ ...registrationConfig, roleArn })
  })
})

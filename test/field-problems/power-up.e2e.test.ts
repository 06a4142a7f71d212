import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectDocument, ref, templateOf } from '../jitp/template-cases.ts'
import {
  type DeviceOptions,
  deviceRegion,
  endpoint,
  type Field,
  openField,
  roleArn,
  type Unit
} from './field.ts'

let field: Field

const byThingName = templateOf({
  policy: { PolicyDocument: connectDocument('arn:aws:iot:*:*:client/${iot:Connection.Thing.ThingName}') }
})

beforeAll(async () => {
  field = await openField()
  await field.makeAuthority('field')
  await field.postProfile('field', byThingName)
  await field.register('field-g1', { region: deviceRegion, profile: 'field', roleArn })
})
afterAll(() => field.close())

/** A first connection, which is dropped, and the wait for what it set going. */
async function powerUp(unit: Unit, clientId: string): Promise<void> {
  await expect(field.connect(unit, clientId)).rejects.toThrow()
  await field.cloud.settled()
}

async function isLetIn(unit: Unit, clientId: string): Promise<boolean> {
  const client = await field.connect(unit, clientId).catch(() => undefined)
  await client?.endAsync(true)
  return client !== undefined
}

const lastEntry = () => field.cloud.registry.entries.at(-1)

describe('pre-flight: the issuance', () => {
  it('#5 refuses a device whose subject lacks what the template declares', async () => {
    const withCountry = templateOf({
      parameters: ['CommonName', 'Country', 'Id'],
      thing: { ThingName: ref('CommonName'), AttributePayload: { country: ref('Country') } }
    })
    await field.postProfile('country', withCountry)
    const { status, body } = await field.askCertificate('country', { CommonName: 'unit-5' })
    expect([status, body.code, body.violations?.[0]?.pointer]).toEqual([
      422,
      'subject_refused',
      '/subject/Country'
    ])
    const { certificatePem: certificate } = await field.issue('field', { CommonName: 'unit-5' })
    const preview = await field.call.post('station', '/profiles/country/preview', { certificate })
    expect([preview.body.code, preview.body.violations?.[0]?.pointer]).toEqual([
      'jitp_would_fail',
      '/subject/Country'
    ])
  })

  it('#13 refuses a second certificate for a thing, from whichever profile', async () => {
    await field.postProfile('second', byThingName)
    await field.issue('field', { CommonName: 'unit-13' })
    const { status, body } = await field.askCertificate('second', { CommonName: 'unit-13' })
    expect([status, body.code]).toEqual([409, 'device_already_certified'])
  })

  it.each([
    ['rsa1024.pem', 'key_refused'],
    ['ed25519.pem', 'csr_signature_algorithm_refused'],
    ['sha1-ecdsa.pem', 'csr_signature_algorithm_refused']
  ])('#18 refuses a device with a key or signature that AWS IoT does not take: %s', async (file, code) => {
    const csr = readFileSync(new URL(`../fixtures/csr/refused/${file}`, import.meta.url), 'utf8')
    const { body } = await field.call.post('station', '/issuances', { csr, profile: 'field' })
    expect(body.code).toBe(code)
  })

  it('#19 refuses a lifetime that the CA cannot give, or that ends before shelf and service time', async () => {
    await field.makeAuthority('short', 400)
    const validity = { days: 3650, whenIssuerExpiresFirst: 'shorten' }
    await field.postProfile('shortened', byThingName, { authority: 'short', validity })
    expect((await field.askCertificate('shortened', { CommonName: 'unit-19a' })).status).toBe(201)
    await field.postProfile('minimum', byThingName, {
      authority: 'short',
      validity: { ...validity, minimumDays: 730 }
    })
    await field.postProfile('whole', byThingName, {
      authority: 'short',
      validity: { ...validity, whenIssuerExpiresFirst: 'refuse' }
    })
    for (const profile of ['minimum', 'whole'])
      expect((await field.askCertificate(profile, { CommonName: 'unit-19b' })).body.code).toBe(
        'authority_expires_first'
      )
    await field.postProfile('minimum', byThingName, {
      authority: 'short',
      validity: { ...validity, minimumDays: 365 }
    })
    expect((await field.askCertificate('minimum', { CommonName: 'unit-19b' })).status).toBe(201)
    const metrics = await (await fetch(`${field.service.url}/metrics`)).text()
    expect(metrics).toContain(
      'mintline_authority_warning{authority="short-g1",kind="expires_within_validity"} 1'
    )
  })

  it('#14 refuses a device whose name AWS refuses', async () => {
    const { status, body } = await field.askCertificate('field', { CommonName: 'unit.14' })
    expect([status, body.code, body.violations?.[0]?.pointer]).toEqual([
      422,
      'jitp_would_fail',
      '/subject/CommonName'
    ])
  })

  it('#19 warns of a profile that does not backdate', async () => {
    const { body } = await field.postProfile('exact', byThingName, { backdateMinutes: 0 })
    expect(body.warnings.map(({ pointer }) => pointer)).toContain('/backdateMinutes')
    const { body: usual } = await field.postProfile('backdated', byThingName)
    expect(usual.warnings.map(({ pointer }) => pointer)).not.toContain('/backdateMinutes')
  })
})

describe('rehearsal', () => {
  it('#1 drops the first connection: firmware that takes it for fatal never gets in, that tries again does', async () => {
    const [fatal, patient] = [
      await field.issue('field', { CommonName: 'unit-1a' }),
      await field.issue('field', { CommonName: 'unit-1b' })
    ]
    await powerUp(fatal, 'unit-1a')
    const dropped = [
      'Connect Failure CertificateStateException',
      'RegisterThing Success',
      'ProvisionDevice Success'
    ]
    expect(field.logOf(fatal.certificateId)).toEqual(dropped)
    const client = await field.connect(patient, 'unit-1b', { reconnectPeriod: 150 })
    await client.endAsync(true)
    expect(field.logOf(patient.certificateId)).toContain('Connect Success')
  })

  it('#2 refuses a device without its chain where two CAs have one subject, and takes the chain of the issuance', async () => {
    const subject = { Organization: 'Acme', CommonName: 'One Name' }
    for (const line of ['twin-a', 'twin-b']) {
      await field.makeAuthority(line, 9125, subject)
      await field.postProfile(line, byThingName, { authority: line })
      await field.register(`${line}-g1`, { region: deviceRegion, profile: line, roleArn })
    }
    const unit = await field.issue('twin-a', { CommonName: 'unit-2' })
    await powerUp({ ...unit, chainPem: unit.certificatePem }, 'unit-2')
    expect(field.logOf(unit.certificateId)).toEqual(['Connect Failure CertificateConflictException'])
    await powerUp(unit, 'unit-2')
    expect(field.statusOf(unit.certificateId)).toBe('ACTIVE')
  })

  it.each([
    ['no SNI', ''],
    ['the endpoint without -ats', endpoint.replace('-ats', '')],
    ['another host', 'localhost']
  ])('#3 closes a connection with %s, and the log says why', async (_what, servername) => {
    const unit = await field.issue('field', { CommonName: `unit-3-${servername.length}` })
    const options: DeviceOptions = { servername, checkServerIdentity: () => undefined }
    await expect(field.connect(unit, 'unit-3', options)).rejects.toThrow()
    expect(field.logOf(unit.certificateId)).toEqual(['Connect Failure InvalidRequestException'])
  })

  it('#4 fails the handshake of a device that trusts its own CA as root of the server', async () => {
    const unit = await field.issue('field', { CommonName: 'unit-4' })
    const ownCa = unit.chainPem.slice(unit.certificatePem.length)
    const before = field.cloud.registry.entries.length
    await expect(field.connect(unit, 'unit-4', { ca: ownCa })).rejects.toMatchObject({
      code: expect.stringMatching(/SELF_SIGNED|UNABLE_TO/) as string
    })
    await expect.poll(() => field.cloud.registry.entries.length).toBeGreaterThan(before)
    expect(lastEntry()).toMatchObject({ eventType: 'Connect', errorCode: 'UnauthorizedException' })
    expect(field.statusOf(unit.certificateId)).toBeUndefined()
  })

  it('#9 turns new devices of a CA away that is switched off', async () => {
    await field.makeAuthority('off')
    await field.postProfile('off', byThingName, { authority: 'off' })
    await field.register('off-g1', {
      region: deviceRegion,
      profile: 'off',
      roleArn,
      allowAutoRegistration: false
    })
    const unit = await field.issue('off', { CommonName: 'unit-9' })
    await powerUp(unit, 'unit-9')
    expect(field.logOf(unit.certificateId)).toEqual(['Connect Failure UnauthorizedException'])
    expect(field.statusOf(unit.certificateId)).toBeUndefined()
  })

  it('#10 turns devices of a CA away that is not the registered one', async () => {
    await field.makeAuthority('unregistered')
    await field.postProfile('unregistered', byThingName, { authority: 'unregistered' })
    const unit = await field.issue('unregistered', { CommonName: 'unit-10' })
    await powerUp(unit, 'unit-10')
    expect(field.logOf(unit.certificateId)).toEqual(['Connect Failure UnauthorizedException'])
  })

  it('#11 turns a client id away that the policy does not name', async () => {
    const unit = await field.issue('field', { CommonName: 'unit-11' })
    await powerUp(unit, 'unit-11')
    expect(await isLetIn(unit, 'sensor')).toBe(false)
    expect(lastEntry()).toMatchObject({
      certificateId: unit.certificateId,
      clientId: 'sensor',
      errorCode: 'UnauthorizedException'
    })
    expect(await isLetIn(unit, 'unit-11')).toBe(true)
  })

  it('#19 drops a certificate of the future; backdating is for clocks that are behind', async () => {
    const unit = await field.issue('field', { CommonName: 'unit-19' })
    const connectBehind = async (minutes: number) => {
      field.setCloudClock(-minutes * 60_000)
      await powerUp(unit, 'unit-19')
      field.setCloudClock(0)
      return field.logOf(unit.certificateId)
    }
    expect(await connectBehind(61)).toEqual(['Connect Failure CertificateValidationException'])
    expect(await connectBehind(50)).toContain('Connect Failure CertificateStateException')
  })

  it('#21 leaves devices beyond the quota pending when all are switched on at once; trying again heals them', async () => {
    // Many, since a machine that is busy lets them in one after the other, and the quota is of a second.
    const names = Array.from({ length: 60 }, (_, index) => `unit-21-${index}`)
    const units = await Promise.all(names.map(CommonName => field.issue('field', { CommonName })))
    await wait(1000)
    const wave = async () => {
      const pending = units.flatMap((unit, index) =>
        field.statusOf(unit.certificateId) === 'ACTIVE' ? [] : [field.connect(unit, names[index]!)]
      )
      await Promise.allSettled(pending)
      await field.cloud.settled()
      return units.filter(({ certificateId }) => field.statusOf(certificateId) !== 'ACTIVE')
    }
    const left = await wave()
    expect(left.length).toBeGreaterThan(0)
    expect(left.length).toBeLessThan(units.length)
    for (const { certificateId } of left) {
      expect(field.statusOf(certificateId)).toBe('PENDING_ACTIVATION')
      expect(field.logOf(certificateId)).toContain('ProvisionDevice Failure ThrottlingException')
    }
    for (let waves = 0; waves < 12 && (await wave()).length > 0; waves++) await wait(1000)
    expect(await wave()).toEqual([])
  })

  it('#21 tells of a client id that connects more than once a second', async () => {
    const unit = await field.issue('field', { CommonName: 'unit-21' })
    await powerUp(unit, 'unit-21')
    await isLetIn(unit, 'unit-21')
    await isLetIn(unit, 'unit-21')
    expect(lastEntry()).toMatchObject({ eventType: 'Connect', outcome: 'Success', clientId: 'unit-21' })
    expect(lastEntry()?.reason).toBeDefined()
  })
})

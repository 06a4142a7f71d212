import { type KeyObject, X509Certificate } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { IotStandIn } from '../iot/iot-stand-in.ts'
import type { ServiceClient } from './service/service-client.ts'
import { type Steps, StoryFailure } from './steps.ts'
import type { StoryTemplate } from './template.ts'

export const profile = 'rehearsal'
const authority = 'rehearsal-g1'
const registrationTimeoutMs = 30_000

/** A device as the story has it. */
export interface StoryDevice {
  readonly csrPem: string
  /** Undefined where only the CSR is at hand. */
  readonly privateKey: KeyObject | undefined
}

/** Makes an authority line and activates its first generation. */
export async function makeAuthority(
  admin: ServiceClient,
  kms: { readonly keyArn: string; readonly region: string } | undefined,
  steps: Steps
): Promise<void> {
  const key =
    kms === undefined
      ? { kind: 'local', keyType: 'P-256' }
      : { kind: 'kms', keyId: kms.keyArn, region: kms.region }
  await steps.run(
    'Make the CA and let it issue',
    async () => {
      await admin.post('/v1/authorities', {
        line: 'rehearsal',
        key,
        subject: { Organization: 'Rehearsal', CommonName: 'Rehearsal Devices CA' },
        certificate: { kind: 'self-signed', days: 7300 }
      })
      await admin.post(`/v1/authorities/${authority}/activate`, { reason: 'rehearsal' })
    },
    () => `${authority}, its key ${kms === undefined ? 'encrypted on disk' : 'in KMS'}`
  )
}

/** Posts the profile that carries the template. */
export async function postProfile(
  admin: ServiceClient,
  template: StoryTemplate,
  steps: Steps
): Promise<void> {
  const { requiredFields, templateBody, switches } = template
  const { serialNumberSource, ...jitp } = switches
  const fields = ['CommonName', 'Country', 'Organization', 'OrganizationalUnit', 'StateName']
  const required = requiredFields.map(field => [field, { rule: 'required' }])
  const allowed = [...fields, 'DistinguishedNameQualifier', 'SerialNumber']
    .filter(field => !requiredFields.some(known => known === field))
    .map(field => [field, { rule: 'allowed' }])
  await steps.run(
    'Post a profile with the template',
    () =>
      admin.post('/v1/profiles', {
        name: profile,
        authority: 'rehearsal',
        registrationConfig: { templateBody, roleArn: roleArnOf(template) },
        ...(serialNumberSource === undefined ? {} : { serialNumberSource }),
        jitp,
        subject: Object.fromEntries([...required, ...allowed]) as object,
        keys: { ec: { curves: ['P-256', 'P-384', 'P-521'] }, rsa: { minimumBits: 2048, maximumBits: 4096 } },
        validity: { days: 3650, whenIssuerExpiresFirst: 'refuse' },
        backdateMinutes: 60,
        keyUsage: ['digitalSignature'],
        extendedKeyUsage: ['clientAuth']
      }),
    () => 'Pre-flight now holds every CSR of this profile against it.'
  )
}

const roleArnOf = ({ roleArn, place }: StoryTemplate) =>
  roleArn ?? `arn:aws:iam::${place.accountId}:role/JITPRole`

export interface StoryRegistration {
  readonly admin: ServiceClient
  readonly template: StoryTemplate
  readonly standIn: IotStandIn
  readonly steps: Steps
  readonly signal: AbortSignal
}

/** Registers the CA with AWS IoT, and waits until that is done. */
export async function register(registration: StoryRegistration): Promise<void> {
  const { admin, template, standIn, steps, signal } = registration
  const roleArn = roleArnOf(template)
  standIn.makeRole(roleArn)
  await steps.run(
    'Register the CA with AWS IoT, through the AWS SDK',
    async () => {
      const { id } = await admin.post(`/v1/authorities/${authority}/aws-registrations`, {
        region: template.place.region,
        certificateMode: 'DEFAULT',
        profile,
        roleArn,
        setAsActive: true,
        allowAutoRegistration: true
      })
      return settled(admin, `/v1/authorities/${authority}/aws-registrations/${String(id)}`, signal)
    },
    () => `Registered for just-in-time provisioning, read back and compared. Role: ${roleArn}`
  )
}

/** Waits for the job that registers. */
async function settled(admin: ServiceClient, path: string, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + registrationTimeoutMs
  for (;;) {
    const { state, drift, lastError } = await admin.get(path)
    if (state === 'registered') return
    if (state === 'failed' || state === 'drifted' || performance.now() > deadline)
      throw new StoryFailure(`The registration is ${String(state)}: ${JSON.stringify(lastError ?? drift)}`)
    await wait(100, undefined, { signal })
  }
}

/** What the station got. */
export interface StoryIssuance {
  readonly certificateId: string
  readonly certificatePem: string
  readonly chainPem: string
}

/** Posts the CSR as a station does. */
export async function issue(
  station: ServiceClient,
  device: StoryDevice,
  steps: Steps
): Promise<StoryIssuance> {
  return steps.run(
    'Post the CSR, and save the chain',
    async () => {
      const issuance = await station.post('/v1/issuances', { csr: device.csrPem, profile })
      const { certificatePem } = issuance as unknown as StoryIssuance
      if (device.privateKey && !new X509Certificate(certificatePem).checkPrivateKey(device.privateKey))
        throw new StoryFailure('--key is not the key of --csr.')
      return issuance as unknown as StoryIssuance
    },
    ({ certificatePem, certificateId }) =>
      `${new X509Certificate(certificatePem).subject.replaceAll('\n', ', ')}\ncertificate id ${certificateId}`
  )
}

import { IAMClient } from '@aws-sdk/client-iam'
import {
  GetRegistrationCodeCommand,
  IoTClient,
  RegisterCACertificateCommand,
  type RegisterCACertificateCommandInput,
  RegisterCertificateWithoutCACommand
} from '@aws-sdk/client-iot'
import {
  type ControlPlane,
  type ControlPlaneOptions,
  createControlPlane
} from '../../../../src/rehearsal/iot/control-plane/control-plane.ts'
import { registerThing } from '../../../../src/rehearsal/iot/provisioning/provisioning.ts'
import { createRegistry, type Registry } from '../../../../src/rehearsal/iot/registry/registry.ts'
import { defaultStandInSettings } from '../../../../src/rehearsal/iot/stand-in-settings.ts'
import { type MadeCertificate, makeCa, makeCertificate } from '../certificate-making.ts'

export const accountId = '111122223333'
export const endpointAddress = 'a1b2c3d4e5f6g7-ats.iot.eu-west-1.amazonaws.com'
export const roleArn = `arn:aws:iam::${accountId}:role/provisioning`
export const policyDocument = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'iot:Connect', Resource: '*' }]
})

export interface ControlPlaneRehearsal extends AsyncDisposable {
  readonly registry: Registry
  readonly controlPlane: ControlPlane
  readonly client: IoTClient
  /** Real SDK clients that send each request once unless told otherwise. */
  createClient(settings?: ClientSettings): IoTClient
  createIamClient(): IAMClient
}

interface ClientSettings {
  readonly region?: string
  readonly accessKeyId?: string
  readonly maxAttempts?: number
}

type Options = Partial<ControlPlaneOptions> & { readonly stateFile?: string }

export async function startControlPlane(options: Options = {}): Promise<ControlPlaneRehearsal> {
  const { stateFile, clock = Date.now } = options
  const registry = await createRegistry({ accountId, region: 'eu-west-1', clock, stateFile })
  const controlPlane = await createControlPlane(registry, {
    endpointAddress,
    registerThing: (account, templateBody, parameters) =>
      registerThing(account, defaultStandInSettings, { templateBody, parameters }),
    ...options
  })
  const createClient = ({ region, accessKeyId = 'AKIDONE', maxAttempts = 1 }: ClientSettings = {}) =>
    new IoTClient({
      endpoint: controlPlane.url,
      region: region ?? registry.region,
      maxAttempts,
      credentials: { accessKeyId, secretAccessKey: 'rehearsal' }
    })
  const createIamClient = () =>
    new IAMClient({
      endpoint: controlPlane.url,
      region: 'us-east-1',
      maxAttempts: 1,
      credentials: { accessKeyId: 'AKIDONE', secretAccessKey: 'rehearsal' }
    })
  const stop = (): Promise<void> => controlPlane.stop()
  const client = createClient()
  return { registry, controlPlane, client, createClient, createIamClient, [Symbol.asyncDispose]: stop }
}

/** What a registration in DEFAULT mode needs: the CA and the proof that it is held, for the code of the account. */
export async function prepareRegistration(
  client: IoTClient,
  ca: MadeCertificate
): Promise<RegisterCACertificateCommandInput> {
  const { registrationCode } = await client.send(new GetRegistrationCodeCommand({}))
  const verification = await makeCertificate({ commonNames: [registrationCode!], issuer: ca })
  return { caCertificate: ca.certificatePem, verificationCertificate: verification.certificatePem }
}

/** Registers a new CA in SNI_ONLY mode. */
export async function registerCa(
  client: IoTClient,
  input: Partial<RegisterCACertificateCommandInput> = {},
  wishes: Parameters<typeof makeCa>[0] = {}
): Promise<{ readonly ca: MadeCertificate; readonly certificateId: string }> {
  const ca = await makeCa(wishes)
  const command = new RegisterCACertificateCommand({
    caCertificate: ca.certificatePem,
    certificateMode: 'SNI_ONLY',
    ...input
  })
  return { ca, certificateId: (await client.send(command)).certificateId! }
}

/** Registers a new device certificate without a CA. */
export async function registerDevice(client: IoTClient, status: 'ACTIVE' | 'INACTIVE' = 'INACTIVE') {
  const { certificatePem } = await makeCertificate()
  const { certificateId, certificateArn } = await client.send(
    new RegisterCertificateWithoutCACommand({ certificatePem, status })
  )
  return { certificatePem, certificateId: certificateId!, certificateArn: certificateArn! }
}

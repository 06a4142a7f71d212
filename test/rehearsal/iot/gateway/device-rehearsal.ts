import type { SecureVersion } from 'node:tls'
import { connect as connectMqtt, type IClientOptions, type MqttClient } from 'mqtt'
import { onTestFinished } from 'vitest'
import { createDeviceGateway } from '../../../../src/rehearsal/iot/gateway/device-gateway.ts'
import { thingsRegistrationPolicyArn } from '../../../../src/rehearsal/iot/provisioning/role-permission.ts'
import type { CaCertificateRecord, RegistrationConfig } from '../../../../src/rehearsal/iot/records.ts'
import { createRegistry, type Registry } from '../../../../src/rehearsal/iot/registry/registry.ts'
import {
  defaultStandInSettings,
  type StandInSettings
} from '../../../../src/rehearsal/iot/stand-in-settings.ts'
import type { OpensslCertificate } from '../openssl-pki.ts'

export const endpoint = 'a1b2c3d4e5f6g7-ats.iot.eu-west-1.amazonaws.com'
export const roleArn = 'arn:aws:iam::111122223333:role/JITPRole'

export const trustInIot = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'iot.amazonaws.com' }, Action: 'sts:AssumeRole' }]
})

export const factoryPolicy = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Action: 'iot:Connect',
      Resource: 'arn:aws:iot:eu-west-1:111122223333:client/${iot:Connection.Thing.ThingName}'
    },
    {
      Effect: 'Allow',
      Action: ['iot:Publish', 'iot:Receive'],
      Resource: 'arn:aws:iot:eu-west-1:111122223333:topic/device/${iot:ClientId}/*'
    },
    {
      Effect: 'Allow',
      Action: 'iot:Subscribe',
      Resource: 'arn:aws:iot:eu-west-1:111122223333:topicfilter/device/${iot:ClientId}/*'
    }
  ]
})

export interface TemplateParts {
  readonly Parameters?: Record<string, unknown>
  readonly Resources: Record<string, Record<string, unknown>>
}

/** A template that works, as an object, so that a test can spoil it. */
export function workingTemplate(): Required<TemplateParts> {
  return {
    Parameters: {
      'AWS::IoT::Certificate::CommonName': { Type: 'String' },
      'AWS::IoT::Certificate::Id': { Type: 'String' }
    },
    Resources: {
      thing: {
        Type: 'AWS::IoT::Thing',
        Properties: {
          ThingName: { Ref: 'AWS::IoT::Certificate::CommonName' },
          AttributePayload: { line: 'A7' }
        }
      },
      certificate: {
        Type: 'AWS::IoT::Certificate',
        Properties: { CertificateId: { Ref: 'AWS::IoT::Certificate::Id' }, Status: 'ACTIVE' }
      },
      policy: { Type: 'AWS::IoT::Policy', Properties: { PolicyName: 'factory-device' } }
    }
  }
}

/** A registry in which a role and a policy are there to be used. */
export async function openRegistry(clock: () => number = Date.now): Promise<Registry> {
  const registry = await createRegistry({ accountId: '111122223333', region: 'eu-west-1', clock })
  registry.putRole({
    roleArn,
    assumeRolePolicyDocument: trustInIot,
    policies: {},
    attachedPolicyArns: [thingsRegistrationPolicyArn]
  })
  registry.createPolicy('factory-device', factoryPolicy)
  return registry
}

/** Registers past the proof that the caller has the key. */
export function registerCa(
  registry: Registry,
  ca: OpensslCertificate,
  registrationConfig: RegistrationConfig | null = {
    templateBody: JSON.stringify(workingTemplate()),
    roleArn
  }
): CaCertificateRecord {
  return registry.registerCaCertificate({
    caCertificatePem: ca.certificatePem,
    verificationCertificatePem: null,
    certificateMode: 'SNI_ONLY',
    setAsActive: true,
    allowAutoRegistration: true,
    registrationConfig
  })
}

/** Those of TLS pass through the MQTT client to node:tls. */
export interface DeviceOptions extends IClientOptions {
  readonly minVersion?: SecureVersion
  readonly maxVersion?: SecureVersion
  readonly checkServerIdentity?: () => undefined
}

export interface Rehearsal {
  readonly registry: Registry
  readonly gateway: Awaited<ReturnType<typeof createDeviceGateway>>
  /** Rejects when the connection is closed before it is accepted; does not try again by itself. */
  connect(device: OpensslCertificate, clientId: string, options?: DeviceOptions): Promise<MqttClient>
}

export async function openRehearsal(
  settings: Partial<StandInSettings> = {},
  clock: () => number = Date.now,
  provisioningDelayMs = 60
): Promise<Rehearsal> {
  const registry = await openRegistry(clock)
  const gateway = await createDeviceGateway({
    registry,
    settings: { ...defaultStandInSettings, ...settings },
    clock,
    port: 0,
    serverNames: [endpoint],
    provisioningDelayMs,
    tpsLimits: {}
  })
  onTestFinished(() => gateway.stop())
  return {
    registry,
    gateway,
    connect(device, clientId, options = {}) {
      const client = connectMqtt({
        protocol: 'mqtts',
        host: '127.0.0.1',
        port: gateway.port,
        servername: endpoint,
        ca: gateway.rootPem,
        cert: device.certificatePem,
        key: device.privateKeyPem,
        clientId,
        reconnectPeriod: 0,
        connectTimeout: 30_000,
        ...options
      })
      onTestFinished(async () => {
        await client.endAsync(true)
      })
      return new Promise((resolve, reject) => {
        client.once('connect', () => resolve(client))
        client.once('close', () => reject(new Error('closed')))
        client.once('error', reject)
      })
    }
  }
}

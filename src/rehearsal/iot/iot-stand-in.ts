import {
  type ControlPlane,
  type ControlPlaneOptions,
  createControlPlane
} from './control-plane/control-plane.ts'
import { createDeviceGateway, type DeviceGateway } from './gateway/device-gateway.ts'
import { registerThing } from './provisioning/provisioning.ts'
import { thingsRegistrationPolicyArn } from './provisioning/role-permission.ts'
import type { ProvisioningLogEntry } from './records.ts'
import { createRegistry, type Registry } from './registry/registry.ts'
import { defaultStandInSettings, type StandInSettings } from './stand-in-settings.ts'

export interface IotStandInOptions extends Pick<
  ControlPlaneOptions,
  'accounts' | 'faults' | 'tpsLimits' | 'random'
> {
  /** Of the control plane. 0, the default, takes a free one; so does `mqttPort`. */
  readonly port?: number | undefined
  readonly mqttPort?: number | undefined
  readonly region?: string | undefined
  readonly accountId?: string | undefined
  /** What DescribeEndpoint answers and SNI must be. `localhost` unless given, which devices find without more ado. */
  readonly endpointAddress?: string | undefined
  /** Other names that SNI may be, as custom domains are in AWS IoT. */
  readonly customDomains?: readonly string[] | undefined
  /** Where the state outlives the process. */
  readonly stateFile?: string | undefined
  readonly settings?: Partial<StandInSettings> | undefined
  /** From the first connection of a device to its provisioning, a quarter more or less; 1500 unless given. */
  readonly provisioningDelayMs?: number | undefined
  /** Milliseconds since 1970. */
  readonly clock?: (() => number) | undefined
  readonly onLog?: ((entry: ProvisioningLogEntry) => void) | undefined
}

export interface IotStandIn
  extends
    Pick<ControlPlane, 'setFaults' | 'failNext' | 'requestCounts'>,
    Pick<DeviceGateway, 'subscribe' | 'settled'> {
  /** Where an AWS SDK sends its requests. */
  readonly controlUrl: string
  /** What devices ask for in SNI. They connect to the loopback address. */
  readonly endpointAddress: string
  readonly mqttPort: number
  /** The root that a device must trust, PEM. */
  readonly serverCaPem: string
  /** Of the one account and region that devices belong to. */
  readonly registry: Registry
  readonly settings: StandInSettings
  /** A role that is there from the start and may do what provisioning needs. */
  readonly roleArn: string
  /** Makes another one like it, unless there is one of that name. */
  makeRole(roleArn: string): void
  /**
   * Does with a certificate what its first connection would do, without proof of its key, and resolves when it is
   * provisioned, or is not; the log says.
   *
   * @param chainPem the certificate first, then what a device would send with it.
   */
  present(chainPem: string): Promise<void>
  stop(): Promise<void>
}

const trustInIot = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'iot.amazonaws.com' }, Action: 'sts:AssumeRole' }]
})

/**
 * A stand-in of AWS IoT Core for rehearsals: its control plane for the AWS SDK, and the MQTT endpoint that registers
 * and provisions devices just in time. Other accounts and regions may be administered, but devices reach one alone.
 *
 * @throws Error when a port is taken or the state file is not one.
 */
export async function createIotStandIn(options: IotStandInOptions = {}): Promise<IotStandIn> {
  const { accountId = '111122223333', region = 'us-east-1', endpointAddress = 'localhost' } = options
  const { clock = Date.now, customDomains = [], provisioningDelayMs = 1500 } = options
  const settings: StandInSettings = { ...defaultStandInSettings, ...options.settings }
  const { stateFile, onLog } = options
  const registry = await createRegistry({ accountId, region, clock, stateFile, onLog })
  const roleArn = `arn:aws:iam::${accountId}:role/JITPRole`
  const makeRole = (arn: string): void => makeProvisioningRole(registry, arn, clock())
  makeRole(roleArn)
  const gateway = await createDeviceGateway({
    registry,
    settings,
    clock,
    port: options.mqttPort ?? 0,
    serverNames: [endpointAddress, ...customDomains].map(name => name.toLowerCase()),
    provisioningDelayMs,
    tpsLimits: options.tpsLimits ?? {}
  })
  const controlPlane = await createControlPlane(registry, {
    ...options,
    clock,
    endpointAddress,
    rootPem: gateway.rootPem,
    publish: (topic, payload) => gateway.publish(topic, JSON.stringify(payload)),
    registerThing: (caller, templateBody, parameters) =>
      registerThing(caller, settings, { templateBody, parameters })
  }).catch(async (error: unknown) => {
    await gateway.stop()
    throw error
  })
  return {
    controlUrl: controlPlane.url,
    requestCounts: controlPlane.requestCounts,
    setFaults: controlPlane.setFaults,
    failNext: controlPlane.failNext,
    endpointAddress,
    mqttPort: gateway.port,
    serverCaPem: gateway.rootPem,
    subscribe: gateway.subscribe,
    settled: gateway.settled,
    registry,
    settings,
    roleArn,
    makeRole,
    async present(chainPem) {
      gateway.present(chainPem)
      await gateway.settled()
    },
    async stop() {
      await Promise.all([controlPlane.stop(), gateway.stop()])
      await registry.saved()
    }
  }
}

/** A role that AWS IoT may assume, with the managed policy for what provisioning needs; not where one has the name. */
function makeProvisioningRole(registry: Registry, roleArn: string, createdAt: number): void {
  if (registry.findRole(roleArn) !== undefined) return
  registry.putRole({
    roleArn,
    assumeRolePolicyDocument: trustInIot,
    policies: {},
    attachedPolicyArns: [thingsRegistrationPolicyArn],
    createdAt
  })
}

import { IotRefusal } from '../iot-refusal.ts'
import { readCertificateParameters } from '../provisioning/certificate-parameters.ts'
import { registerThing } from '../provisioning/provisioning.ts'
import type { CaCertificateRecord, DeviceCertificateRecord, RegistrationConfig } from '../records.ts'
import type { Registry } from '../registry/registry.ts'
import type { StandInSettings } from '../stand-in-settings.ts'

interface ProvisioningQueueOptions {
  readonly registry: Registry
  readonly settings: StandInSettings
  /** From the first connection, a quarter more or less by the certificate. */
  readonly provisioningDelayMs: number
  /** Throws `ThrottlingException`. The device then stays pending until its next connection. */
  readonly assertWithinQuota: () => void
}

/** Provisions devices one by one, each when its delay is over. */
export function createProvisioningQueue(options: ProvisioningQueueOptions) {
  const waiting = new Map<string, NodeJS.Timeout>()
  const listeners: (() => void)[] = []
  return {
    /** Does nothing for a certificate whose turn has not come yet. */
    begin(
      { certificateId }: DeviceCertificateRecord,
      { certificateId: caCertificateId }: CaCertificateRecord
    ) {
      if (waiting.has(certificateId)) return
      const share = 0.75 + Number.parseInt(certificateId.slice(0, 8), 16) / 2 ** 33
      const timer = setTimeout(() => {
        provision(options, certificateId, caCertificateId)
        waiting.delete(certificateId)
        if (waiting.size === 0) for (const listener of listeners.splice(0)) listener()
      }, options.provisioningDelayMs * share)
      waiting.set(certificateId, timer)
    },
    settled: (): Promise<void> =>
      waiting.size === 0 ? Promise.resolve() : new Promise(resolve => listeners.push(resolve)),
    stop() {
      for (const timer of waiting.values()) clearTimeout(timer)
      waiting.clear()
      for (const listener of listeners.splice(0)) listener()
    }
  }
}

function provision(
  { registry, settings, assertWithinQuota }: ProvisioningQueueOptions,
  certificateId: string,
  caCertificateId: string
): void {
  const subject = { eventType: 'ProvisionDevice', certificateId, caCertificateId } as const
  try {
    assertWithinQuota()
    const { registrationConfig } = registry.describeCaCertificate(caCertificateId)
    const { certificatePem } = registry.describeCertificate(certificateId)
    const { values: parameters, withheld } = readCertificateParameters(certificatePem, settings)
    const template = findTemplate(registrationConfig, registry)
    const { resourceArns } = registerThing(registry, settings, { ...template, parameters, withheld })
    const thingName = Object.values(resourceArns)
      .find(arn => arn.includes(':thing/'))
      ?.split(':thing/')[1]
    registry.log({ ...subject, outcome: 'Success', ...(thingName === undefined ? {} : { thingName }) })
  } catch (error) {
    const errorCode = error instanceof IotRefusal ? error.errorName : 'InternalFailureException'
    registry.log({ ...subject, outcome: 'Failure', errorCode, reason: (error as Error).message })
  }
}

function findTemplate(
  config: RegistrationConfig | null,
  registry: Registry
): { readonly templateBody: string; readonly roleArn: string } {
  if (config === null) return refuse('The CA has no registrationConfig any more.')
  if ('templateBody' in config) return config
  const template = registry.describeProvisioningTemplate(config.templateName)
  const { templateName, type, enabled, templateBody, provisioningRoleArn: roleArn } = template
  if (type !== 'JITP') refuse(`The template ${templateName} is of type ${type}.`)
  if (!enabled) refuse(`The template ${templateName} is not enabled.`)
  return { templateBody, roleArn }
}

function refuse(reason: string): never {
  throw new IotRefusal('InvalidRequestException', reason)
}

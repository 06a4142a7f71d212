import { hash } from 'node:crypto'
import type { ObservedRegistration } from './ca-registration.ts'
import type { IotControl } from './iot-control.ts'

export interface Observation {
  readonly certificateArn: string
  readonly observed: ObservedRegistration
  /** What the CA, or the stored template that it names, carries. */
  readonly templateBody: string | undefined
}

/**
 * Reads back what AWS IoT holds of a CA, with the stored template that it names. Undefined where it is not registered.
 *
 * @throws MintlineError `aws_refused`, `aws_unavailable`.
 */
export async function observe(iot: IotControl, certificateId: string): Promise<Observation | undefined> {
  const held = await iot.describeCa(certificateId)
  if (held === undefined) return undefined
  const { certificateArn, certificateMode, status, autoRegistration, registrationConfig: config } = held
  const templateName = config?.templateName ?? null
  const stored = templateName === null ? undefined : await iot.describeTemplate(templateName)
  const body = templateName === null ? config?.templateBody : stored?.templateBody
  return {
    certificateArn,
    templateBody: body,
    observed: {
      certificateMode,
      status,
      autoRegistration,
      roleArn: (templateName === null ? config?.roleArn : stored?.roleArn) ?? null,
      templateSha256: body === undefined ? null : hash('sha256', body),
      templateName,
      templateEnabled: stored?.enabled ?? null,
      templateType: stored?.type ?? null
    }
  }
}

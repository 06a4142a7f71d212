import {
  DeleteCertificateCommand,
  DescribeCACertificateCommand,
  DescribeCertificateCommand,
  IoTClient,
  UpdateCertificateCommand
} from '@aws-sdk/client-iot'
import { awsThrottlings } from '../../../aws-client/call.ts'
import { clientSettings, withinTime } from '../../../aws-client/client-settings.ts'
import { awsFailure, isAwsError } from '../../../aws-client/failure.ts'
import { orUndefined, unless } from '../../iot/in-turn.ts'
import type { AwsPlace } from '../../iot/place.ts'
import { type AttachmentControl, createAttachmentControl } from './attachment-control.ts'
import type { Pace } from './pace.ts'

interface HeldCertificate {
  readonly certificateArn: string
  /** As AWS names it, e.g. ACTIVE. */
  readonly status: string
}

/**
 * Device certificates of AWS IoT in one account and region. Each call is sent once, and again only where AWS had too many; so
 * who gets no answer does not know what was done. Everything throws MintlineError `aws_refused` or `aws_unavailable`.
 */
export interface CertificateControl extends AttachmentControl {
  /** Undefined where it is not registered. */
  describe(certificateId: string): Promise<HeldCertificate | undefined>
  /** @returns false where there is no such certificate. */
  update(certificateId: string, status: 'ACTIVE' | 'INACTIVE' | 'REVOKED'): Promise<boolean>
  /** Nothing where there is no such certificate. */
  remove(certificateId: string): Promise<void>
  /** Undefined where it is not registered. */
  describeCa(
    certificateId: string
  ): Promise<{ readonly status: string; readonly autoRegistration: string } | undefined>
  destroy(): void
}

export interface ControlOptions {
  readonly pace: Pace
  /** Ends every call, under way or to come, with its reason. */
  readonly stopping: AbortSignal
}

/** How often in a row AWS may have too many. */
const maximumThrottled = 8

export function createCertificateControl(
  place: AwsPlace,
  { pace, stopping }: ControlOptions
): CertificateControl {
  const client = new IoTClient({ ...clientSettings(place), maxAttempts: 1, retryMode: 'standard' })

  async function paced<Reply>(
    operation: string,
    send: (abortSignal: AbortSignal) => Promise<Reply>
  ): Promise<Reply> {
    for (let tries = 1; ; tries++) {
      try {
        await pace.take(operation, stopping)
        return await withinTime(send, stopping)
      } catch (error) {
        if (stopping.aborted) throw stopping.reason
        const isThrottled = awsThrottlings.some(name => isAwsError(error, name))
        if (isThrottled) pace.slowDown(operation)
        if (!isThrottled || tries === maximumThrottled) throw awsFailure(error, `iot:${operation}`)
      }
    }
  }

  return {
    ...createAttachmentControl(client, paced),
    describe: certificateId =>
      paced('DescribeCertificate', async abortSignal => {
        const command = new DescribeCertificateCommand({ certificateId })
        const reply = await orUndefined(client.send(command, { abortSignal }))
        const held = reply?.certificateDescription
        return held && { certificateArn: held.certificateArn ?? '', status: held.status ?? '' }
      }),
    update: (certificateId, newStatus) =>
      paced('UpdateCertificate', abortSignal =>
        unless(
          'ResourceNotFoundException',
          client.send(new UpdateCertificateCommand({ certificateId, newStatus }), { abortSignal })
        )
      ),
    async remove(certificateId) {
      await paced('DeleteCertificate', abortSignal =>
        orUndefined(client.send(new DeleteCertificateCommand({ certificateId }), { abortSignal }))
      )
    },
    describeCa: certificateId =>
      paced('DescribeCACertificate', async abortSignal => {
        const command = new DescribeCACertificateCommand({ certificateId })
        const reply = await orUndefined(client.send(command, { abortSignal }))
        const held = reply?.certificateDescription
        return held && { status: held.status ?? '', autoRegistration: held.autoRegistrationStatus ?? '' }
      }),
    destroy: () => client.destroy()
  }
}

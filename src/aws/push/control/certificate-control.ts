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
import { MintlineError } from '../../../errors/mintline-error.ts'
import { systemStopwatch } from '../../../sources/clock.ts'
import { type InTurn, orUndefined, unless } from '../../iot/in-turn.ts'
import type { AwsPlace } from '../../iot/place.ts'
import { type AttachmentControl, createAttachmentControl } from './attachment-control.ts'
import { createListingControl, type ListingControl } from './listing-control.ts'
import type { Pace } from './pace.ts'

interface HeldCertificate {
  readonly certificateArn: string
  /** As AWS names it, e.g. ACTIVE. */
  readonly status: string
  readonly certificatePem: string
}

/**
 * Device certificates of AWS IoT in one account and region. Each call is sent once, and again only where AWS had too many; so
 * who gets no answer does not know what was done. Everything throws MintlineError `aws_refused` or `aws_unavailable`.
 */
export interface CertificateControl extends AttachmentControl, ListingControl {
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
}

/** Of a place. */
export interface CertificateControls {
  /**
   * Calls that belong together, waits for their turn included: from then on nothing is sent, and what is under way is given up with
   * `aws_unavailable`.
   */
  within(limitMs: number): CertificateControl
  destroy(): void
}

export interface ControlOptions {
  readonly pace: Pace
  /** Ends every call, under way or to come, with its reason. */
  readonly stopping: AbortSignal
}

/** How often in a row AWS may have too many. */
const maximumThrottled = 8

export function createCertificateControls(place: AwsPlace, options: ControlOptions): CertificateControls {
  const client = new IoTClient({ ...clientSettings(place), maxAttempts: 1, retryMode: 'standard' })
  return {
    within: limitMs => createCertificateControl(client, createPaced(options, limitMs)),
    destroy: () => client.destroy()
  }
}

function createPaced({ pace, stopping }: ControlOptions, limitMs: number): InTurn {
  const endMs = systemStopwatch() + limitMs
  const ending = AbortSignal.any([stopping, AbortSignal.timeout(limitMs)])

  /** A process that stood still may wake up before its timers do. */
  function assertTime(operation: string): void {
    if (systemStopwatch() >= endMs) throw tookTooLong(operation, limitMs)
  }

  async function paced<Reply>(
    operation: string,
    send: (abortSignal: AbortSignal) => Promise<Reply>
  ): Promise<Reply> {
    for (let tries = 1; ; tries++) {
      try {
        await pace.take(operation, ending)
        assertTime(operation)
        return await withinTime(send, ending)
      } catch (error) {
        if (stopping.aborted) throw stopping.reason
        assertTime(operation)
        if (ending.aborted) throw tookTooLong(operation, limitMs)
        const isThrottled = awsThrottlings.some(name => isAwsError(error, name))
        if (isThrottled) pace.slowDown(operation)
        if (!isThrottled || tries === maximumThrottled) throw awsFailure(error, `iot:${operation}`)
      }
    }
  }
  return paced
}

function tookTooLong(operation: string, limitMs: number): MintlineError {
  return new MintlineError(
    'aws_unavailable',
    `Calls that belong together took longer than ${limitMs / 1_000} seconds and were given up at iot:${operation}. AWS answers late, or has too many calls.`,
    { retryAfterSeconds: 30 }
  )
}

function createCertificateControl(client: IoTClient, paced: InTurn): CertificateControl {
  return {
    ...createAttachmentControl(client, paced),
    ...createListingControl(client, paced),
    describe: certificateId =>
      paced('DescribeCertificate', async abortSignal => {
        const command = new DescribeCertificateCommand({ certificateId })
        const reply = await orUndefined(client.send(command, { abortSignal }))
        const held = reply?.certificateDescription
        if (held === undefined) return undefined
        const { certificateArn = '', status = '', certificatePem = '' } = held
        return { certificateArn, status, certificatePem }
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
      })
  }
}

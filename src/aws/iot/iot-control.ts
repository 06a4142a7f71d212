import {
  DescribeCACertificateCommand,
  GetRegistrationCodeCommand,
  IoTClient,
  RegisterCACertificateCommand,
  type RegistrationConfig,
  ResourceAlreadyExistsException,
  UpdateCACertificateCommand
} from '@aws-sdk/client-iot'
import { clientSettings, withinTime } from '../../aws-client/client-settings.ts'
import { awsFailure, isAwsError } from '../../aws-client/failure.ts'
import { MintlineError } from '../../errors/mintline-error.ts'
import type { TemplateReference } from '../../jitp/template/references.ts'
import type { CertificateMode } from './ca-registration.ts'
import { type InTurn, orUndefined } from './in-turn.ts'
import type { AwsPlace } from './place.ts'
import { areLogsOn } from './provisioning-logs.ts'
import { createTemplateControl, type TemplateControl } from './stored-templates/template-control.ts'
import { describeReference, referenceOperations, type ReferenceState } from './template-references.ts'

/** A CA as DescribeCACertificate tells it. */
interface HeldCertificate {
  readonly certificateArn: string
  readonly status: string
  readonly autoRegistration: string
  readonly certificateMode: string
  readonly registrationConfig: RegistrationConfig | undefined
}

interface CaRegistration {
  readonly caCertificatePem: string
  /** With the mode DEFAULT, and only then. */
  readonly verificationCertificatePem: string | undefined
  readonly certificateMode: CertificateMode
  readonly setAsActive: boolean
  readonly allowAutoRegistration: boolean
  readonly registrationConfig: RegistrationConfig | undefined
}

/** What is undefined stays as it is. */
export interface CaUpdate {
  readonly status?: 'ACTIVE' | 'INACTIVE' | undefined
  readonly autoRegistration?: 'ENABLE' | 'DISABLE' | undefined
  readonly registrationConfig?: RegistrationConfig | undefined
  /** From just-in-time provisioning to just-in-time registration. */
  readonly removeRegistrationConfig?: boolean | undefined
}

type RegisterOutcome =
  | { readonly kind: 'registered' }
  /** In this account, or in another one in DEFAULT mode. */
  | { readonly kind: 'exists'; readonly resourceId: string | undefined }
  /** The verification certificate does not bear the code of this account and region. */
  | { readonly kind: 'code-refused'; readonly message: string }

/**
 * AWS IoT in one account and region, as far as registrations need it. One request at a time. Everything throws
 * MintlineError `aws_refused` or `aws_unavailable`.
 */
export interface IotControl extends TemplateControl {
  /** Undefined where it is not registered. */
  describeCa(certificateId: string): Promise<HeldCertificate | undefined>
  /** Made at the first call, the same from then on. */
  getRegistrationCode(): Promise<string>
  registerCa(registration: CaRegistration): Promise<RegisterOutcome>
  updateCa(certificateId: string, update: CaUpdate): Promise<void>
  /** Undefined where there is none. */
  describeReference(reference: TemplateReference): Promise<ReferenceState | undefined>
  /** Whether AWS IoT writes to CloudWatch why it did not provision a device. */
  areLogsOn(): Promise<boolean>
  destroy(): void
}

/** @param stopping ends every call, under way or to come, with its reason. */
export function createIotControl(place: AwsPlace, stopping: AbortSignal): IotControl {
  const client = new IoTClient(clientSettings(place))
  let last: Promise<unknown> = Promise.resolve()

  /** AWS takes 10 requests a second of an account and region; one after the other stays well below. */
  function inTurn<Reply>(
    operation: string,
    send: (abortSignal: AbortSignal) => Promise<Reply>
  ): Promise<Reply> {
    const reply = last.then(() => withinTime(send, stopping))
    last = reply.catch(() => undefined)
    return reply.catch((cause: unknown) => {
      throw awsFailure(cause, `iot:${operation}`)
    })
  }

  return {
    ...caOperations(client, inTurn),
    ...createTemplateControl(client, inTurn),
    describeReference: reference =>
      inTurn(referenceOperations[reference.kind], abortSignal =>
        orUndefined(describeReference(client, reference, abortSignal))
      ),
    areLogsOn: () => inTurn('GetV2LoggingOptions', abortSignal => areLogsOn(client, abortSignal)),
    destroy: () => client.destroy()
  }
}

function caOperations(client: IoTClient, inTurn: InTurn) {
  return {
    describeCa: (certificateId: string) =>
      inTurn('DescribeCACertificate', async abortSignal => {
        const command = new DescribeCACertificateCommand({ certificateId })
        const reply = await orUndefined(client.send(command, { abortSignal }))
        const description = reply?.certificateDescription
        return (
          description && {
            certificateArn: description.certificateArn ?? '',
            status: description.status ?? '',
            autoRegistration: description.autoRegistrationStatus ?? '',
            // AWS leaves it out of what was registered before there were modes.
            certificateMode: description.certificateMode ?? 'DEFAULT',
            registrationConfig: reply?.registrationConfig
          }
        )
      }),
    getRegistrationCode: () =>
      inTurn('GetRegistrationCode', async abortSignal => {
        const reply = await client.send(new GetRegistrationCodeCommand({}), { abortSignal })
        return parseRegistrationCode(reply.registrationCode)
      }),
    registerCa: (registration: CaRegistration) =>
      inTurn('RegisterCACertificate', async abortSignal => {
        const { caCertificatePem, verificationCertificatePem, registrationConfig, ...rest } = registration
        const command = new RegisterCACertificateCommand({
          ...rest,
          caCertificate: caCertificatePem,
          verificationCertificate: verificationCertificatePem,
          registrationConfig
        })
        try {
          await client.send(command, { abortSignal })
          return { kind: 'registered' } as const
        } catch (error) {
          return registerOutcomeOf(error)
        }
      }),
    updateCa: (certificateId: string, update: CaUpdate) =>
      inTurn('UpdateCACertificate', async abortSignal => {
        const { status, autoRegistration, registrationConfig, removeRegistrationConfig } = update
        const command = new UpdateCACertificateCommand({
          certificateId,
          newStatus: status,
          newAutoRegistrationStatus: autoRegistration,
          registrationConfig,
          removeAutoRegistration: removeRegistrationConfig
        })
        await client.send(command, { abortSignal })
      })
  }
}

/** The CA key signs it as a name, so nothing else than a code gets that far. AWS's model of GetRegistrationCode. */
function parseRegistrationCode(code = ''): string {
  if (/^(?:0x)?[0-9A-Fa-f]+$/.test(code) && code.length === 64) return code
  throw new MintlineError(
    'aws_refused',
    'AWS answered iot:GetRegistrationCode with something that is no registration code. Check the endpoint that the service is told to use.'
  )
}

function registerOutcomeOf(error: unknown): RegisterOutcome {
  if (error instanceof ResourceAlreadyExistsException) return { kind: 'exists', resourceId: error.resourceId }
  if (isAwsError(error, 'RegistrationCodeValidationException'))
    return { kind: 'code-refused', message: (error as Error).message }
  throw error
}

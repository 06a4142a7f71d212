import Type, { type Static } from 'typebox'
import { certificateModes } from '../../../aws/iot/ca-registration.ts'
import { maximumSteps } from '../../../aws/registrations/runs/step.ts'
import { registrationStates } from '../../../aws/registrations/view.ts'
import { ProfileName } from '../../../profiles/document.ts'
import { nextCursor, pageQuery } from '../../schemas/page.ts'
import { referenceTo, strict, uuid } from '../../schemas/reference.ts'
import { AuthorityParams } from '../authorities/schemas.ts'

const region = Type.String({
  pattern: '^[a-z]{2,4}(?:-[a-z]{2,12}){1,2}-[1-9][0-9]?$',
  maxLength: 32,
  description: 'Of AWS.',
  examples: ['eu-central-1']
})

const accountAlias = Type.String({
  pattern: '^[0-9A-Za-z][0-9A-Za-z_.-]{0,63}$',
  description:
    "A profile of the AWS SDK's shared config on the machine of the service. Without it, the SDK's own chain finds the credentials.",
  examples: ['production']
})

const certificateMode = Type.Enum(certificateModes, {
  type: 'string',
  description:
    '`DEFAULT`: one account of the region holds the CA, and its key signs a verification certificate. `SNI_ONLY`: any number of accounts. Settled by the registration, for good.'
})

const roleArn = Type.String({
  pattern: '^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\\w+=,.@/-]{1,512}$',
  maxLength: 2048,
  description: 'What AWS IoT assumes to run the template.',
  examples: ['arn:aws:iam::111122223333:role/device-provisioning']
})

const templateName = Type.String({
  pattern: '^[0-9A-Za-z_-]{1,36}$',
  description: 'A stored template of AWS IoT that is to carry the body. Without it, the CA carries it.',
  examples: ['acme-devices']
})

const adopt = Type.Boolean({
  description:
    'That a stored template of that name is taken over although Mintline did not make it. Its version stays, and the steps tell how to go back to it.'
})

const canary = Type.Boolean({
  description:
    'That a newer version of the profile goes to this account and region first. Without any, it goes in the order in which they were asked for.'
})

const asked = {
  certificateMode,
  setAsActive: Type.Boolean({ description: 'Whether AWS IoT takes new devices of the CA.' }),
  allowAutoRegistration: Type.Boolean({
    description: 'Whether it registers them at their first connection.'
  }),
  profile: Type.Optional({
    ...ProfileName,
    description: 'Whose provisioning template AWS IoT runs. Without it, a rule of the account acts (JITR).'
  }),
  roleArn: Type.Optional(roleArn),
  templateName: Type.Optional(templateName),
  adopt: Type.Optional(adopt),
  canary: Type.Optional(canary)
}

export const AwsRegistrationBody = Type.Object(
  { region, accountAlias: Type.Optional(accountAlias), ...asked },
  {
    ...strict,
    examples: [
      {
        region: 'eu-central-1',
        certificateMode: 'SNI_ONLY',
        profile: 'acme-sensor',
        roleArn: 'arn:aws:iam::111122223333:role/device-provisioning',
        setAsActive: true,
        allowAutoRegistration: true
      }
    ]
  }
)

export const AwsRegistrationParams = Type.Object({ ...AuthorityParams.properties, id: uuid() }, strict)

const time = Type.String({ format: 'date-time' })
const orNull = <Schema extends ReturnType<typeof Type.String> | ReturnType<typeof Type.Boolean>>(
  schema: Schema
) => Type.Union([schema, Type.Null()])

const members = {
  id: uuid(),
  authority: Type.String({ examples: ['acme-devices-g2'] }),
  region,
  accountAlias: Type.Optional(accountAlias),
  version: Type.Integer({ minimum: 1, description: 'Of what is asked for.' }),
  desired: Type.Object(asked, { ...strict, description: 'What was asked for last.' }),
  state: Type.Enum(registrationStates, {
    type: 'string',
    description:
      '`pending` is still to be done, `registered` was found as asked for, `drifted` was found otherwise, `blocked` is left as it was since the newer template would not work there or has not gone through elsewhere, `failed` could not be done.'
  }),
  profileVersion: Type.Optional(Type.Integer({ description: 'Which AWS was brought to.' })),
  awsAccountId: Type.Optional(Type.String({ examples: ['111122223333'] })),
  caCertificateId: Type.String({ description: 'What AWS IoT calls the CA: hex SHA-256 of its DER.' }),
  arns: Type.Array(Type.String(), { description: 'To search the console and CloudTrail with.' }),
  registeredTopic: Type.Optional(
    Type.String({ description: 'Where AWS IoT publishes new devices, in just-in-time registration.' })
  ),
  observed: Type.Optional(
    Type.Object(
      {
        certificateMode: Type.String(),
        status: Type.String(),
        autoRegistration: Type.String(),
        roleArn: orNull(Type.String()),
        templateSha256: orNull(Type.String()),
        templateName: orNull(Type.String()),
        templateEnabled: orNull(Type.Boolean()),
        templateType: orNull(Type.String())
      },
      { ...strict, description: 'What AWS held at the last look.' }
    )
  ),
  drift: Type.Array(
    Type.Object(
      {
        field: Type.String(),
        pointer: Type.Optional(
          Type.String({
            description:
              'Of a template: the place in its body, a JSON Pointer; after `#`, in the document that stands in the string.',
            examples: ['/Resources/policy/Properties/PolicyDocument#/Statement/0/Action/1']
          })
        ),
        expected: Type.String(),
        found: Type.String()
      },
      strict
    ),
    { description: 'Where AWS, or the role in IAM, differed from what is asked for.' }
  ),
  lastError: Type.Optional(
    Type.Object(
      { code: Type.String(), detail: Type.String() },
      {
        ...strict,
        description: 'Why it failed; with another state, why AWS could not be read back since `checkedAt`.'
      }
    )
  ),
  checkedAt: Type.Optional(time),
  createdAt: time,
  changedAt: time,
  changedBy: Type.String()
}

export const AwsRegistration = Type.Object(
  {
    ...members,
    steps: Type.Array(
      Type.Object(
        {
          version: Type.Integer({ description: 'Of what was asked for then.' }),
          time,
          step: Type.String({ examples: ['register'] }),
          outcome: Type.Enum(['done', 'noted', 'failed'], { type: 'string' }),
          detail: Type.String()
        },
        strict
      ),
      {
        maxItems: maximumSteps,
        description:
          'What was done, oldest first: the latest of it. What fails again and again in the same words is told once.'
      }
    )
  },
  { $id: 'AwsRegistration', ...strict, description: 'A CA in one account and region of AWS IoT.' }
)

export const PostedAwsRegistration = Type.Object(
  {
    ...AwsRegistration.properties,
    warnings: Type.Array(Type.String(), {
      description: 'What may not be meant, and what keeps AWS from being asked.'
    })
  },
  { $id: 'PostedAwsRegistration', ...strict, description: 'A registration as it was asked for just now.' }
)

export const AwsRegistrationSummary = Type.Object(members, {
  $id: 'AwsRegistrationSummary',
  ...strict,
  description: 'A registration without its steps.'
})

export const AwsRegistrationList = Type.Object(
  {
    items: Type.Array(referenceTo(AwsRegistrationSummary), { description: 'Oldest first.' }),
    nextCursor: nextCursor('newer registrations')
  },
  { $id: 'AwsRegistrationList', ...strict }
)

export const defaultRegistrationLimit = 100

export const AwsRegistrationListQuerystring = Type.Object(
  pageQuery({ cursor: uuid(), defaultLimit: defaultRegistrationLimit, maximumLimit: 200 }),
  strict
)

export type AwsRegistrationAnswer = Static<typeof AwsRegistration>
export type AwsRegistrationSummaryAnswer = Static<typeof AwsRegistrationSummary>

import Type, { type TSchema } from 'typebox'
import { subjectFields } from '../pki/name/subject-field.ts'
import { reissueMembers } from './reissue/reissue-members.ts'
import { revocationMembers } from './revocation/revoked-at-aws.ts'
import { statusMembers } from './status-addresses/status-members.ts'

const strict = { additionalProperties: false }

/** What a profile may be called. */
export const namePattern = '^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$'

export function isProfileName(text: string): boolean {
  return new RegExp(namePattern).test(text)
}

export const ProfileName = Type.String({
  pattern: namePattern,
  description: 'Lower-case letters, digits and inner hyphens, at most 64.'
})

const pattern = Type.String({
  minLength: 1,
  maxLength: 512,
  description: 'RE2 syntax, matched in linear time against the whole value.'
})
const values = Type.Array(Type.String({ minLength: 1, maxLength: 128 }), { minItems: 1, maxItems: 1000 })

/** What a profile says of one subject field. A field without a rule is refused unless the template declares it. */
export const SubjectRule = Type.Union(
  [
    Type.Object(
      {
        rule: Type.Literal('required'),
        pattern: Type.Optional(pattern),
        values: Type.Optional(values)
      },
      { ...strict, description: 'The CSR must carry it.' }
    ),
    Type.Object(
      {
        rule: Type.Literal('allowed'),
        pattern: Type.Optional(pattern),
        values: Type.Optional(values)
      },
      { ...strict, description: 'The CSR may carry it.' }
    ),
    Type.Object(
      { rule: Type.Literal('fixed'), value: Type.String({ minLength: 1, maxLength: 128 }) },
      {
        ...strict,
        description: 'The certificate carries this value; a CSR that carries another is refused.'
      }
    ),
    Type.Object(
      { rule: Type.Literal('forbidden') },
      { ...strict, description: 'A CSR that carries it is refused.' }
    )
  ],
  { description: 'rule: required | allowed | fixed | forbidden.' }
)

const SubjectFieldName = Type.Enum(subjectFields)

const SubjectRules = Type.Object(
  Object.fromEntries(subjectFields.map(field => [field, Type.Optional(SubjectRule)])) as Record<
    (typeof subjectFields)[number],
    ReturnType<typeof Type.Optional<typeof SubjectRule>>
  >,
  strict
)

const keyUsages = ['digitalSignature', 'nonRepudiation', 'keyEncipherment', 'keyAgreement'] as const
const extendedKeyUsages = ['clientAuth', 'serverAuth', 'codeSigning', 'emailProtection'] as const
const curves = ['P-256', 'P-384', 'P-521'] as const

const minimumDays = Type.Optional(
  Type.Integer({
    minimum: 1,
    maximum: 36500,
    description:
      'With `shorten`: a certificate that would have fewer days left is refused. Count the time on the shelf and in service.'
  })
)

export const whenIssuerExpiresFirst = Type.Enum(['refuse', 'shorten'], {
  description:
    '`refuse` the request, or `shorten` the certificate to the end of its issuer or of the first CA above, where that comes first.'
})

/** How long certificates last, by days or without end; `whenIssuerExpiresFirst` is the schema of that member. */
export function validityOf<Choice extends TSchema>(choice: Choice) {
  return Type.Union([
    Type.Object(
      {
        days: Type.Integer({ minimum: 1, maximum: 36500 }),
        whenIssuerExpiresFirst: choice,
        minimumDays
      },
      strict
    ),
    Type.Object(
      {
        notAfter: Type.Literal('99991231235959Z', { description: 'No expiry, as IEEE 802.1AR wants it.' }),
        whenIssuerExpiresFirst: choice,
        minimumDays
      },
      strict
    )
  ])
}

/** What a profile says, complete as it is kept. `ProfileRequest` is what an administrator must give of it. */
export const ProfileDocument = Type.Object(
  {
    name: ProfileName,
    description: Type.Optional(Type.String({ maxLength: 500 })),
    authority: Type.String({
      pattern: namePattern,
      description: 'The authority line whose active generation signs, e.g. `starter` for `starter-g1`.'
    }),
    template: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: 'The provisioning template as an object. Either this or registrationConfig.'
      })
    ),
    registrationConfig: Type.Optional(
      Type.Object(
        {
          templateBody: Type.String({ minLength: 1 }),
          roleArn: Type.String({ pattern: '^arn:aws[a-z-]*:iam::[0-9]{12}:role/.{1,512}$', maxLength: 2048 })
        },
        {
          ...strict,
          description: 'The file that `aws iot register-ca-certificate --registration-config` takes.'
        }
      )
    ),
    serialNumberSource: Type.Optional(
      Type.Union([Type.Literal('subject'), Type.Literal('certificate')], {
        description:
          'What AWS::IoT::Certificate::SerialNumber stands for. AWS contradicts itself, so a template that uses it needs the answer.'
      })
    ),
    jitp: Type.Optional(
      Type.Object(
        {
          functions: Type.Optional(
            Type.Enum(['refuse', 'accept'], {
              description:
                'Fn::*, Mappings and DeviceConfiguration, documented for fleet provisioning only. Default refuse.'
            })
          ),
          defaultsFillAbsentFields: Type.Optional(
            Type.Boolean({
              description:
                'Whether a parameter Default stands in for a subject field that is absent. Default false.'
            })
          ),
          subjectCharacters: Type.Optional(
            Type.Enum(['refuse', 'accept'], {
              description:
                'Values with , + " \\ < > ; = # in fields that the template uses, which AWS may pass on escaped. Default refuse.'
            })
          ),
          generatedPolicyName: Type.Optional(
            Type.Enum(['unknown', 'sha1-of-document'], {
              description:
                'How AWS names a policy that is given by document. Default unknown: no name is predicted.'
            })
          ),
          undeclaredCertificateId: Type.Optional(
            Type.Enum(['refuse', 'accept'], {
              description:
                'Whether AWS::IoT::Certificate::Id has its value in a template that does not declare it. Default refuse.'
            })
          )
        },
        {
          ...strict,
          description:
            'Switches for what AWS leaves open, each on the safe side unless set; docs/jitp.md explains them.'
        }
      )
    ),
    subject: SubjectRules,
    subjectFromStation: Type.Optional(
      Type.Array(SubjectFieldName, {
        minItems: 1,
        maxItems: subjectFields.length,
        uniqueItems: true,
        description:
          'The fields that the station may set, by `subject` in its request: for secure elements and TPMs whose CSR has a fixed subject or none. That of the CSR does not count then; rules, pre-flight and identity are of what the station set.'
      })
    ),
    dropAttributes: Type.Optional(
      Type.Array(
        Type.String({
          minLength: 1,
          maxLength: 128,
          description: 'By name, e.g. emailAddress, or by OID where it has none.'
        }),
        {
          minItems: 1,
          maxItems: 64,
          uniqueItems: true,
          description:
            'Attributes of the CSR that are left out of the certificate, whatever they hold, instead of being refused. The record says which. A field with the rule fixed gets its fixed value all the same.'
        }
      )
    ),
    lookalikes: Type.Optional(
      Type.Enum(['warn', 'refuse'], {
        description:
          'Values with characters that only look like ASCII: Latin letters mixed with Cyrillic or Greek ones in a word, words of twins alone, fullwidth forms, other dashes. `warn`, the default, issues and says so on record.'
      })
    ),
    afterCompromise: Type.Optional(
      Type.Enum(['reissue', 'refuse'], {
        description:
          'What a device gets whose certificate is of a generation that was declared compromised. `reissue`, the default: a certificate of the next generation, with the key it has or a new one; the old one has ended. `refuse`: 410, until an administrator releases it with POST /v1/issuances/{id}/release.'
      })
    ),
    ...reissueMembers,
    ...revocationMembers,
    lot: Type.Optional(
      Type.Literal('required', {
        description:
          'That every request names the lot of the device. Without it, a request may name one, and need not.'
      })
    ),
    mes: Type.Optional(
      Type.String({
        pattern: namePattern,
        description:
          'Name of the manufacturing execution system that is asked about each device before it is certified, as MINTLINE_MES_FILE has it. Without its verdict nothing is issued.'
      })
    ),
    deviceIdentity: Type.Optional(
      Type.Array(SubjectFieldName, {
        minItems: 1,
        maxItems: subjectFields.length,
        uniqueItems: true,
        description: 'The fields that together name one device. Without it the key is the identity.'
      })
    ),
    keys: Type.Object(
      {
        ec: Type.Optional(
          Type.Object(
            {
              curves: Type.Array(Type.Enum(curves), {
                minItems: 1,
                maxItems: curves.length,
                uniqueItems: true
              })
            },
            strict
          )
        ),
        rsa: Type.Optional(
          Type.Object(
            {
              minimumBits: Type.Integer({ minimum: 2048, maximum: 4096 }),
              maximumBits: Type.Integer({ minimum: 2048, maximum: 4096 })
            },
            strict
          )
        )
      },
      { ...strict, minProperties: 1, description: 'Accepted device keys. What is not listed is refused.' }
    ),
    validity: validityOf(whenIssuerExpiresFirst),
    backdateMinutes: Type.Integer({
      minimum: 0,
      maximum: 10080,
      description: 'How far notBefore lies before the time of issue, for devices whose clocks run behind.'
    }),
    keyUsage: Type.Array(Type.Enum(keyUsages), {
      minItems: 1,
      maxItems: keyUsages.length,
      uniqueItems: true
    }),
    extendedKeyUsage: Type.Array(Type.Enum(extendedKeyUsages), {
      minItems: 1,
      maxItems: extendedKeyUsages.length,
      uniqueItems: true
    }),
    ...statusMembers
  },
  strict
)

export type ProfileDocument = Type.Static<typeof ProfileDocument>
export type SubjectRule = Type.Static<typeof SubjectRule>

import Type, { type Static } from 'typebox'
import { certificatePurposes } from '../../../authorities/certificates/certificate-intent.ts'
import { maximumIntentCount } from '../../../authorities/life-cycle/intent-count.ts'
import { authorityStates } from '../../../authorities/life-cycle/life-cycle.ts'
import { authorityPurposes } from '../../../authorities/purpose.ts'
import { registrationFates } from '../../../aws/registrations/change.ts'
import { type SubjectField, subjectFields } from '../../../pki/name/subject-field.ts'
import { ProfileName } from '../../../profiles/document.ts'
import { localKeyTypes } from '../../../signing/signers/local/local-key.ts'
import { example } from '../../schemas/example.ts'
import { ownWords } from '../../schemas/own-words.ts'
import { nextCursor, pageQuery } from '../../schemas/page.ts'
import { Violation } from '../../schemas/problem.ts'
import { referenceTo, strict, uuid } from '../../schemas/reference.ts'

const line = Type.String({
  ...ProfileName,
  description:
    'What profiles name. Lower-case letters, digits and inner hyphens, at most 64; not ending in `-g1`.',
  examples: ['acme-devices']
})

const name = Type.String({
  pattern: '^[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?$',
  description: 'The generation: `<line>-g<number>`.',
  examples: ['acme-devices-g2']
})

const kmsKey = Type.Object(
  {
    kind: Type.Literal('kms'),
    keyId: Type.String({
      pattern: '^(?:arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/)?[A-Za-z0-9-]{1,128}$',
      description: 'Key id or key ARN of an asymmetric key with the usage SIGN_VERIFY. Not an alias.'
    }),
    region: Type.String({ pattern: '^[a-z0-9-]{1,32}$', examples: ['eu-central-1'] })
  },
  { ...strict, description: 'A key in AWS KMS.' }
)

const pkcs11Key = Type.Object(
  {
    kind: Type.Literal('pkcs11'),
    tokenLabel: Type.String({ minLength: 1, maxLength: 32 }),
    keyLabel: Type.String({ minLength: 1, maxLength: 255 })
  },
  { ...strict, description: 'A key on a PKCS#11 token.' }
)

const subjectValue = Type.String({ minLength: 1, maxLength: 128 })
const subjectMembers = Object.fromEntries(
  subjectFields.map(field => [field, Type.Optional(subjectValue)])
) as Record<SubjectField, ReturnType<typeof Type.Optional<typeof subjectValue>>>

export const AuthorityBody = Type.Object(
  {
    line,
    purpose: Type.Optional(
      Type.Enum(authorityPurposes, {
        type: 'string',
        description:
          'For whom the line signs, from its first generation on: `devices`, the default, or `stations`, whose own certificates it then issues and nothing else.'
      })
    ),
    key: Type.Union([
      Type.Object(
        { kind: Type.Literal('local'), keyType: Type.Enum(localKeyTypes, { type: 'string' }) },
        { ...strict, description: 'A key that is made now and kept encrypted in the data directory.' }
      ),
      kmsKey,
      pkcs11Key
    ]),
    subject: Type.Object({ ...subjectMembers, CommonName: subjectValue }, strict),
    generationInSubject: Type.Optional(
      Type.Boolean({
        description:
          'Whether the CommonName of a successor gets ` G2` and so on. Default true: AWS IoT takes at most ten CAs of one subject.'
      })
    ),
    certificate: Type.Union([
      Type.Object(
        { kind: Type.Literal('self-signed'), days: Type.Integer({ minimum: 1, maximum: 36_500 }) },
        strict
      ),
      Type.Object(
        { kind: Type.Literal('external') },
        { ...strict, description: 'A CA above signs the CSR; the generation is pending until then.' }
      )
    ])
  },
  {
    ...strict,
    examples: [
      {
        line: 'acme-devices',
        key: { kind: 'local', keyType: 'P-256' },
        subject: { Organization: 'Acme', CommonName: 'Acme Devices CA' },
        certificate: { kind: 'self-signed', days: 9125 }
      }
    ]
  }
)

const reason = Type.String({
  ...ownWords,
  description: 'Why. It stands in the audit event.',
  examples: ['planned rotation']
})

export const TransitionBody = Type.Object(
  { reason },
  { ...strict, examples: [{ reason: 'planned rotation' }] }
)

const aws = Type.Optional(
  Type.Enum(registrationFates, {
    type: 'string',
    description:
      'What becomes of its registrations with AWS IoT: `keep`, `stop-registering` new devices, or `deactivate` the CA. Devices that AWS knows go on in each case. Default `keep` for retire, `deactivate` for compromise.'
  })
)

export const CompromiseBody = Type.Object(
  {
    reason,
    aws,
    lastCrl: Type.Optional(
      Type.Boolean({
        default: true,
        description:
          'Whether its key signs a last CRL of all that it issued. `false` where the key is lost or must not be used: then the CRL that there is stays, and ends.'
      })
    )
  },
  { ...strict, examples: [{ reason: 'the key was copied', aws: 'deactivate' }] }
)

export const RetireBody = Type.Object(
  {
    reason,
    aws,
    abandon: Type.Optional(
      Type.Boolean({
        default: false,
        description:
          'What becomes of issuances that are begun and have no certificate on record. Without it they are refused with `409 intents_open`; with it they become void, and their devices and keys are free.'
      })
    )
  },
  { ...strict, examples: [{ reason: 'planned rotation', aws: 'stop-registering' }] }
)

export const ChainBody = Type.Object(
  {
    chain: Type.String({
      minLength: 1,
      description: "PEM: the authority's own certificate first, each issuer after it, the root last.",
      examples: [example.chain]
    }),
    reason: Type.Optional(reason)
  },
  strict
)

export const CrossSignBody = Type.Object(
  { authority: Type.String({ ...name, description: 'The generation that gets the certificate.' }), reason },
  strict
)

export const AuthorityParams = Type.Object({ name }, strict)

const keyReference = Type.Union([
  Type.Object({ kind: Type.Literal('local'), keyFile: Type.String() }, strict),
  Type.Object({ kind: Type.Literal('kms'), keyId: Type.String(), region: Type.String() }, strict),
  Type.Object({ kind: Type.Literal('pkcs11'), tokenLabel: Type.String(), keyLabel: Type.String() }, strict)
])

export const AuthorityGeneration = Type.Object(
  {
    name,
    line,
    generation: Type.Integer({ minimum: 1 }),
    state: Type.Enum(authorityStates, {
      type: 'string',
      description:
        '`pending` waits for its certificate, `staged` is ready, `active` issues, `retiring` finishes what it began, `retired` is done, `compromised` is trusted no more.'
    }),
    purpose: Type.Enum(authorityPurposes, { type: 'string', description: 'For whom it signs.' }),
    subject: Type.Object(subjectMembers, strict),
    key: keyReference,
    certificate: Type.Optional(
      Type.Object(
        {
          sha256: Type.String({ description: 'Lower-case hex, of its DER.' }),
          notBefore: Type.String({ format: 'date-time' }),
          notAfter: Type.String({ format: 'date-time' }),
          daysLeft: Type.Integer({ description: 'Whole days; negative once it has expired.' }),
          irregularities: Type.Array(referenceTo(Violation), {
            description:
              'What the certificate of a CA that was made elsewhere lacks although it can issue. Strict verifiers may refuse its chain.'
          })
        },
        { ...strict, description: 'Not there while it is still to come.' }
      )
    ),
    issuances: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: maximumIntentCount,
        description: 'How many intents name it, while they are not too many to be counted at once.'
      })
    ),
    issuancesAtLeast: Type.Optional(
      Type.Integer({ minimum: 0, description: 'In place of `issuances` when there are more than this.' })
    ),
    createdAt: Type.String({ format: 'date-time' })
  },
  { $id: 'AuthorityGeneration', ...strict, description: 'One generation of an authority line.' }
)

export const OpenCertificateIntent = Type.Object(
  {
    purpose: Type.Enum(certificatePurposes, { type: 'string' }),
    authority: Type.String({
      description:
        'The generation that was to get the certificate; a self-signed one may never have been made.',
      examples: ['acme-devices-g2']
    }),
    issuer: Type.String({ description: 'The generation whose key signs.', examples: ['acme-devices-g1'] }),
    key: keyReference,
    serialNumber: Type.String({
      description: 'Lower-case hex of the serial number.',
      examples: [example.serialNumber]
    }),
    createdAt: Type.String({ format: 'date-time' }),
    createdBy: Type.String({ examples: ['admin/boss'] })
  },
  {
    $id: 'OpenCertificateIntent',
    ...strict,
    description:
      'A CA certificate that was to be signed and is not on record: it is in the making, was cut off by a crash, or was refused when it was to be recorded. It never left the service.'
  }
)

export const AuthorityList = Type.Object(
  {
    items: Type.Array(referenceTo(AuthorityGeneration), { description: 'Oldest first.' }),
    openCertificateIntents: Type.Array(referenceTo(OpenCertificateIntent), {
      description: 'Oldest first. They explain the serial numbers of CA certificates that are not on record.'
    }),
    nextCursor: nextCursor('newer generations'),
    nextIntentCursor: Type.Optional(
      Type.String({ description: 'There while newer open intents remain; pass it on as `intentCursor`.' })
    )
  },
  { $id: 'AuthorityList', ...strict }
)

export const defaultAuthorityLimit = 50

export const AuthorityListQuerystring = Type.Object(
  {
    ...pageQuery({ cursor: uuid(), defaultLimit: defaultAuthorityLimit, maximumLimit: 100 }),
    intentCursor: Type.Optional(uuid({ description: 'The `nextIntentCursor` of the page before.' }))
  },
  strict
)

export const RotationPlan = Type.Object(
  {
    line,
    active: Type.Optional(name),
    successor: Type.Optional(name),
    compromised: Type.Array(name, {
      description:
        'Generations of the line that were declared compromised: their devices come back for another certificate.'
    }),
    ready: Type.Boolean({ description: 'Whether nothing is missing.' }),
    steps: Type.Array(Type.String(), { description: 'What activating the successor does.' }),
    missing: Type.Array(referenceTo(Violation)),
    warnings: Type.Array(referenceTo(Violation), {
      description: 'What is not as it should be, and keeps the successor from nothing.'
    })
  },
  { $id: 'RotationPlan', ...strict, description: 'What a rotation would do and what it lacks.' }
)

export const CrossCertificate = Type.Object(
  { certificate: Type.String({ description: 'PEM.', examples: [example.certificate] }) },
  { $id: 'CrossCertificate', ...strict }
)

export type AuthorityGenerationView = Static<typeof AuthorityGeneration>
export type OpenCertificateIntentView = Static<typeof OpenCertificateIntent>

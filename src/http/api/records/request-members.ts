import Type from 'typebox'
import { errorCodes } from '../../../errors/mintline-error.ts'
import { subjectFields } from '../../../pki/name/subject-field.ts'
import { outcomes, recordStates } from '../../../records/record.ts'
import { example } from '../../schemas/example.ts'
import { Violation } from '../../schemas/problem.ts'
import { referenceTo, strict, uuid } from '../../schemas/reference.ts'
import { certificateMembers, notes, Timestamp } from '../issuances/schemas.ts'

const state = Type.Enum(recordStates, {
  type: 'string',
  description:
    'What it is now: `issued` where nothing has become of the certificate, `held` where it rests, `superseded` until its end, then `revoked`, as what was scrapped; `refused` for the outcome `rejected`.'
})

const spkiSha256 = Type.Optional(
  Type.String({
    description:
      "Lower-case hex SHA-256 of the key's SubjectPublicKeyInfo. Of a refusal, where what was sent can be read as a CSR.",
    examples: [example.certificateId]
  })
)

const requestedSubject = Type.Optional(
  Type.Object(Object.fromEntries(subjectFields.map(field => [field, Type.Optional(Type.String())])), {
    ...strict,
    description:
      'What the request asked for: the station’s subject, or that of the CSR, as far as it can be read. Of a field that is there several times the first.',
    examples: [example.subject]
  })
)

const damaged = Type.Optional(
  Type.Literal(true, {
    description:
      'There where somebody changed the record in the database: what it cannot say any more is empty.'
  })
)

const stationSubject = Type.Optional(
  Type.Record(Type.String(), Type.String(), {
    description: 'The subject that the station set, where it set one. That of the CSR did not count then.',
    examples: [{ CommonName: 'sensor-000451' }]
  })
)

const mes = Type.Optional(
  Type.Object(
    {
      name: Type.String({ description: 'As MINTLINE_MES_FILE names it.', examples: ['plant'] }),
      verdict: Type.Literal('allow'),
      at: Timestamp,
      message: Type.Optional(Type.String()),
      metadata: Type.Optional(
        Type.Record(Type.String(), Type.String(), { description: 'What it set; it is in `metadata` too.' })
      ),
      replaced: Type.Optional(
        Type.Record(Type.String(), Type.String(), { description: 'What the station had sent instead.' })
      )
    },
    {
      ...strict,
      description:
        'There where the profile had a manufacturing execution system asked: what it said, and when.'
    }
  )
)

const csr = Type.Optional(
  Type.String({
    description: 'The certification request as PEM. In a list, where `fields` asks for it.',
    examples: [example.csr]
  })
)

/** What tells the kinds of records apart; each kind has its own of these alone. */
export const outcomeMember = { outcome: Type.Enum(outcomes, { type: 'string' }) }

/** Of every record. */
export const commonMembers = {
  id: uuid({ examples: [example.issuanceId] }),
  requestedAt: Timestamp,
  state,
  spkiSha256,
  station: Type.String({ description: 'Who asked.', examples: ['station-7'] }),
  line: Type.Optional(
    Type.String({ description: 'Where the station stood then, if it was told.', examples: ['A7'] })
  ),
  site: Type.Optional(Type.String({ description: 'As `line`.', examples: ['Graz'] })),
  lot: Type.Optional(
    Type.String({ description: 'Id of the lot that it was asked for in, if any.', examples: [example.lotId] })
  ),
  stationSubject,
  credential: uuid({
    description: 'Id of the token, or of the client certificate of the station, that let it in.',
    examples: [example.tokenId]
  }),
  profile: Type.String({ examples: ['starter'] }),
  metadata: Type.Record(Type.String(), Type.String(), { examples: [example.metadata] }),
  requestId: Type.String({ description: 'The request id in the log.', examples: [example.requestId] })
}

/** Of every intent. */
export const intentMembers = { csr, mes, damaged }

/** Whether a certificate is still what was recorded, and is handed out. */
export const soundnessMembers = {
  damage: Type.Optional(referenceTo(Violation)),
  compromised: Type.Optional(
    Type.Literal(true, {
      description:
        'There where the key of the authority is compromised: no station gets the certificate again.'
    })
  )
}

/** What was to be said of the CSR. */
export const noteMembers = { notes }

/** Who purged what was sent, and why. */
export const purgeWords = {
  purgedBy: Type.Optional(Type.String({ description: 'Who purged it.', examples: ['admin/starter'] })),
  purgeReason: Type.Optional(
    Type.String({ description: 'Why.', examples: ['request of the person concerned'] })
  )
}

/** Of a refusal. */
export const refusalMembers = {
  subject: requestedSubject,
  profileVersion: Type.Optional(certificateMembers.profileVersion),
  authority: Type.Optional(certificateMembers.authority),
  code: Type.Enum(errorCodes, { type: 'string' }),
  detail: Type.String(),
  violations: Type.Array(referenceTo(Violation)),
  csr: Type.Optional(
    Type.String({
      description:
        'What was sent, in the form that `csrEncoding` names. Not there where it was not kept or was purged, and in a list unless `fields` asks for it.'
    })
  ),
  csrEncoding: Type.Optional(
    Type.Enum(['pem', 'base64'], {
      type: 'string',
      description: '`pem` when what was sent can be read as a CSR; otherwise `base64` of the very bytes.'
    })
  ),
  withheld: Type.Optional(
    Type.Enum(['private_key', 'excess'], {
      type: 'string',
      description:
        'What of what was sent was not kept. `private_key`: all of it, since it held one. `excess`: what is beyond the beginning of something that is no CSR, of which 4,096 octets are kept.'
    })
  ),
  bodyLength: Type.Optional(
    Type.Integer({ minimum: 0, description: 'Octets of what was sent, where not all of it is on record.' })
  ),
  bodySha256: Type.Optional(
    Type.String({
      description:
        'Lower-case hex SHA-256 of what was sent, where not all of it is on record. With `private_key`, over a salt of this database and it.'
    })
  ),
  repeats: Type.Optional(
    Type.Object(
      {
        count: Type.Integer({ minimum: 1 }),
        lastAt: Timestamp
      },
      {
        ...strict,
        description:
          'How often the station sent the same again within a minute, was refused with the same code, and was not recorded anew; and when last. There in the answer to a single record, and in a list where `fields` asks for it. Up to ten seconds late.'
      }
    )
  ),
  purgedAt: Type.Optional(
    Type.String({ format: 'date-time', description: 'When what was sent was purged.' })
  ),
  ...purgeWords
}

/** Who declared an intent void, and why. */
export const voidWords = {
  voidedBy: Type.String({ description: 'Who declared it void.', examples: ['admin/starter'] }),
  reason: Type.String({ description: 'Why.', examples: ['changed in the database'] })
}

/** Of an intent that was declared void. */
export const voidMembers = {
  voidedAt: Timestamp,
  ...voidWords
}

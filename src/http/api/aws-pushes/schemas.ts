import Type from 'typebox'
import { pushStates } from '../../../aws/push/push.ts'
import { example } from '../../schemas/example.ts'
import { nextCursor, pageQuery } from '../../schemas/page.ts'
import { boundedName } from '../../schemas/query.ts'
import { referenceTo, strict, uuid } from '../../schemas/reference.ts'

const state = Type.Enum(pushStates, {
  type: 'string',
  description:
    '`waiting`: AWS is still to be told. `done`: it had the certificate as it is to be at the last look, and is looked at again. `unseen`: it does not know the certificate, which is looked for again. `absent`: it does not know the certificate nor its CA, so that no device comes with it; it is looked for once the CA is there again. `refused`: it takes it not, `lastError` says why; tried again. `over`: the certificate has expired.'
})

const region = Type.String({ minLength: 1, maxLength: 32, examples: ['eu-central-1'] })
const accountAlias = Type.String({ minLength: 1, maxLength: 64, examples: ['production'] })
const time = Type.String({ format: 'date-time' })

const counted = (description: string) => Type.Integer({ minimum: 0, description })

export const AwsPushCounts = Type.Object(
  {
    waiting: counted('AWS is still to be told.'),
    unseen: counted('AWS does not know the certificate.'),
    absent: counted('AWS does not know the certificate, nor its CA.'),
    done: counted('AWS had it as it is to be.'),
    refused: counted('AWS takes it not.'),
    over: counted('The certificate has expired.')
  },
  {
    $id: 'AwsPushCounts',
    ...strict,
    description: 'How far AWS IoT has been told: each certificate counts once for each account and region.'
  }
)

export const AwsPush = Type.Object(
  {
    id: Type.String({ examples: ['4711'] }),
    issuanceId: uuid({ examples: [example.issuanceId] }),
    certificateId: Type.String({ description: 'At AWS IoT.', examples: [example.certificateId] }),
    authority: Type.String({ examples: ['starter-g1'] }),
    registration: uuid({ description: 'Of that authority with AWS IoT.' }),
    accountAlias: Type.Optional(accountAlias),
    region,
    revocation: Type.Optional(
      uuid({ description: 'The order that it was revoked by, where it was one of many.' })
    ),
    askedAt: time,
    state,
    wanted: Type.Optional(
      Type.Enum(['REVOKED', 'INACTIVE', 'DELETED', 'ACTIVE'], {
        type: 'string',
        description:
          'What AWS is to have; `ACTIVE` after a hold: what it had before. Not there before the first try.'
      })
    ),
    observed: Type.Optional(
      Type.String({ description: 'The status that AWS had at the last look; not there where it had none.' })
    ),
    things: Type.Array(Type.String(), {
      description: 'Things of the certificate that are still to be removed.'
    }),
    tries: Type.Integer({ minimum: 0, description: 'In a row without what is wanted.' }),
    drifts: Type.Integer({ minimum: 0, description: 'How often somebody else had let it in again.' }),
    pushedAt: Type.Optional(Type.String({ format: 'date-time', description: 'When AWS was changed last.' })),
    checkedAt: Type.Optional(Type.String({ format: 'date-time', description: 'When AWS was asked last.' })),
    nextTryAt: Type.Optional(
      Type.String({ format: 'date-time', description: 'When it is asked next, at the soonest.' })
    ),
    lastError: Type.Optional(Type.Object({ code: Type.String(), detail: Type.String() }, strict))
  },
  {
    $id: 'AwsPush',
    ...strict,
    description:
      'What one account and region of AWS IoT is told of one certificate that is or was out of use.'
  }
)

export const AwsPushPage = Type.Object(
  { items: Type.Array(referenceTo(AwsPush)), nextCursor: nextCursor('older ones') },
  { $id: 'AwsPushPage', ...strict, description: 'Newest first.' }
)

export const defaultPushLimit = 50

export const AwsPushListQuerystring = Type.Object(
  {
    state: Type.Optional(state),
    authority: Type.Optional(Type.String({ ...boundedName, examples: ['starter-g1'] })),
    region: Type.Optional(region),
    accountAlias: Type.Optional(accountAlias),
    issuance: Type.Optional(uuid({ description: 'Id of a record.', examples: [example.issuanceId] })),
    revocation: Type.Optional(uuid({ description: 'Id of an order to revoke many.' })),
    ...pageQuery({
      cursor: Type.String({ pattern: '^[0-9]{1,18}$', examples: ['4711'] }),
      defaultLimit: defaultPushLimit,
      maximumLimit: 200
    })
  },
  strict
)

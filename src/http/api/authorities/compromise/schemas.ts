import Type from 'typebox'
import { registrationStates } from '../../../../aws/registrations/view.ts'
import { nextCursor, pageQuery } from '../../../schemas/page.ts'
import { referenceTo, strict, uuid } from '../../../schemas/reference.ts'
import { IssuanceEntry } from '../../records/schemas.ts'
import { RevocationOrder } from '../../revocations/order-schemas.ts'

export const AuthorityCompromise = Type.Object(
  {
    authority: Type.String({ examples: ['acme-devices-g1'] }),
    state: Type.Enum(['running', 'incomplete', 'done'], {
      type: 'string',
      description:
        '`done` once all that it issued is revoked, AWS IoT has been told wherever it can be, its registrations are as they are to be, and its last CRL is signed, where there is to be one. `running` goes on by itself, also after a crash. `incomplete`: all of that is so, but for certificates that could not be revoked (`revocation.failed`; until a later order about the whole generation has) or are of detached months. `/readyz` says so until its certificate ends.'
    }),
    declaredAt: Type.String({ format: 'date-time' }),
    declaredBy: Type.String({ examples: ['admin/security'] }),
    reason: Type.String(),
    revocation: Type.Optional(referenceTo(RevocationOrder)),
    registrations: Type.Array(
      Type.Object(
        {
          id: uuid(),
          region: Type.String(),
          accountAlias: Type.Optional(Type.String()),
          state: Type.Enum(registrationStates, { type: 'string' }),
          allowsRegistration: Type.Boolean({ description: 'As it is asked for.' }),
          isActive: Type.Boolean({ description: 'As it is asked for.' })
        },
        strict
      ),
      { description: 'With AWS IoT; `GET /v1/authorities/{name}/aws-registrations` has the rest of them.' }
    ),
    lastCrl: Type.Object(
      {
        state: Type.Enum(['none', 'waiting', 'signed', 'missed'], {
          type: 'string',
          description:
            '`waiting` until all is revoked and the key has signed it. `none`: it was not asked for, the generation never issued, or its certificate lets its key sign none. `missed`: its certificate ended first, and with it all that it issued, so that there will be none.'
        }),
        number: Type.Optional(Type.Integer({ description: 'Its cRLNumber.' }))
      },
      strict
    ),
    successor: Type.Optional(
      Type.String({ description: 'The generation that issues in its place.', examples: ['acme-devices-g2'] })
    ),
    detachedMonths: Type.Optional(
      Type.Array(Type.String(), {
        description:
          'Months that are detached from the database and in which it issued, as `2026-01`: that is not revoked. Attach them, and revoke it with `POST /v1/revocations`; then the last CRL is made anew.'
      })
    )
  },
  {
    $id: 'AuthorityCompromise',
    ...strict,
    description: 'That a generation was declared compromised, and how far what follows of it has come.'
  }
)

export const UnprovisionedPage = Type.Object(
  { items: Type.Array(referenceTo(IssuanceEntry)), nextCursor: nextCursor('further ones') },
  { $id: 'UnprovisionedPage', ...strict, description: 'Oldest first.' }
)

export const defaultUnprovisionedLimit = 50

export const UnprovisionedQuerystring = Type.Object(
  pageQuery({ cursor: uuid(), defaultLimit: defaultUnprovisionedLimit, maximumLimit: 200 }),
  strict
)

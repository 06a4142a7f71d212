import Type, { type Static } from 'typebox'
import { roles } from '../../../access/principal.ts'
import { example } from '../../schemas/example.ts'
import { ownWords } from '../../schemas/own-words.ts'
import { nextCursor, pageQuery } from '../../schemas/page.ts'
import { referenceTo, strict, uuid } from '../../schemas/reference.ts'
import { line, StationName } from '../stations/schemas.ts'

const role = Type.Enum(roles, {
  type: 'string',
  description:
    '`station` asks for certificates and reads what it asked for, `display` sees what stations do today, `auditor` reads everything, `operator` looks after stations besides, `admin` also posts profiles and handles tokens.'
})

const lines = Type.Array(line, { minItems: 1, maxItems: 100, uniqueItems: true })

/** As long as a shift change may take to bring the new secret to the line. */
export const defaultOverlapSeconds = 3_600

export const TokenBody = Type.Object(
  {
    role,
    name: Type.String({
      ...StationName,
      description:
        'The station, or whom the token is made out to: letters, digits and inner `.`, `_`, `-`, at most 64.',
      examples: ['station-7']
    }),
    station: Type.Optional({
      ...StationName,
      description:
        'The station that a token of the role `station` belongs to. Without it, the one of the token’s name, which is made for all profiles where there is none.'
    }),
    lines: Type.Optional({
      ...lines,
      description:
        'Lines of production that a display, auditor or operator sees alone; a display has some. Without it, all.'
    }),
    expiresAt: Type.Optional(
      Type.String({
        format: 'date-time',
        description: 'From when on it is not taken any more. Without it, it is until it is revoked.'
      })
    )
  },
  { ...strict, examples: [{ role: 'station', name: 'station-7' }] }
)

const members = {
  id: uuid({ examples: [example.tokenId] }),
  name: Type.String({ examples: ['station-7'] }),
  role,
  createdAt: Type.String({ format: 'date-time' }),
  createdBy: Type.String({ examples: ['admin/admin'] }),
  station: Type.Optional({ ...StationName, description: 'The station that it belongs to.' }),
  lines: Type.Optional({ ...lines, description: 'Lines of production that its holder sees alone.' }),
  expiresAt: Type.Optional(
    Type.String({ format: 'date-time', description: 'From when on it is not taken any more.' })
  ),
  lastUsedAt: Type.Optional(
    Type.String({ format: 'date-time', description: 'To the minute or so; not there before it was used.' })
  ),
  previousSecretUntil: Type.Optional(
    Type.String({
      format: 'date-time',
      description: 'Until then the secret before the last rotation is taken as well.'
    })
  ),
  revokedAt: Type.Optional(Type.String({ format: 'date-time', description: 'There once it is revoked.' }))
}

export const Token = Type.Object(members, {
  $id: 'Token',
  ...strict,
  description: 'A token without its secret.'
})

export const NewToken = Type.Object(
  {
    ...members,
    secret: Type.String({
      description: 'The bearer token itself. It is shown this once and kept nowhere.',
      examples: ['mintline_…']
    }),
    warnings: Type.Array(Type.String(), { description: 'What may not be meant.' })
  },
  { $id: 'NewToken', ...strict }
)

export const RotateBody = Type.Object(
  {
    overlapSeconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 2_592_000,
        description: `How long the secret that there is is taken as well; ${defaultOverlapSeconds} without it.`
      })
    ),
    expiresAt: Type.Optional(
      Type.String({ format: 'date-time', description: 'In the place of the end that the token has.' })
    ),
    reason: Type.Optional(Type.String({ ...ownWords, description: 'Why. It stands in the audit event.' }))
  },
  { ...strict, examples: [{ overlapSeconds: 3600 }] }
)

export const TokenList = Type.Object(
  { items: Type.Array(referenceTo(Token)), nextCursor: nextCursor('older tokens') },
  { $id: 'TokenList', ...strict, description: 'Newest first.' }
)

export const defaultTokenLimit = 100

export const TokenListQuerystring = Type.Object(
  pageQuery({
    cursor: uuid({ examples: [example.tokenId] }),
    defaultLimit: defaultTokenLimit,
    maximumLimit: 1000
  }),
  strict
)

export type TokenResource = Static<typeof Token>

export const TokenParams = Type.Object({ id: uuid({ examples: [example.tokenId] }) }, strict)

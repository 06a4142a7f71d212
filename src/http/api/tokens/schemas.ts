import Type, { type Static } from 'typebox'
import { roles } from '../../../access/principal.ts'
import { example } from '../../schemas/example.ts'
import { nextCursor, pageQuery } from '../../schemas/page.ts'
import { referenceTo, strict, uuid } from '../../schemas/reference.ts'

const role = Type.Enum(roles, {
  type: 'string',
  description:
    '`station` asks for certificates, `auditor` reads records and profiles, `admin` also posts profiles and handles tokens.'
})

export const TokenBody = Type.Object(
  {
    role,
    name: Type.String({
      pattern: '^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$',
      description:
        'The station, or whom the token is made out to: letters, digits and inner `.`, `_`, `-`, at most 64.',
      examples: ['station-7']
    })
  },
  { ...strict, examples: [{ role: 'station', name: 'station-7' }] }
)

const members = {
  id: uuid({ examples: [example.tokenId] }),
  name: Type.String({ examples: ['station-7'] }),
  role,
  createdAt: Type.String({ format: 'date-time' }),
  createdBy: Type.String({ examples: ['admin/admin'] }),
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
    })
  },
  { $id: 'NewToken', ...strict }
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

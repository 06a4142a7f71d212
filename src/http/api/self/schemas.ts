import Type, { type Static } from 'typebox'
import { roles } from '../../../access/principal.ts'
import { example } from '../../schemas/example.ts'
import { strict, uuid } from '../../schemas/reference.ts'
import { line, StationName } from '../stations/schemas.ts'
import { StandingCertificate } from './certificate-schemas.ts'

/** As many as a station may name; of one that may use all, the first. */
export const maximumListedProfiles = 100

const SelfProfile = Type.Object(
  {
    name: Type.String({ examples: ['starter'] }),
    version: Type.Integer({ minimum: 1, description: 'The newest, by which it would be issued now.' }),
    authority: Type.String({ description: 'The authority line that signs.', examples: ['starter'] }),
    ready: Type.Boolean({ description: 'Whether this line can sign right now.' }),
    reason: Type.Optional(Type.String({ description: 'Why it cannot.' }))
  },
  strict
)

/** Of those that are open. */
export const maximumListedLots = 100

const SelfLot = Type.Object(
  {
    id: Type.String({ examples: [example.lotId] }),
    profile: Type.String({ examples: ['starter'] }),
    remaining: Type.Integer({ minimum: 0, description: 'Places that are free at this moment.' })
  },
  strict
)

export const Self = Type.Object(
  {
    role: Type.Enum(roles, { type: 'string' }),
    name: Type.String({ description: 'The station, or whom the token was made out to.' }),
    lines: Type.Optional(
      Type.Array(line, { description: 'Lines of production that are seen alone. Without it, all.' })
    ),
    credential: Type.Optional(
      Type.Object(
        {
          id: uuid({ examples: [example.tokenId] }),
          name: StationName,
          expiresAt: Type.Optional(
            Type.String({ format: 'date-time', description: 'From when on it is not taken any more.' })
          )
        },
        {
          ...strict,
          description:
            'The token that let the request in. Not there for who signed in elsewhere, nor for a station that came with a client certificate alone.'
        }
      )
    ),
    clientCertificate: Type.Optional(
      Type.Object(
        {
          id: uuid({ description: 'By which records name it as their `credential`.' }),
          subject: Type.String({ examples: ['Organization=Acme, CommonName=line-3-station-2'] }),
          expiresAt: Type.String({
            format: 'date-time',
            description: 'From when on it is not taken any more.'
          })
        },
        { ...strict, description: 'The client certificate that let the station in, without a token.' }
      )
    ),
    certificate: Type.Optional(StandingCertificate),
    subject: Type.Optional(
      Type.String({ description: 'Who signed in elsewhere.', examples: ['oidc:248289761001'] })
    ),
    station: Type.Optional(
      Type.Object(
        {
          line: Type.Optional(line),
          site: Type.Optional(Type.String({ description: 'Where the line is.', examples: ['Graz'] })),
          requestsPerMinute: Type.Optional(
            Type.Integer({ minimum: 1, description: 'How many requests it may send. Without it, no limit.' })
          ),
          profiles: Type.Array(SelfProfile, {
            description: `What it may issue by; at most ${maximumListedProfiles} are listed.`
          }),
          lots: Type.Array(SelfLot, {
            description: `Lots that it may make now, of these profiles; at most ${maximumListedLots} are listed.`
          }),
          ready: Type.Boolean({
            description: 'Whether a certificate could be issued right now by every profile that is listed.'
          }),
          reasons: Type.Array(Type.String(), { description: 'Why not. Empty where it is ready.' })
        },
        { ...strict, description: 'Of the role `station`, and of no other.' }
      )
    )
  },
  {
    $id: 'Self',
    ...strict,
    description: 'Who a token or client certificate is, what it may do, and whether that can be done now.'
  }
)

export type Self = Static<typeof Self>

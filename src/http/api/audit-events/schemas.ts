import Type, { type Static } from 'typebox'
import { example } from '../../schemas/example.ts'
import { nextCursor, pageQuery } from '../../schemas/page.ts'
import { rangeQuery } from '../../schemas/query.ts'
import { referenceTo, strict, uuid } from '../../schemas/reference.ts'

const eventId = uuid({ examples: [example.issuanceId] })

/** What an act was upon looked like; its members are those of the act. */
const state = (description: string) => Type.Object({}, { additionalProperties: true, description })

export const AuditEventResource = Type.Object(
  {
    id: eventId,
    at: Type.String({ format: 'date-time', examples: ['2026-11-23T08:30:00.000Z'] }),
    actor: Type.String({
      description:
        'As `role/name`; `cli/<user>` for a command on the machine itself, `mintline/starter` for the first start, `system` for what Mintline does by itself.',
      examples: ['operator/planning']
    }),
    act: Type.String({
      description: 'The noun and what was done to it. docs/audit.md has all of them, and what each means.',
      examples: ['lot.pause']
    }),
    subject: Type.String({ description: 'The noun and which of them.', examples: [`lot/${example.lotId}`] }),
    reason: Type.Optional(Type.String({ examples: ['solder paste is out'] })),
    before: Type.Optional(state('What was so before, where there is something to tell.')),
    after: Type.Optional(state('What is so since.')),
    requestId: Type.Optional(
      Type.String({
        description: 'The request id in the log. Not there for what did not come over HTTP.',
        examples: [example.requestId]
      })
    ),
    credential: Type.Optional(
      Type.String({
        description: 'What let the actor in: the id of a token, or `oidc:` and the subject.',
        examples: [example.tokenId]
      })
    )
  },
  { $id: 'AuditEvent', ...strict, description: 'An administrative act, as it is kept for ever.' }
)

export const AuditEventPage = Type.Object(
  { items: Type.Array(referenceTo(AuditEventResource)), nextCursor: nextCursor('older events') },
  { $id: 'AuditEventPage', ...strict, description: 'Newest first.' }
)

export const defaultAuditEventLimit = 50

/** A value, or at least two characters of it and `*`. */
const search = (description: string, example: string) =>
  Type.Optional(
    Type.String({
      pattern: '^([^*]{1,256}|[^*]{2,255}\\*)$',
      description: `${description} With \`*\` at its end: all that begin so, by two characters at least.`,
      examples: [example]
    })
  )

export const AuditEventListQuerystring = Type.Object(
  {
    actor: search('Who did it.', 'operator/*'),
    act: search(
      'What was done: an act that there is, or `request_invalid` names those that there are.',
      'lot.*'
    ),
    subject: search('Upon what.', `lot/${example.lotId}`),
    credential: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 512,
        pattern: '[^*]$',
        description: 'What let the actor in, as a whole: it is not taken by its beginning.',
        examples: [example.tokenId]
      })
    ),
    requestId: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 128,
        pattern: '[^*]$',
        description: 'As a whole.',
        examples: [example.requestId]
      })
    ),
    ...rangeQuery,
    ...pageQuery({ cursor: eventId, defaultLimit: defaultAuditEventLimit, maximumLimit: 200 })
  },
  strict
)

export const AuditEventParams = Type.Object({ id: eventId }, strict)

export type AuditEventView = Static<typeof AuditEventResource>

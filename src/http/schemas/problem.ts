import Type from 'typebox'
import { roles } from '../../access/principal.ts'
import { errorCodes } from '../../errors/mintline-error.ts'
import { blockedReasons } from '../../factory/blocked-keys/blocked-key.ts'
import { referenceTo } from './reference.ts'

export const Violation = Type.Object(
  {
    pointer: Type.String({
      description:
        'Where: an RFC 6901 pointer into the request body, or `/query/<name>`, `/path/<name>`, `/headers/<name>`; for a CSR, `/subject/<field>` and the like.'
    }),
    expected: Type.String(),
    found: Type.String(),
    message: Type.String({ description: 'What to do about it.' })
  },
  {
    $id: 'Violation',
    additionalProperties: false,
    description: 'One broken rule.',
    examples: [
      {
        pointer: '/subject/Country',
        expected: 'two letters',
        found: '"Germany"',
        message: 'Write the country as its two-letter ISO 3166 code.'
      }
    ]
  }
)

/** RFC 9457 with the extension members that Mintline has; single codes carry more. */
export const Problem = Type.Object(
  {
    type: Type.String({ description: 'Where the code is explained, relative to the service.' }),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String({
      description: 'What happened this time, for a person to read. Never branch on it.'
    }),
    code: Type.Enum(errorCodes, {
      type: 'string',
      description: 'What happened, for a program to branch on.'
    }),
    instance: Type.Optional(Type.String({ description: 'The record of the refusal, when one was made.' })),
    violations: Type.Optional(Type.Array(referenceTo(Violation))),
    violationsOmitted: Type.Optional(
      Type.Integer({ minimum: 1, description: 'How many more there are than are listed.' })
    ),
    issuanceId: Type.Optional(Type.String({ description: 'The id of the record that `instance` names.' })),
    blockedReason: Type.Optional(
      Type.Enum(blockedReasons, { type: 'string', description: 'With `key_blocked`: why.' })
    ),
    spkiSha256: Type.Optional(
      Type.Array(Type.String(), {
        description:
          'With `key_blocked`: SHA-256 of the SubjectPublicKeyInfo of each key that is blocked, lower-case hex; a hundred at most.'
      })
    ),
    spkiSha256Omitted: Type.Optional(
      Type.Integer({ minimum: 1, description: 'How many more are blocked than are listed.' })
    ),
    notBlockedSpkiSha256: Type.Optional(
      Type.Array(Type.String(), {
        description:
          'With `key_blocked`, where a private key was sent: the keys that may be known to others by that and were not blocked, since it is not proven that they are the ones, or since they were too many. An administrator blocks them.'
      })
    ),
    notBlockedSpkiSha256Omitted: Type.Optional(
      Type.Integer({ minimum: 1, description: 'How many more there are than are listed.' })
    ),
    certificates: Type.Optional(
      Type.Array(
        Type.Object({
          issuanceId: Type.String(),
          serialNumber: Type.String(),
          certificateId: Type.String(),
          requestedAt: Type.String({ format: 'date-time' })
        }),
        {
          description:
            'With `key_blocked`: the certificates that exist for the key. A station sees those that it asked for.'
        }
      )
    ),
    badRowCount: Type.Optional(
      Type.Integer({ minimum: 1, description: 'With `devices_invalid`: how many rows are at fault.' })
    ),
    badRows: Type.Optional(
      Type.Array(Type.Object({ line: Type.Integer(), violations: Type.Array(referenceTo(Violation)) }), {
        description:
          'With `devices_invalid`: the first thousand of them. Of an array, the line is the number of the device; pointers go into the row.'
      })
    ),
    received: Type.Optional(
      Type.Integer({ description: 'With `devices_upload_conflict`: from where to send on, in octets.' })
    ),
    missingDevices: Type.Optional(
      Type.Array(
        Type.Object({ issuanceId: Type.String(), thingName: Type.Union([Type.String(), Type.Null()]) }),
        { description: 'With `devices_issued`: those that have a place in the lot; a hundred at most.' }
      )
    ),
    requiredRoles: Type.Optional(
      Type.Array(Type.Enum(roles, { type: 'string' }), {
        description: 'With `role_forbidden`: the roles that may.'
      })
    ),
    requestId: Type.String({ description: 'The same as in the log and in the X-Request-Id header.' })
  },
  {
    $id: 'Problem',
    additionalProperties: true,
    description: 'A problem document as RFC 9457 defines it.',
    examples: [
      {
        type: '/docs/errors#subject_refused',
        title: 'The subject does not match the profile',
        status: 422,
        detail: '1 subject field is refused by profile starter.',
        code: 'subject_refused',
        instance: '/v1/issuances/019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a11',
        violations: [
          {
            pointer: '/subject/Country',
            expected: 'two letters',
            found: '"Germany"',
            message: 'Write the country as its two-letter ISO 3166 code.'
          }
        ],
        requestId: 'station-7-000451'
      }
    ]
  }
)

export const problemMediaType = 'application/problem+json'

/** The response schemas of the statuses that a route answers problems with. */
export function problemResponses<Status extends number>(descriptions: Readonly<Record<Status, string>>) {
  const content = { [problemMediaType]: { schema: { $ref: 'Problem#' } } }
  const entries = Object.entries<string>(descriptions).map(([status, description]) => [
    status,
    { description, content }
  ])
  return Object.fromEntries(entries) as Record<Status, { description: string; content: typeof content }>
}

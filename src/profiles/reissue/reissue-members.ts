import Type from 'typebox'

const strict = { additionalProperties: false }

/** What a profile says of a device that has a certificate. The newest version of the profile by which it has it counts. */
export const reissueMembers = {
  reissue: Type.Optional(
    Type.Union(
      [
        Type.Literal('refuse'),
        Type.Literal('supersede'),
        Type.Object({ allow: Type.Integer({ minimum: 1, maximum: 100 }) }, strict)
      ],
      {
        description:
          'What a device gets that has a certificate and comes with another key. `refuse`, the default: 409. `supersede`: 409, until an operator releases it with POST /v1/issuances/{id}/release; then its next certificate, by which the one it has ends. `{ "allow": n }`: as many as n in effect at once, in each lot, or without a lot at all.'
      }
    )
  ),
  sameKey: Type.Optional(
    Type.Enum(['refuse', 'allow'], {
      description:
        'Whether a released device may have its next certificate for the key that it has, as where a secure element cannot make another. Default refuse: for a new key alone.'
    })
  ),
  supersededEnds: Type.Optional(
    Type.Union(
      [
        Type.Literal('now'),
        Type.Literal('when-connected'),
        Type.Object({ afterDays: Type.Integer({ minimum: 1, maximum: 3650 }) }, strict)
      ],
      {
        description:
          'When a certificate ends in whose place another was issued: `now`, the default; `when-connected`, when the other is first seen connected; or days after the other was issued. It is on record with the certificate. No station gets it again from the moment on record.'
      }
    )
  )
}

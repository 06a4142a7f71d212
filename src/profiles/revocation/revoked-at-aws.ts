import Type from 'typebox'

/** What AWS IoT is to hold of a certificate that is revoked. */
const choices = ['revoke', 'deactivate', 'deactivate-then-delete'] as const
export type RevokedAtAws = (typeof choices)[number]

/** What a profile says of its revoked certificates at AWS IoT. The newest version of the profile counts. */
export const revocationMembers = {
  revokedAtAws: Type.Optional(
    Type.Enum(choices, {
      description:
        'What AWS IoT is to hold of a certificate that is revoked, scrapped, or superseded and over. `revoke`, the default: REVOKED. `deactivate`: INACTIVE, which somebody can undo there. `deactivate-then-delete`: INACTIVE, without its policies and things; a thing is deleted where nothing else is attached to it and its device has no other certificate. The certificate is deleted as soon as AWS would not register it anew: once it has expired, or while its CA there is INACTIVE, does not register by itself, or is gone.'
    })
  )
}

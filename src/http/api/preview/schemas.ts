import Type, { type Static } from 'typebox'
import { strict } from '../../schemas/reference.ts'
import { certificateMembers, notes, thing } from '../issuances/schemas.ts'
import { StationSubject } from '../issuances/station-subject.ts'

const { profileVersion, templateSha256, subject } = certificateMembers

/** A CSR or a certificate, never both. */
export const PreviewBody = Type.Union([
  Type.Object(
    {
      csr: Type.String({ minLength: 1, description: 'PEM, or base64 of DER.' }),
      subject: Type.Optional(StationSubject)
    },
    strict
  ),
  Type.Object({ certificate: Type.String({ minLength: 1, description: 'PEM.' }) }, strict)
])

const Policy = Type.Union(
  [
    Type.Object({ policyName: Type.String() }, strict),
    Type.Object(
      { policyDocument: Type.String(), predictedName: Type.Union([Type.String(), Type.Null()]) },
      strict
    )
  ],
  { description: 'A policy that must exist, or the document that AWS makes one from.' }
)

export const Preview = Type.Object(
  {
    profile: Type.String({ examples: ['starter'] }),
    profileVersion,
    templateSha256,
    subject,
    thing,
    certificate: Type.Object({ status: Type.Literal('ACTIVE') }, strict),
    policies: Type.Array(Policy),
    notes
  },
  {
    $id: 'Preview',
    ...strict,
    description:
      'What would come of it: the subject of the certificate, and what AWS IoT makes at first connect.'
  }
)

export type PreviewView = Static<typeof Preview>

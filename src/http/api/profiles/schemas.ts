import Type, { type Static } from 'typebox'
import { ProfileDocument, ProfileName } from '../../../profiles/document.ts'
import { ProfileRequest } from '../../../profiles/request.ts'
import { example } from '../../schemas/example.ts'
import { ownWords } from '../../schemas/own-words.ts'
import { nextCursor, pageQuery } from '../../schemas/page.ts'
import { Violation } from '../../schemas/problem.ts'
import { referenceTo, strict, uuid } from '../../schemas/reference.ts'

/** What is posted, as a shared schema of the description. */
export const SharedProfileRequest = Type.Unsafe<ProfileRequest>({
  ...ProfileRequest,
  $id: 'ProfileRequest',
  description:
    'The rules under which certificates are issued: name, authority and template, and what is to differ from the defaults. What is kept is the complete document. Posting one under a name that exists makes its next version.',
  examples: [{ name: 'acme-sensor', authority: 'starter', template: example.template }]
})

/** What a profile says, as a shared schema of the description. */
export const SharedProfileDocument = Type.Unsafe<ProfileDocument>({
  ...ProfileDocument,
  $id: 'ProfileDocument',
  description: 'The rules under which certificates are issued, in full.'
})

const members = {
  id: uuid({ examples: [example.profileId] }),
  name: ProfileName,
  version: Type.Integer({ minimum: 1, description: 'From 1, without gaps.' }),
  document: referenceTo(SharedProfileDocument),
  templateSha256: Type.String({
    description: 'Lower-case hex SHA-256 of the template body as AWS would store it.'
  }),
  createdAt: Type.String({ format: 'date-time' }),
  createdBy: Type.String()
}

export const Profile = Type.Object(members, {
  $id: 'Profile',
  ...strict,
  description: 'One immutable version of a profile.'
})

export const PostedProfile = Type.Object(
  {
    ...members,
    warnings: Type.Array(referenceTo(Violation), {
      description: 'What is allowed but probably not meant.'
    })
  },
  { $id: 'PostedProfile', ...strict, description: 'The version that was made, and what looks odd in it.' }
)

export const ProfileRevertBody = Type.Object(
  {
    version: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Whose document is to be the newest again.', examples: [3] })
    ),
    reason: Type.String({
      ...ownWords,
      description: 'Why. It stands in the audit event.',
      examples: ['the thing group is missing in eu-west-1']
    })
  },
  strict
)

export const ProfileList = Type.Object(
  { items: Type.Array(referenceTo(Profile)), nextCursor: nextCursor('others') },
  { $id: 'ProfileList', ...strict }
)

export type ProfileView = Static<typeof Profile>

export const defaultProfileLimit = 50
const limits = { defaultLimit: defaultProfileLimit, maximumLimit: 200 }

export const ProfileListQuerystring = Type.Object(pageQuery({ cursor: ProfileName, ...limits }), strict)

export const VersionListQuerystring = Type.Object(
  pageQuery({ cursor: Type.String({ pattern: '^[1-9][0-9]{0,8}$', examples: ['7'] }), ...limits }),
  strict
)

export const ProfileParams = Type.Object({ name: ProfileName }, strict)

export const ProfileVersionParams = Type.Object(
  { name: ProfileName, version: Type.Integer({ minimum: 1, maximum: 999_999_999 }) },
  strict
)

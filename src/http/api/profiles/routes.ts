import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply } from 'fastify'
import type { PostedProfile as PostedVersion } from '../../../profiles/profile.ts'
import type { ProfileVersion } from '../../../profiles/version.ts'
import { actOf } from '../../plugins/access.ts'
import { coerceIntegers } from '../../plugins/coercion.ts'
import { viewPage } from '../../schemas/page.ts'
import { problemResponses } from '../../schemas/problem.ts'
import { jsonContent, madeOrSame, referenceTo } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import {
  defaultProfileLimit,
  PostedProfile,
  Profile,
  ProfileList,
  ProfileListQuerystring,
  ProfileParams,
  ProfileRevertBody,
  ProfileVersionParams,
  type ProfileView,
  SharedProfileRequest,
  VersionListQuerystring
} from './schemas.ts'

const tags = ['Profiles']
const notFound = problemResponses({ 404: 'There is no such profile or version.' })
const postedVersion = madeOrSame(PostedProfile, {
  made: 'The version that was made.',
  same: 'The document was the newest version already.',
  location: 'The version.'
})
const oneProfile = { description: 'One version of the profile.', content: jsonContent(Profile) }

const postProfile = {
  operationId: 'postProfile',
  tags,
  summary: 'Make a profile, or the next version of one',
  description:
    'Versions are immutable. From now on the new version is the one that issues. What is left out gets its default, and the answer shows the complete document, which a later change of a default does not touch.',
  body: referenceTo(SharedProfileRequest),
  response: {
    ...postedVersion,
    ...problemResponses({
      404: 'The authority does not exist.',
      422: 'The profile or its provisioning template breaks a rule.'
    })
  }
}

const revertProfile = {
  operationId: 'revertProfile',
  tags,
  summary: 'Go back to an earlier version of a profile',
  description:
    'Its document becomes the newest version, which issues from now on and goes to AWS like any other. Without `version`, the one before the newest.',
  params: ProfileParams,
  body: ProfileRevertBody,
  response: {
    ...postedVersion,
    ...problemResponses({
      404: 'There is no such profile or version.',
      422: 'There is no earlier version, or its document would not be taken today.'
    })
  }
}

const listProfiles = {
  operationId: 'listProfiles',
  tags,
  summary: 'List all profiles',
  description:
    'The newest version of each, by name; `nextCursor` leads to more. A page ends early where its documents come to more than 1 MiB.',
  querystring: ProfileListQuerystring,
  response: { 200: { description: 'One page.', content: jsonContent(ProfileList) } }
}

const getProfile = {
  operationId: 'getProfile',
  tags,
  summary: 'Read the newest version of a profile',
  params: ProfileParams,
  response: { 200: oneProfile, ...notFound }
}

const listProfileVersions = {
  operationId: 'listProfileVersions',
  tags,
  summary: 'List all versions of a profile',
  description:
    'Newest first; `nextCursor` leads to older ones. A page ends early where its documents come to more than 1 MiB.',
  params: ProfileParams,
  querystring: VersionListQuerystring,
  response: { 200: { description: 'One page.', content: jsonContent(ProfileList) }, ...notFound }
}

const getProfileVersion = {
  operationId: 'getProfileVersion',
  tags,
  summary: 'Read one version of a profile',
  params: ProfileVersionParams,
  response: { 200: oneProfile, ...notFound }
}

const readable = { config: { access: ['auditor', 'operator', 'admin'] } } as const

export const profileRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { profiles } }
) => {
  // A document is answered as it was posted, even when its schema has moved on since; serialising by the schema
  // would drop members in silence.
  app.setSerializerCompiler(() => value => JSON.stringify(value))

  app.post('/v1/profiles', { config: { access: ['admin'] }, schema: postProfile }, async (request, reply) =>
    sendPosted(reply, await profiles.post(request.body, actOf(request)))
  )

  app.post(
    '/v1/profiles/:name/revert',
    { config: { access: ['admin'] }, schema: revertProfile },
    async (request, reply) => {
      const { version, reason } = request.body
      return sendPosted(reply, await profiles.revert(request.params.name, version, actOf(request, reason)))
    }
  )

  app.get(
    '/v1/profiles',
    { ...readable, preValidation: coerceIntegers('query', ['limit']), schema: listProfiles },
    async ({ query: { limit = defaultProfileLimit, cursor } }) =>
      viewPage(await profiles.listPage({ limit, cursor }), viewProfile)
  )

  app.get('/v1/profiles/:name', { ...readable, schema: getProfile }, async ({ params }) =>
    viewProfile(await profiles.find(params.name))
  )

  app.get(
    '/v1/profiles/:name/versions',
    { ...readable, preValidation: coerceIntegers('query', ['limit']), schema: listProfileVersions },
    async ({ params, query: { limit = defaultProfileLimit, cursor } }) =>
      viewPage(await profiles.versions(params.name, { limit, cursor }), viewProfile)
  )

  app.get(
    '/v1/profiles/:name/versions/:version',
    { ...readable, preValidation: coerceIntegers('params', ['version']), schema: getProfileVersion },
    async ({ params }) => viewProfile(await profiles.find(params.name, params.version))
  )
}

function sendPosted(reply: FastifyReply, { profile, isNew, warnings }: PostedVersion) {
  return reply
    .code(isNew ? 201 : 200)
    .header('location', `/v1/profiles/${profile.name}/versions/${profile.version}`)
    .send({ ...viewProfile(profile), warnings: [...warnings] })
}

function viewProfile({ createdAt, ...profile }: ProfileVersion): ProfileView {
  const { id, name, version, document, templateSha256, createdBy } = profile
  return { id, name, version, document, templateSha256, createdAt: createdAt.toISOString(), createdBy }
}

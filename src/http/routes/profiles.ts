import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { ProfileVersion } from '../../profiles/profile.ts'
import { principalOf } from '../plugins/access.ts'
import { coerceIntegers } from '../plugins/coercion.ts'
import { problemResponses } from '../schemas/problem.ts'
import {
  PostedProfile,
  Profile,
  ProfileList,
  ProfileParams,
  ProfileVersionParams,
  SharedProfileDocument,
  type ProfileView
} from '../schemas/profile.ts'
import { referenceTo } from '../schemas/reference.ts'
import type { HttpServices } from '../services.ts'

const tags = ['Profiles']
const readers = ['auditor', 'admin'] as const
const notFound = problemResponses({ 404: 'There is no such profile or version.' })

const oneProfile = {
  description: 'One version of the profile.',
  content: { 'application/json': { schema: referenceTo(Profile) } }
}
const manyProfiles = {
  description: 'The versions.',
  content: { 'application/json': { schema: referenceTo(ProfileList) } }
}

/**
 * A document is answered as it was posted, even when the schema has moved on since: so nothing here is
 * serialised by schema, which would drop members in silence.
 */
const serializerCompiler = () => (value: unknown) => JSON.stringify(value)

export const profileRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services }
) => {
  app.setSerializerCompiler(serializerCompiler)

  app.post(
    '/v1/profiles',
    {
      config: { access: ['admin'] },
      schema: {
        operationId: 'postProfile',
        tags,
        summary: 'Make a profile, or the next version of one',
        description: 'Versions are immutable. From now on the new version is the one that issues.',
        body: referenceTo(SharedProfileDocument),
        response: {
          201: {
            description: 'The version that was made.',
            headers: { Location: { type: 'string', description: 'The version.' } },
            content: { 'application/json': { schema: referenceTo(PostedProfile) } }
          },
          ...problemResponses({
            404: 'The authority does not exist.',
            422: 'The profile or its provisioning template breaks a rule.'
          })
        }
      }
    },
    async (request, reply) => {
      const { profile, warnings } = await services.profiles.post(request.body, principalOf(request))
      return reply
        .code(201)
        .header('location', `/v1/profiles/${profile.name}/versions/${profile.version}`)
        .send({ ...viewProfile(profile), warnings: [...warnings] })
    }
  )

  app.get(
    '/v1/profiles',
    {
      config: { access: readers },
      schema: {
        operationId: 'listProfiles',
        tags,
        summary: 'List all profiles',
        description: 'The newest version of each.',
        response: { 200: manyProfiles }
      }
    },
    async () => ({ items: (await services.profiles.list()).map(viewProfile) })
  )

  app.get(
    '/v1/profiles/:name',
    {
      config: { access: readers },
      schema: {
        operationId: 'getProfile',
        tags,
        summary: 'Read the newest version of a profile',
        params: ProfileParams,
        response: { 200: oneProfile, ...notFound }
      }
    },
    async request => viewProfile(await services.profiles.find(request.params.name))
  )

  app.get(
    '/v1/profiles/:name/versions',
    {
      config: { access: readers },
      schema: {
        operationId: 'listProfileVersions',
        tags,
        summary: 'List all versions of a profile',
        params: ProfileParams,
        response: { 200: manyProfiles, ...notFound }
      }
    },
    async request => ({ items: (await services.profiles.versions(request.params.name)).map(viewProfile) })
  )

  app.get(
    '/v1/profiles/:name/versions/:version',
    {
      config: { access: readers },
      preValidation: coerceIntegers('params', ['version']),
      schema: {
        operationId: 'getProfileVersion',
        tags,
        summary: 'Read one version of a profile',
        params: ProfileVersionParams,
        response: { 200: oneProfile, ...notFound }
      }
    },
    async ({ params }) => viewProfile(await services.profiles.find(params.name, params.version))
  )
}

function viewProfile({ id, name, version, document, createdAt, createdBy }: ProfileVersion): ProfileView {
  return { id, name, version, document, createdAt: createdAt.toISOString(), createdBy }
}

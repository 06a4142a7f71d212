import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { actOf } from '../../plugins/access.ts'
import { coerceIntegers } from '../../plugins/coercion.ts'
import { viewPage } from '../../schemas/page.ts'
import { problemResponses } from '../../schemas/problem.ts'
import { jsonContent } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import { AuthorityParams } from '../authorities/schemas.ts'
import {
  AwsRegistration,
  AwsRegistrationBody,
  AwsRegistrationList,
  AwsRegistrationListQuerystring,
  AwsRegistrationParams,
  defaultRegistrationLimit,
  PostedAwsRegistration
} from './schemas.ts'
import { viewRegistration, viewRegistrationReport } from './view.ts'

const tags = ['AWS registrations']
const notFound = problemResponses({ 404: 'There is no such authority or registration.' })
const accepted = {
  description: 'It is on record and will be done.',
  headers: { Location: { type: 'string', description: 'The registration, which tells how it goes.' } }
}

const postRegistration = {
  operationId: 'postAwsRegistration',
  tags,
  summary: 'Have AWS IoT hold an authority, or change how',
  description:
    'There is one registration for each authority, account and region: posting again changes what is asked for, also from provisioning (with profile and roleArn) to registration (with neither) and back. Newer versions of the profile follow by themselves.',
  params: AuthorityParams,
  body: AwsRegistrationBody,
  response: {
    202: { ...accepted, content: jsonContent(PostedAwsRegistration) },
    ...problemResponses({
      404: 'There is no such authority or profile.',
      409: 'The authority has no certificate yet, or the stored template is somebody else’s.',
      422: 'AWS IoT would not take it.'
    })
  }
}

const listRegistrations = {
  operationId: 'listAwsRegistrations',
  tags,
  summary: 'List the registrations of an authority',
  description: 'Oldest first; `nextCursor` leads to newer ones.',
  params: AuthorityParams,
  querystring: AwsRegistrationListQuerystring,
  response: {
    200: { description: 'One page.', content: jsonContent(AwsRegistrationList) },
    ...notFound
  }
}

const getRegistration = {
  operationId: 'getAwsRegistration',
  tags,
  summary: 'Read a registration: asked for, done, found',
  params: AwsRegistrationParams,
  response: { 200: { description: 'The registration.', content: jsonContent(AwsRegistration) }, ...notFound }
}

const orders = {
  sync: {
    operationId: 'syncAwsRegistration',
    summary: 'Bring AWS to what is asked for',
    description: 'Drift is repaired, and a registration that failed is tried again at once.'
  },
  check: {
    operationId: 'checkAwsRegistration',
    summary: 'Read back what AWS holds',
    description: 'Nothing is changed at AWS. Each registration is read back once an hour anyway.'
  }
} as const

const readable = { config: { access: ['auditor', 'operator', 'admin'] } } as const
const config = { access: ['admin'] } as const
const path = '/v1/authorities/:name/aws-registrations'

export const awsRegistrationRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { awsRegistrations } }
) => {
  app.post(path, { config, schema: postRegistration }, async (request, reply) => {
    const report = await awsRegistrations.post(request.params.name, request.body, actOf(request))
    const answer = { ...viewRegistrationReport(report), warnings: [...report.warnings] }
    return reply.code(202).header('location', locationOf(report)).send(answer)
  })

  app.get(
    path,
    { ...readable, preValidation: coerceIntegers('query', ['limit']), schema: listRegistrations },
    async ({ params, query: { limit = defaultRegistrationLimit, cursor } }) =>
      viewPage(await awsRegistrations.list(params.name, { limit, cursor }), viewRegistration)
  )

  app.get(`${path}/:id`, { ...readable, schema: getRegistration }, async ({ params: { name, id } }) =>
    viewRegistrationReport(await awsRegistrations.find(name, id))
  )

  for (const verb of ['sync', 'check'] as const) {
    const schema = {
      ...orders[verb],
      tags,
      params: AwsRegistrationParams,
      response: { 202: { ...accepted, content: jsonContent(AwsRegistration) }, ...notFound }
    }
    app.post(`${path}/:id/${verb}`, { config, schema }, async (request, reply) => {
      const { name, id } = request.params
      const report = await awsRegistrations[verb](name, id, actOf(request))
      return reply.code(202).header('location', locationOf(report)).send(viewRegistrationReport(report))
    })
  }
}

function locationOf({ authority, id }: { readonly authority: string; readonly id: string }): string {
  return `/v1/authorities/${authority}/aws-registrations/${id}`
}

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { encodeChainPem, encodePem } from '../../../pki/pem/pem.ts'
import { problemResponses } from '../../schemas/problem.ts'
import { jsonContent } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import { AuthorityList, AuthorityParams, RotationPlan } from './schemas.ts'
import { viewGeneration, viewOpenIntent } from './view.ts'

const tags = ['Authorities']
const notFound = problemResponses({ 404: 'There is no such authority, or not this of it.' })
const pemChain = 'application/pem-certificate-chain'
const pemContent = { [pemChain]: { schema: Type.String() } }

const listAuthorities = {
  operationId: 'listAuthorities',
  tags,
  summary: 'List all generations of all authority lines',
  response: { 200: { description: 'All generations.', content: jsonContent(AuthorityList) } }
}

const getAuthority = {
  operationId: 'getAuthority',
  tags,
  summary: 'Read the generations of a line, or one generation',
  description: 'The name of a line gives all of its generations, the name of a generation that one.',
  params: AuthorityParams,
  response: { 200: { description: 'The generations.', content: jsonContent(AuthorityList) }, ...notFound }
}

const planRotation = {
  operationId: 'planRotation',
  tags,
  summary: 'What a rotation of the line would do, and what it lacks',
  description: 'Nothing is changed. The key of the successor is asked whether it can be used.',
  params: AuthorityParams,
  response: { 200: { description: 'The plan.', content: jsonContent(RotationPlan) }, ...notFound }
}

const getRequest = {
  operationId: 'getAuthorityCsr',
  tags,
  summary: 'Read the CSR that the CA above is to sign',
  params: AuthorityParams,
  response: {
    200: { description: 'PEM.', content: { 'application/x-pem-file': { schema: Type.String() } } },
    ...notFound
  }
}

const getCertificate = {
  operationId: 'getAuthorityCertificate',
  tags,
  summary: 'Read the certificate of a generation',
  description: 'With the certificates above it, up to the root.',
  params: AuthorityParams,
  response: { 200: { description: 'PEM.', content: pemContent }, ...notFound }
}

const getTrustBundle = {
  operationId: 'getTrustBundle',
  tags,
  summary: 'Read all CA certificates that devices and clouds may need',
  description:
    'Of every generation that is not compromised, those that do not issue yet or no more included, with the certificates above them and the cross certificates.',
  response: { 200: { description: 'PEM.', content: pemContent } }
}

const readable = { config: { access: ['auditor', 'admin'] } } as const
const open = { config: { access: 'public' } } as const

export const authorityReadRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { authorities } }
) => {
  app.get('/v1/authorities', { ...readable, schema: listAuthorities }, async () => ({
    items: (await authorities.list()).map(viewGeneration),
    openCertificateIntents: (await authorities.listOpenIntents()).map(viewOpenIntent)
  }))

  app.get('/v1/authorities/:name', { ...readable, schema: getAuthority }, async ({ params }) => ({
    items: (await authorities.find(params.name)).map(viewGeneration),
    openCertificateIntents: (await authorities.listOpenIntents(params.name)).map(viewOpenIntent)
  }))

  app.get('/v1/authorities/:name/plan', { ...readable, schema: planRotation }, async ({ params }) => {
    const { line, active, successor, ready, steps, missing, warnings } = await authorities.plan(params.name)
    return {
      line,
      ...(active !== undefined && { active }),
      ...(successor !== undefined && { successor }),
      ready,
      steps: [...steps],
      missing: [...missing],
      warnings: [...warnings]
    }
  })

  app.get('/v1/authorities/:name/csr', { ...readable, schema: getRequest }, async ({ params }, reply) =>
    reply
      .type('application/x-pem-file')
      .send(encodePem('CERTIFICATE REQUEST', await authorities.findRequest(params.name)))
  )

  app.get(
    '/v1/authorities/:name/certificate',
    { ...open, schema: getCertificate },
    async ({ params }, reply) =>
      reply.type(pemChain).send(encodeChainPem(await authorities.findCertificates(params.name)))
  )

  app.get('/v1/trust-bundle', { ...open, schema: getTrustBundle }, async (_request, reply) =>
    reply.type(pemChain).send(encodeChainPem(await authorities.trustBundle()))
  )
}

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type, { type Static } from 'typebox'
import { encodeChainPem, encodePem } from '../../../pki/pem/pem.ts'
import { coerceIntegers } from '../../plugins/coercion.ts'
import { viewPage } from '../../schemas/page.ts'
import { problemResponses } from '../../schemas/problem.ts'
import { jsonContent } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import {
  AuthorityList,
  AuthorityListQuerystring,
  AuthorityParams,
  defaultAuthorityLimit,
  RotationPlan
} from './schemas.ts'
import { viewGeneration, viewOpenIntent } from './view.ts'

const tags = ['Authorities']
const notFound = problemResponses({ 404: 'There is no such authority, or not this of it.' })
const pemChain = 'application/pem-certificate-chain'
/** RFC 2585, section 4. */
const derCertificate = 'application/pkix-cert'
const pemContent = { [pemChain]: { schema: Type.String() } }

const paging =
  'Oldest first; `nextCursor` leads to newer generations, `nextIntentCursor` to newer open intents.'

const listAuthorities = {
  operationId: 'listAuthorities',
  tags,
  summary: 'List the generations of all authority lines',
  description: paging,
  querystring: AuthorityListQuerystring,
  response: { 200: { description: 'One page.', content: jsonContent(AuthorityList) } }
}

const getAuthority = {
  operationId: 'getAuthority',
  tags,
  summary: 'Read the generations of a line, or one generation',
  description: `The name of a line gives its generations, the name of a generation that one. ${paging}`,
  params: AuthorityParams,
  querystring: AuthorityListQuerystring,
  response: { 200: { description: 'One page.', content: jsonContent(AuthorityList) }, ...notFound }
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

const getCertificateDer = {
  operationId: 'getAuthorityCertificateDer',
  tags,
  summary: 'Read the certificate of a generation alone, in DER',
  description:
    'What `caIssuers` of a certificate names (RFC 5280, section 4.2.2.1): the certificate of the generation that signed it.',
  params: AuthorityParams,
  response: {
    200: {
      description: 'DER.',
      content: { [derCertificate]: { schema: Type.Unsafe<Buffer>({ type: 'string' }) } }
    },
    ...notFound
  }
}

const getTrustBundle = {
  operationId: 'getTrustBundle',
  tags,
  summary: 'Read all CA certificates that devices and clouds may need',
  description:
    'Of every generation that is not compromised, those that do not issue yet or no more included, with the certificates above them and the cross certificates.',
  response: { 200: { description: 'PEM.', content: pemContent } }
}

const readable = { config: { access: ['auditor', 'operator', 'admin'] } } as const
const open = { config: { access: 'public', turn: 'route', isStatus: true } } as const

export const authorityReadRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { authorities } }
) => {
  async function readPage(query: Static<typeof AuthorityListQuerystring>, lineOrName?: string) {
    const { limit = defaultAuthorityLimit, cursor, intentCursor } = query
    const generations = await authorities.list({ lineOrName, limit, cursor })
    const intents = await authorities.listOpenIntents({ lineOrName, limit, cursor: intentCursor })
    return {
      ...viewPage(generations, viewGeneration),
      openCertificateIntents: intents.items.map(viewOpenIntent),
      ...(intents.nextCursor !== undefined && { nextIntentCursor: intents.nextCursor })
    }
  }
  const paged = { ...readable, preValidation: coerceIntegers('query', ['limit']) }

  app.get('/v1/authorities', { ...paged, schema: listAuthorities }, ({ query }) => readPage(query))

  app.get('/v1/authorities/:name', { ...paged, schema: getAuthority }, ({ params, query }) =>
    readPage(query, params.name)
  )

  app.get('/v1/authorities/:name/plan', { ...readable, schema: planRotation }, async ({ params }) => {
    const { line, active, successor, compromised, ready, steps, missing, warnings } = await authorities.plan(
      params.name
    )
    return {
      line,
      compromised: [...compromised],
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

  app.get(
    '/v1/authorities/:name/certificate.cer',
    { ...open, schema: getCertificateDer },
    async ({ params }, reply) => {
      const [certificate] = await authorities.findCertificates(params.name)
      return reply.type(derCertificate).send(Buffer.from(certificate!))
    }
  )

  app.get('/v1/trust-bundle', { ...open, schema: getTrustBundle }, async (_request, reply) =>
    reply.type(pemChain).send(encodeChainPem(await authorities.trustBundle()))
  )
}

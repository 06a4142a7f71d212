import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyError, FastifyInstance, FastifySchema, RouteHandlerMethod } from 'fastify'
import { sendProblem } from '../problems/problem-details.ts'
import { problemResponses } from '../schemas/problem.ts'
import type { Access } from './route-access.ts'
import { shareFiles } from './shared-files.ts'
import { pathNotFound } from './unknown-route.ts'

export const documentationPath = '/docs'

/** Describes the routes that are registered after it, as OpenAPI 3.1 and as a page to try them out. */
export async function addDocumentation(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: { ...preamble, info: { ...preamble.info, version } },
    convertConstToEnum: false,
    hideUntagged: true,
    refResolver: {
      buildLocalReference: ({ $id }, ...[, , index]) => (typeof $id === 'string' ? $id : `schema${index}`)
    },
    transform: ({ schema, url, route }) => ({
      schema: describeAccess(withoutSamples(namingRest(schema)), route.config?.access),
      url: url.replace(/\/\*$/, `/:${nameOfRest}`)
    })
  })
  serveDescriptionsOnce(app)
  await app.register(async scope => {
    // Its file server has errors of its own for paths that lead nowhere.
    scope.setErrorHandler((error: FastifyError, request, reply) =>
      sendProblem(isLost(error) ? pathNotFound() : error, request, reply)
    )
    shareFiles(scope)
    await scope.register(swaggerUi, {
      routePrefix: documentationPath,
      uiConfig: { docExpansion: 'list', defaultModelsExpandDepth: 0 },
      theme: { title: 'Mintline API' },
      staticCSP: {
        'default-src': "'none'",
        'base-uri': "'none'",
        'connect-src': "'self'",
        'font-src': "'self'",
        'form-action': "'none'",
        'frame-ancestors': "'none'",
        'img-src': ["'self'", 'data:'],
        'script-src': "'self'",
        'style-src': ["'self'", "'unsafe-inline'"]
      }
    })
  })
}

function isLost({ statusCode = 500 }: FastifyError): boolean {
  return statusCode === 403 || statusCode === 404
}

/**
 * Puts octets that are made once in the place of what the plugin would make anew for each request. They are made for the
 * first reader: the start of the service does not wait for a page that may never be asked for.
 */
function serveDescriptionsOnce(app: FastifyInstance): void {
  const lazily = (make: () => string) => {
    let octets: Buffer | undefined
    return () => (octets ??= Buffer.from(make()))
  }
  const send = (description: () => Buffer, type: string): RouteHandlerMethod =>
    async function (_request, reply) {
      return reply.type(type).send(description())
    }
  const json = lazily(() => JSON.stringify(app.swagger()))
  const yaml = lazily(() => app.swagger({ yaml: true }))
  const handlers: Readonly<Record<string, RouteHandlerMethod>> = {
    [`${documentationPath}/json`]: send(json, 'application/json; charset=utf-8'),
    [`${documentationPath}/yaml`]: send(yaml, 'application/yaml; charset=utf-8')
  }
  app.addHook('onRoute', route => {
    const handler = handlers[route.url]
    if (handler !== undefined) route.handler = handler
  })
}

/** OpenAPI has no parameter for all that is left of a path; here it is the request that OCSP puts there. */
const nameOfRest = 'request'

function namingRest(schema: FastifySchema | undefined): FastifySchema {
  const own = { ...schema }
  const params = own.params as { readonly properties?: Readonly<Record<string, object>> } | undefined
  const rest = params?.properties?.['*']
  if (rest === undefined) return own
  const properties = Object.fromEntries(Object.entries(params!.properties!).filter(([name]) => name !== '*'))
  const required = [...Object.keys(properties), nameOfRest]
  return { ...own, params: { ...params, properties: { ...properties, [nameOfRest]: rest }, required } }
}

interface ParameterSchema {
  readonly description?: string
  readonly examples?: readonly unknown[]
}

/**
 * Examples of parameters as words: the page to try the API out would send the first of each as if somebody had asked
 * for it, so that a search would find nothing and a body be refused for a query beside it.
 */
function withoutSamples(schema: FastifySchema | undefined): FastifySchema {
  const own = { ...schema }
  for (const part of ['querystring', 'params'] as const) {
    const parameters = own[part] as
      { readonly properties: Readonly<Record<string, ParameterSchema>> } | undefined
    if (parameters === undefined) continue
    const entries = Object.entries(parameters.properties)
    const properties = Object.fromEntries(entries.map(([name, each]) => [name, tellExample(each)]))
    own[part] = { ...parameters, properties }
  }
  return own
}

function tellExample({ examples, ...schema }: ParameterSchema): ParameterSchema {
  if (examples === undefined) return schema
  const told = examples.flat().map(each => `\`${String(each)}\``)
  return {
    ...schema,
    description: [schema.description, `E.g. ${told.join(', ')}.`].filter(Boolean).join(' ')
  }
}

/** Adds what follows from a route's access, so that no route repeats it. */
function describeAccess(schema: FastifySchema | undefined, access: Access | undefined): FastifySchema {
  const own = schema ?? {}
  if (access === undefined || access === 'public') return { ...own, security: [] }
  const common = problemResponses({
    400: 'The request does not fit the schema.',
    401: 'The token is missing or not valid.',
    403: "The token's role may not do this, or its station is disabled.",
    503: 'The service cannot do this now. Try again after `Retry-After` seconds.'
  })
  const withBody = problemResponses({
    413: 'The body is too large.',
    415: 'The content type is missing or not supported.'
  })
  const ofStations = problemResponses({
    429: 'The station sends more than it may. Try again after `Retry-After` seconds.'
  })
  return {
    ...own,
    description: [own.description, `Roles: ${access.join(', ')}.`].filter(Boolean).join('\n\n'),
    security: [{ token: [] }],
    response: {
      ...(own.response as object),
      ...common,
      ...(access.includes('station') && ofStations),
      ...(own.body !== undefined && withBody)
    }
  }
}

const preamble = {
  openapi: '3.1.0',
  info: {
    title: 'Mintline',
    description:
      'A certificate authority for production lines that make AWS IoT devices. A station posts a CSR, and a certificate chain comes back that is checked against the provisioning template, signed and on record.\n\nErrors are problem documents (RFC 9457); branch on `code`, read `violations`. Every answer carries `X-Request-Id`; send your own (letters, digits, `.`, `_`, `-`, at most 64) to find a request in the log again.\n\nTo read besides: [what each error means](/docs/errors), [what is said of provisioning templates](/docs/template-findings).',
    license: { name: 'Proprietary', identifier: 'LicenseRef-Proprietary' }
  },
  servers: [{ url: '/', description: 'This service.' }],
  tags: [
    { name: 'Issuances', description: 'Certificates, and the record of every request for one.' },
    { name: 'Profiles', description: 'The rules under which certificates are issued.' },
    { name: 'Authorities', description: 'CA keys and certificates, and how one generation follows another.' },
    { name: 'Status', description: 'What relying parties ask, without a token.' },
    { name: 'Stations', description: 'Who asks for certificates, and what they may use.' },
    { name: 'Tokens', description: 'What lets stations and people in.' },
    { name: 'Audit', description: 'Who did what, upon what, when and why.' },
    { name: 'Health', description: 'For supervisors and metrics collectors.' }
  ],
  components: {
    securitySchemes: {
      token: {
        type: 'http' as const,
        scheme: 'bearer',
        description:
          'A token made with `POST /v1/tokens`, or, where `MINTLINE_OIDC_ISSUER` is set, an access token (JWT) of that identity provider. Its role decides what it may do; `station` comes with the former alone.'
      }
    }
  }
}

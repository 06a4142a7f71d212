import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type, { type Static } from 'typebox'
import { encodeCertificatePem } from '../../../pki/pem/pem.ts'
import { actOf } from '../../plugins/access.ts'
import { problemResponses } from '../../schemas/problem.ts'
import { jsonContent } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import { emptyBody } from '../issuances/body.ts'
import {
  AuthorityBody,
  AuthorityGeneration,
  AuthorityParams,
  ChainBody,
  CompromiseBody,
  CrossCertificate,
  CrossSignBody,
  RetireBody,
  TransitionBody
} from './schemas.ts'
import { viewGeneration } from './view.ts'

const tags = ['Authorities']
const config = { access: ['admin'] } as const
const generation = { description: 'The generation as it is now.', content: jsonContent(AuthorityGeneration) }
const pemChain = 'application/pem-certificate-chain'

const stepProblems = problemResponses({
  404: 'There is no such authority.',
  409: 'Its state does not allow this.',
  422: 'The authority or its certificate breaks a rule.'
})

const createAuthority = {
  operationId: 'createAuthority',
  tags,
  summary: 'Make the next generation of an authority line',
  description:
    'The first generation of a line, or a successor. Self-signed, it is staged; else it is pending until its certificate comes. Nothing issues with it before it is activated.',
  body: AuthorityBody,
  response: {
    201: {
      description: 'The generation that was made.',
      headers: { Location: { type: 'string', description: 'The generation.' } },
      content: jsonContent(AuthorityGeneration)
    },
    ...problemResponses({
      409: 'The key belongs to another generation already.',
      422: 'The line or the subject breaks a rule.',
      500: 'The key cannot be used.'
    })
  }
}

const certifyAuthority = {
  operationId: 'certifyAuthority',
  tags,
  summary: 'Give a pending generation the certificate that the CA above has signed',
  description:
    'The PEM chain as JSON, or as it is with `curl --data-binary @chain.pem`. Checked are the key, CA:TRUE, key usage, path lengths, validity and every signature up to the root.',
  params: AuthorityParams,
  body: {
    content: {
      'application/json': { schema: ChainBody },
      [pemChain]: { schema: Type.Unsafe<Uint8Array>({ description: 'The file as it is.' }) }
    }
  },
  response: { 200: generation, ...stepProblems }
}

const transitions = {
  activate: {
    operationId: 'activateAuthority',
    summary: 'Let a generation issue',
    description:
      'The active one of the line becomes retiring in the same moment. When this answers, no later certificate names it, whichever process issues. Activating a retiring generation takes a rotation back.'
  },
  retire: {
    operationId: 'retireAuthority',
    summary: 'End a retiring generation',
    description:
      'Its certificates stay valid and are still replayed. It cannot be activated again. What it has begun is completed first, by the retries of its stations, or given up with `abandon`.'
  },
  compromise: {
    operationId: 'compromiseAuthority',
    summary: 'Declare the key of a generation compromised',
    description:
      'One act: it issues nothing more and leaves the trust bundle, its registrations with AWS IoT are switched off, and all that it issued is revoked (`cACompromise`) by an order that goes on by itself. Once that is done its key signs a last CRL, which never ends, and then nothing again. `GET /v1/authorities/{name}/compromise` tells how far that has come, and `…/unprovisioned` lists what is to have another certificate. There is no way back.'
  }
} as const

const crossSign = {
  operationId: 'crossSignAuthority',
  tags,
  summary: "Sign another generation's subject and key with an active one",
  description:
    'For relying parties that trust the active one and not yet the other. It joins the trust bundle.',
  params: AuthorityParams,
  body: CrossSignBody,
  response: {
    201: { description: 'The certificate.', content: jsonContent(CrossCertificate) },
    ...stepProblems
  }
}

/** What administrators do with authorities. */
export const authorityRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { authorities, awsRegistrations, revocationOrders } }
) => {
  const viewOf = async (name: string) => viewGeneration((await authorities.find(name))[0]!)
  app.addContentTypeParser(pemChain, { parseAs: 'buffer' }, (_request, body, done) => done(null, body))

  app.post('/v1/authorities', { config, schema: createAuthority }, async (request, reply) => {
    const name = await authorities.create(request.body, actOf(request))
    return reply
      .code(201)
      .header('location', `/v1/authorities/${name}`)
      .send(await viewOf(name))
  })

  app.post('/v1/authorities/:name/certificate', { config, schema: certifyAuthority }, async request => {
    const { name } = request.params
    // The schema is chosen by content type, which the type provider cannot follow.
    const { chain, reason } = readChain(
      request.body as Static<typeof ChainBody> | Uint8Array | null | undefined
    )
    await authorities.certify(name, chain, actOf(request, reason))
    return viewOf(name)
  })

  const stepSchema = { tags, params: AuthorityParams, response: { 200: generation, ...stepProblems } }
  const activate = { ...transitions.activate, ...stepSchema, body: TransitionBody }
  app.post('/v1/authorities/:name/activate', { config, schema: activate }, async request => {
    const { name } = request.params
    await authorities.activate(name, actOf(request, request.body.reason))
    return viewOf(name)
  })

  // The registrations first, so that after a crash in between the same request does the rest; the step is done once.
  const retire = { ...transitions.retire, ...stepSchema, body: RetireBody }
  app.post('/v1/authorities/:name/retire', { config, schema: retire }, async request => {
    const { name } = request.params
    const { reason, aws: fate, abandon = false } = request.body
    const act = actOf(request, reason)
    await authorities.assertRetirable(name, { abandon })
    await awsRegistrations.followAuthority(name, { end: 'retired', fate }, act)
    await authorities.retire(name, { abandon }, act)
    return viewOf(name)
  })

  const compromise = { ...transitions.compromise, ...stepSchema, body: CompromiseBody }
  app.post('/v1/authorities/:name/compromise', { config, schema: compromise }, async request => {
    const { name } = request.params
    const { reason, aws: fate, lastCrl } = request.body
    const act = actOf(request, reason)
    await awsRegistrations.followAuthority(name, { end: 'compromised', fate }, act)
    const orderId = await authorities.compromise(name, act, { lastCrl })
    // A crash before this leaves an order that the sweep of the next minute finds.
    if (orderId !== undefined) await revocationOrders.begin(orderId)
    return viewOf(name)
  })

  app.post('/v1/authorities/:name/cross-sign', { config, schema: crossSign }, async (request, reply) => {
    const { authority, reason } = request.body
    const certificateDer = await authorities.crossSign(request.params.name, authority, actOf(request, reason))
    return reply.code(201).send({ certificate: encodeCertificatePem(certificateDer) })
  })
}

function readChain(body: Static<typeof ChainBody> | Uint8Array | null | undefined) {
  if (body == null) throw emptyBody()
  if (body instanceof Uint8Array) return { chain: Buffer.from(body).toString('latin1'), reason: undefined }
  return { chain: body.chain, reason: body.reason }
}

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import { maySeeLine } from '../../../access/principal.ts'
import { hiding } from '../../../errors/mintline-error.ts'
import {
  type ActResult,
  type CertificateName,
  certificateNotFound,
  type NotedAct
} from '../../../revocation/revocation.ts'
import { parseInstant } from '../../listing/times.ts'
import { actOf, principalOf } from '../../plugins/access.ts'
import { problemResponses } from '../../schemas/problem.ts'
import { jsonContent } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import { viewRecord } from '../issuances/view.ts'
import { IssuanceParams } from '../records/act-schemas.ts'
import { assertOwn } from '../records/ownership.ts'
import { normaliseHex, normaliseSerialNumber } from '../records/query.ts'
import { CertificateParams, HoldBody, RevocationAnswer, RevokeBody } from './schemas.ts'

const tags = ['Revocation']

const refusals = {
  404: 'There is no such record.',
  409: 'It is revoked for another reason or as of another time, has ended, or was never issued; `state` says which.'
}

const answered = {
  200: { description: 'What became of it, and the record.', content: jsonContent(RevocationAnswer) }
}
const response = { ...answered, ...problemResponses(refusals) }

const revocation = {
  tags,
  summary: 'Revoke a certificate',
  description:
    'For good: it is handed out no more (`410 certificate_revoked`). Its place in the lot stays taken; scrap it to free that. Whether its device gets another, the profile and a release say. With `keyCompromise` its key is blocked for ever as well. An intent without a certificate may have been signed and can be revoked too: nothing completes it then. The same again changes nothing; another reason is refused.',
  body: RevokeBody,
  response: {
    ...answered,
    ...problemResponses({ ...refusals, 422: '`invalidityDate` is still to come.' })
  }
}

const holding = {
  tags,
  summary: 'Put a certificate on hold',
  description:
    'Until `unhold` or `revoke`: it is not handed out (`409 certificate_held`), and its device gets no other, also where it has one since. The same again changes nothing.',
  body: HoldBody,
  response
}

const unholding = {
  tags,
  summary: 'Take a certificate off hold',
  description: 'It is as good as before. Of one that is not on hold nothing is changed.',
  body: HoldBody,
  response
}

const byRecord = { params: IssuanceParams }
const byCertificate = { params: CertificateParams }

const acts = {
  revokeIssuance: { ...revocation, ...byRecord, operationId: 'revokeIssuance' },
  holdIssuance: { ...holding, ...byRecord, operationId: 'holdIssuance' },
  unholdIssuance: { ...unholding, ...byRecord, operationId: 'unholdIssuance' },
  revokeCertificate: { ...revocation, ...byCertificate, operationId: 'revokeCertificate' },
  holdCertificate: { ...holding, ...byCertificate, operationId: 'holdCertificate' },
  unholdCertificate: { ...unholding, ...byCertificate, operationId: 'unholdCertificate' }
}

const ofAdmin = { access: ['admin'] } as const
const ofOperator = { access: ['operator', 'admin'], heedsLines: true } as const

/** Taking one certificate out of use, by its record or by what it says itself. */
export const revocationRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services }
) => {
  // The records in the answers are told apart by their view; see recordRoutes.
  app.setSerializerCompiler(() => value => JSON.stringify(value))
  const { revocation: acting } = services
  const locate = (request: FastifyRequest, certificate: string) => locateOwn(services, request, certificate)

  app.post('/v1/issuances/:id/revoke', { config: ofAdmin, schema: acts.revokeIssuance }, async request =>
    view(await acting.revoke(request.params.id, groundsOf(request.body), notedActOf(request)))
  )

  app.post('/v1/issuances/:id/hold', { config: ofOperator, schema: acts.holdIssuance }, async request => {
    const id = await ownOf(services, request, request.params.id)
    return view(await acting.hold(id, notedActOf(request)))
  })

  app.post('/v1/issuances/:id/unhold', { config: ofOperator, schema: acts.unholdIssuance }, async request => {
    const id = await ownOf(services, request, request.params.id)
    return view(await acting.unhold(id, notedActOf(request)))
  })

  app.post(
    '/v1/certificates/:certificate/revoke',
    { config: ofAdmin, schema: acts.revokeCertificate },
    async request => {
      const id = await locate(request, request.params.certificate)
      return view(await acting.revoke(id, groundsOf(request.body), notedActOf(request)))
    }
  )

  app.post(
    '/v1/certificates/:certificate/hold',
    { config: ofOperator, schema: acts.holdCertificate },
    async request => {
      const id = await locate(request, request.params.certificate)
      return view(await acting.hold(id, notedActOf(request)))
    }
  )

  app.post(
    '/v1/certificates/:certificate/unhold',
    { config: ofOperator, schema: acts.unholdCertificate },
    async request => {
      const id = await locate(request, request.params.certificate)
      return view(await acting.unhold(id, notedActOf(request)))
    }
  )
}

async function ownOf({ records }: HttpServices, request: FastifyRequest, id: string): Promise<string> {
  assertOwn(principalOf(request), await records.find(id))
  return id
}

/** Of other lines it is not there. @throws MintlineError `certificate_not_found`. */
async function locateOwn(
  { records, revocation: acting }: HttpServices,
  request: FastifyRequest,
  certificate: string
): Promise<string> {
  const name = nameOf(certificate)
  const id = await acting.locate(name)
  if (maySeeLine(principalOf(request), (await records.find(id)).line)) return id
  throw hiding(certificateNotFound(name), 'lines_forbidden')
}

/** An id has 64 digits, a serial number 42 at most. */
function nameOf(certificate: string): CertificateName {
  const digits = normaliseHex(certificate)
  return digits.length === 64
    ? { certificateId: octetsOf(digits) }
    : { serialNumber: octetsOf(normaliseSerialNumber(digits)) }
}

const octetsOf = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'))

/** @throws MintlineError `request_invalid` for a time that a Date cannot hold. */
export function groundsOf({ reason, invalidityDate }: Static<typeof RevokeBody>) {
  return {
    reason,
    invalidityDate: invalidityDate === undefined ? undefined : parseInstant(invalidityDate, '/invalidityDate')
  }
}

export function notedActOf(request: FastifyRequest<{ Body: { note: string } }>): NotedAct {
  return { ...actOf(request), reason: request.body.note }
}

function view({ record, isNew, blockedKey }: ActResult) {
  return {
    changed: isNew,
    ...(blockedKey !== undefined && { blockedKey }),
    record: viewRecord(record)
  }
}

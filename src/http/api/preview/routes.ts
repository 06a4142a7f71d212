import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Static } from 'typebox'
import Type from 'typebox'
import type { PreviewResult } from '../../../issuance/preview.ts'
import { assertProfileAllowed } from '../../../issuance/refusals/station-rights.ts'
import type { Subject } from '../../../pki/name/subject-field.ts'
import { principalOf } from '../../plugins/access.ts'
import { problemResponses } from '../../schemas/problem.ts'
import { jsonContent } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import { emptyBody, refuseQuery, subjectOfQuery } from '../issuances/body.ts'
import { csrBodyLimitBytes } from '../issuances/routes.ts'
import { SubjectQuery } from '../issuances/station-subject.ts'
import { viewThing } from '../issuances/view.ts'
import { ProfileParams } from '../profiles/schemas.ts'
import { Preview, PreviewBody, type PreviewView } from './schemas.ts'

const rawTypes = {
  'application/pkcs10': 'csr',
  'application/pkix-cert': 'certificate',
  'application/pem-certificate-chain': 'certificate'
} as const

const rawBody = { schema: Type.Unsafe<Uint8Array>({ description: 'The file as it is: DER or PEM.' }) }

const previewProfile = {
  operationId: 'previewProfile',
  tags: ['Profiles'],
  summary: 'Try a CSR or a certificate without issuing',
  description:
    'Says what the newest version of the profile would make of a CSR, or what its template makes of a certificate. Nothing is issued, signed or recorded, and whether the key or the device has a certificate already is not asked. Refusals are the same problems as those of an issuance.',
  params: ProfileParams,
  querystring: SubjectQuery,
  body: {
    content: {
      'application/json': { schema: PreviewBody },
      ...Object.fromEntries(Object.keys(rawTypes).map(type => [type, rawBody]))
    }
  },
  response: {
    200: { description: 'It would be issued.', content: jsonContent(Preview) },
    ...problemResponses({
      404: 'There is no such profile.',
      409: 'The authority expires too soon.',
      422: 'It would be refused; `violations` says why.'
    })
  }
}

/** For whoever sets up a line: every role may try, a station with its own profiles, since nothing comes of it. */
export const previewRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { preview } }
) => {
  app.addContentTypeParser(Object.keys(rawTypes), { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body)
  )

  app.post(
    '/v1/profiles/:name/preview',
    {
      config: {
        access: ['station', 'auditor', 'operator', 'admin'],
        heedsStation: true,
        changesNothing: true
      },
      bodyLimit: csrBodyLimitBytes,
      schema: previewProfile
    },
    async request => {
      // The schema is chosen by content type, which the type provider cannot follow.
      const body = request.body as Static<typeof PreviewBody> | Uint8Array | undefined
      const tried = readTried(body, request.headers['content-type'] ?? '', request.query)
      const profile = request.params.name
      assertProfileAllowed({ station: principalOf(request), profile })
      return viewPreview(
        await preview.preview(
          'csr' in tried
            ? { kind: 'csr', ...tried, profile, principal: principalOf(request) }
            : { kind: 'certificate', certificate: tried.certificate, profile }
        )
      )
    }
  )
}

type Tried =
  { readonly csr: Uint8Array; readonly subject: Subject | undefined } | { readonly certificate: Uint8Array }

function readTried(
  body: Static<typeof PreviewBody> | Uint8Array | undefined,
  contentType: string,
  query: Static<typeof SubjectQuery>
): Tried {
  if (body == null) throw emptyBody()
  if (body instanceof Uint8Array) {
    const type = contentType.split(';', 1)[0]!.trim().toLowerCase() as keyof typeof rawTypes
    if (rawTypes[type] === 'csr') return { csr: body, subject: subjectOfQuery(query) }
    refuseQuery(query, 'A certificate is tried as it is.')
    return { certificate: body }
  }
  refuseQuery(query)
  return 'csr' in body
    ? { csr: Buffer.from(body.csr), subject: body.subject }
    : { certificate: Buffer.from(body.certificate) }
}

function viewPreview({ prediction, notes, ...result }: PreviewResult): PreviewView {
  const { profile, profileVersion, templateSha256, subject } = result
  const { thing, certificate, policies } = prediction
  return {
    profile,
    profileVersion,
    templateSha256,
    subject,
    thing: viewThing(thing),
    certificate,
    policies: [...policies],
    notes: [...notes]
  }
}

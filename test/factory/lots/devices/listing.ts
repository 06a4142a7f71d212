import { hash } from 'node:crypto'
import type { LotProgressView } from '../../../../src/http/api/lots/schemas.ts'
import { parseCertificationRequest } from '../../../../src/pki/csr/certification-request.ts'
import type { Subject } from '../../../../src/pki/name/subject-field.ts'
import { encodePem } from '../../../../src/pki/pem/pem.ts'
import { starterProfile } from '../../../../src/starter/starter-profile.ts'
import type { Answer, HttpService } from '../../../http/service.ts'
import { makeCertificationRequest } from '../../../support/certification-request.ts'

let made = 0

export interface Put {
  readonly type?: string
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly role?: 'operator' | 'admin' | 'auditor'
}

/** Profiles that know their devices by the name of a thing, and by nothing but the key. */
async function postProfiles(service: HttpService): Promise<void> {
  const { name: _, deviceIdentity: __, template, ...rest } = starterProfile
  const named = JSON.parse(
    JSON.stringify(template).replaceAll('AWS::IoT::Certificate::Id', 'AWS::IoT::Certificate::CommonName')
  ) as { Resources: { certificate: { Properties: object } } }
  named.Resources.certificate.Properties = {
    CertificateId: { Ref: 'AWS::IoT::Certificate::Id' },
    Status: 'ACTIVE'
  }
  const parameters = { 'AWS::IoT::Certificate::Id': { Type: 'String' } }
  const things = { ...named, Parameters: { ...(named as { Parameters?: object }).Parameters, ...parameters } }
  const subject = { ...rest.subject, SerialNumber: { rule: 'allowed', pattern: 'SN-[0-9]+' } }
  for (const profile of [
    { ...rest, name: 'things', template: things, subject },
    { ...rest, name: 'keys', template, subject }
  ]) {
    const answer = await service.as('admin').post('/v1/profiles', profile)
    if (answer.statusCode !== 201) throw new Error(answer.body)
  }
}

/** What tests of lists do again and again. */
export async function listing(service: HttpService) {
  const as = service.as('operator')
  await postProfiles(service)
  return {
    /** One place for each device, and some to spare. */
    async openLot(more: object = {}): Promise<string> {
      made += 1
      const id = `listed-${made}`
      const answer = await as.post('/v1/lots', { id, profile: 'things', quantity: 1000, ...more })
      if (answer.statusCode !== 201) throw new Error(answer.body)
      return id
    },
    put: (
      lot: string,
      list: string | Uint8Array,
      { type = 'text/csv', query = '', headers = {}, role = 'operator' }: Put = {}
    ) =>
      service.send({
        method: 'PUT',
        url: `/v1/lots/${lot}/devices${query}`,
        headers: { ...service.bearer(role), 'content-type': type, ...headers },
        payload: list
      }),
    issueIn: (
      lot: string | undefined,
      subject: Subject,
      { csr = makeCertificationRequest({ Country: 'DE', ...subject }), profile = 'things' } = {}
    ) =>
      service.as('station').post('/v1/issuances', {
        csr: encodePem('CERTIFICATE REQUEST', csr),
        profile,
        ...(lot !== undefined && { lot })
      }),
    read: async (lot: string) => (await service.as('auditor').get(`/v1/lots/${lot}`)).json<LotProgressView>(),
    list: (lot: string, query = '', headers: Readonly<Record<string, string>> = {}) =>
      service.send({
        url: `/v1/lots/${lot}/devices${query}`,
        headers: { ...service.bearer('auditor'), ...headers }
      })
  }
}

interface BadRow {
  readonly line: number
  readonly violations: readonly {
    readonly pointer: string
    readonly expected: string
    readonly found: string
  }[]
}

/** Line and pointer of each. */
export function badRowsOf(answer: Answer): readonly string[] {
  const { badRows = [] } = answer.json<{ badRows?: readonly BadRow[] }>()
  return badRows.flatMap(({ line, violations }) => violations.map(({ pointer }) => `${line}${pointer}`))
}

/** Of the key of a CSR. */
export function spkiSha256Of(csr: Uint8Array): string {
  return hash('sha256', parseCertificationRequest(csr).spkiDer)
}

import { expect, vi } from 'vitest'
import { signIntermediate } from '../../src/authorities/ceremony/intermediate.ts'
import { createRoot } from '../../src/authorities/ceremony/root.ts'
import type { AuthorityGenerationView } from '../../src/http/api/authorities/schemas.ts'
import { decodeCertificationRequest } from '../../src/pki/csr/intake.ts'
import { encodeChainPem } from '../../src/pki/pem/pem.ts'
import { createRandomSource } from '../../src/sources/random-bytes.ts'
import { starterProfile } from '../../src/starter/starter-profile.ts'
import { makeCertificationRequest } from '../support/certification-request.ts'
import type { HttpService } from './service.ts'

const reason = 'planned'

export const generationBody = (line: string, certificate: object = { kind: 'self-signed', days: 9125 }) => ({
  line,
  key: { kind: 'local', keyType: 'P-256' },
  subject: { CommonName: `${line} CA` },
  certificate
})

/** Makes the next generation of the line, which may be a new one, and gives its name. */
export async function makeGeneration(
  service: HttpService,
  line: string,
  state: 'pending' | 'staged' | 'active' | 'retiring' = 'staged'
): Promise<string> {
  const admin = service.as('admin')
  const body = generationBody(line, state === 'pending' ? { kind: 'external' } : undefined)
  const { name } = (await admin.post('/v1/authorities', body)).json<AuthorityGenerationView>()
  if (state === 'active' || state === 'retiring') {
    await admin.post(`/v1/authorities/${name}/activate`, { reason })
  }
  if (state === 'retiring') await makeGeneration(service, line, 'active')
  return name
}

/** The chain of a pending generation, below a root that there was not before. */
export async function makeSignedChain(service: HttpService, name: string): Promise<string> {
  const randomBytes = createRandomSource()
  const validity = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2046-01-01T00:00:00Z') }
  const root = await createRoot({
    keyType: 'P-256',
    pathLength: 1,
    subject: { CommonName: `Root of ${name}` },
    ...validity,
    randomBytes
  })
  const csr = await service.as('auditor').get(`/v1/authorities/${name}/csr`)
  const certificateDer = await signIntermediate({
    rootKey: root.privateKey,
    rootCertificateDer: root.certificateDer,
    csrDer: decodeCertificationRequest(csr.rawPayload),
    ...validity,
    pathLength: 0,
    randomBytes
  })
  return encodeChainPem([certificateDer, root.certificateDer])
}

/**
 * Has a certificate made of a line of its own whose profile leaves it to an administrator what follows a compromise,
 * declares its generation compromised, waits until all that it issued is revoked and activates the next one.
 *
 * @returns the id of the issuance. The profile is `ended`.
 */
export async function issueCompromised(
  service: HttpService,
  csr: Uint8Array = makeCertificationRequest({ Country: 'US', CommonName: 'ended' })
): Promise<string> {
  const admin = service.as('admin')
  const generation = await makeGeneration(service, 'ended', 'active')
  const profile = { ...starterProfile, name: 'ended', authority: 'ended', afterCompromise: 'refuse' }
  await admin.post('/v1/profiles', profile)
  const { id } = await service.issue(csr, { profile: 'ended' })
  const compromise = `/v1/authorities/${generation}/compromise`
  await admin.post(compromise, { reason })
  await vi.waitFor(
    async () =>
      expect((await admin.get(compromise)).json()).toMatchObject({ revocation: { state: 'done', done: 1 } }),
    20_000
  )
  await makeGeneration(service, 'ended', 'active')
  return id
}

/** One of a profile that has it superseded. @returns the id of the issuance. */
export async function issueReleasable(
  service: HttpService,
  csr: Uint8Array = makeCertificationRequest({ Country: 'US', CommonName: 'reworked' })
): Promise<string> {
  await service
    .as('admin')
    .post('/v1/profiles', { ...starterProfile, name: 'reworked', reissue: 'supersede' })
  return (await service.issue(csr, { profile: 'reworked' })).id
}

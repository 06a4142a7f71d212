import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Fastify from 'fastify'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Role, roles } from '../../src/access/principal.ts'
import type { AwsRegistrationAnswer } from '../../src/http/api/aws-registrations/schemas.ts'
import type { JobView } from '../../src/http/api/jobs/schemas.ts'
import type { TokenResource } from '../../src/http/api/tokens/schemas.ts'
import { createAuthentication } from '../../src/http/authentication/authentication.ts'
import { addAccess } from '../../src/http/plugins/access.ts'
import { encodePem } from '../../src/pki/pem/pem.ts'
import { starterProfile } from '../../src/starter/starter-profile.ts'
import { standInEnvironment } from '../aws/registering.ts'
import { secret } from '../events/test-receiver.ts'
import { makeCertificationRequest } from '../support/certification-request.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { problemOf } from './answer.ts'
import { make } from './api/exports/exporting.ts'
import { generationBody, issueReleasable, makeGeneration, makeSignedChain } from './generations.ts'
import { createPort, createTestApp } from './port.ts'
import { type HttpService, openService, someSubject } from './service.ts'

/** Who may do what. A route that is not in this table fails the first test. */
const permissions: Readonly<Record<string, readonly Role[] | 'public'>> = {
  'POST /v1/issuances': ['station'],
  'POST /v1/issuances/batch': ['station'],
  'GET /v1/self': ['station', 'display', 'auditor', 'operator', 'admin'],
  'GET /v1/issuances': ['station', 'auditor', 'operator', 'admin'],
  'GET /v1/issuances/:id': ['station', 'auditor', 'operator', 'admin'],
  'GET /v1/issuances/summary': ['station', 'auditor', 'operator', 'admin'],
  'GET /v1/reports/day': ['auditor', 'operator', 'admin'],
  'GET /v1/reports/shift': ['auditor', 'operator', 'admin'],
  'GET /v1/reports/lot': ['auditor', 'operator', 'admin'],
  'GET /v1/reports/station': ['station', 'auditor', 'operator', 'admin'],
  'GET /v1/refusal-counts': ['auditor', 'operator', 'admin'],
  'POST /v1/issuances/:id/void': ['admin'],
  'POST /v1/issuances/:id/release': ['operator', 'admin'],
  'POST /v1/issuances/:id/scrap': ['operator', 'admin'],
  'POST /v1/issuances/:id/purge': ['admin'],
  'POST /v1/issuances/:id/revoke': ['admin'],
  'POST /v1/issuances/:id/hold': ['operator', 'admin'],
  'POST /v1/issuances/:id/unhold': ['operator', 'admin'],
  'POST /v1/certificates/:certificate/revoke': ['admin'],
  'POST /v1/certificates/:certificate/hold': ['operator', 'admin'],
  'POST /v1/certificates/:certificate/unhold': ['operator', 'admin'],
  'POST /v1/revocations': ['admin'],
  'GET /v1/revocations': ['auditor', 'admin'],
  'GET /v1/revocations/:id': ['auditor', 'admin'],
  'GET /v1/aws-pushes': ['auditor', 'admin'],
  'GET /v1/fleet': ['auditor', 'operator', 'admin'],
  'GET /v1/fleet/findings': ['auditor', 'operator', 'admin'],
  'POST /v1/fleet/findings/:id/acknowledge': ['operator', 'admin'],
  'POST /v1/fleet/findings/acknowledge': ['operator', 'admin'],
  'POST /v1/fleet/reconciliations': ['operator', 'admin'],
  'GET /v1/fleet/reconciliations': ['auditor', 'operator', 'admin'],
  'GET /v1/fleet/reconciliations/:id': ['auditor', 'operator', 'admin'],
  'POST /v1/fleet/clean-ups': ['admin'],
  'GET /v1/fleet/clean-ups': ['auditor', 'operator', 'admin'],
  'GET /v1/fleet/clean-ups/:id': ['auditor', 'operator', 'admin'],
  'POST /v1/lots': ['operator', 'admin'],
  'GET /v1/lots': ['display', 'auditor', 'operator', 'admin'],
  'GET /v1/lots/:id': ['display', 'auditor', 'operator', 'admin'],
  'GET /v1/lots/:id/events': ['display', 'auditor', 'operator', 'admin'],
  'PATCH /v1/lots/:id': ['operator', 'admin'],
  'POST /v1/lots/:id/pause': ['operator', 'admin'],
  'POST /v1/lots/:id/resume': ['operator', 'admin'],
  'POST /v1/lots/:id/close': ['operator', 'admin'],
  'PUT /v1/lots/:id/devices': ['operator', 'admin'],
  'GET /v1/lots/:id/devices': ['auditor', 'operator', 'admin'],
  'GET /v1/lots/:id/devices/uploads/:upload': ['auditor', 'operator', 'admin'],
  'DELETE /v1/lots/:id/devices': ['operator', 'admin'],
  'GET /.well-known/jwks.json': 'public',
  'GET /v1/audit-events': ['auditor', 'admin'],
  'GET /v1/audit-events/:id': ['auditor', 'admin'],
  'POST /v1/exports': ['auditor', 'operator', 'admin'],
  'GET /v1/exports': ['auditor', 'operator', 'admin'],
  'GET /v1/exports/:id': ['auditor', 'operator', 'admin'],
  'GET /v1/exports/:id/content': ['auditor', 'operator', 'admin'],
  'DELETE /v1/exports/:id': ['auditor', 'operator', 'admin'],
  'POST /v1/blocked-keys': ['admin'],
  'GET /v1/blocked-keys': ['auditor', 'operator', 'admin'],
  'GET /v1/blocked-keys/:spkiSha256': ['auditor', 'operator', 'admin'],
  'POST /v1/profiles': ['admin'],
  'POST /v1/profiles/:name/revert': ['admin'],
  'GET /v1/profiles': ['auditor', 'operator', 'admin'],
  'GET /v1/profiles/:name': ['auditor', 'operator', 'admin'],
  'GET /v1/profiles/:name/versions': ['auditor', 'operator', 'admin'],
  'GET /v1/profiles/:name/versions/:version': ['auditor', 'operator', 'admin'],
  'POST /v1/profiles/:name/preview': ['station', 'auditor', 'operator', 'admin'],
  'GET /v1/authorities': ['auditor', 'operator', 'admin'],
  'POST /v1/authorities': ['admin'],
  'GET /v1/authorities/:name': ['auditor', 'operator', 'admin'],
  'GET /v1/authorities/:name/plan': ['auditor', 'operator', 'admin'],
  'GET /v1/authorities/:name/csr': ['auditor', 'operator', 'admin'],
  'GET /v1/authorities/:name/certificate': 'public',
  'GET /v1/authorities/:name/certificate.cer': 'public',
  'GET /v1/authorities/:name/crl': 'public',
  'GET /v1/authorities/:name/crl/delta': 'public',
  'GET /v1/authorities/:name/shards/:shards/:shard': 'public',
  'GET /v1/authorities/:name/shards/:shards/:shard/delta': 'public',
  'POST /v1/authorities/:name/certificate': ['admin'],
  'POST /v1/authorities/:name/activate': ['admin'],
  'POST /v1/authorities/:name/retire': ['admin'],
  'POST /v1/authorities/:name/compromise': ['admin'],
  'GET /v1/authorities/:name/compromise': ['auditor', 'admin'],
  'GET /v1/authorities/:name/unprovisioned': ['auditor', 'admin'],
  'POST /v1/authorities/:name/cross-sign': ['admin'],
  'POST /v1/authorities/:name/aws-registrations': ['admin'],
  'GET /v1/authorities/:name/aws-registrations': ['auditor', 'operator', 'admin'],
  'GET /v1/authorities/:name/aws-registrations/:id': ['auditor', 'operator', 'admin'],
  'POST /v1/authorities/:name/aws-registrations/:id/sync': ['admin'],
  'POST /v1/authorities/:name/aws-registrations/:id/check': ['admin'],
  'GET /v1/trust-bundle': 'public',
  'POST /v1/ocsp/:name': 'public',
  'GET /v1/ocsp/:name/*': 'public',
  'POST /v1/tokens': ['admin'],
  'GET /v1/tokens': ['admin'],
  'POST /v1/tokens/:id/rotate': ['admin'],
  'DELETE /v1/tokens/:id': ['admin'],
  'POST /v1/stations': ['operator', 'admin'],
  'GET /v1/stations': ['display', 'auditor', 'operator', 'admin'],
  'GET /v1/stations/:name': ['display', 'auditor', 'operator', 'admin'],
  'GET /v1/stations/:name/client-certificates': ['display', 'auditor', 'operator', 'admin'],
  'PATCH /v1/stations/:name': ['operator', 'admin'],
  'POST /v1/stations/:name/client-certificates/:fingerprint/end': ['operator', 'admin'],
  'POST /v1/stations/:name/resume': ['operator', 'admin'],
  'POST /v1/self/certificate': ['station'],
  'GET /v1/station-profile': ['auditor', 'operator', 'admin'],
  'PUT /v1/station-profile': ['admin'],
  'POST /v1/token-logins': ['admin'],
  'POST /v1/clock/accept': ['admin'],
  'GET /v1/jobs': ['auditor', 'operator', 'admin'],
  'GET /v1/jobs/:id': ['auditor', 'operator', 'admin'],
  'GET /v1/events/status': ['auditor', 'operator', 'admin'],
  'GET /v1/events': ['auditor', 'operator', 'admin'],
  'POST /v1/events/:id/deliver': ['admin'],
  'POST /v1/events/deliver': ['admin'],
  'GET /healthz': 'public',
  'GET /readyz': 'public',
  'GET /metrics': 'public',
  'GET /docs': 'public',
  'GET /docs/': 'public',
  'GET /': 'public',
  'GET /favicon.ico': 'public',
  'GET /docs/errors': 'public',
  'GET /docs/template-findings': 'public',
  'GET /docs/json': 'public',
  'GET /docs/yaml': 'public',
  'GET /docs/*': 'public',
  'GET /docs/static/index.html': 'public',
  'GET /docs/static/swagger-initializer.js': 'public'
}

/** Where who is held to some lines of production gets in, and sees nothing of others. */
const heedingLines = [
  'GET /v1/self',
  'GET /v1/issuances',
  'GET /v1/issuances/:id',
  'GET /v1/issuances/summary',
  'GET /v1/reports/day',
  'GET /v1/reports/shift',
  'GET /v1/reports/lot',
  'GET /v1/reports/station',
  'POST /v1/issuances/:id/release',
  'POST /v1/issuances/:id/scrap',
  'POST /v1/issuances/:id/hold',
  'POST /v1/issuances/:id/unhold',
  'POST /v1/certificates/:certificate/hold',
  'POST /v1/certificates/:certificate/unhold',
  'POST /v1/stations',
  'GET /v1/stations',
  'GET /v1/stations/:name',
  'GET /v1/stations/:name/client-certificates',
  'POST /v1/stations/:name/client-certificates/:fingerprint/end',
  'PATCH /v1/stations/:name',
  'POST /v1/lots',
  'GET /v1/lots',
  'GET /v1/lots/:id',
  'GET /v1/lots/:id/events',
  'PATCH /v1/lots/:id',
  'POST /v1/lots/:id/pause',
  'POST /v1/lots/:id/resume',
  'POST /v1/lots/:id/close',
  'PUT /v1/lots/:id/devices',
  'DELETE /v1/lots/:id/devices',
  'GET /v1/lots/:id/devices',
  'GET /v1/lots/:id/devices/uploads/:upload',
  'POST /v1/stations/:name/resume',
  'POST /v1/exports',
  'GET /v1/exports',
  'GET /v1/exports/:id',
  'GET /v1/exports/:id/content',
  'DELETE /v1/exports/:id'
]

const csr = encodePem('CERTIFICATE REQUEST', makeCertificationRequest(someSubject()))
const registrationBody = {
  region: 'eu-central-1',
  certificateMode: 'SNI_ONLY',
  setAsActive: true,
  allowAutoRegistration: true
}
const reason = 'rotation'

interface Target {
  readonly url: string
  readonly payload?: object | string
  /** Of a payload that is no JSON. */
  readonly type?: string
}

let service: HttpService
let directory: TemporaryDirectory
let revokedToken: string
/** By route: what can be done once by whoever may, where the route alone does not say it. */
let targets: Readonly<Record<string, Target>>

async function setAsideEvent(): Promise<string> {
  const recordId = crypto.randomUUID()
  const time = new Date()
  await service.database.prisma.outgoingEvent.create({
    data: { type: 'mintline.issuance.issued', recordId, refusals: 1, dueAt: time, setAsideAt: time }
  })
  return recordId
}

/** What stations' own certificates need, and one of the station on-a7. */
async function makeStationCertificate(): Promise<Readonly<Record<string, Target>>> {
  const admin = service.as('admin')
  const made = await admin.post('/v1/authorities', { ...generationBody('for-stations'), purpose: 'stations' })
  const { name } = made.json<{ name: string }>()
  await admin.post(`/v1/authorities/${name}/activate`, { reason })
  const profile = { authority: 'for-stations' }
  const put = { method: 'PUT', url: '/v1/station-profile', payload: profile }
  await service.send({ ...put, headers: service.bearer('admin') })
  const token = await admin.post('/v1/tokens', { role: 'station', name: 'own-of-a7', station: 'on-a7' })
  const headers = { authorization: `Bearer ${token.json<{ secret: string }>().secret}` }
  const own = { method: 'POST', url: '/v1/self/certificate', payload: { csr: csrOfStation() } }
  const { certificateId } = (await service.send({ ...own, headers })).json<{ certificateId: string }>()
  const end = `/v1/stations/on-a7/client-certificates/${certificateId}/end`
  return {
    'POST /v1/self/certificate': { url: own.url, payload: { csr: csrOfStation() } },
    'PUT /v1/station-profile': { url: put.url, payload: profile },
    'POST /v1/stations/:name/client-certificates/:fingerprint/end': { url: end, payload: { reason } }
  }
}

const csrOfStation = () => encodePem('CERTIFICATE REQUEST', makeCertificationRequest(someSubject()))

/** A lot for a station of the line A7. */
async function makeLot(): Promise<Readonly<Record<string, Target>>> {
  const body = { id: 'lot-1', profile: 'starter', quantity: 1, stations: ['on-a7'] }
  await service.as('admin').post('/v1/lots', body)
  const url = '/v1/lots/lot-1'
  return {
    'GET /v1/lots/:id': { url },
    'GET /v1/lots/:id/events': { url: `${url}/events` },
    'PATCH /v1/lots/:id': { url, payload: { quantity: 1 } },
    'POST /v1/lots/:id/pause': { url: `${url}/pause`, payload: { reason } },
    'POST /v1/lots/:id/resume': { url: `${url}/resume`, payload: { reason } },
    'POST /v1/lots/:id/close': { url: `${url}/close`, payload: { reason } },
    ...(await makeDevices())
  }
}

/** A lot with devices, for the same station, and an upload for it that was cut off. */
async function makeDevices(): Promise<Readonly<Record<string, Target>>> {
  const devices = [{ subject: { CommonName: 'expected' } }]
  const body = { id: 'lot-listed', profile: 'starter', quantity: 1, stations: ['on-a7'], devices }
  await service.as('admin').post('/v1/lots', body)
  const url = '/v1/lots/lot-listed/devices'
  const [type, payload] = ['text/csv', 'CommonName\nexpected\n']
  const headers = { ...service.bearer('admin'), 'content-type': type, 'content-range': 'bytes 0-19/99' }
  await service.send({ method: 'PUT', url: `${url}?upload=half`, headers, payload })
  return {
    'PUT /v1/lots/:id/devices': { url, type, payload },
    'DELETE /v1/lots/:id/devices': { url },
    'GET /v1/lots/:id/devices': { url },
    'GET /v1/lots/:id/devices/uploads/:upload': { url: `${url}/uploads/half` }
  }
}

async function makeRevocable(): Promise<Readonly<Record<string, Target>>> {
  const grounds = { reason: 'privilegeWithdrawn', note: 'lost' }
  const { id, serialNumber } = await service.issue()
  const held = await service.issue()
  const { certificateId } = await service.issue()
  const select = { ids: [(await service.issue()).id] }
  const ordered = { select: { ids: [(await service.issue()).id] }, ...grounds, expectedCount: 1 }
  const order = (await service.as('admin').post('/v1/revocations', ordered)).json<{ id: string }>()
  return {
    'POST /v1/issuances/:id/revoke': { url: `/v1/issuances/${id}/revoke`, payload: grounds },
    'POST /v1/issuances/:id/hold': { url: `/v1/issuances/${held.id}/hold`, payload: { note: 'lost' } },
    'POST /v1/issuances/:id/unhold': { url: `/v1/issuances/${held.id}/unhold`, payload: { note: 'found' } },
    'POST /v1/certificates/:certificate/revoke': {
      url: `/v1/certificates/${serialNumber}/revoke`,
      payload: grounds
    },
    'POST /v1/certificates/:certificate/hold': {
      url: `/v1/certificates/${certificateId}/hold`,
      payload: { note: 'lost' }
    },
    'POST /v1/certificates/:certificate/unhold': {
      url: `/v1/certificates/${certificateId}/unhold`,
      payload: { note: 'found' }
    },
    'POST /v1/revocations': { url: '/v1/revocations', payload: { select, ...grounds, dryRun: true } },
    'GET /v1/revocations/:id': { url: `/v1/revocations/${order.id}` }
  }
}

/** One thing of each kind, in the state that the step on it needs. */
/** Each may read an own one, and delete it. */
async function makeExports(): Promise<Readonly<Record<string, Target>>> {
  const payload = { of: 'issuances', format: 'csv' }
  const targets: Record<string, Target> = { 'POST /v1/exports': { url: '/v1/exports', payload } }
  for (const role of ['auditor', 'operator', 'admin'] as const) {
    const { done } = await make(service.as(role), payload)
    const url = `/v1/exports/${done.id}`
    for (const suffix of ['', ` as ${role}`]) {
      targets[`GET /v1/exports/:id${suffix}`] = { url }
      targets[`GET /v1/exports/:id/content${suffix}`] = { url: `${url}/content` }
      targets[`DELETE /v1/exports/:id${suffix}`] = { url }
    }
  }
  return targets
}

async function makeCompromise(url: string): Promise<Readonly<Record<string, Target>>> {
  await service.as('admin').post(`${url}/compromise`, { reason })
  return {
    'GET /v1/authorities/:name/compromise': { url: `${url}/compromise` },
    'GET /v1/authorities/:name/unprovisioned': { url: `${url}/unprovisioned` }
  }
}

async function makeFleet(): Promise<Readonly<Record<string, Target>>> {
  const payload = { things: 'none' }
  const { id } = (await service.as('operator').post('/v1/fleet/reconciliations', payload)).json<{
    id: string
  }>()
  const { prisma } = service.database
  const { id: authorityId } = await prisma.authority.findFirstOrThrow({ where: { name: 'starter-g1' } })
  const now = new Date()
  const times = { foundAt: now, confirmedAt: now, confirmedBy: id }
  const { id: finding } = await prisma.fleetFinding.create({
    data: {
      ...times,
      kind: 'seen-never-issued',
      authorityId,
      placeId: authorityId,
      key: Buffer.alloc(32),
      details: {},
      isAlarm: true
    }
  })
  const cleanUp = await prisma.fleetCleanUp.create({
    data: {
      id: crypto.randomUUID(),
      createdAt: now,
      actor: 'admin/test',
      note: 'a trial',
      subject: 'orphaned-things',
      expected: 0
    }
  })
  return {
    'POST /v1/fleet/clean-ups': {
      url: '/v1/fleet/clean-ups',
      payload: { of: 'orphaned-things', note: 'a trial', dryRun: true }
    },
    'GET /v1/fleet/clean-ups': { url: '/v1/fleet/clean-ups' },
    'GET /v1/fleet/clean-ups/:id': { url: `/v1/fleet/clean-ups/${cleanUp.id}` },
    'GET /v1/fleet': { url: '/v1/fleet' },
    'GET /v1/fleet/findings': { url: '/v1/fleet/findings' },
    'POST /v1/fleet/findings/:id/acknowledge': {
      url: `/v1/fleet/findings/${finding}/acknowledge`,
      payload: { note: 'a trial' }
    },
    'POST /v1/fleet/findings/acknowledge': {
      url: '/v1/fleet/findings/acknowledge',
      payload: { authority: 'starter-g1', note: 'a trial', dryRun: true }
    },
    'POST /v1/fleet/reconciliations': { url: '/v1/fleet/reconciliations', payload },
    'GET /v1/fleet/reconciliations': { url: '/v1/fleet/reconciliations' },
    'GET /v1/fleet/reconciliations/:id': { url: `/v1/fleet/reconciliations/${id}` }
  }
}

async function makeTargets(): Promise<Readonly<Record<string, Target>>> {
  const admin = service.as('admin')
  const { id } = await service.issue()
  const token = (await admin.post('/v1/tokens', { role: 'station', name: 'station-7' })).json<TokenResource>()
  const refusal = await service.as('station').post('/v1/issuances', { csr: 'no CSR', profile: 'starter' })
  const refused = refusal.json<{ issuanceId: string }>()
  const blockedKey = { spkiSha256: 'ab'.repeat(32) }
  await admin.post('/v1/blocked-keys', { ...blockedKey, reason: 'weak_key' })
  for (const description of ['first', 'second'])
    await admin.post('/v1/profiles', { ...starterProfile, name: 'doubled', description })
  const registrations = '/v1/authorities/starter-g1/aws-registrations'
  const registration = (await admin.post(registrations, registrationBody)).json<AwsRegistrationAnswer>()
  const act = await service.database.prisma.auditEvent.findFirstOrThrow()
  const [job] = (await admin.get('/v1/jobs')).json<{ items: readonly JobView[] }>().items
  await admin.post('/v1/stations', { name: 'on-a7', line: 'A7', profiles: ['*'] })
  const rotated = (await admin.post('/v1/tokens', { role: 'auditor', name: 'rotated' })).json<{
    id: string
  }>()
  const lotTargets = await makeLot()
  const pending = await makeGeneration(service, 'pending', 'pending')
  const generation = async (...made: [string, 'staged' | 'active' | 'retiring']) =>
    `/v1/authorities/${await makeGeneration(service, ...made)}`
  return {
    ...(await makeExports()),
    ...(await makeFleet()),
    'POST /v1/issuances': { url: '/v1/issuances', payload: { csr, profile: 'starter' } },
    'POST /v1/issuances/batch': {
      url: '/v1/issuances/batch',
      type: 'application/x-ndjson',
      payload: JSON.stringify({ csr, profile: 'starter' })
    },
    'GET /v1/issuances/:id': { url: `/v1/issuances/${id}` },
    'GET /v1/issuances/summary': { url: '/v1/issuances/summary?by=station' },
    'GET /v1/reports/day': { url: '/v1/reports/day?date=2026-11-23' },
    'GET /v1/reports/shift': { url: '/v1/reports/shift?date=2026-11-23&shift=early' },
    'GET /v1/reports/lot': { url: '/v1/reports/lot?lot=lot-1' },
    'GET /v1/reports/station': {
      url: '/v1/reports/station?station=starter&from=2026-11-23&to=2026-11-24'
    },
    'POST /v1/issuances/:id/void': {
      url: `/v1/issuances/${await service.leaveOpen()}/void`,
      payload: { reason }
    },
    'POST /v1/issuances/:id/release': {
      url: `/v1/issuances/${await issueReleasable(service)}/release`,
      payload: { reason }
    },
    'POST /v1/issuances/:id/scrap': {
      url: `/v1/issuances/${(await service.issue()).id}/scrap`,
      payload: { reason }
    },
    'POST /v1/issuances/:id/purge': { url: `/v1/issuances/${refused.issuanceId}/purge`, payload: { reason } },
    'GET /v1/audit-events/:id': { url: `/v1/audit-events/${act.id}` },
    'POST /v1/blocked-keys': { url: '/v1/blocked-keys', payload: { ...blockedKey, reason: 'weak_key' } },
    'GET /v1/blocked-keys/:spkiSha256': { url: `/v1/blocked-keys/${blockedKey.spkiSha256}` },
    'POST /v1/profiles': { url: '/v1/profiles', payload: { ...starterProfile, name: 'pumps' } },
    'POST /v1/profiles/:name/revert': { url: '/v1/profiles/doubled/revert', payload: { reason } },
    'POST /v1/profiles/:name/preview': { url: '/v1/profiles/starter/preview', payload: { csr } },
    'POST /v1/authorities': { url: '/v1/authorities', payload: generationBody('starter') },
    'GET /v1/authorities/:name/csr': { url: `/v1/authorities/${pending}/csr` },
    'POST /v1/ocsp/:name': {
      url: '/v1/ocsp/starter-g1',
      type: 'application/ocsp-request',
      payload: 'no request'
    },
    'GET /v1/ocsp/:name/*': { url: '/v1/ocsp/starter-g1/MAA=' },
    'GET /v1/authorities/:name/certificate': { url: '/v1/authorities/starter-g1/certificate' },
    'GET /v1/authorities/:name/certificate.cer': { url: '/v1/authorities/starter-g1/certificate.cer' },
    'GET /v1/authorities/:name/shards/:shards/:shard': { url: '/v1/authorities/starter-g1/shards/4/3' },
    'GET /v1/authorities/:name/shards/:shards/:shard/delta': {
      url: '/v1/authorities/starter-g1/shards/4/3/delta'
    },
    'GET /v1/authorities/:name/crl': { url: '/v1/authorities/starter-g1/crl' },
    'GET /v1/authorities/:name/crl/delta': { url: '/v1/authorities/starter-g1/crl/delta' },
    'POST /v1/authorities/:name/certificate': {
      url: `/v1/authorities/${pending}/certificate`,
      payload: { chain: await makeSignedChain(service, pending) }
    },
    'POST /v1/authorities/:name/activate': {
      url: `${await generation('activated', 'staged')}/activate`,
      payload: { reason }
    },
    'POST /v1/authorities/:name/retire': {
      url: `${await generation('retired', 'retiring')}/retire`,
      payload: { reason }
    },
    'POST /v1/authorities/:name/compromise': {
      url: `${await generation('compromised', 'active')}/compromise`,
      payload: { reason }
    },
    ...(await makeCompromise(await generation('leaked', 'active'))),
    'POST /v1/authorities/:name/cross-sign': {
      url: '/v1/authorities/starter-g1/cross-sign',
      payload: { authority: await makeGeneration(service, 'crossed'), reason }
    },
    'GET /v1/aws-pushes': { url: '/v1/aws-pushes?state=waiting' },
    'POST /v1/authorities/:name/aws-registrations': { url: registrations, payload: registrationBody },
    'GET /v1/authorities/:name/aws-registrations': { url: registrations },
    'GET /v1/authorities/:name/aws-registrations/:id': { url: `${registrations}/${registration.id}` },
    'POST /v1/authorities/:name/aws-registrations/:id/sync': {
      url: `${registrations}/${registration.id}/sync`
    },
    'POST /v1/authorities/:name/aws-registrations/:id/check': {
      url: `${registrations}/${registration.id}/check`
    },
    'POST /v1/tokens': { url: '/v1/tokens', payload: { role: 'station', name: 'station-8' } },
    'POST /v1/tokens/:id/rotate': { url: `/v1/tokens/${rotated.id}/rotate`, payload: {} },
    'POST /v1/stations': { url: '/v1/stations', payload: { name: 'station-9', profiles: ['starter'] } },
    'GET /v1/stations/:name': { url: '/v1/stations/on-a7' },
    'GET /v1/stations/:name/client-certificates': { url: '/v1/stations/on-a7/client-certificates' },
    'PATCH /v1/stations/:name': { url: '/v1/stations/starter', payload: { hourlyTarget: 240 } },
    'POST /v1/lots': { url: '/v1/lots', payload: { id: 'lot-2', profile: 'starter', quantity: 1 } },
    ...lotTargets,
    ...(await makeRevocable()),
    ...(await makeStationCertificate()),
    'POST /v1/stations/:name/resume': { url: '/v1/stations/starter/resume', payload: { reason } },
    'DELETE /v1/tokens/:id': { url: `/v1/tokens/${token.id}` },
    'POST /v1/token-logins': { url: '/v1/token-logins', payload: { tokenLabel: 'acme', reason } },
    'POST /v1/clock/accept': { url: '/v1/clock/accept', payload: { reason } },
    'GET /v1/jobs/:id': { url: `/v1/jobs/${job!.id}` },
    'GET /v1/events': { url: '/v1/events?state=set-aside' },
    'POST /v1/events/:id/deliver': { url: `/v1/events/${await setAsideEvent()}/deliver` }
  }
}

beforeAll(async () => {
  // Nothing is there: the jobs of the registrations fail, and are not what this is about.
  for (const [name, value] of Object.entries(standInEnvironment('http://127.0.0.1:1')))
    vi.stubEnv(name, value)
  directory = await createTemporaryDirectory()
  const secretFile = join(directory.path, 'webhook-secret')
  await writeFile(secretFile, `${secret}\n`, { mode: 0o600 })
  // Nobody listens: what this is about is who may send.
  service = await openService({
    MINTLINE_SHIFTS: 'early=06:00,late=14:00,night=22:00',
    MINTLINE_STATION_CERTIFICATES: 'on',
    MINTLINE_CLIENT_CERT_HEADER: 'X-SSL-Client-Cert',
    MINTLINE_TRUSTED_PROXIES: '127.0.0.1',
    MINTLINE_WEBHOOK_URL: 'http://127.0.0.1:1/',
    MINTLINE_WEBHOOK_SECRET_FILE: secretFile
  })
  targets = await makeTargets()
  const admin = service.as('admin')
  const made = await admin.post('/v1/tokens', { role: 'admin', name: 'lost' })
  const { id, secret: lost } = made.json<{ id: string; secret: string }>()
  await admin.delete(`/v1/tokens/${id}`)
  revokedToken = lost
})

afterAll(async () => {
  await service.stop()
  await directory.remove()
  vi.unstubAllEnvs()
})

/** Every route of the app, read off its own tree; HEAD follows GET. */
async function listRoutes(): Promise<readonly string[]> {
  const { app } = await createTestApp()
  const path: string[] = []
  const routes = app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap(line => {
      const [, branch = '', url = '', methods = ''] = /^(.*?)([^\s│├└─]\S*) \((.+)\)$/.exec(line) ?? []
      if (url === '') return []
      path.length = branch.length / 4 - 1
      path.push(url)
      return (
        methods
          .split(', ')
          .filter(method => method !== 'HEAD')
          // Behind a parameter, the tree leaves out the slash before a wildcard.
          .map(method => `${method} ${path.join('').replace(/(?<=:\w+)\*/, '/*')}`)
      )
    })
  await app.close()
  return routes
}

/** @param role whose own is meant, where there is one. */
async function send(route: string, headers: Readonly<Record<string, string>>, role?: Role) {
  const [method = '', path = ''] = route.split(' ')
  const url = path.replace(':name', 'starter').replace(':version', '1')
  const { type, ...target } = targets[`${route} as ${role}`] ?? targets[route] ?? { url }
  const sent = { ...headers, ...(type !== undefined && { 'content-type': type }) }
  const answer = await service.send({ method, headers: sent, ...target })
  return { status: answer.statusCode, challenge: answer.headers['www-authenticate'], answer }
}

describe('the table of permissions', () => {
  it('has every route of the app and no other', async () => {
    expect([...(await listRoutes())].sort()).toEqual(Object.keys(permissions).sort())
  })
})

const guarded = Object.entries(permissions).flatMap(([route, access]) =>
  access === 'public' ? [] : [[route, access] as const]
)
const open = Object.keys(permissions).filter(route => permissions[route] === 'public' && !route.endsWith('*'))

const falseTokens: readonly [string, () => Readonly<Record<string, string>>, string][] = [
  ['no token', () => ({}), 'token_missing'],
  ['another scheme', () => ({ authorization: 'Basic YWRtaW46YWRtaW4=' }), 'token_missing'],
  ['a mistyped token', () => ({ authorization: 'Bearer mintline_nobody' }), 'token_invalid'],
  [
    'a token of nobody',
    () => ({ authorization: `Bearer mintline_${'0'.repeat(32)}_${'s'.repeat(43)}` }),
    'token_invalid'
  ],
  ['a revoked token', () => ({ authorization: `Bearer ${revokedToken}` }), 'token_invalid'],
  ['two tokens in one header', () => ({ authorization: 'Bearer one two' }), 'token_invalid'],
  ['an empty token', () => ({ authorization: 'Bearer ' }), 'token_missing']
]

describe.each(guarded)('%s', (route, allowed) => {
  it.each(falseTokens)('with %s', async (_name, headers, code) => {
    const { status, answer, challenge } = await send(route, headers())
    expect([status, problemOf(answer).code]).toEqual([401, code])
    expect(challenge).toMatch(/^Bearer realm=/)
  })

  // Who may comes last: the step can be taken once.
  it.each([...roles.filter(role => !allowed.includes(role)), ...allowed] as Role[])(
    'with the role %s',
    async role => {
      const { status, answer, challenge } = await send(route, service.bearer(role), role)
      if (allowed.includes(role)) {
        expect(status).toBeLessThan(300)
        return
      }
      expect([status, problemOf(answer).code]).toEqual([403, 'role_forbidden'])
      expect(problemOf(answer).requiredRoles).toEqual(allowed)
      expect(challenge).toContain('error="insufficient_scope"')
    }
  )
})

/** What a station that may use another profile alone, and has asked for nothing yet, is told of what others use and asked for. */
const toAnotherStation: Readonly<
  Record<string, readonly [status: number, told: string | readonly unknown[] | undefined]>
> = {
  'POST /v1/issuances': [403, 'profile_not_allowed'],
  'POST /v1/issuances/batch': [200, 'profile_not_allowed'],
  // Itself.
  'GET /v1/self': [200, undefined],
  'GET /v1/issuances': [200, []],
  'GET /v1/issuances/:id': [404, 'issuance_not_found'],
  'GET /v1/issuances/summary': [200, []],
  'GET /v1/reports/station': [404, 'station_not_found'],
  'POST /v1/profiles/:name/preview': [403, 'profile_not_allowed'],
  // The key is the starter's by then.
  'POST /v1/self/certificate': [409, 'station_key_refused']
}

describe('another station', () => {
  const cases = guarded.filter(([, allowed]) => allowed.includes('station')).map(([route]) => route)

  it.each(cases)('at %s', async route => {
    const admin = service.as('admin')
    const name = `another-${crypto.randomUUID()}`
    await admin.post('/v1/stations', { name, profiles: ['doubled'] })
    const made = await admin.post('/v1/tokens', { role: 'station', name, station: name })
    const { secret } = made.json<{ secret: string }>()
    const { status, answer } = await send(route, { authorization: `Bearer ${secret}` })
    const [first = ''] = answer.body.split('\n')
    const { code, items, groups } = JSON.parse(first) as {
      code?: string
      items?: unknown[]
      groups?: unknown[]
    }
    expect([status, code ?? items ?? groups]).toEqual(toAnotherStation[route])
  })
})

describe('a token that is held to lines', () => {
  const emptyLists = ['GET /v1/issuances', 'GET /v1/stations', 'GET /v1/lots', 'GET /v1/exports']
  const held = async (role: 'auditor' | 'operator') => {
    const made = await service
      .as('admin')
      .post('/v1/tokens', { role, name: `held-${role}-${crypto.randomUUID()}`, lines: ['B1'] })
    return { authorization: `Bearer ${made.json<{ secret: string }>().secret}` }
  }
  const cases = (['auditor', 'operator'] as const).flatMap(role =>
    guarded.filter(([, allowed]) => allowed.includes(role)).map(([route]) => [role, route] as const)
  )

  it.each(cases)('of the role %s at %s', async (role, route) => {
    const { status, answer } = await send(route, await held(role))
    if (!heedingLines.includes(route)) {
      expect([status, problemOf(answer).code]).toEqual([403, 'lines_forbidden'])
      return
    }
    // Nothing there is of its line.
    if (route === 'GET /v1/self')
      expect([status, answer.json()]).toEqual([200, expect.objectContaining({ role, lines: ['B1'] })])
    else if (emptyLists.includes(route))
      expect([status, answer.json<{ items: unknown[] }>().items]).toEqual([200, []])
    else if (route === 'GET /v1/issuances/summary')
      expect([status, answer.json<{ groups: unknown[] }>().groups]).toEqual([200, []])
    else if (/^GET \/v1\/reports\/(?:day|shift)$/.test(route))
      expect([status, answer.json<{ stations: unknown[] }>().stations]).toEqual([200, []])
    else if (route === 'POST /v1/exports')
      expect([status, answer.json<{ lines: unknown }>().lines]).toEqual([202, ['B1']])
    else expect(status).toBe(['POST /v1/stations', 'POST /v1/lots'].includes(route) ? 403 : 404)
  })
})

describe('a public route', () => {
  it.each(open)('%s needs no token', async route => {
    const { status } = await send(route, {})
    // No profile has certificates shared out here, and no deltas are made: that there is no such shard is told without a token.
    if (/\/shards\/|\/crl\/delta$/.test(route)) expect(status).toBe(404)
    else expect(status).toBeLessThan(400)
  })
})

describe('access', () => {
  it('is refused before the body is read', async () => {
    const payload = 'x'.repeat(200_000)
    const answer = await service.send({ method: 'POST', url: '/v1/issuances', payload })
    expect(problemOf(answer).code).toBe('token_missing')
  })

  it('takes the scheme in any case', async () => {
    const { authorization } = service.bearer('admin')
    const headers = { authorization: authorization.replace('B', 'b') }
    expect((await service.send({ url: '/v1/tokens', headers })).statusCode).toBe(200)
  })

  it('guards HEAD as it guards GET', async () => {
    expect((await service.send({ method: 'HEAD', url: '/v1/tokens' })).statusCode).toBe(401)
  })

  it('hands the principal to the service', async () => {
    const made = await service.as('admin').post('/v1/tokens', { role: 'admin', name: 'second-admin' })
    const { secret } = made.json<{ secret: string }>()
    const answer = await service.send({
      method: 'POST',
      url: '/v1/tokens',
      headers: { authorization: `Bearer ${secret}` },
      payload: { role: 'auditor', name: 'quality' }
    })
    expect(answer.json()).toMatchObject({ createdBy: 'admin/second-admin' })
  })

  it('must be declared: a route without it cannot be registered', () => {
    const bare = Fastify()
    addAccess(bare, createAuthentication(createPort().services, undefined))
    expect(() => bare.get('/forgotten', async () => 'x')).toThrow(TypeError)
  })

  it('of stations must heed which: a route that does not say so cannot be registered', () => {
    const bare = Fastify()
    addAccess(bare, createAuthentication(createPort().services, undefined))
    const config = { access: ['station'], heedsStation: false } as const
    expect(() => bare.get('/all', { config }, async () => 'x')).toThrow(TypeError)
  })
})

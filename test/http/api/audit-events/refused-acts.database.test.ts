import { describe, expect, it } from 'vitest'
import { encodePem } from '../../../../src/pki/pem/pem.ts'
import { makeCertificationRequest, makeDeviceKey } from '../../../support/certification-request.ts'
import { problemOf } from '../../answer.ts'
import { openService, someSubject } from '../../service.ts'

describe('an act that is refused to who was let in', () => {
  it('is on record with the credential, also where the answer is that there is no such thing', async () => {
    const service = await openService()
    const admin = service.as('admin')
    await admin.post('/v1/stations', { name: 'st-b1', line: 'B1', profiles: ['*'] })
    const { id } = await service.issue()
    await admin.post('/v1/lots', { id: 'lot-refused', profile: 'starter', quantity: 5 })
    const made = await admin.post('/v1/tokens', { role: 'operator', name: 'of-a1', lines: ['A1'] })
    const token = made.json<{ id: string; secret: string }>()
    const ofA1 = { authorization: `Bearer ${token.secret}` }
    const { certificateId } = (await admin.get(`/v1/issuances/${id}`)).json<{ certificateId: string }>()
    const asked = [
      ['POST', '/v1/stations', { name: 'st-b2', line: 'B1', profiles: ['*'] }],
      ['POST', '/v1/exports', { of: 'audit-events', format: 'csv' }],
      ['PATCH', '/v1/stations/st-b1', { site: 'Linz' }],
      ['POST', `/v1/issuances/${id}/hold`, { note: 'not theirs' }],
      ['POST', `/v1/certificates/${certificateId}/hold`, { note: 'not theirs' }],
      ['POST', '/v1/lots/lot-refused/pause', { reason: 'not theirs' }]
    ] as const
    const statuses: number[] = []
    for (const [method, url, payload] of asked)
      statuses.push((await service.send({ method, url, headers: ofA1, payload })).statusCode)
    expect(statuses).toEqual([403, 403, 404, 404, 404, 404])
    // What is not there, is not as the schema says or is no act of rights is no refusal of these.
    await service.send({ method: 'PATCH', url: '/v1/stations/nobody', headers: ofA1, payload: { site: 'x' } })
    await service.send({ method: 'POST', url: '/v1/stations', headers: ofA1, payload: {} })
    await service.end()
    const events = await service.database.prisma.auditEvent.findMany({ where: { act: 'access.refuse' } })
    expect(events).toMatchObject([
      {
        actor: 'operator/of-a1',
        credential: token.id,
        after: {
          count: 6,
          codes: { lines_forbidden: 5, role_forbidden: 1 },
          routes: [
            'POST /v1/stations',
            'POST /v1/exports',
            'PATCH /v1/stations/:name',
            'POST /v1/issuances/:id/hold',
            'POST /v1/certificates/:certificate/hold',
            'POST /v1/lots/:id/pause'
          ],
          requests: [
            'PATCH /v1/stations/st-b1',
            `POST /v1/issuances/${id}/hold`,
            `POST /v1/certificates/${certificateId}/hold`,
            'POST /v1/lots/lot-refused/pause'
          ]
        }
      }
    ])
    await service.stop()
  })

  it('keeps nothing of a path that is not as its schema says', async () => {
    const service = await openService()
    const secret = `mintline_${'0'.repeat(32)}_${'S'.repeat(43)}`
    const headers = service.bearer('operator')
    await service.send({ method: 'DELETE', url: `/v1/tokens/${secret}`, headers })
    await service.end()
    const [event] = await service.database.prisma.auditEvent.findMany({ where: { act: 'access.refuse' } })
    expect(event!.after).toMatchObject({ count: 1, routes: ['DELETE /v1/tokens/:id'] })
    expect(JSON.stringify(event)).not.toContain('SSSS')
    await service.stop()
  })

  it('is not told besides where it is a request for a certificate, which is on record as a refusal', async () => {
    const service = await openService()
    const admin = service.bearer('admin')
    const url = '/v1/stations/starter'
    await service.send({ method: 'PATCH', url, headers: admin, payload: { profiles: ['starter'] } })
    const csr = encodePem('CERTIFICATE REQUEST', makeCertificationRequest(someSubject()))
    const answer = await service.as('station').post('/v1/issuances', { csr, profile: 'others' })
    await service.end()
    expect([answer.statusCode, problemOf(answer).code]).toEqual([403, 'profile_not_allowed'])
    expect(await service.database.prisma.auditEvent.count({ where: { act: 'access.refuse' } })).toBe(0)
    await service.stop()
  })
})

describe('an act that the state of what it is about does not allow', () => {
  it('is on record with what was meant, once a minute, whatever it was about', async () => {
    const service = await openService()
    const admin = service.as('admin')
    const operator = service.as('operator')
    const { id } = await service.issue()
    await admin.post('/v1/lots', { id: 'lot-closed', profile: 'starter', quantity: 5 })
    await admin.post('/v1/lots/lot-closed/close', { reason: 'done' })
    await admin.post(`/v1/issuances/${id}/revoke`, { reason: 'keyCompromise', note: 'lost' })
    const refused = [
      await operator.post(`/v1/issuances/${id}/hold`, { note: 'too late' }),
      await operator.post(`/v1/issuances/${id}/hold`, { note: 'too late' }),
      await operator.post(`/v1/issuances/${id}/unhold`, { note: 'too late' }),
      await operator.post('/v1/lots/lot-closed/pause', { reason: 'too late' }),
      await operator.post('/v1/lots', { id: 'lot-closed', profile: 'starter', quantity: 6 })
    ]
    expect(refused.map(({ statusCode }) => statusCode)).toEqual([409, 409, 409, 409, 409])
    await admin.post(`/v1/authorities/starter-g1/activate`, { reason: 'again' })
    await service.end()
    const events = await service.database.prisma.auditEvent.findMany({ where: { act: 'act.refuse' } })
    expect(events).toMatchObject([
      {
        actor: 'operator/test-operator',
        subject: 'source/127.0.0.1',
        requestId: refused[4]!.headers['x-request-id'],
        after: {
          count: 5,
          codes: { revocation_conflict: 3, lot_closed: 1, lot_exists: 1 },
          requests: [
            `POST /v1/issuances/${id}/hold`,
            `POST /v1/issuances/${id}/unhold`,
            'POST /v1/lots/lot-closed/pause'
          ]
        }
      },
      {
        after: {
          codes: { authority_transition_refused: 1 },
          requests: ['POST /v1/authorities/starter-g1/activate']
        }
      }
    ])
    await service.stop()
  })

  it('is no request for a certificate, which is on record as a refusal', async () => {
    const service = await openService()
    const key = makeDeviceKey()
    await service.issue(makeCertificationRequest(someSubject(), key))
    const csr = encodePem('CERTIFICATE REQUEST', makeCertificationRequest(someSubject(), key))
    const answer = await service.as('station').post('/v1/issuances', { csr, profile: 'starter' })
    await service.end()
    expect([answer.statusCode, problemOf(answer).code]).toEqual([409, 'key_already_certified'])
    expect(await service.database.prisma.auditEvent.count({ where: { act: 'act.refuse' } })).toBe(0)
    await service.stop()
  })
})

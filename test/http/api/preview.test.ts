import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { pointersOf, problemOf } from '../answer.ts'
import { bearer, createTestApp } from '../port.ts'
import { faultsOf } from '../shared-schema.ts'

const { app, asked } = await createTestApp()
afterAll(() => app.close())
beforeEach(() => void asked.previews.splice(0))

const post = (payload: object | string, contentType = 'application/json', profile = 'starter') =>
  app.inject({
    method: 'POST',
    url: `/v1/profiles/${profile}/preview`,
    headers: { ...bearer('station'), 'content-type': contentType },
    payload
  })

describe('POST /v1/profiles/{name}/preview', () => {
  it('answers what would come of it, as the schema says', async () => {
    const answer = await post({ csr: 'x' })
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toMatchObject({
      profile: 'starter',
      profileVersion: 3,
      thing: { thingName: null, thingNameFrom: 'certificateId', thingGroups: ['sensors'] },
      certificate: { status: 'ACTIVE' },
      policies: [{ policyName: 'sensor' }, { policyDocument: '{}', predictedName: null }]
    })
    expect(await faultsOf('Preview', answer.json())).toEqual([])
  })

  it.each([
    ['a CSR in JSON', { csr: 'x' }, 'application/json', 'csr'],
    ['a certificate in JSON', { certificate: 'x' }, 'application/json', 'certificate'],
    ['a CSR file', 'x', 'application/pkcs10', 'csr'],
    ['a certificate file', 'x', 'application/pkix-cert', 'certificate'],
    [
      'a chain, its type with a parameter',
      'x',
      'Application/PEM-certificate-chain; charset=utf-8',
      'certificate'
    ]
  ])('takes %s', async (_, payload, contentType, kind) => {
    expect((await post(payload, contentType)).statusCode).toBe(200)
    expect(asked.previews).toEqual([expect.objectContaining({ kind, [kind]: Buffer.from('x') })])
  })

  it.each([
    ['both', { csr: 'x', certificate: 'x' }],
    ['neither', {}],
    ['something else', { csr: 'x', profile: 'starter' }]
  ])('refuses %s', async (_, payload) => {
    const answer = await post(payload)
    expect(problemOf(answer)).toMatchObject({ status: 400, code: 'request_invalid' })
    expect(pointersOf(answer).length).toBeGreaterThan(0)
    expect(asked.previews).toEqual([])
  })

  it('refuses an unknown type and an unknown profile', async () => {
    expect(problemOf(await post('x', 'text/plain')).code).toBe('media_type_unsupported')
    expect(problemOf(await post({ csr: 'x' }, undefined, 'nowhere')).code).toBe('profile_not_found')
  })
})

import { afterAll, describe, expect, it } from 'vitest'
import { problemOf } from '../answer.ts'
import { bearer, createTestApp, registration } from '../port.ts'

const { app, asked } = await createTestApp()
afterAll(() => app.close())

const path = '/v1/authorities/starter-g1/aws-registrations'
const one = `${path}/${registration.id}`
const body = {
  region: 'eu-central-1',
  certificateMode: 'SNI_ONLY',
  setAsActive: true,
  allowAutoRegistration: true
}

const post = (url: string, payload?: object) =>
  app.inject({ method: 'POST', url, headers: bearer('admin'), ...(payload && { payload }) })

describe('POST /v1/authorities/{name}/aws-registrations', () => {
  it('answers 202 with the registration and where it is', async () => {
    const provisioning = {
      profile: 'starter',
      roleArn: 'arn:aws:iam::111122223333:role/r',
      templateName: 'a_B-1'
    }
    const answer = await post(path, { ...body, accountAlias: 'production', ...provisioning })
    expect(answer.statusCode).toBe(202)
    expect(answer.headers.location).toBe(one)
    expect(answer.json()).toMatchObject({
      id: registration.id,
      state: 'drifted',
      desired: { profile: 'starter', roleArn: 'arn:aws:iam::111122223333:role/r' },
      drift: [{ field: 'status', expected: 'ACTIVE', found: 'INACTIVE' }],
      steps: [{ step: 'register', outcome: 'done' }]
    })
    expect(asked.registrations.at(-1)).toEqual({
      verb: 'post',
      with: { ...body, accountAlias: 'production', ...provisioning },
      actor: 'admin/admin-1'
    })
  })

  it.each<[string, object, string]>([
    ['an unknown member', { tag: 'a' }, '/tag'],
    ['a region that is none', { region: 'Frankfurt' }, '/region'],
    ['an unknown mode', { certificateMode: 'ANY' }, '/certificateMode'],
    ['a role that is no role', { roleArn: 'arn:aws:iam::1:user/a' }, '/roleArn'],
    ['a template name that is too long', { templateName: 'a'.repeat(37) }, '/templateName'],
    ['an alias with a path in it', { accountAlias: '../other' }, '/accountAlias'],
    ['a text for a boolean', { setAsActive: 'true' }, '/setAsActive']
  ])('refuses %s', async (_flaw, change, pointer) => {
    const answer = await post(path, { ...body, ...change })
    expect(answer.statusCode).toBe(400)
    expect(problemOf(answer).violations?.map(violation => violation.pointer)).toEqual([pointer])
  })

  it.each(['region', 'certificateMode', 'setAsActive', 'allowAutoRegistration'])(
    'leaves nothing about %s to be guessed',
    async name => {
      const rest = Object.fromEntries(Object.entries(body).filter(([other]) => other !== name))
      expect((await post(path, rest)).statusCode).toBe(400)
    }
  )
})

describe('reading registrations', () => {
  const get = (url: string) => app.inject({ url, headers: bearer('auditor') })

  it('lists them without steps, and shows one with', async () => {
    const [item] = (await get(path)).json<{ items: Record<string, unknown>[] }>().items
    expect(item).toMatchObject({ id: registration.id, awsAccountId: '111122223333' })
    expect(item).not.toHaveProperty('steps')
    expect((await get(one)).json()).toMatchObject({ id: registration.id, steps: [{ version: 1 }] })
  })

  it('answers 404 for one that is not there', async () => {
    const answer = await get(`${path}/019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a99`)
    expect(answer.statusCode).toBe(404)
    expect(problemOf(answer).code).toBe('aws_registration_not_found')
  })
})

describe.each(['sync', 'check'])('POST …/%s', verb => {
  it('takes the order', async () => {
    const answer = await post(`${one}/${verb}`)
    expect(answer.statusCode).toBe(202)
    expect(answer.headers.location).toBe(one)
    expect(asked.registrations.at(-1)).toEqual({ verb, actor: 'admin/admin-1' })
  })
})

describe('ending an authority', () => {
  it.each([
    ['retire', 'retired', 'stop-registering'],
    ['retire', 'retired', undefined],
    ['compromise', 'compromised', undefined]
  ])('by %s takes its registrations along', async (verb, end, fate) => {
    const answer = await post(`/v1/authorities/starter-g1/${verb}`, { reason: 'over', aws: fate })
    expect(answer.statusCode).toBe(200)
    expect(asked.registrations.at(-1)).toEqual({
      verb: 'follow',
      with: { authority: 'starter-g1', end, fate },
      actor: 'admin/admin-1'
    })
  })

  it('by activation has nothing to say of AWS', async () => {
    const answer = await post('/v1/authorities/starter-g1/activate', { reason: 'over', aws: 'keep' })
    expect(answer.statusCode).toBe(400)
  })
})

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CreateThingCommand,
  DescribeEndpointCommand,
  DescribeThingCommand,
  GetRegistrationCodeCommand,
  InternalFailureException,
  type IoTServiceException,
  ListThingsCommand,
  RegisterCACertificateCommand,
  ResourceAlreadyExistsException,
  ServiceUnavailableException,
  ThrottlingException
} from '@aws-sdk/client-iot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRegistry } from '../../../../src/rehearsal/iot/registry/registry.ts'
import { awsTpsLimits } from '../../../../src/rehearsal/iot/tps.ts'
import { createTemporaryDirectory } from '../../../support/temporary-directory.ts'
import { makeCa } from '../certificate-making.ts'
import {
  accountId,
  type ControlPlaneRehearsal,
  prepareRegistration,
  registerDevice,
  startControlPlane
} from './control-plane-rehearsal.ts'

let rehearsal: ControlPlaneRehearsal
beforeAll(async () => {
  rehearsal = await startControlPlane()
})
afterAll(() => rehearsal[Symbol.asyncDispose]())

describe('a lost reply', () => {
  it('leaves the work done: the retry of the SDK finds the CA registered', async () => {
    const client = rehearsal.createClient({ maxAttempts: 3 })
    const input = await prepareRegistration(client, await makeCa())
    rehearsal.controlPlane.failNext('RegisterCACertificate', 'dropReply')
    const countBefore = rehearsal.controlPlane.requestCounts.get('RegisterCACertificate') ?? 0
    const refusal = await client
      .send(new RegisterCACertificateCommand(input))
      .catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(ResourceAlreadyExistsException)
    const [registered] = rehearsal.registry.listCaCertificates()
    expect((refusal as ResourceAlreadyExistsException).resourceId).toBe(registered?.certificateId)
    expect(rehearsal.controlPlane.requestCounts.get('RegisterCACertificate')).toBe(countBefore + 2)
  })
})

describe('faults', () => {
  const describeEndpoint = () => rehearsal.client.send(new DescribeEndpointCommand({}))

  it.each([
    ['throttle', ThrottlingException, 400],
    ['failure', InternalFailureException, 500]
  ] as const)('planned as %s meet the next calls of that operation alone', async (mode, error, status) => {
    rehearsal.controlPlane.failNext('DescribeEndpoint', mode, 2)
    await rehearsal.client.send(new GetRegistrationCodeCommand({}))
    for (let count = 0; count < 2; count++) {
      const refusal = await describeEndpoint().catch((caught: unknown) => caught)
      expect(refusal).toBeInstanceOf(error)
      expect((refusal as IoTServiceException).$metadata.httpStatusCode).toBe(status)
    }
    await describeEndpoint()
  })

  it('that are transient are overcome by the retries of the SDK', async () => {
    rehearsal.controlPlane.failNext('DescribeEndpoint', 'failure', 2)
    const client = rehearsal.createClient({ maxAttempts: 3 })
    expect(await client.send(new DescribeEndpointCommand({}))).toHaveProperty('endpointAddress')
  })

  it('go by rates, and deny operations', async () => {
    let dice = 0
    await using loaded = await startControlPlane({ random: () => dice })
    const send = () => loaded.client.send(new DescribeEndpointCommand({}))
    loaded.controlPlane.setFaults({ throttleRate: 0.5 })
    await expect(send()).rejects.toBeInstanceOf(ThrottlingException)
    dice = 0.5
    await send()
    loaded.controlPlane.setFaults({
      throttleRate: 0,
      failureRate: 0.6,
      failureName: 'ServiceUnavailableException'
    })
    await expect(send()).rejects.toBeInstanceOf(ServiceUnavailableException)
    loaded.controlPlane.setFaults({ failureRate: 0, droppedReplyRate: 0.6 })
    await expect(send()).rejects.toHaveProperty('code', 'ECONNRESET')
    loaded.controlPlane.setFaults({ droppedReplyRate: 0, deniedOperations: ['DescribeEndpoint'] })
    const denial = await send().catch((error: unknown) => error)
    expect(denial).toMatchObject({ name: 'AccessDeniedException', $metadata: { httpStatusCode: 403 } })
    await loaded.client.send(new GetRegistrationCodeCommand({}))
  })

  it('make replies late', async () => {
    await using slow = await startControlPlane({ faults: { latencyMs: 80 } })
    const start = performance.now()
    await slow.client.send(new DescribeEndpointCommand({}))
    expect(performance.now() - start).toBeGreaterThanOrEqual(75)
  })

  it('are set and read over HTTP', async () => {
    const url = `${rehearsal.controlPlane.url}/rehearsal/faults`
    const put = (changes: unknown) => fetch(url, { method: 'PUT', body: JSON.stringify(changes) })
    const failNext = [{ operation: 'DescribeEndpoint', mode: 'throttle', times: 1 }]
    expect((await put({ failNext })).status).toBe(200)
    expect(await (await fetch(url)).json()).toMatchObject({ failNext, throttleRate: 0 })
    await expect(describeEndpoint()).rejects.toBeInstanceOf(ThrottlingException)
    expect(await (await fetch(url)).json()).toMatchObject({ failNext: [] })
    for (const wrong of [
      { throttleRate: 2 },
      { latencyMs: -1 },
      { failureName: 'Oops' },
      { deniedOperations: ['Nothing'] },
      { failNext: [{ ...failNext[0], operation: 'Nothing' }] },
      { failNext: [{ ...failNext[0], mode: 'explode' }] },
      { failNext: [{ ...failNext[0], times: 0 }] },
      { unknown: 1 }
    ]) {
      const response = await put(wrong)
      expect(response.status).toBe(400)
      expect(await response.json()).toEqual({ mistakes: Object.keys(wrong) })
    }
    expect((await put(null)).status).toBe(400)
    expect((await fetch(`${rehearsal.controlPlane.url}/rehearsal/nothing`)).status).toBe(404)
  })
})

describe('TPS limits', () => {
  it('throttle one operation of one account and fill up again with time', async () => {
    let now = Date.now()
    const accounts = new Map([['AKIDTWO', '444455556666']])
    await using limited = await startControlPlane({ tpsLimits: awsTpsLimits, clock: () => now, accounts })
    const list = (accessKeyId?: string) =>
      limited.createClient(accessKeyId === undefined ? {} : { accessKeyId }).send(new ListThingsCommand({}))
    for (let count = 0; count < 10; count++) await list()
    await expect(list()).rejects.toBeInstanceOf(ThrottlingException)
    await list('AKIDTWO')
    await limited.client.send(new DescribeEndpointCommand({}))
    now += 100
    await list()
    await expect(list()).rejects.toBeInstanceOf(ThrottlingException)
  })

  it('are off unless asked for', async () => {
    for (let count = 0; count < 30; count++) await rehearsal.client.send(new ListThingsCommand({}))
  })
})

describe('the wire', () => {
  const authorization =
    'AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/SERVICE/aws4_request, ' +
    `SignedHeaders=host, Signature=${'0'.repeat(64)}`
  const signed = (service: string) => ({
    authorization: authorization.replace('SERVICE', service),
    'x-amz-date': '20260101T000000Z'
  })
  const send = (path: string, init: RequestInit = {}) => fetch(`${rehearsal.controlPlane.url}${path}`, init)

  it.each([
    [
      'no signature',
      { path: '/endpoint' },
      { status: 403, errorName: 'MissingAuthenticationTokenException' }
    ],
    [
      'a signature in another form',
      { path: '/endpoint', headers: { authorization: 'Basic x' } },
      { status: 403, errorName: 'IncompleteSignatureException' }
    ],
    [
      'another service',
      { path: '/endpoint', headers: signed('kms') },
      { status: 404, errorName: 'UnknownOperationException' }
    ],
    [
      'an unknown path',
      { path: '/jobs', headers: signed('iot') },
      { status: 404, errorName: 'UnknownOperationException' }
    ],
    [
      'an unknown method',
      { path: '/endpoint', headers: signed('iot'), method: 'POST' },
      { status: 404, errorName: 'UnknownOperationException' }
    ],
    [
      'a label that is no percent-encoding',
      { path: '/things/%ZZ', headers: signed('iot') },
      { status: 404, errorName: 'UnknownOperationException' }
    ],
    [
      'a body that is not JSON',
      { path: '/things/a', headers: signed('iot'), method: 'POST', body: '{' },
      { status: 400, errorName: 'SerializationException' }
    ],
    [
      'a member of another type',
      { path: '/things/a', headers: signed('iot'), method: 'POST', body: '{"thingTypeName":1}' },
      { status: 400, errorName: 'InvalidRequestException' }
    ]
  ] as const)('with %s is refused', async (_, { path, ...init }, { status, errorName }) => {
    const response = await send(path, init)
    expect(response.status).toBe(status)
    expect(response.headers.get('x-amzn-errortype')).toBe(errorName)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toHaveProperty('message')
  })

  it('counts the requests by operation', async () => {
    await send('/endpoint', { headers: signed('iot') })
    const counts = (await (await send('/rehearsal/requests')).json()) as Record<string, number>
    expect(counts.DescribeEndpoint).toBe(rehearsal.controlPlane.requestCounts.get('DescribeEndpoint'))
    expect(counts.DescribeEndpoint).toBeGreaterThan(0)
  })
})

describe('many at once', () => {
  it('one registration of a CA wins, the others are told of it', async () => {
    const input = await prepareRegistration(rehearsal.client, await makeCa())
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => rehearsal.client.send(new RegisterCACertificateCommand(input)))
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const refusals = outcomes.flatMap(outcome =>
      outcome.status === 'rejected' ? [outcome.reason as unknown] : []
    )
    expect(refusals.every(refusal => refusal instanceof ResourceAlreadyExistsException)).toBe(true)
  })
})

describe('the state file', () => {
  it('keeps what was answered, in every account and region, over a restart', async () => {
    await using directory = await createTemporaryDirectory()
    const stateFile = join(directory.path, 'state.json')
    const accounts = new Map([['AKIDTWO', '444455556666']])
    const before = await startControlPlane({ stateFile, accounts })
    const { registrationCode } = await before.client.send(new GetRegistrationCodeCommand({}))
    const { certificateId } = await registerDevice(before.client, 'ACTIVE')
    const other = { accessKeyId: 'AKIDTWO', region: 'ap-south-1' }
    await before.createClient(other).send(new CreateThingCommand({ thingName: 'far' }))
    const names = Array.from({ length: 50 }, (_, index) => `thing-${index}`)
    await Promise.all(names.map(thingName => before.client.send(new CreateThingCommand({ thingName }))))
    await before.controlPlane.stop()

    await using after = await startControlPlane({ stateFile, accounts })
    expect((await after.client.send(new GetRegistrationCodeCommand({}))).registrationCode).toBe(
      registrationCode
    )
    expect(after.registry.describeCertificate(certificateId).status).toBe('ACTIVE')
    const far = await after.createClient(other).send(new DescribeThingCommand({ thingName: 'far' }))
    expect(far.thingArn).toBe('arn:aws:iot:ap-south-1:444455556666:thing/far')
    expect(after.registry.listThings().map(({ thingName }) => thingName)).toEqual(
      expect.arrayContaining(names)
    )
  })

  it('is up to date at each reply', async () => {
    await using directory = await createTemporaryDirectory()
    const stateFile = join(directory.path, 'state.json')
    await using running = await startControlPlane({ stateFile })
    for (const thingName of ['one', 'two', 'three']) {
      await running.client.send(new CreateThingCommand({ thingName }))
      expect(await readFile(stateFile, 'utf8')).toContain(`"${thingName}"`)
    }
  })

  it('that cannot be written makes the call fail', async () => {
    await using directory = await createTemporaryDirectory()
    await using running = await startControlPlane({ stateFile: join(directory.path, 'absent', 'state.json') })
    await expect(running.client.send(new CreateThingCommand({ thingName: 'lost' }))).rejects.toBeInstanceOf(
      InternalFailureException
    )
  })

  it.each(['', '{}', '{"format":"other"}', '{"format":"mintline-rehearsal-iot-1","roles":1}'])(
    'is refused when it holds %j',
    async content => {
      await using directory = await createTemporaryDirectory()
      const stateFile = join(directory.path, 'state.json')
      await writeFile(stateFile, content)
      const created = createRegistry({ accountId, region: 'eu-west-1', clock: Date.now, stateFile })
      await expect(created).rejects.toBeInstanceOf(Error)
    }
  )
})

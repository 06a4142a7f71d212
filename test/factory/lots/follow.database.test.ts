import { afterAll, beforeAll, expect, it } from 'vitest'
import type { LotProgressView } from '../../../src/http/api/lots/schemas.ts'
import { encodePem } from '../../../src/pki/pem/pem.ts'
import { type HttpService, openService, someSubject } from '../../http/service.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'

let service: HttpService

beforeAll(async () => {
  service = await openService()
  await service.as('operator').post('/v1/lots', { id: 'followed', profile: 'starter', quantity: 5 })
})
afterAll(() => service.stop())

const issue = () =>
  service.as('station').post('/v1/issuances', {
    csr: encodePem('CERTIFICATE REQUEST', makeCertificationRequest(someSubject())),
    profile: 'starter',
    lot: 'followed'
  })

/** The states that a stream tells, as they come. */
async function* follow(signal: AbortSignal) {
  const response = await fetch(`${service.url}/v1/lots/followed/events`, {
    headers: service.bearer('auditor'),
    signal
  })
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  let text = ''
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk
    const events = text.split('\n\n')
    text = events.pop()!
    for (const event of events) {
      const data = /^event: progress\ndata: (.*)$/.exec(event)?.[1]
      if (data !== undefined) yield JSON.parse(data) as LotProgressView
    }
  }
}

it('is told at once, after each change, and to each who listens', async () => {
  const stop = new AbortController()
  const streams = Array.from({ length: 20 }, () => follow(stop.signal))
  for (const stream of streams) expect((await stream.next()).value).toMatchObject({ issued: 0, remaining: 5 })
  await issue()
  for (const stream of streams) {
    let { value } = await stream.next()
    while (value?.issued === 0) ({ value } = await stream.next())
    expect(value).toMatchObject({ issued: 1, remaining: 4 })
  }
  stop.abort()
})

it('keeps nobody from stopping the service', async () => {
  const other = await openService()
  await other.as('operator').post('/v1/lots', { id: 'followed', profile: 'starter', quantity: 5 })
  const response = await fetch(`${other.url}/v1/lots/followed/events`, { headers: other.bearer('auditor') })
  const ended = response.text()
  await other.stop()
  expect(await ended).toContain('event: progress')
})

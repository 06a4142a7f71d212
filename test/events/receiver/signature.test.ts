import { randomBytes } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { parseWebhookSecret, signMessage } from '../../../src/events/receiver/signature.ts'

const secretOf = (octets: number) => `whsec_${randomBytes(octets).toString('base64')}`

describe('a signature', () => {
  it.each(['[]', '[{"grüße":"😀"}]'])('of %s holds for the reference library', body => {
    const secret = secretOf(32)
    const headers = signMessage(parseWebhookSecret(secret)!, { id: 'm1', time: new Date(), body })
    expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body))
    expect(() => new Webhook(secret).verify(`${body} `, headers)).toThrow()
    expect(() => new Webhook(secretOf(32)).verify(body, headers)).toThrow()
    expect(() => new Webhook(secret).verify(body, { ...headers, 'webhook-id': 'm2' })).toThrow()
  })

  it('is the one of the specification', () => {
    // The example of its section on signatures.
    const key = parseWebhookSecret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')!
    const message = {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      time: new Date(1_614_265_330_000),
      body: '{"test": 2432232314}'
    }
    expect(signMessage(key, message)).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    })
  })
})

describe('a secret', () => {
  it.each([24, 32, 64])('may have %i octets', octets => {
    expect(parseWebhookSecret(secretOf(octets))).toHaveLength(octets)
  })

  it.each([
    ['too short', secretOf(23)],
    ['too long', secretOf(65)],
    ['without its prefix', randomBytes(32).toString('base64')],
    ['not base64', 'whsec_this is not base64 at all, is it?'],
    ['cut off', `${secretOf(32).slice(0, -3)}`],
    ['with a space before it', ` ${secretOf(32)}`],
    ['empty', '']
  ])('%s is refused', (_flaw, text) => {
    expect(parseWebhookSecret(text)).toBeUndefined()
  })
})

import { createHmac } from 'node:crypto'

/** Standard Webhooks asks for 24 to 64 octets. */
const keyPattern = /^whsec_([A-Za-z0-9+/]+={0,2})$/
const fewestOctets = 24
const mostOctets = 64

/** The key in a Standard Webhooks secret, `whsec_` and base64; undefined when it is none. */
export function parseWebhookSecret(text: string): Uint8Array | undefined {
  const encoded = keyPattern.exec(text)?.[1]
  if (encoded === undefined) return undefined
  const key = Buffer.from(encoded, 'base64')
  const isWhole = key.toString('base64').replace(/=+$/, '') === encoded.replace(/=+$/, '')
  return isWhole && key.length >= fewestOctets && key.length <= mostOctets ? key : undefined
}

/** The headers that the receiver checks, as Standard Webhooks 1.0.0 has them (symmetric signature, `v1`). */
export function signMessage(
  key: Uint8Array,
  { id, time, body }: { readonly id: string; readonly time: Date; readonly body: string }
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(time.getTime() / 1000))
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` }
}

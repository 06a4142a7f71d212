import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { IoTClient } from '@aws-sdk/client-iot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeReference } from '../../src/aws/iot/template-references.ts'
import type { TemplateReference } from '../../src/jitp/template/references.ts'

/** Replies of AWS IoT that the stand-in has no part for: it knows neither deprecated types nor dynamic groups. */
const replies: Readonly<Record<string, object>> = {
  '/thing-types/old': { thingTypeName: 'old', thingTypeMetadata: { deprecated: true } },
  '/thing-types/new': { thingTypeName: 'new', thingTypeMetadata: { deprecated: false } },
  '/thing-groups/query': { thingGroupName: 'query', queryString: 'attributes.line:A7' },
  '/thing-groups/plain': { thingGroupName: 'plain' }
}
const server = createServer((request, response) => {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(replies[request.url ?? '']))
})
let client: IoTClient

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  client = new IoTClient({
    region: 'eu-central-1',
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' }
  })
})
afterAll(() => {
  client.destroy()
  server.close()
})

describe('what a template names', () => {
  it.each<[TemplateReference, string]>([
    [{ kind: 'thingType', name: 'old' }, 'deprecated'],
    [{ kind: 'thingType', name: 'new' }, 'usable'],
    [{ kind: 'thingGroup', name: 'query' }, 'dynamic'],
    [{ kind: 'thingGroup', name: 'plain' }, 'usable']
  ])('%o is %s', async (reference, state) => {
    expect(await describeReference(client, reference, AbortSignal.timeout(5000))).toBe(state)
  })
})

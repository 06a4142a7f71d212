import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readBody } from '../../src/rehearsal/request-body.ts'

const twoMebibytes = 2 * 1024 * 1024

/** Posts a body to a server that reads it. */
async function read(body: string): Promise<string> {
  let outcome: Promise<string> | undefined
  const server = createServer((request, response) => {
    outcome = readBody(request)
    outcome.then(
      () => response.end(),
      () => response.destroy()
    )
  })
  onTestFinished(() => void server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body }).catch(() => undefined)
  return outcome!
}

describe('the body of a request to a stand-in', () => {
  it.each(['', 'Grüße', 'x'.repeat(twoMebibytes)])('is read', async body => {
    expect((await read(body)) === body).toBe(true)
  })

  it('is not read past two mebibytes', async () => {
    await expect(read('x'.repeat(twoMebibytes + 1))).rejects.toThrow()
  })
})

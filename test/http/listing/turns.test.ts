import type { FastifyRequest } from 'fastify'
import { describe, expect, it } from 'vitest'
import { streamRows } from '../../../src/http/listing/listing.ts'

/** More than a stream keeps ahead. */
const long = 'x'.repeat(200_000)

describe('a list as rows', () => {
  it('has no turn while its client does not read on', async () => {
    let turns = 0
    let pages = 0
    const request = {
      query: {},
      headers: {},
      raw: { socket: { destroyed: false } },
      routeOptions: { config: { access: 'public' } },
      server: {},
      takeTurn: async () => {
        turns += 1
        return () => void (turns -= 1)
      }
    } as unknown as FastifyRequest
    const rows = await streamRows(request, 'application/x-ndjson', {
      read: async () => ({ items: [long], nextCursor: `${++pages}` }),
      view: text => ({ text }),
      columns: {}
    })
    const chunks = rows[Symbol.asyncIterator]()
    await chunks.next()
    await chunks.next()
    // It has read ahead by now what it keeps.
    await new Promise(resolve => setTimeout(resolve, 50))
    expect([pages > 1, turns]).toEqual([true, 0])
    rows.destroy()
  })
})

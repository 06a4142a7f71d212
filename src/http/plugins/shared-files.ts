import { ReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply } from 'fastify'

/** What is handed to a connection at a time. */
const sliceBytes = 64 * 1024

/**
 * Has each file that the scope's file server sends read once, and its octets shared by all who ask. Read anew for each,
 * a file of 1.4 MB is garbage of as much for each answer, and stays with the allocator for a client that reads nothing.
 *
 * The scope's file server must have a small, fixed set of files: nothing is ever forgotten.
 */
export function shareFiles(scope: FastifyInstance): void {
  const files = new Map<string, Buffer>()

  async function read(path: string): Promise<Buffer> {
    const octets = files.get(path) ?? (await readFile(path))
    files.set(path, octets)
    return octets
  }

  scope.addHook('onSend', async (_request, reply, payload: unknown) => {
    if (!(payload instanceof ReadStream)) return payload
    const path = payload.path.toString()
    payload.destroy()
    return Readable.from(slices(wantedPart(await read(path), reply)), { objectMode: false })
  })
}

function wantedPart(octets: Buffer, reply: FastifyReply): Buffer {
  const range = /^bytes (\d+)-(\d+)\//.exec(String(reply.getHeader('content-range')))
  return range === null ? octets : octets.subarray(Number(range[1]), Number(range[2]) + 1)
}

function* slices(octets: Buffer): Generator<Buffer> {
  for (let at = 0; at < octets.length; at += sliceBytes) yield octets.subarray(at, at + sliceBytes)
}

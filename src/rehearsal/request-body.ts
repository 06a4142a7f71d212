import type { IncomingMessage } from 'node:http'

/** Octets; above what any request of the stand-ins needs. */
const maximumLength = 2 * 1024 * 1024

/** The body of a request, as text. Rejects when it is longer than two mebibytes, or the client hangs up before its end. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maximumLength) throw new Error(`a body of more than ${maximumLength} octets`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

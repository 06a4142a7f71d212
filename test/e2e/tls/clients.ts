import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import type { ClientPair } from '../../tls/client-trust/client-authority.ts'

const run = promisify(execFile)

/** What was answered; of a problem its code and the first place that it names. */
export interface Told {
  readonly status: number
  readonly code: string | undefined
  readonly pointer: string | undefined
  readonly body: string
}

/** Asks with curl. */
export async function askWithCurl(url: string, ...options: readonly string[]): Promise<Told> {
  const { stdout } = await run('curl', ['-sS', '-w', '\n%{http_code}', ...options, url])
  const end = stdout.lastIndexOf('\n')
  return toTold(Number(stdout.slice(end + 1)), stdout.slice(0, end))
}

function toTold(status: number, body: string): Told {
  const problem =
    status >= 400 ? (JSON.parse(body) as { code?: string; violations?: { pointer: string }[] }) : {}
  return { status, code: problem.code, pointer: problem.violations?.[0]?.pointer, body }
}

/** The options by which curl shows a certificate. */
export const shows = ({ certificateFile, keyFile }: ClientPair) => [
  '--cert',
  certificateFile,
  '--key',
  keyFile
]

/** A connection that stays, on which one request after the other is sent. */
export interface Connection {
  readonly socket: TLSSocket
  /** The newest that the server has given. */
  readonly session: () => Buffer | undefined
  ask(path: string): Promise<Told>
}

export async function open(
  url: string,
  options: ConnectionOptions & { readonly pair?: ClientPair; readonly above?: string }
): Promise<Connection> {
  const { hostname, port } = new URL(url)
  const { pair, above = '', ...rest } = options
  const shown = pair && { cert: pair.certificatePem + above, key: readFileSync(pair.keyFile) }
  const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false, ...shown, ...rest })
  let session: Buffer | undefined
  socket.on('session', given => (session = given))
  await once(socket, 'secureConnect')
  return {
    socket,
    session: () => session,
    async ask(path) {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
      let text = ''
      for (;;) {
        const [chunk] = (await once(socket, 'data')) as [Buffer]
        text += chunk.toString()
        const [head = '', body] = text.split('\r\n\r\n')
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1])
        if (body !== undefined && Buffer.byteLength(body) >= length)
          return toTold(Number(head.slice(9, 12)), body)
      }
    }
  }
}

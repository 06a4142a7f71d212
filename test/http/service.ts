import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import type { Role } from '../../src/access/principal.ts'
import { startService } from '../../src/composition/service.ts'
import { loadConfig } from '../../src/config/config.ts'
import type { Issuance } from '../../src/http/api/issuances/schemas.ts'
import { encodePem } from '../../src/pki/pem/pem.ts'
import { makeCertificationRequest } from '../support/certification-request.ts'
import { startIssuing } from '../support/issuing.ts'
import { createTemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase } from '../support/test-database.ts'

export interface Request {
  readonly method?: string
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** An object is sent as JSON. */
  readonly payload?: string | Uint8Array | object
}

export interface Answer {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly rawPayload: Buffer
  json<Body>(): Body
}

export type HttpService = Awaited<ReturnType<typeof openService>>

/** The service in this process, over HTTP, on a database of its own that has the starter set. */
export async function openService(settings: Readonly<Record<string, string>> = {}) {
  const directory = await createTemporaryDirectory()
  const test = await createTestDatabase()
  const config = loadConfig({
    MINTLINE_DATA_DIR: directory.path,
    MINTLINE_PORT: '0',
    MINTLINE_LOG_LEVEL: 'silent',
    DATABASE_URL: test.connectionString,
    ...settings
  })
  const service = await startService(config, pino({ level: 'silent' }))
  const tokenOf = async (role: Role) => (await readFile(join(directory.path, `${role}-token`), 'utf8')).trim()
  const started = {
    station: await tokenOf('station'),
    auditor: await tokenOf('auditor'),
    admin: await tokenOf('admin')
  }
  const made = createClient(request => sendTo(service.url, request), {
    authorization: `Bearer ${started.admin}`
  })
  const makeToken = async (role: Role, more: object = {}) =>
    (await made.post('/v1/tokens', { role, name: `test-${role}`, ...more })).json<{ secret: string }>().secret
  const tokens: Readonly<Record<Role, string>> = {
    ...started,
    display: await makeToken('display', { lines: ['A7'] }),
    operator: await makeToken('operator')
  }
  const bearer = (role: Role) => ({ authorization: `Bearer ${tokens[role]}` })
  const send = (request: Request) => sendTo(service.url, request)
  const openIntents = async () =>
    (await test.database.prisma.openIntent.findMany()).map(({ intentId }) => intentId)
  const as = (role: Role) => createClient(send, bearer(role))
  let ended: Promise<void> | undefined
  const end = () => (ended ??= service.stop())
  return {
    url: service.url,
    connectionString: test.connectionString,
    database: test.database,
    owner: test.owner,
    dataDirectory: directory.path,
    bearer,
    send,
    as,
    /** Has a certificate made. */
    async issue(csr: Uint8Array = makeCertificationRequest(someSubject()), more: object = {}) {
      const payload = { csr: encodePem('CERTIFICATE REQUEST', csr), profile: 'starter', ...more }
      return (await as('station').post('/v1/issuances', payload)).json<Issuance>()
    },
    /** How many requests for a certificate are on record, whatever became of them. */
    async countRecords() {
      const { items } = (await as('auditor').get('/v1/issuances?limit=200')).json<{ items: object[] }>()
      return items.length
    },
    /** Leaves an intent as another process on the same database does that ends before it signs. */
    async leaveOpen(csr: Uint8Array = makeCertificationRequest(someSubject()), metadata = {}, lot?: string) {
      const dying = await startIssuing(test.database, directory.path, {
        onStep(step) {
          if (step === 'before the signature') throw new Error('cut off')
        }
      })
      const before = await openIntents()
      await dying.issue(csr, 'starter', { metadata, lot }).catch(() => undefined)
      return (await openIntents()).find(id => !before.includes(id))!
    },
    /** The audit events of acts of that name that came with the request. */
    audited: (act: string, requestId: string | undefined) =>
      test.database.prisma.auditEvent.findMany({ where: { act, requestId: requestId ?? '' } }),
    /** Leaves its database to be looked at. */
    end,
    async stop() {
      await end()
      await test.drop()
      await directory.remove()
    }
  }
}

let devices = 0

/** Of a device that there was not before. */
export function someSubject() {
  devices += 1
  return { Country: 'DE', CommonName: `device-${devices}` }
}

function createClient(send: (request: Request) => Promise<Answer>, bearer: Readonly<Record<string, string>>) {
  return {
    get: (url: string) => send({ url, headers: bearer }),
    post: (url: string, payload?: Request['payload'], headers: Readonly<Record<string, string>> = {}) =>
      send({
        method: 'POST',
        url,
        headers: { ...bearer, ...headers },
        ...(payload !== undefined && { payload })
      }),
    delete: (url: string) => send({ method: 'DELETE', url, headers: bearer })
  }
}

/** Of a stream that goes on, its beginning. */
async function readBody(response: Response): Promise<Buffer> {
  if (response.headers.get('content-type') !== 'text/event-stream')
    return Buffer.from(await response.arrayBuffer())
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const { value } = await reader.read()
  await reader.cancel()
  return Buffer.from(value ?? [])
}

async function sendTo(
  address: string,
  { method = 'GET', url, headers = {}, payload }: Request
): Promise<Answer> {
  const isJson = typeof payload === 'object' && !(payload instanceof Uint8Array)
  const response = await fetch(address + url, {
    method,
    headers: { ...(isJson && { 'content-type': 'application/json' }), ...headers },
    // As bytes: fetch names a type for text.
    ...(payload !== undefined && {
      body: Buffer.from(isJson ? JSON.stringify(payload) : payload)
    })
  })
  const rawPayload = await readBody(response)
  return {
    statusCode: response.status,
    headers: Object.fromEntries(response.headers),
    body: rawPayload.toString(),
    rawPayload,
    json: <Body>() => JSON.parse(rawPayload.toString()) as Body
  }
}

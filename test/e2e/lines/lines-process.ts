import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { type ServiceProcess, startServiceProcess } from '../../support/service-process.ts'
import { createTemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase } from '../../support/test-database.ts'

interface Answer {
  readonly status: number
  readonly retryAfter: string | null
  readonly body: {
    readonly code?: string
    readonly detail?: string
    readonly id?: string
    readonly issuanceId?: string
    readonly earlierIssuance?: { readonly id: string }
    readonly authority?: string
    readonly serialNumber?: string
    readonly certificateId?: string
    readonly replayed?: boolean
  }
}

interface Ready {
  readonly ready: boolean
  readonly checks: {
    readonly database: { readonly ok: boolean; readonly detail: string }
    readonly lines: readonly { name: string; ready: boolean; reason?: string }[]
  }
}

export type LinesProcess = Awaited<ReturnType<typeof startLinesProcess>>

/** The service on a database of its own, with the lines `starter` and `acme`, and a profile of each name. */
export async function startLinesProcess(settings: Readonly<Record<string, string>> = {}) {
  const data = await createTemporaryDirectory()
  const test = await createTestDatabase()
  const environment = { DATABASE_URL: test.connectionString, MINTLINE_LOG_LEVEL: 'error' }
  let service: ServiceProcess = await startServiceProcess(data.path, { ...environment, ...settings })

  async function ask(role: 'auditor' | 'admin', path: string, body?: object): Promise<Response> {
    const type = body && { 'content-type': 'application/json' }
    return fetch(`${service.url}/v1${path}`, {
      headers: { authorization: `Bearer ${await service.token(role)}`, ...type },
      ...(body && { method: 'POST', body: JSON.stringify(body) })
    })
  }

  async function administer(path: string, body: object): Promise<void> {
    const response = await ask('admin', path, body)
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`)
  }

  async function addGeneration(line: string, generation: number): Promise<void> {
    await administer('/authorities', {
      line,
      key: { kind: 'local', keyType: 'P-256' },
      subject: { CommonName: `${line} CA` },
      certificate: { kind: 'self-signed', days: 9125 }
    })
    await administer(`/authorities/${line}-g${generation}/activate`, { reason: 'a test' })
  }

  await addGeneration('acme', 1)
  await administer('/profiles', { ...starterProfile, name: 'acme', authority: 'acme' })
  return {
    data,
    test,
    current: () => service,
    ask,
    administer,
    addGeneration,
    /** Ends it by the signal and starts it again. */
    async restart(settings: Readonly<Record<string, string>> = {}, signal: NodeJS.Signals = 'SIGTERM') {
      await service.end(signal)
      service = await startServiceProcess(data.path, { ...environment, ...settings })
    },
    async post(profile: string, csr: Uint8Array): Promise<Answer> {
      const response = await fetch(`${service.url}/v1/issuances?profile=${profile}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${await service.token('station')}`,
          'content-type': 'application/pkcs10'
        },
        body: Buffer.from(csr)
      })
      const body = (await response.json()) as Answer['body']
      return { status: response.status, retryAfter: response.headers.get('retry-after'), body }
    },
    async readiness(query = '') {
      const response = await fetch(`${service.url}/readyz${query}`)
      return { status: response.status, ...((await response.json()) as Ready) }
    },
    async stop(): Promise<void> {
      await service.end('SIGTERM')
      await test.drop()
      await data.remove()
    }
  }
}

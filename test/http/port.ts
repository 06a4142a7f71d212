import { Registry } from 'prom-client'
import { type Role, roles } from '../../src/access/principal.ts'
import { MintlineError } from '../../src/errors/mintline-error.ts'
import { createHttpServer } from '../../src/http/app.ts'
import type { HttpServices, HttpSettings } from '../../src/http/services.ts'
import type { IssuanceRequest } from '../../src/issuance/request.ts'
import type { IssuedRecord } from '../../src/records/record.ts'
import { intentFacts } from '../../src/records/record-model.ts'
import { nullsOf } from '../records/nulls.ts'

export const bearers: Readonly<Record<Role, string>> = {
  station: 'mintline_station-secret',
  display: 'mintline_display-secret',
  auditor: 'mintline_auditor-secret',
  operator: 'mintline_operator-secret',
  admin: 'mintline_admin-secret'
}

export const bearer = (role: Role) => ({ authorization: `Bearer ${bearers[role]}` })

const time = new Date('2026-11-23T10:00:00.123Z')

export const record: IssuedRecord = {
  ...nullsOf(intentFacts),
  outcome: 'issued',
  id: '019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a11',
  createdAt: time,
  issuedAt: time,
  station: 'station-7',
  profile: 'starter',
  metadata: { fixture: 'F-12' },
  credential: '019ab1ec-52c4-7d0a-8f36-3a2b5d1c9e70',
  requestId: 'request-1',
  profileVersion: 3,
  templateSha256: '5a'.repeat(32),
  authority: 'starter-g1',
  serialNumber: '00f33a9c0e41b7d288',
  spkiSha256: 'c4'.repeat(32),
  subject: { Country: 'DE', CommonName: 'sensor-000451' },
  notBefore: new Date('2026-11-23T09:00:00Z'),
  notAfter: new Date('9999-12-31T23:59:59Z'),
  certificateId: '9f'.repeat(32),
  thing: null,
  csrDer: new Uint8Array(),
  certificateDer: new Uint8Array([0x30, 1, 2, 3]),
  chainDer: [new Uint8Array([0x30, 1, 2, 3]), new Uint8Array([0x30, 9, 9])]
}

export interface Port {
  readonly services: HttpServices
  /** What was to be issued, in order. */
  readonly requests: IssuanceRequest[]
  /** What `issue` does; a test may replace it. */
  issue: HttpServices['issuance']['issue']
}

/**
 * As much of the services as it takes to see how requests are let in, how problems are told and what is logged. What
 * becomes of a request is tested on the service itself: see service.ts.
 */
export function createPort(): Port {
  const requests: IssuanceRequest[] = []
  const services: Partial<HttpServices> = {
    issuance: {
      issue(request) {
        requests.push(request)
        return port.issue(request)
      }
    },
    tokens: {
      async authenticate(bearerToken: string) {
        const role = roles.find(name => bearers[name] === bearerToken)
        if (role === undefined) throw new MintlineError('token_invalid', 'The token is not valid.')
        return { tokenId: `token-of-${role}`, name: `${role}-1`, role }
      }
    } as HttpServices['tokens'],
    disclosures: {
      find: () => undefined,
      refuse: async () => new MintlineError('key_blocked', 'It holds a private key.')
    },
    readiness: async () => {
      const check = { ok: true, detail: '' }
      return {
        ready: true,
        checks: {
          database: check,
          signer: check,
          storage: check,
          clock: check,
          authorities: check,
          events: check,
          awsRegistrations: check,
          awsPushes: check,
          fleet: check,
          crls: check,
          search: check,
          ocsp: check,
          lines: []
        }
      }
    },
    crls: { find: noSuchAuthority, findDelta: noSuchAuthority },
    refusedAccesses: { note: () => undefined },
    metrics: new Registry(),
    explain: error => error
  }
  const port: Port = {
    services: services as HttpServices,
    requests,
    issue: async () => ({ record, replayed: false })
  }
  return port
}

const settings: HttpSettings = {
  requestTimeoutMs: 5_000,
  headersTimeoutMs: 1_000,
  keepAliveTimeoutMs: 5_000,
  bodyLimitBytes: 65_536,
  maximumWaiting: 1_000,
  logLevel: 'silent',
  version: '0.0.0'
}

export type TestApp = Awaited<ReturnType<typeof createHttpServer>>

export async function createTestApp(
  changes: Partial<HttpSettings> = {},
  parts: object = {}
): Promise<Port & { app: TestApp }> {
  const port = createPort()
  Object.assign(port.services, parts)
  const app = await createHttpServer(port.services, { ...settings, ...changes })
  return Object.assign(port, { app })
}

async function noSuchAuthority(name: string): Promise<never> {
  throw new MintlineError('authority_not_found', `There is no authority ${name}.`)
}

import { Registry } from 'prom-client'
import type { Role } from '../../src/access/principal.ts'
import type { TokenView } from '../../src/access/token.ts'
import type { Act } from '../../src/audit/audit-event.ts'
import type { CertificateIntent } from '../../src/authorities/certificates/certificate-intent.ts'
import type { AuthorityRequest } from '../../src/authorities/generations/creation.ts'
import type { GenerationView } from '../../src/authorities/generations/generation.ts'
import type { RegistrationRequest } from '../../src/aws/registrations/request.ts'
import type { RegistrationReport } from '../../src/aws/registrations/view.ts'
import { MintlineError } from '../../src/errors/mintline-error.ts'
import { createHttpServer } from '../../src/http/app.ts'
import type { HttpServices, HttpSettings } from '../../src/http/services.ts'
import type { PreviewRequest } from '../../src/issuance/preview.ts'
import type { IssuanceRequest } from '../../src/issuance/request.ts'
import type { Job, JobQuery } from '../../src/jobs/job.ts'
import type { ProfileDocument } from '../../src/profiles/profile-document.ts'
import type { ProfileVersion } from '../../src/profiles/profile-version.ts'
import type { IssuanceQuery, IssuanceRecord, IssuedRecord } from '../../src/records/record.ts'

export const time = new Date('2026-11-23T10:00:00.123Z')

export const bearers: Readonly<Record<Role | 'revoked', string>> = {
  station: 'mintline_station-secret',
  auditor: 'mintline_auditor-secret',
  admin: 'mintline_admin-secret',
  revoked: 'mintline_revoked-secret'
}

export const bearer = (name: keyof typeof bearers) => ({ authorization: `Bearer ${bearers[name]}` })

/** openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /C=DE/CN=sensor-000451 -outform DER */
export const csrDer = new Uint8Array(
  Buffer.from(
    'MIHhMIGHAgEAMCUxCzAJBgNVBAYTAkRFMRYwFAYDVQQDDA1zZW5zb3ItMDAwNDUxMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYXla8o2D' +
      'I0Y3kp8hYEqUHAo89j8QR84XtGusiJamXHvmLDGqwCpQUrV9jKxKH5YVqCsL+ZpgyuIYdr+XpqFjcaAAMAoGCCqGSM49BAMCA0kAMEYCIQD1' +
      'c6iuFncftr4uqtgRVcE7QERtk9Bkrj5sKrVYbJtLVwIhALKY7AbqcdPGHmynFyz2ouY0nZ305n/zQj6IUX5iG4m+',
    'base64'
  )
)

const common = {
  createdAt: time,
  station: 'station-7',
  profile: 'starter',
  metadata: { fixture: 'F-12' },
  requestId: 'request-1'
}

const intent = {
  ...common,
  profileVersion: 3,
  templateSha256: '5a'.repeat(32),
  authority: 'starter-g1',
  serialNumber: '00f33a9c0e41b7d288',
  subject: { Country: 'DE', CommonName: 'sensor-000451' },
  notBefore: new Date('2026-11-23T09:00:00Z'),
  notAfter: new Date('9999-12-31T23:59:59Z'),
  csrDer
}

const thing = {
  thingName: 'sensor-000451',
  attributes: { line: 'A7' },
  thingTypeName: null,
  thingGroups: ['sensors'],
  billingGroup: null
}

export const record: IssuedRecord = {
  ...intent,
  outcome: 'issued',
  id: '019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a11',
  issuedAt: time,
  certificateId: '9f'.repeat(32),
  thing,
  certificateDer: new Uint8Array([0x30, 1, 2, 3]),
  chainDer: [new Uint8Array([0x30, 1, 2, 3]), new Uint8Array([0x30, 9, 9])]
}

export const entries: Readonly<Record<string, IssuanceRecord>> = {
  issued: record,
  unknown: { ...intent, outcome: 'unknown', id: '019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a12' },
  rejected: {
    ...common,
    outcome: 'rejected',
    id: '019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a13',
    code: 'subject_refused',
    detail: 'One field is refused.',
    violations: [
      { pointer: '/subject/Country', expected: 'two letters', found: '"D"', message: 'Correct it.' }
    ],
    profileVersion: 3,
    authority: 'starter-g1',
    csr: csrDer
  },
  unreadable: {
    ...common,
    outcome: 'rejected',
    id: '019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a14',
    code: 'csr_malformed',
    detail: 'Not a CSR.',
    violations: [],
    profileVersion: null,
    authority: null,
    csr: new Uint8Array([0xff, 0x00, 0x41])
  }
}

export const profileDocument: ProfileDocument = {
  name: 'starter',
  authority: 'starter',
  template: { Parameters: { 'AWS::IoT::Certificate::Country': { Type: 'String' } } },
  subject: {
    Country: { rule: 'required', pattern: '[A-Z]{2}' },
    Organization: { rule: 'fixed', value: 'Acme' }
  },
  keys: { ec: { curves: ['P-256'] } },
  validity: { days: 3650, whenIssuerExpiresFirst: 'shorten' },
  backdateMinutes: 60,
  keyUsage: ['digitalSignature'],
  extendedKeyUsage: ['clientAuth']
}

const profileVersion: ProfileVersion = {
  id: '019ab1ec-5310-7e25-a1d4-6c0f4e7b8a92',
  name: 'starter',
  version: 3,
  document: profileDocument,
  templateSha256: '5a'.repeat(32),
  createdAt: time,
  createdBy: 'admin/admin'
}

const liveToken: TokenView = {
  id: '019ab1ec-52c4-7d0a-8f36-3a2b5d1c9e70',
  name: 'station-7',
  role: 'station',
  createdAt: time,
  createdBy: 'admin/admin',
  revokedAt: undefined
}

const openIntent: CertificateIntent = {
  id: '019aaf5e-7c00-7000-8000-000000000071',
  purpose: 'cross-signed',
  issuerName: 'starter-g1',
  authorityName: 'starter-g2',
  signer: { kind: 'local', keyFile: 'starter-g1.key.pem' },
  serialNumber: Buffer.from('5f3a9c', 'hex'),
  tbsDer: new Uint8Array(),
  createdAt: time,
  createdBy: 'admin/admin-1'
}

export const generations: readonly GenerationView[] = [
  {
    name: 'starter-g1',
    line: 'starter',
    generation: 1,
    state: 'active',
    subject: { CommonName: 'Starter CA' },
    key: { kind: 'local', keyFile: 'starter-g1.key.pem' },
    certificate: {
      sha256: '5a'.repeat(32),
      notBefore: time,
      notAfter: time,
      daysLeft: -1,
      irregularities: []
    },
    issuances: { atLeast: 10_000, isExact: false },
    createdAt: time
  },
  {
    name: 'starter-g2',
    line: 'starter',
    generation: 2,
    state: 'pending',
    subject: { CommonName: 'Starter CA G2' },
    key: { kind: 'kms', keyId: 'mrk-1', region: 'eu-central-1' },
    certificate: undefined,
    issuances: { atLeast: 7, isExact: true },
    createdAt: time
  }
]

export const job: Job = {
  id: '019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a77',
  kind: 'webhook.deliver',
  key: undefined,
  state: 'retrying',
  attempts: 3,
  createdAt: time,
  nextTryAt: time,
  endedAt: undefined,
  lastError: { code: 'webhook_failed', detail: 'The webhook answered 503.' }
}

export const registration: RegistrationReport = {
  id: record.id,
  authority: 'starter-g1',
  region: 'eu-central-1',
  accountAlias: undefined,
  version: 2,
  desired: {
    certificateMode: 'SNI_ONLY',
    setAsActive: true,
    allowAutoRegistration: true,
    provisioning: { profile: 'starter', roleArn: 'arn:aws:iam::111122223333:role/r', templateName: null }
  },
  state: 'drifted',
  profileVersion: 3,
  awsAccountId: '111122223333',
  caCertificateId: '5a'.repeat(32),
  arns: ['arn:aws:iam::111122223333:role/r'],
  registeredTopic: undefined,
  observed: {
    certificateMode: 'SNI_ONLY',
    status: 'INACTIVE',
    autoRegistration: 'ENABLE',
    roleArn: null,
    templateSha256: null,
    templateName: null,
    templateEnabled: null,
    templateType: null
  },
  drift: [{ field: 'status', expected: 'ACTIVE', found: 'INACTIVE' }],
  lastError: undefined,
  checkedAt: time,
  createdAt: time,
  changedAt: time,
  changedBy: 'admin/admin-1',
  steps: [
    { id: record.id, version: 1, createdAt: time, step: 'register', outcome: 'done', detail: 'registered' }
  ]
}

/** What the HTTP layer asked of the services, in order. */
export interface Asked {
  readonly authorityRequests: AuthorityRequest[]
  readonly steps: {
    readonly verb: string
    readonly name: string
    readonly with?: string
    readonly act: Act
  }[]
  readonly openIntentsOf: (string | undefined)[]
  readonly requests: IssuanceRequest[]
  readonly queries: IssuanceQuery[]
  readonly documents: ProfileDocument[]
  readonly previews: PreviewRequest[]
  readonly jobQueries: JobQuery[]
  readonly registrations: { readonly verb: string; readonly with?: unknown; readonly actor: string }[]
  readonly revocations: { readonly id: string; readonly act: Act }[]
}

export interface Port {
  readonly services: HttpServices
  readonly asked: Asked
  /** What `issue` does; a test may replace it. */
  issue: HttpServices['issuance']['issue']
  isReady: boolean
}

/** The services as the HTTP layer sees them, over one of each thing. */
export function createPort(): Port {
  const asked: Asked = {
    authorityRequests: [],
    steps: [],
    openIntentsOf: [],
    requests: [],
    queries: [],
    documents: [],
    previews: [],
    jobQueries: [],
    registrations: [],
    revocations: []
  }
  const metrics = new Registry()
  metrics.setDefaultLabels({ app: 'mintline' })
  const requireStarter = (name: string, version = profileVersion.version) => {
    if (name !== 'starter' || version > 3) throw new MintlineError('profile_not_found', 'No such profile.')
    return { ...profileVersion, version }
  }
  const requireRegistration = (id: string) => {
    if (id !== registration.id) throw new MintlineError('aws_registration_not_found', 'No such registration.')
    return registration
  }
  const port: Port = {
    asked,
    isReady: true,
    issue: async () => ({ record, replayed: false }),
    services: {
      issuance: {
        issue(request) {
          asked.requests.push(request)
          return port.issue(request)
        }
      },
      records: {
        async find(id) {
          const entry = Object.values(entries).find(candidate => candidate.id === id)
          if (entry === undefined) throw new MintlineError('issuance_not_found', 'No such issuance.')
          return entry
        },
        async list(query) {
          asked.queries.push(query)
          return {
            items: Object.values(entries),
            nextCursor: query.cursor === undefined ? 'older' : undefined
          }
        }
      },
      voiding: {
        async declareVoid(id) {
          return {
            ...intent,
            id,
            outcome: 'void',
            voidedAt: intent.createdAt,
            voidedBy: 'admin/admin',
            voidReason: 'changed in the database'
          }
        }
      },
      profiles: {
        async post(document) {
          asked.documents.push(document)
          const warning = { pointer: '/validity', expected: 'less', found: 'more', message: 'Look again.' }
          return { profile: { ...profileVersion, document }, isNew: true, warnings: [warning] }
        },
        list: async () => [profileVersion],
        find: async (name, version) => requireStarter(name, version),
        versions: async name => [requireStarter(name, 3), requireStarter(name, 2)]
      },
      authorities: {
        async create(request, act) {
          asked.authorityRequests.push(request)
          asked.steps.push({ verb: 'create', name: request.line, act })
          return 'starter-g2'
        },
        list: async () => generations,
        async find(lineOrName) {
          const found = generations.filter(({ line, name }) => line === lineOrName || name === lineOrName)
          if (found.length === 0) throw new MintlineError('authority_not_found', 'No such authority.')
          return found
        },
        async listOpenIntents(lineOrName) {
          asked.openIntentsOf.push(lineOrName)
          return [openIntent]
        },
        findRequest: async () => csrDer,
        findCertificates: async () => record.chainDer,
        trustBundle: async () => [record.certificateDer],
        plan: async line => ({
          line,
          active: 'starter-g1',
          successor: undefined,
          ready: false,
          steps: [],
          missing: [{ pointer: '/successor', expected: 'one', found: 'none', message: 'Make one.' }],
          warnings: []
        }),
        async certify(name, chain, act) {
          asked.steps.push({ verb: 'certify', name, with: chain, act })
        },
        async activate(name, act) {
          asked.steps.push({ verb: 'activate', name, act })
        },
        async retire(name, act) {
          asked.steps.push({ verb: 'retire', name, act })
        },
        async compromise(name, act) {
          asked.steps.push({ verb: 'compromise', name, act })
        },
        async crossSign(name, subjectName, act) {
          asked.steps.push({ verb: 'cross-sign', name, with: subjectName, act })
          return record.certificateDer
        }
      },
      preview: {
        async preview(request) {
          asked.previews.push(request)
          const { name, version, templateSha256 } = requireStarter(request.profile)
          const prediction = {
            thing: { ...thing, thingName: null, thingNameFrom: 'certificateId' as const },
            certificate: { status: 'ACTIVE' as const },
            policies: [{ policyName: 'sensor' }, { policyDocument: '{}', predictedName: null }]
          }
          return {
            profile: name,
            profileVersion: version,
            templateSha256,
            subject: intent.subject,
            prediction,
            notes: []
          }
        }
      },
      tokens: {
        async authenticate(bearerToken) {
          const role = (['station', 'auditor', 'admin'] as const).find(name => bearers[name] === bearerToken)
          if (role === undefined) throw new MintlineError('token_invalid', 'The token is not valid.')
          return { tokenId: `token-of-${role}`, name: `${role}-1`, role }
        },
        create: async ({ role, name }) => ({ token: { ...liveToken, role, name }, secret: 'mintline_new' }),
        list: async () => [liveToken, { ...liveToken, revokedAt: time }],
        async revoke(id, act) {
          if (id !== liveToken.id) throw new MintlineError('token_not_found', 'No such token.')
          asked.revocations.push({ id, act })
        }
      },
      awsRegistrations: {
        async post(_authority, request: RegistrationRequest, { actor }) {
          asked.registrations.push({ verb: 'post', with: request, actor })
          return registration
        },
        list: async () => [registration],
        find: async (_authority, id) => requireRegistration(id),
        async sync(_authority, id, { actor }) {
          asked.registrations.push({ verb: 'sync', actor })
          return requireRegistration(id)
        },
        async check(_authority, id, { actor }) {
          asked.registrations.push({ verb: 'check', actor })
          return requireRegistration(id)
        },
        async followAuthority(authority, { end, fate }, { actor }) {
          asked.registrations.push({ verb: 'follow', with: { authority, end, fate }, actor })
        }
      },
      jobs: {
        async find(id) {
          if (id !== job.id) throw new MintlineError('job_not_found', 'No such job.')
          return job
        },
        async list(query) {
          asked.jobQueries.push(query)
          return { items: [job], nextCursor: query.after === undefined ? job.id : undefined }
        }
      },
      readiness: async () => ({
        ready: port.isReady,
        checks: { database: { ok: port.isReady, detail: port.isReady ? 'answers' : 'refuses connections' } }
      }),
      metrics
    }
  }
  return port
}

export const settings: HttpSettings = {
  requestTimeoutMs: 5_000,
  headersTimeoutMs: 1_000,
  keepAliveTimeoutMs: 5_000,
  bodyLimitBytes: 65_536,
  logLevel: 'silent',
  version: '0.0.0'
}

export type TestApp = Awaited<ReturnType<typeof createHttpServer>>

export async function createTestApp(changes: Partial<HttpSettings> = {}): Promise<Port & { app: TestApp }> {
  const port = createPort()
  const app = await createHttpServer(port.services, { ...settings, ...changes })
  return Object.assign(port, { app })
}

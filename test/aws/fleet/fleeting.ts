import type { FindingQuery } from '../../../src/aws/fleet/reading/fleet.ts'
import type { ReconciliationRequest } from '../../../src/aws/fleet/reconciliation.ts'
import { createFleetJobs, createFleetServices } from '../../../src/composition/aws/fleet.ts'
import { createPushing, createPushJobs } from '../../../src/composition/aws/pushes.ts'
import type { JobData } from '../../../src/jobs/job.ts'
import type { JobKind } from '../../../src/jobs/queue.ts'
import {
  assembleCertificate,
  certificateIdHex,
  parseCertificate
} from '../../../src/pki/certificate/certificate.ts'
import type { TbsCertificateContent } from '../../../src/pki/certificate/tbs-certificate.ts'
import { buildName } from '../../../src/pki/name/name.ts'
import { encodeCertificatePem } from '../../../src/pki/pem/pem.ts'
import { openRevoking } from '../../revocation/revoking.ts'
import { act } from '../../support/authority-administration.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { rebuilt } from '../../support/forgery/forgery.ts'
import { accountId, jitp, openRegistering } from '../registering.ts'
import { openSignerOf } from './signing.ts'

export const region = 'eu-central-1'
export const place = { accountAlias: '', region }

let devices = 0

/**
 * The fleet of a starter set whose CA is registered in one place of a stand-in, and what looks at it. Jobs are done when a test
 * does them.
 */
export async function openFleet() {
  const base = await openRegistering()
  const { issuing } = base.registering
  const { id: registrationId } = await base.registering.registrations.post(
    'starter-g1',
    { ...jitp, region },
    act
  )
  await base.registering.runJobs()
  const sent: { kind: JobKind; data: unknown }[] = []
  const core = { ...issuing.core, config: { ...issuing.core.config, awsPushPerSecond: 1_000 } }
  const pushing = createPushing(core)
  const jobs = {
    async send<Kind extends JobKind>(kind: Kind, data: JobData[Kind]) {
      sent.push({ kind, data })
    }
  }
  const services = createFleetServices(core, jobs)
  const handlers = createFleetJobs(core, { accesses: pushing.accesses, jobs })
  const pushes = createPushJobs(pushing, { send: async () => undefined })
  const registry = base.cloud.registry.neighbour(accountId, region)
  const running = new AbortController().signal

  async function issue(CommonName = `fleet-${++devices}`, more: Parameters<typeof issuing.issue>[2] = {}) {
    const { record } = await issuing.issue(
      makeCertificationRequest({ Country: 'DE', CommonName }),
      'starter',
      more
    )
    return record
  }
  type Device = Awaited<ReturnType<typeof issue>>

  /** As its first connection makes AWS do. */
  function register(certificateDer: Uint8Array) {
    const [ca] = registry.listCaCertificates()
    return registry.registerPending(encodeCertificatePem(certificateDer), ca!).certificateId
  }

  /** As just-in-time provisioning does after that. */
  function provision(certificateId: string, thingName: string | null) {
    registry.setCertificateStatus(certificateId, 'ACTIVE')
    if (thingName === null) return
    if (registry.findThing(thingName) === undefined) registry.createThing({ thingName })
    registry.attachThingPrincipal(thingName, registry.certificateArn(certificateId))
  }

  const thingOf = ({ thing }: Device) => thing?.thingName ?? null

  async function runSent() {
    for (let job = sent.shift(); job !== undefined; job = sent.shift()) {
      const handle = handlers[job.kind as keyof typeof handlers] as (
        data: unknown,
        signal: AbortSignal
      ) => Promise<void>
      await handle(job.data, running)
    }
  }

  return {
    ...base,
    ...services,
    issuing,
    core,
    handlers,
    sent,
    registrationId,
    registry,
    revoking: openRevoking(issuing),
    pushing,
    runPushes: () => pushes['aws-push.run'](place, running),
    issue,
    register,
    provision,
    thingOf,
    isThere: ({ certificateId }: Device) => registry.findCertificate(certificateId) !== undefined,
    setCa(status: 'ACTIVE' | 'INACTIVE') {
      const [ca] = registry.listCaCertificates()
      registry.updateCaCertificate(ca!.certificateId, { status })
    },
    /** That AWS has had it since then. */
    predate(certificateId: string, sinceMs: number) {
      const record = registry.findCertificate(certificateId)!
      Object.assign(record, { createdAt: record.createdAt - sinceMs })
    },
    /** Its first connection, with all that AWS does then. */
    connect(device: Device) {
      provision(register(device.certificateDer), thingOf(device))
    },
    /** A certificate that the CA's key has signed behind the service's back. */
    async forge(of: Device, change: Partial<TbsCertificateContent> = {}) {
      const { tbsDer } = parseCertificate(of.certificateDer)
      const subjectNameDer = buildName({ Country: 'DE', CommonName: `rogue-${++devices}` })
      const forged = rebuilt(tbsDer, { subjectNameDer, ...change })
      const signer = await openSignerOf(issuing.core)
      const der = assembleCertificate(forged, signer.signatureAlgorithm, await signer.sign(forged))
      return { der, certificateId: certificateIdHex(der) }
    },
    runSent,
    withPeriod: (fleetReconciliation: 'daily' | 'weekly', clock = core.clock) =>
      createFleetJobs(
        { ...core, clock, config: { ...core.config, fleetReconciliation } },
        { accesses: pushing.accesses, jobs }
      ),
    /** A whole look. */
    async look(request: ReconciliationRequest = {}) {
      const { id } = await services.reconciliations.begin(request, act)
      await runSent()
      return services.reconciliations.find(id)
    },
    async found(query: Partial<FindingQuery> = {}) {
      const { items } = await services.fleet.list({ limit: 200, ...query })
      return items
    },
    /** The same, at another address of AWS. */
    async at(url: string, done: () => Promise<void>) {
      const other = createPushing(core)
      process.env['AWS_ENDPOINT_URL'] = url
      const own = createFleetJobs(core, { accesses: other.accesses, jobs })
      try {
        await own['fleet.run'](place, running)
      } finally {
        await done()
        process.env['AWS_ENDPOINT_URL'] = base.cloud.plane.url
        other.close()
      }
    },
    calls: (name: Parameters<typeof base.cloud.plane.requestCounts.get>[0]) =>
      base.cloud.plane.requestCounts.get(name) ?? 0,
    async stop() {
      pushing.close()
      await base.stop()
    }
  }
}

export type FleetBench = Awaited<ReturnType<typeof openFleet>>

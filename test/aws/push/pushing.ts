import { createPushing, createPushJobs } from '../../../src/composition/aws/pushes.ts'
import type { JobKind } from '../../../src/jobs/job.ts'
import { encodeCertificatePem } from '../../../src/pki/pem/pem.ts'
import { openRevoking } from '../../revocation/revoking.ts'
import { act } from '../../support/authority-administration.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { accountId, jitr, openRegistering } from '../registering.ts'

export const region = 'eu-central-1'
const place = { accountAlias: '', region }

let devices = 0

/**
 * What tells AWS of revocations, on a database of its own with the starter set, whose CA is registered in one place of a
 * stand-in. Jobs are done when a test does them.
 */
export async function openPushing() {
  const base = await openRegistering()
  const { issuing } = base.registering
  const { id: registrationId } = await base.registering.registrations.post(
    'starter-g1',
    { ...jitr, region },
    act
  )
  await base.registering.runJobs()
  const sent: JobKind[] = []
  const core = { ...issuing.core, config: { ...issuing.core.config, awsPushPerSecond: 1_000 } }
  const pushing = createPushing(core)
  const jobs = createPushJobs(pushing, { send: async kind => void sent.push(kind) })
  const registry = base.cloud.registry.neighbour(accountId, region)
  const running = new AbortController().signal
  const { prisma } = base.test.database

  async function issue(CommonName = `pushed-${++devices}`) {
    const subject = { Country: 'DE', CommonName }
    const { record } = await issuing.issue(makeCertificationRequest(subject))
    return record
  }
  type Device = Awaited<ReturnType<typeof issue>>

  return {
    ...base,
    issuing,
    revoking: openRevoking(issuing),
    pushing,
    registrationId,
    registry,
    sent,
    issue,
    /** As its first connection does. */
    connect({ certificateDer, certificateId }: Device) {
      const [ca] = registry.listCaCertificates()
      if (registry.findCertificate(certificateId) === undefined)
        registry.registerPending(encodeCertificatePem(certificateDer), ca!)
      registry.setCertificateStatus(certificateId, 'ACTIVE')
    },
    statusOf: ({ certificateId }: Device) => registry.findCertificate(certificateId)?.status,
    run: (at = place, signal = running) => jobs['aws-push.run'](at, signal),
    sweep: () => jobs['aws-push.sweep'](),
    find: ({ id: intentId }: Pick<Device, 'id'>) => prisma.awsPush.findFirst({ where: { intentId } }),
    findState: () => prisma.awsPushState.findUnique({ where: { registrationId } }),
    /** That its next look is now. */
    async makeDue({ id }: Pick<Device, 'id'>) {
      await prisma.awsPush.updateMany({
        where: { intentId: id },
        data: { dueAt: new Date(Date.now() - 1_000) }
      })
    },
    calls: (name: 'UpdateCertificate' | 'DescribeCertificate' | 'DeleteCertificate') =>
      base.cloud.plane.requestCounts.get(name) ?? 0,
    /** The same, towards another stand-in. */
    openAt(url: string) {
      process.env['AWS_ENDPOINT_URL'] = url
      const other = createPushing(core)
      const handlers = createPushJobs(other, { send: async () => undefined })
      return {
        run: () => handlers['aws-push.run'](place, running),
        close() {
          other.close()
          process.env['AWS_ENDPOINT_URL'] = base.cloud.plane.url
        }
      }
    },
    async stop() {
      pushing.close()
      await base.stop()
    }
  }
}

export type Pushing = Awaited<ReturnType<typeof openPushing>>

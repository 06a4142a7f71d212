import { createAwsAccesses } from '../../src/aws/iot/access.ts'
import type { RegistrationDependencies } from '../../src/aws/registrations/dependencies.ts'
import { createRegistrations } from '../../src/aws/registrations/registration.ts'
import type { RegistrationRequest } from '../../src/aws/registrations/request.ts'
import { createRegistrationJobs } from '../../src/aws/registrations/runs/jobs.ts'
import { sweepRegistrations } from '../../src/aws/registrations/runs/sweep.ts'
import { createRegistrationParts } from '../../src/composition/registration-parts.ts'
import type { Database } from '../../src/database/database.ts'
import { buildTrustPolicy } from '../../src/jitp/policy/required-actions.ts'
import { type JobData, JobRefusal } from '../../src/jobs/job.ts'
import type { JobKind } from '../../src/jobs/queue.ts'
import {
  type ControlPlaneOptions,
  createControlPlane
} from '../../src/rehearsal/iot/control-plane/control-plane.ts'
import { thingsRegistrationPolicyArn } from '../../src/rehearsal/iot/provisioning/role-permission.ts'
import { createRegistry } from '../../src/rehearsal/iot/registry/registry.ts'
import { startIssuing } from '../support/issuing.ts'
import { createTemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase } from '../support/test-database.ts'

export const accountId = '111122223333'
export const roleArn = `arn:aws:iam::${accountId}:role/provisioning`
export const goodRole = {
  roleArn,
  assumeRolePolicyDocument: JSON.stringify(buildTrustPolicy()),
  policies: {},
  attachedPolicyArns: [thingsRegistrationPolicyArn]
}

/** The control plane of the stand-in, with a role that may do all that provisioning needs. */
export async function startControlPlane(options: Partial<ControlPlaneOptions> = {}) {
  const registry = await createRegistry({ accountId, region: 'us-east-1', clock: Date.now })
  registry.putRole(goodRole)
  const plane = await createControlPlane(registry, {
    endpointAddress: 'localhost',
    registerThing: () => {
      throw new Error('no device connects here')
    },
    ...options
  })
  return { registry, plane }
}

/** What the SDK needs to find the stand-in, and nothing of the machine's own. */
export function standInEnvironment(url: string, configFile = '/dev/null'): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: 'AKIDDEFAULT',
    AWS_SECRET_ACCESS_KEY: 'never-verified',
    AWS_CONFIG_FILE: configFile,
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true'
  }
}

export const jitp: RegistrationRequest = {
  region: 'eu-central-1',
  certificateMode: 'DEFAULT',
  setAsActive: true,
  allowAutoRegistration: true,
  profile: 'starter',
  roleArn
}

export const jitr: RegistrationRequest = { ...jitp, profile: undefined, roleArn: undefined }

/**
 * One process's worth of registrations on a real database, with the starter set. Jobs are kept until `runJobs` does
 * them, so that a test sees the moment between.
 */
export async function startRegistering(
  database: Database,
  dataDirectory: string,
  change: (usual: RegistrationDependencies) => Partial<RegistrationDependencies> = () => ({})
) {
  const issuing = await startIssuing(database, dataDirectory)
  const sent: { kind: JobKind; data: unknown }[] = []
  const accesses = createAwsAccesses()
  const usual: RegistrationDependencies = {
    ...createRegistrationParts(issuing.core),
    accesses,
    jobs: {
      async send(kind, data) {
        const isSame = (other: { kind: JobKind; data: unknown }) =>
          other.kind === kind && JSON.stringify(other.data) === JSON.stringify(data)
        if (!sent.some(isSame)) sent.push({ kind, data })
      }
    }
  }
  const dependencies = { ...usual, ...change(usual) }
  const handlers = createRegistrationJobs(dependencies)
  return {
    issuing,
    dependencies,
    sent,
    registrations: createRegistrations(dependencies),
    close: () => accesses.close(),
    reconcile: (data: JobData['aws-registration.reconcile']) =>
      handlers['aws-registration.reconcile'](data).catch(unlessRefused),
    check: handlers['aws-registration.check'],
    sweep: (at = new Date()) => sweepRegistrations({ ...dependencies, clock: () => at }),
    /** Does what was sent, and what that sends. What is refused is over, and kept with the registration. */
    async runJobs() {
      for (let job = sent.shift(); job !== undefined; job = sent.shift()) {
        const handle = handlers[job.kind as keyof typeof handlers] as (data: unknown) => Promise<void>
        await handle(job.data).catch(unlessRefused)
      }
    }
  }
}

/** Registrations on a database of their own, with the control plane that they reach. */
export async function openRegistering() {
  const data = await createTemporaryDirectory()
  const cloud = await startControlPlane()
  const environment = standInEnvironment(cloud.plane.url)
  Object.assign(process.env, environment)
  const test = await createTestDatabase()
  const registering = await startRegistering(test.database, data.path)
  return {
    cloud,
    environment,
    test,
    data,
    registering,
    async stop() {
      registering.close()
      await cloud.plane.stop()
      await test.drop()
      await data.remove()
    }
  }
}

function unlessRefused(error: unknown): void {
  if (!(error instanceof JobRefusal)) throw error
}

export type Registering = Awaited<ReturnType<typeof startRegistering>>

/**
 * Reconciles a registration until it kills itself before or after an effect, with no chance to clean up.
 *
 * usage: crash-child.ts DATABASE_URL DATA_DIRECTORY REGISTRATION_ID EFFECT before|after
 */
import type { AwsAccess } from '../../src/aws/iot/access.ts'
import { createDatabase } from '../../src/database/database.ts'
import { createMortal } from '../support/mortal.ts'
import { startRegistering } from './registering.ts'

const [connectionString = '', dataDirectory = '', registrationId = '', fatalEffect, when] =
  process.argv.slice(2)

const mortal = createMortal(fatalEffect, when)

const registering = await startRegistering(
  createDatabase({ connectionString, poolSize: 4 }),
  dataDirectory,
  usual => ({
    store: mortal(usual.store),
    verifications: mortal(usual.verifications),
    openSigner: async reference => mortal(await usual.openSigner(reference)),
    accesses: {
      async open(place): Promise<AwsAccess> {
        const { iot, ...rest } = await usual.accesses.open(place)
        return mortal({ ...rest, iot: mortal(iot) })
      }
    }
  })
)
await registering.reconcile({ registrationId })
process.exit(0)

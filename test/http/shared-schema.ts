import Fastify, { type FastifySchemaValidationError } from 'fastify'
import { sharedSchemas } from '../../src/http/schemas/shared.ts'

/** What the published schema of that name has against the value; empty when it fits. */
export async function faultsOf(name: string, value: unknown): Promise<readonly string[]> {
  const app = Fastify({
    ajv: { customOptions: { strict: false, removeAdditional: false, coerceTypes: false, allErrors: true } }
  })
  for (const schema of sharedSchemas) app.addSchema(schema)
  const faults: string[] = []
  app.post('/', {
    schema: { body: { $ref: `${name}#` } },
    attachValidation: true,
    handler: async request => {
      const { validation = [] }: { validation?: FastifySchemaValidationError[] } =
        request.validationError ?? {}
      faults.push(...(error?.validation ?? []).map(fault => `${fault.instancePath} ${fault.message}`))
      return {}
    }
  })
  await app.inject({ method: 'POST', url: '/', payload: value as object })
  await app.close()
  return faults
}

import Fastify, { type FastifySchemaValidationError } from 'fastify'
import { sharedSchemas } from '../../src/http/schemas/shared.ts'

const customOptions = { strict: false, removeAdditional: false, coerceTypes: false, allErrors: true } as const

/** What the published schema of that name has against the value; empty when it fits. */
export async function faultsOf(name: string, value: unknown): Promise<readonly string[]> {
  const app = Fastify({ ajv: { customOptions } })
  for (const schema of sharedSchemas) app.addSchema(schema)
  app.post(
    '/',
    { schema: { body: { $ref: `${name}#` } }, attachValidation: true },
    async ({ validationError }) => {
      const faults = (validationError?.validation ?? []) as FastifySchemaValidationError[]
      return faults.map(fault => `${fault.instancePath} ${fault.message}`)
    }
  )
  const answer = await app.inject({ method: 'POST', url: '/', payload: value as object })
  await app.close()
  if (answer.statusCode !== 200) throw new Error(answer.body)
  return answer.json<string[]>()
}

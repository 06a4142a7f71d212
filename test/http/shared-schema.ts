import Fastify, { type FastifyInstance, type FastifySchemaValidationError } from 'fastify'
import { sharedSchemas } from '../../src/http/schemas/shared.ts'

const customOptions = { strict: false, removeAdditional: false, coerceTypes: false, allErrors: true } as const

/** By the name of the schema; to compile them takes longer than what is asked of them. */
const judges = new Map<string, FastifyInstance>()

/** What the published schema of that name has against the value; empty when it fits. */
export async function faultsOf(name: string, value: unknown): Promise<readonly string[]> {
  const judge = judges.get(name) ?? createJudge(name)
  judges.set(name, judge)
  const answer = await judge.inject({ method: 'POST', url: '/', payload: value as object })
  if (answer.statusCode !== 200) throw new Error(answer.body)
  return answer.json<string[]>()
}

function createJudge(name: string): FastifyInstance {
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
  return app
}

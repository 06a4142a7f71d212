import Type, { type TSchema } from 'typebox'
import { MintlineError } from '../../errors/mintline-error.ts'
import { jsonContent } from './reference.ts'

/** What goes on in the background once it is on record. */
interface Background {
  readonly id: string
  readonly createdAt: Date
  readonly actor: string
  /** Null while it goes on. */
  readonly finishedAt: Date | null
}

export const backgroundState = Type.Enum(['running', 'done'], {
  type: 'string',
  description: '`running` goes on by itself, also after a crash.'
})

/** The members that each has. */
export function viewBackground({ id, createdAt, actor, finishedAt }: Background) {
  return {
    id,
    state: finishedAt === null ? ('running' as const) : ('done' as const),
    createdAt: createdAt.toISOString(),
    createdBy: actor,
    ...(finishedAt !== null && { finishedAt: finishedAt.toISOString() })
  }
}

/**
 * Members of the body of an order that is asked for twice: how many it would be about, and with that number. Nobody acts on many
 * without having seen how many.
 *
 * @param verb what is done to each, e.g. `revoked`.
 * @param maximum that one order is about.
 */
export const countedMembers = (verb: string, maximum: number) => ({
  dryRun: Type.Optional(
    Type.Boolean({ description: `True: nothing is ${verb}, and the answer says how many would be.` })
  ),
  expectedCount: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum,
      description: 'What the dry run answered. Without a dry run it must be there.'
    })
  )
})

/** What both are answered. */
export const countedResponses = <Count extends TSchema, Order extends TSchema>(
  count: Count,
  order: Order
) => ({
  200: { description: 'Of a dry run: how many.', content: jsonContent(count) },
  202: {
    description: 'The order is on record, and goes on by itself.',
    headers: { Location: { type: 'string', description: 'The order.' } },
    content: jsonContent(order)
  }
})

/**
 * How many an order is about; undefined for a dry run.
 *
 * @throws MintlineError `request_invalid` where it does not say.
 */
export function expectedCountOf({
  dryRun = false,
  expectedCount
}: {
  readonly dryRun?: boolean
  readonly expectedCount?: number
}): number | undefined {
  if (dryRun) return undefined
  if (expectedCount !== undefined) return expectedCount
  throw new MintlineError('request_invalid', 'The order does not say how many it is about.', {
    violations: [
      {
        pointer: '/expectedCount',
        expected: 'the count that the dry run answered',
        found: 'none',
        message: 'Send the same with "dryRun": true first; it changes nothing.'
      }
    ]
  })
}

import Type, { type Static } from 'typebox'
import { example } from '../../schemas/example.ts'
import { strict } from '../../schemas/reference.ts'
import { IssuanceBody } from '../issuances/schemas.ts'

export const maximumBatchLines = 10_000

/** How many lines of a batch are in hand at once. */
export const batchConcurrency = 32

export const refPattern = '^[^\\u0000-\\u001f\\u007f]{1,128}$'

const ref = Type.String({
  pattern: refPattern,
  description: 'Whatever the sender knows the line by: its answer has it again. At most 128 characters.',
  examples: ['fixture-12/000451']
})

/** What is asked for in one line: the JSON body of a single request, and its name. */
export const BatchLine = Type.Object(
  { ref: Type.Optional(ref), ...IssuanceBody.properties },
  {
    $id: 'BatchLine',
    ...strict,
    description:
      'One line of a batch: what the JSON body of a single request holds, and a name for the line.',
    examples: [{ ref: 'fixture-12/000451', csr: example.csr, profile: 'starter' }]
  }
)

export type BatchLine = Static<typeof BatchLine>

/** The last line of the answer. */
export const BatchSummary = Type.Object(
  {
    summary: Type.Object(
      {
        complete: Type.Boolean({
          description:
            'Whether every line was answered. Where it is false, send those again that have no answer: the service stops, or there were too many.'
        }),
        answered: Type.Integer({ minimum: 0 }),
        issued: Type.Integer({ minimum: 0 }),
        replayed: Type.Integer({ minimum: 0, description: 'Asked before: the same bytes.' }),
        refused: Type.Integer({ minimum: 0, description: 'Sending these again does not help.' }),
        unserved: Type.Integer({
          minimum: 0,
          description:
            'Of status 408, 429 or 5xx: send these again, after `retryAfterSeconds` where it is there.'
        })
      },
      strict
    )
  },
  {
    $id: 'BatchSummary',
    ...strict,
    description: 'The last line of a batch’s answer. Without it, the answer was cut off.',
    examples: [{ summary: { complete: true, answered: 3, issued: 1, replayed: 1, refused: 1, unserved: 0 } }]
  }
)

export type BatchSummary = Static<typeof BatchSummary>['summary']

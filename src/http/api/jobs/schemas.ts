import Type, { type Static } from 'typebox'
import { errorCodes } from '../../../errors/mintline-error.ts'
import { jobStates } from '../../../jobs/job.ts'
import { jobKinds } from '../../../jobs/rules.ts'
import { nextCursor, pageQuery } from '../../schemas/page.ts'
import { referenceTo, strict, uuid } from '../../schemas/reference.ts'

const kind = Type.Enum([...jobKinds], { type: 'string', description: 'What is to be done.' })
const state = Type.Enum(jobStates, {
  type: 'string',
  description:
    '`waiting` has not begun, `running` is in hand, `retrying` failed and waits for its next try, `done` and `failed` are over.'
})
const exampleId = '019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a77'

export const Job = Type.Object(
  {
    id: uuid({ examples: [exampleId] }),
    kind,
    key: Type.Optional(
      Type.String({ description: 'What it is about, where there can be several of its kind.' })
    ),
    state,
    attempts: Type.Integer({ minimum: 0, description: 'How often it was begun.' }),
    createdAt: Type.String({ format: 'date-time' }),
    nextTryAt: Type.Optional(
      Type.String({ format: 'date-time', description: 'Not before then. There while it waits.' })
    ),
    endedAt: Type.Optional(Type.String({ format: 'date-time', description: 'There once it is over.' })),
    lastError: Type.Optional(
      Type.Object(
        { code: Type.Enum(errorCodes, { type: 'string' }), detail: Type.String() },
        { ...strict, description: 'Why the latest try failed.' }
      )
    )
  },
  { $id: 'Job', ...strict, description: 'Work that the service does by itself.' }
)

export const JobPage = Type.Object(
  {
    items: Type.Array(referenceTo(Job)),
    nextCursor: nextCursor('older jobs')
  },
  { $id: 'JobPage', ...strict, description: 'Newest first.' }
)

export type JobView = Static<typeof Job>

export const defaultJobLimit = 50

export const JobListQuerystring = Type.Object(
  {
    state: Type.Optional(state),
    kind: Type.Optional(kind),
    ...pageQuery({
      cursor: uuid({ examples: [exampleId] }),
      defaultLimit: defaultJobLimit,
      maximumLimit: 200
    }),
    after: Type.Optional(
      uuid({ deprecated: true, description: 'An older name of `cursor`, which goes before it.' })
    )
  },
  strict
)

export const JobParams = Type.Object({ id: uuid({ examples: [exampleId] }) }, strict)

import Type from 'typebox'
import { cleanUpSubjects, itemStates, mostAtOnce } from '../../../../aws/fleet/clean-ups/clean-up.ts'
import { backgroundState, countedMembers } from '../../../schemas/counted-order.ts'
import { example } from '../../../schemas/example.ts'
import { ownWords } from '../../../schemas/own-words.ts'
import { nextCursor, pageQuery } from '../../../schemas/page.ts'
import { boundedName } from '../../../schemas/query.ts'
import { referenceTo, strict, uuid } from '../../../schemas/reference.ts'

const exampleId = '019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2b77'

const selectionMembers = {
  of: Type.Enum(cleanUpSubjects, {
    type: 'string',
    description:
      '`superseded-certificates`: revoked, since another has come in their place, and not let in by AWS. `orphaned-things`: findings of that kind whose device has no certificate in effect.',
    examples: ['superseded-certificates']
  }),
  authority: Type.Optional(
    Type.String({ ...boundedName, description: 'Of this generation alone.', examples: ['starter-g1'] })
  ),
  region: Type.Optional(Type.String({ ...boundedName, examples: ['eu-central-1'] })),
  accountAlias: Type.Optional(Type.String({ ...boundedName, examples: ['production'] }))
}

export const FleetCleanUpBody = Type.Object(
  {
    ...selectionMembers,
    note: Type.String({
      ...ownWords,
      description: 'Why; the audit keeps it.',
      examples: ['after the rotation of March']
    }),
    ...countedMembers('deleted', mostAtOnce)
  },
  {
    ...strict,
    examples: [{ of: 'superseded-certificates', note: 'after the rotation of March', dryRun: true }]
  }
)

const itemMembers = {
  authority: Type.String({ description: 'The generation.', examples: ['starter-g1'] }),
  region: Type.String({ examples: ['eu-central-1'] }),
  accountAlias: Type.Optional(Type.String({ examples: ['production'] })),
  certificateId: Type.Optional(
    Type.String({ description: 'At AWS IoT.', examples: [example.certificateId] })
  ),
  thing: Type.Optional(Type.String({ description: 'Its name.' })),
  issuanceId: uuid({ description: 'Of the record that it is of.', examples: [example.issuanceId] })
}

export const FleetCleanUpCount = Type.Object(
  {
    count: Type.Integer({
      minimum: 0,
      maximum: mostAtOnce,
      description: 'How many would be deleted, by the last look at the fleet. Send it as `expectedCount`.'
    }),
    mayBeLeft: Type.Integer({
      minimum: 0,
      maximum: mostAtOnce,
      description:
        'Of `count`, those that AWS would register anew by what was seen of their CA last. They are part of the order, and left where that is so still.'
    }),
    hasMore: Type.Boolean({ description: 'There are more, which are for the next order.' }),
    first: Type.Array(Type.Object(itemMembers, strict), { description: 'The first few of them.' })
  },
  { $id: 'FleetCleanUpCount', ...strict, description: 'What an order would delete.' }
)

const counted = (description: string) => Type.Integer({ minimum: 0, description })

export const FleetCleanUp = Type.Object(
  {
    id: uuid({ examples: [exampleId] }),
    state: backgroundState,
    createdAt: Type.String({ format: 'date-time' }),
    createdBy: Type.String({ examples: ['admin/security'] }),
    ...selectionMembers,
    note: Type.String({ examples: ['after the rotation of March'] }),
    expectedCount: counted('How many it is about.'),
    waiting: counted('Those that are still to be deleted.'),
    done: counted('Those that are there no more.'),
    left: counted('Those that were left: by the record or by AWS they are needed, or may come back.'),
    failed: counted('Those that AWS does not let the service delete.'),
    finishedAt: Type.Optional(Type.String({ format: 'date-time' })),
    troubled: Type.Optional(
      Type.Array(
        Type.Object(
          {
            ...itemMembers,
            state: Type.Enum(itemStates, { type: 'string' }),
            detail: Type.Object({ code: Type.String(), detail: Type.String() }, strict)
          },
          strict
        ),
        {
          description:
            'The first hundred of those that were left, have failed, or wait for AWS, and why. Not in lists.'
        }
      )
    )
  },
  { $id: 'FleetCleanUp', ...strict, description: 'An order to clean up at AWS IoT, and how far it has come.' }
)

export const FleetCleanUpPage = Type.Object(
  { items: Type.Array(referenceTo(FleetCleanUp)), nextCursor: nextCursor('older ones') },
  { $id: 'FleetCleanUpPage', ...strict, description: 'Newest first.' }
)

export const defaultCleanUpLimit = 50

export const FleetCleanUpListQuerystring = Type.Object(
  pageQuery({
    cursor: uuid({ examples: [exampleId] }),
    defaultLimit: defaultCleanUpLimit,
    maximumLimit: 100
  }),
  strict
)

export const FleetCleanUpParams = Type.Object({ id: uuid({ examples: [exampleId] }) }, strict)

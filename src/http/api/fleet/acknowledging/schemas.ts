import Type from 'typebox'
import { alarmKinds } from '../../../../aws/fleet/finding.ts'
import { mostAcknowledged } from '../../../../aws/fleet/reading/fleet.ts'
import { countedMembers } from '../../../schemas/counted-order.ts'
import { ownWords } from '../../../schemas/own-words.ts'
import { boundedName } from '../../../schemas/query.ts'
import { referenceTo, strict } from '../../../schemas/reference.ts'
import { FleetFinding } from '../schemas.ts'

export const FleetAcknowledgeManyBody = Type.Object(
  {
    authority: Type.String({ ...boundedName, description: 'The generation.', examples: ['acme-devices-g1'] }),
    kind: Type.Optional(Type.Enum(alarmKinds, { type: 'string', description: 'Without it, both.' })),
    region: Type.Optional(Type.String({ ...boundedName, examples: ['eu-central-1'] })),
    accountAlias: Type.Optional(Type.String({ ...boundedName, examples: ['production'] })),
    registeredBefore: Type.Optional(
      Type.String({
        format: 'date-time',
        description: 'Certificates alone that AWS IoT had before then, by its own clock.',
        examples: ['2026-03-01T00:00:00Z']
      })
    ),
    note: Type.String({
      ...ownWords,
      description: 'What of them; the audit keeps it.',
      examples: ['devices of the plant before, on the shelf until March']
    }),
    ...countedMembers('acknowledged', mostAcknowledged)
  },
  {
    ...strict,
    examples: [{ authority: 'acme-devices-g1', note: 'devices of the plant before', dryRun: true }]
  }
)

export const FleetAcknowledged = Type.Object(
  {
    count: Type.Integer({
      minimum: 0,
      maximum: mostAcknowledged,
      description: 'How many; of a dry run, how many are selected: send it as `expectedCount`.'
    }),
    hasMore: Type.Optional(Type.Boolean({ description: 'Of a dry run: there are more, for the next time.' })),
    first: Type.Optional(
      Type.Array(referenceTo(FleetFinding), { description: 'Of a dry run: the first few, oldest first.' })
    )
  },
  { $id: 'FleetAcknowledged', ...strict, description: 'How many alarms are acknowledged.' }
)

import Type from 'typebox'
import { example } from '../../schemas/example.ts'
import { strict } from '../../schemas/reference.ts'
import { Timestamp } from '../issuances/schemas.ts'

export const stationSubject = Type.Optional(
  Type.Record(Type.String(), Type.String(), {
    description: 'The subject that the station set, where it set one. That of the CSR did not count then.',
    examples: [{ CommonName: 'sensor-000451' }]
  })
)

export const mes = Type.Optional(
  Type.Object(
    {
      name: Type.String({ description: 'As MINTLINE_MES_FILE names it.', examples: ['plant'] }),
      verdict: Type.Literal('allow'),
      at: Timestamp,
      message: Type.Optional(Type.String()),
      metadata: Type.Optional(
        Type.Record(Type.String(), Type.String(), { description: 'What it set; it is in `metadata` too.' })
      ),
      replaced: Type.Optional(
        Type.Record(Type.String(), Type.String(), { description: 'What the station had sent instead.' })
      )
    },
    {
      ...strict,
      description:
        'There where the profile had a manufacturing execution system asked: what it said, and when.'
    }
  )
)

export const csr = Type.Optional(
  Type.String({
    description: 'The certification request as PEM. In a list, where `fields` asks for it.',
    examples: [example.csr]
  })
)

import Type from 'typebox'
import { strict } from '../../schemas/reference.ts'

export const Health = Type.Object(
  { status: Type.Literal('alive') },
  { $id: 'Health', ...strict, description: 'The process runs.' }
)

export const Readiness = Type.Object(
  {
    ready: Type.Boolean(),
    checks: Type.Record(Type.String(), Type.Object({ ok: Type.Boolean(), detail: Type.String() }, strict), {
      description: 'What each thing that an issuance needs says.'
    })
  },
  {
    $id: 'Readiness',
    ...strict,
    examples: [{ ready: true, checks: { database: { ok: true, detail: 'answers' } } }]
  }
)

import type { FastifyReply } from 'fastify'
import Type from 'typebox'

/** In a page of records. */
export const detachedMonths = Type.Optional(
  Type.Array(Type.String(), {
    description:
      'Months that the range of the list touches, as `2026-01`, and whose records are not in the list: they are detached from the database (docs/operations.md). There where there are any.'
  })
)

/** Of answers that leave out what is of such months, or may. */
export const detachedHeaders = {
  'Mintline-Detached-Months': {
    type: 'string',
    description:
      'Months that are asked for and detached from the database, as `2026-01, 2025-12`. There where there are any. Lists leave their records out; counts have them, unless these were made anew meanwhile.'
  }
} as const

/** @param months as `2026-01`. */
export function tellDetached(reply: FastifyReply, months: readonly string[]): void {
  if (months.length > 0) void reply.header('mintline-detached-months', months.join(', '))
}

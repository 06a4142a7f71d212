import Type from 'typebox'

/** A time in a query. */
export const instant = Type.Union([Type.String({ format: 'date-time' }), Type.String({ format: 'date' })])
export const instantForms =
  'A time as RFC 3339 writes it, e.g. `2026-11-23T08:30:00Z`, or a date, which is its beginning in UTC, e.g. `2026-11-23`.'

/** Of what is asked for by name. */
export const boundedName = { minLength: 1, maxLength: 128 }

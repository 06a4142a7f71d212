import Type from 'typebox'

/** A time in a query. */
export const instant = Type.Union([Type.String({ format: 'date-time' }), Type.String({ format: 'date' })])
export const instantForms =
  'A time as RFC 3339 writes it, e.g. `2026-11-23T08:30:00Z`, or a date, which is its beginning in UTC, e.g. `2026-11-23`.'

const zonedForms =
  'A time as RFC 3339 writes it, e.g. `2026-11-23T08:30:00Z`, or a date, which is its beginning by the clocks of `zone`, e.g. `2026-11-23`.'

/** What a list is asked for by time. */
export const rangeQuery = {
  from: Type.Optional({ ...instant, description: `Inclusive. ${zonedForms}` }),
  to: Type.Optional({ ...instant, description: `Exclusive. ${zonedForms}` }),
  zone: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 64,
      description:
        'Time zone by whose clocks dates begin, by its IANA name: that of the site, for the same day as in its reports. Default: UTC.',
      examples: ['Europe/Vienna']
    })
  )
}

/** In a query, whether records came in the place of another certificate of their device. */
export const reworked = Type.Optional(
  Type.Enum(['true', 'false'], {
    type: 'string',
    description:
      'Whether it came in the place of another certificate of its device (`supersedes`), as `reworked` of the reports counts it.'
  })
)

/** Of what is asked for by name. */
export const boundedName = { minLength: 1, maxLength: 128 }

import Type, { type Static } from 'typebox'
import { namePattern } from '../../../profiles/document.ts'
import { usualStationProfile } from '../../../station-certificates/profile/document.ts'
import { strict } from '../../schemas/reference.ts'

const curves = ['P-256', 'P-384', 'P-521'] as const
const { days: usualDays, backdateMinutes: usualBackdate } = usualStationProfile

const authority = Type.String({
  pattern: namePattern,
  description:
    'The authority line for stations whose active generation signs; `POST /v1/authorities` with `"purpose": "stations"` makes one.',
  examples: ['acme-stations']
})

const days = Type.Integer({
  minimum: 1,
  maximum: 825,
  description: `How long a certificate lasts, ${usualDays} days unless given; one ends with its CA at the latest. After two thirds of it the station renews it.`
})

const backdateMinutes = Type.Integer({
  minimum: 0,
  maximum: 1_440,
  description: `How far notBefore lies before the time of issue, for stations whose clocks run behind; ${usualBackdate} unless given.`
})

const bits = Type.Integer({ minimum: 2048, maximum: 4096 })

const keys = Type.Object(
  {
    ec: Type.Optional(
      Type.Object(
        {
          curves: Type.Array(Type.Enum(curves), {
            minItems: 1,
            maxItems: curves.length,
            uniqueItems: true
          })
        },
        strict
      )
    ),
    rsa: Type.Optional(Type.Object({ minimumBits: bits, maximumBits: bits }, strict))
  },
  {
    ...strict,
    minProperties: 1,
    description:
      'Accepted keys of stations; EC on P-256 or P-384 unless given. What is not listed is refused.'
  }
)

export const StationProfileBody = Type.Object(
  {
    authority,
    days: Type.Optional(days),
    backdateMinutes: Type.Optional(backdateMinutes),
    keys: Type.Optional(keys)
  },
  { ...strict, examples: [{ authority: 'acme-stations', days: 90 }] }
)

export const StationProfileResource = Type.Object(
  {
    version: Type.Integer({ minimum: 1 }),
    authority,
    days,
    backdateMinutes,
    keys,
    createdAt: Type.String({ format: 'date-time' }),
    createdBy: Type.String({ examples: ['admin/starter-admin'] })
  },
  {
    $id: 'StationProfile',
    ...strict,
    description:
      "What stations' own certificates are like: for TLS clients alone (digitalSignature, clientAuth), with the station's name as CommonName and `urn:mintline:station:<name>` as URI."
  }
)

export type StationProfileView = Static<typeof StationProfileResource>

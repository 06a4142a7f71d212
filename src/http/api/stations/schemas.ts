import Type, { type Static } from 'typebox'
import { allProfiles } from '../../../factory/stations/station.ts'
import { namePattern } from '../../../profiles/document.ts'
import { ownWords } from '../../schemas/own-words.ts'
import { nextCursor, pageQuery } from '../../schemas/page.ts'
import { referenceTo, strict, uuid } from '../../schemas/reference.ts'

const namedLike = '^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$'

export const StationName = Type.String({
  pattern: namedLike,
  description: 'Letters, digits and inner `.`, `_`, `-`, at most 64. It stays, since records have it.',
  examples: ['station-7']
})

const place = (description: string, example: string) =>
  Type.String({ pattern: '^[^\\p{C}]{1,64}$', description, examples: [example] })

export const line = place('Of production. Records have it as it was when they were made.', 'A7')
const site = place('Where the line is. Records have it as well.', 'Graz')

const profiles = Type.Array(Type.String({ pattern: `^(?:\\*|${namePattern.slice(1, -1)})$` }), {
  minItems: 1,
  maxItems: 100,
  uniqueItems: true,
  description: `Names of the profiles that it may use; \`${allProfiles}\` alone for all, also those to come.`,
  examples: [['acme-sensor']]
})

const lots = Type.Array(Type.String({ pattern: namedLike }), {
  minItems: 1,
  maxItems: 1_000,
  uniqueItems: true,
  description: 'Ids of the lots that it may make. Without it, all.',
  examples: [['lot-2026-48']]
})

const enabled = Type.Boolean({
  description: 'A station that is not is refused whatever it asks; what it got stays valid.'
})

const requestsPerMinute = Type.Integer({
  minimum: 1,
  maximum: 1_000_000,
  description: 'How many requests it may send in a minute. Without it, the setting for all stations holds.',
  examples: [600]
})

const hourlyTarget = Type.Integer({
  minimum: 1,
  maximum: 1_000_000,
  description: 'How many devices it is to make in an hour, for whoever watches the line.',
  examples: [240]
})

const identity = {
  fingerprint: Type.String({
    pattern: '^(?:[0-9A-Fa-f]{64}|(?:[0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2})$',
    description:
      'SHA-256 of one certificate, as `openssl x509 -noout -fingerprint -sha256` writes it or without colons.',
    examples: ['9f2c1e4b7a6d5038c1f0e9d8b7a695847362514f3e2d1c0b9a8f7e6d5c4b3a29']
  }),
  uri: Type.String({
    pattern: '^[!-~]{1,255}$',
    description: 'A URI of the subjectAltName, the whole of it.',
    examples: ['spiffe://acme.example/line/A7/station-7']
  }),
  dnsName: Type.String({
    pattern: '^[0-9A-Za-z_-]+(?:\\.[0-9A-Za-z_-]+)*$',
    maxLength: 253,
    description: 'A DNS name of the subjectAltName. A wildcard stands for itself alone, and is not taken.',
    examples: ['station-7.graz.acme.example']
  }),
  commonName: Type.String({
    pattern: '^[^\\p{C}]{1,64}$',
    description: 'The CommonName of the subject, where it has one alone.',
    examples: ['station-7']
  })
}

const ClientIdentitySchema = Type.Union(
  [
    Type.Object({ fingerprint: identity.fingerprint }, strict),
    Type.Object({ uri: identity.uri }, strict),
    Type.Object({ dnsName: identity.dnsName }, strict),
    Type.Object({ commonName: identity.commonName }, strict)
  ],
  {
    description: 'What a client certificate is known by: one certificate, or a name that the client CAs give.'
  }
)

const clientCertificates = Type.Array(ClientIdentitySchema, {
  minItems: 1,
  maxItems: 20,
  uniqueItems: true,
  description:
    'The client certificates, of the CAs of `MINTLINE_TLS_CLIENT_CA_FILE`, that let the station in. Each is of one station.',
  examples: [[{ commonName: 'station-7' }]]
})

export const StationBody = Type.Object(
  {
    name: StationName,
    line: Type.Optional(line),
    site: Type.Optional(site),
    profiles,
    lots: Type.Optional(lots),
    enabled: Type.Optional(enabled),
    requestsPerMinute: Type.Optional(requestsPerMinute),
    hourlyTarget: Type.Optional(hourlyTarget),
    clientCertificates: Type.Optional(clientCertificates)
  },
  {
    ...strict,
    examples: [{ name: 'station-7', line: 'A7', site: 'Graz', profiles: ['starter'] }]
  }
)

const orNothing = <Schema extends Type.TSchema>(schema: Schema) =>
  Type.Optional(Type.Union([schema, Type.Null()]))

export const StationChangeBody = Type.Object(
  {
    line: orNothing(line),
    site: orNothing(site),
    profiles: Type.Optional(profiles),
    lots: orNothing(lots),
    enabled: Type.Optional(enabled),
    requestsPerMinute: orNothing(requestsPerMinute),
    hourlyTarget: orNothing(hourlyTarget),
    clientCertificates: orNothing(clientCertificates),
    reason: Type.Optional(Type.String({ ...ownWords, description: 'Why. It stands in the audit event.' }))
  },
  {
    ...strict,
    description: 'What is left out stays as it is; `null` takes it away.',
    examples: [{ enabled: false, reason: 'moved to Linz' }]
  }
)

export const StationResumeBody = Type.Object(
  {
    reason: Type.String({
      ...ownWords,
      description: 'What was wrong and what was done. It stands in the audit event.'
    })
  },
  { ...strict, examples: [{ reason: 'security chip of the fixture replaced' }] }
)

const members = {
  id: uuid(),
  name: StationName,
  line: Type.Optional(line),
  site: Type.Optional(site),
  profiles,
  lots: Type.Optional(lots),
  enabled,
  pausedAt: Type.Optional(
    Type.String({
      format: 'date-time',
      description: 'Since when it is refused whatever it asks, until an operator resumes it.'
    })
  ),
  pauseReason: Type.Optional(
    Type.Enum(['key_faults'], {
      type: 'string',
      description: 'It sent too many weak keys, or keys of other devices.'
    })
  ),
  requestsPerMinute: Type.Optional(requestsPerMinute),
  hourlyTarget: Type.Optional(hourlyTarget),
  clientCertificates: Type.Optional(clientCertificates),
  createdAt: Type.String({ format: 'date-time' }),
  createdBy: Type.String({ examples: ['admin/starter-admin'] }),
  changedAt: Type.String({ format: 'date-time' }),
  changedBy: Type.String({ examples: ['admin/starter-admin'] })
}

export const StationResource = Type.Object(members, {
  $id: 'Station',
  ...strict,
  description: 'Who asks for certificates.'
})

export const StationReportResource = Type.Object(
  {
    ...members,
    lastSeenAt: Type.Optional(
      Type.String({ format: 'date-time', description: 'To the minute or so; not there before it came.' })
    ),
    issuedToday: Type.Integer({ minimum: 0, description: 'Since midnight UTC.' }),
    refusedToday: Type.Integer({
      minimum: 0,
      description: 'Since midnight UTC, those included that were counted and not recorded.'
    })
  },
  { $id: 'StationReport', ...strict, description: 'A station, and what it has done today.' }
)

export const StationList = Type.Object(
  { items: Type.Array(referenceTo(StationResource)), nextCursor: nextCursor('others') },
  { $id: 'StationList', ...strict, description: 'By name.' }
)

export const StationParams = Type.Object({ name: StationName }, strict)

export const defaultStationLimit = 100

export const StationListQuerystring = Type.Object(
  pageQuery({ cursor: StationName, defaultLimit: defaultStationLimit, maximumLimit: 1000 }),
  strict
)

export const StationCertificateResource = Type.Object(
  {
    id: uuid({ description: 'What records have as `credential`.' }),
    fingerprint: Type.String({ description: 'SHA-256, in hex.', examples: ['9f2c1e4b…'] }),
    knownBy: Type.Union([
      ClientIdentitySchema,
      Type.Object(
        { issuance: uuid({ description: 'It was issued here: the `id` that it was answered with.' }) },
        strict
      )
    ]),
    subject: Type.String({ examples: ['Organization=Acme, CommonName=station-7'] }),
    issuer: Type.String({ examples: ['Organization=Acme, CommonName=Acme Stations'] }),
    serialNumber: Type.String({ description: 'In hex.', examples: ['1000'] }),
    notAfter: Type.String({ format: 'date-time' }),
    firstSeenAt: Type.String({ format: 'date-time' }),
    lastUsedAt: Type.Optional(Type.String({ format: 'date-time', description: 'To the minute or so.' })),
    endedAt: Type.Optional(
      Type.String({ format: 'date-time', description: 'Since when it lets nobody in, by an act.' })
    ),
    endedBy: Type.Optional(Type.String({ examples: ['admin/starter-admin'] })),
    endReason: Type.Optional(Type.String())
  },
  {
    $id: 'StationCertificate',
    ...strict,
    description: 'A client certificate that let a station in, or was issued to it here.'
  }
)

export const StationCertificateParams = Type.Object(
  {
    name: StationName,
    fingerprint: Type.String({
      pattern: '^[0-9a-f]{64}$',
      description: 'SHA-256 of its DER, in lower-case hex without colons.'
    })
  },
  strict
)

export const StationCertificateEndBody = Type.Object(
  {
    reason: Type.String({
      ...ownWords,
      description: 'Why. It stands in the audit event.'
    })
  },
  { ...strict, examples: [{ reason: 'the fixture PC was stolen' }] }
)

export const StationCertificateList = Type.Object(
  { items: Type.Array(referenceTo(StationCertificateResource)), nextCursor: nextCursor('older ones') },
  { $id: 'StationCertificateList', ...strict, description: 'Newest first.' }
)

export const StationCertificateListQuerystring = Type.Object(
  pageQuery({ cursor: uuid(), defaultLimit: defaultStationLimit, maximumLimit: 1000 }),
  strict
)

export type StationCertificateView = Static<typeof StationCertificateResource>
export type StationView = Static<typeof StationResource>
export type StationReportView = Static<typeof StationReportResource>

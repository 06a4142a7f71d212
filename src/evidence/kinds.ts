import type { FieldType, ValueOf } from './field.ts'

/** A field that each disclosure of its kind has, be it null. */
interface Field {
  readonly type: FieldType
  readonly isNullable: boolean
}

const field = <const Type extends FieldType>(type: Type) => ({ type, isNullable: false }) as const
const orNull = <const Type extends FieldType>(type: Type) => ({ type, isNullable: true }) as const

const [text, uuid, time, int, sha256, bytes, json] = [
  field('text'),
  field('uuid'),
  field('time'),
  field('int'),
  field('sha256'),
  field('bytes'),
  field('json')
]

interface KindDefinition {
  /** In the entry; with `adoptedBit` where the row was there before the ledger. */
  readonly octet: number
  /** The field that is the entry's record id. */
  readonly id: string
  /** The field that is the entry's time; `id` where it is that of the UUIDv7. */
  readonly time: string
  /** In their order. */
  readonly fields: Readonly<Record<string, Field>>
}

const asked = {
  requestId: text,
  station: text,
  line: orNull('text'),
  site: orNull('text'),
  lot: orNull('text'),
  credential: uuid
}

const act = { createdAt: time, actor: text }

/**
 * What the ledger has of each kind of record, revision 1: docs/ledger-format.md. The order of the fields is the order of
 * their octets; a member that comes later is appended, under the next revision.
 */
export const kinds = {
  intent: {
    octet: 0x01,
    id: 'id',
    time: 'createdAt',
    fields: {
      id: uuid,
      createdAt: time,
      ...asked,
      profileVersionId: uuid,
      profile: text,
      profileVersion: int,
      documentSha256: sha256,
      templateSha256: sha256,
      authorityId: uuid,
      authority: text,
      authorityCertificateSha256: sha256,
      signer: json,
      serialNumber: bytes,
      spkiSha256: sha256,
      deviceSha256: sha256,
      requestSha256: sha256,
      tbsSha256: sha256,
      csrSha256: sha256,
      stationSubject: orNull('json'),
      metadata: json,
      mes: orNull('json'),
      software: text
    }
  },
  issued: {
    octet: 0x02,
    id: 'intentId',
    time: 'issuedAt',
    fields: {
      intentId: uuid,
      issuedAt: time,
      intentSha256: orNull('sha256'),
      certificateId: sha256,
      thing: orNull('json'),
      software: text
    }
  },
  refusal: {
    octet: 0x03,
    id: 'id',
    time: 'createdAt',
    fields: {
      id: uuid,
      createdAt: time,
      ...asked,
      profile: text,
      profileVersion: orNull('int'),
      authority: orNull('text'),
      code: text,
      withheld: orNull('text'),
      bodyLength: int,
      bodySha256: sha256,
      sentSha256: sha256,
      software: text
    }
  },
  'audit-event': {
    octet: 0x04,
    id: 'id',
    time: 'createdAt',
    fields: {
      id: uuid,
      ...act,
      act: text,
      subject: text,
      before: orNull('json'),
      after: orNull('json'),
      reason: orNull('text'),
      requestId: orNull('text'),
      credential: orNull('text'),
      software: text
    }
  },
  void: { octet: 0x05, id: 'intentId', time: 'createdAt', fields: { intentId: uuid, ...act, reason: text } },
  release: {
    octet: 0x06,
    id: 'intentId',
    time: 'createdAt',
    fields: { intentId: uuid, ...act, reason: text }
  },
  end: {
    octet: 0x07,
    id: 'intentId',
    time: 'createdAt',
    fields: {
      intentId: uuid,
      ...act,
      cause: text,
      note: text,
      successorId: orNull('uuid'),
      endsAt: orNull('time')
    }
  },
  'revocation-act': {
    octet: 0x08,
    id: 'id',
    time: 'createdAt',
    fields: {
      id: uuid,
      intentId: uuid,
      step: int,
      ...act,
      act: text,
      reason: text,
      note: text,
      invalidityDate: orNull('time'),
      stateBefore: text,
      orderId: orNull('uuid'),
      requestId: orNull('text')
    }
  },
  purge: {
    octet: 0x09,
    id: 'refusalId',
    time: 'createdAt',
    fields: { refusalId: uuid, ...act, reason: text }
  },
  succession: { octet: 0x0a, id: 'intentId', time: 'id', fields: { intentId: uuid, succeeds: uuid } },
  'refusal-count': {
    octet: 0x0b,
    id: 'id',
    time: 'createdAt',
    fields: {
      id: uuid,
      createdAt: time,
      reason: text,
      windowStart: time,
      lastAt: time,
      station: text,
      credential: orNull('uuid'),
      code: text,
      profile: orNull('text'),
      refusalId: orNull('uuid'),
      count: int,
      software: text
    }
  }
} as const satisfies Readonly<Record<string, KindDefinition>>

export type Kind = keyof typeof kinds

/** Set in the octet of the kind where the row was there before the ledger, and was hashed when it was adopted. */
export const adoptedBit = 0x80

/** The one revision that there is of each kind. */
export const revision = 1

type ValueOfField<Of extends Field> = ValueOf<Of['type']> | (Of['isNullable'] extends true ? null : never)

/** The values of a record's fields, by their names. */
export type FieldsOf<Of extends Kind> = {
  readonly [Name in keyof (typeof kinds)[Of]['fields']]: (typeof kinds)[Of]['fields'][Name] extends Field
    ? ValueOfField<(typeof kinds)[Of]['fields'][Name]>
    : never
}

const kindOfOctet: ReadonlyMap<number, Kind> = new Map(
  Object.entries(kinds).map(([kind, { octet }]) => [octet, kind as Kind])
)

/** Without `adoptedBit`; undefined for an octet of no kind. */
export function kindOf(octet: number): Kind | undefined {
  return kindOfOctet.get(octet)
}

const fieldsOfKind = Object.fromEntries(
  Object.entries(kinds).map(([kind, { fields }]) => [kind, Object.entries<Field>(fields)])
) as unknown as Readonly<Record<Kind, readonly (readonly [name: string, field: Field])[]>>

/** In their order. */
export function fieldsOf(kind: Kind): readonly (readonly [name: string, field: Field])[] {
  return fieldsOfKind[kind]
}

import Type, { type Static } from 'typebox'
import { expectedStates, maximumDevices } from '../../../../factory/lots/devices/list/device-list.ts'
import { subjectFields } from '../../../../pki/name/subject-field.ts'
import { example } from '../../../schemas/example.ts'
import { ownWords } from '../../../schemas/own-words.ts'
import { pageQuery } from '../../../schemas/page.ts'
import { referenceTo, strict, uuid } from '../../../schemas/reference.ts'
import { lotIdPattern } from '../../issuances/schemas.ts'

const id = Type.String({ pattern: lotIdPattern, examples: [example.lotId] })

const uploadName = Type.String({
  pattern: '^[A-Za-z0-9._-]{1,64}$',
  description:
    'Any name for the file, by which an upload that was cut off goes on; its SHA-256 is a good one: two files are never taken for one.',
  examples: ['9f2c1e4b7a6d5038c1f0e9d8b7a695847362514f3e2d1c0b9a8f7e6d5c4b3a29']
})

const members = {
  thingName: Type.Optional(Type.String({ description: 'Of the thing that the template will make for it.' })),
  subject: Type.Optional(
    Type.Object(Object.fromEntries(subjectFields.map(field => [field, Type.Optional(Type.String())])), {
      ...strict,
      description:
        'Values of its subject: with `thingName` any, without it those that name the device. Its certificate must have all of them, exactly.',
      examples: [{ SerialNumber: 'SN-000451' }]
    })
  ),
  spkiSha256: Type.Optional(
    Type.String({ description: 'SHA-256 of the SubjectPublicKeyInfo of its key: 64 hexadecimal digits.' })
  )
}

const device = { ...strict, examples: [{ thingName: 'sensor-000451' }] }

/** Looked at row by row, so that all faults are told at once: here it is only described. */
export const LotDevice = Type.Object(members, {
  $id: 'LotDevice',
  ...device,
  description:
    'A device that a lot expects: `thingName` or `subject`, and `spkiSha256` where its key is known.'
})

export const inlineDevices = Type.Unsafe<unknown[]>({
  type: 'array',
  minItems: 1,
  maxItems: 1_000,
  items: { type: 'object' },
  description:
    'The devices that it expects, each a `LotDevice`: no others are issued. More than a thousand are put with `PUT /v1/lots/{id}/devices`. Without it, all.',
  examples: [[{ thingName: 'sensor-000451' }]]
})

const count = (description: string, example: number) =>
  Type.Integer({ minimum: 0, maximum: maximumDevices, description, examples: [example] })

const sha256 = Type.String({
  description:
    'Over the list: SHA-256 over the digest of the rows before and the row, which is JSON without spaces, its members in the order `thingName`, `subject` (fields by name), `spkiSha256`; of the first row, over its text alone. Lower-case hex.'
})

export const expectedCounts = Type.Object(
  {
    expected: count('Devices in the list.', 1000),
    issued: count('Those that have their certificate.', 417),
    outstanding: count('Those that have none.', 583),
    sha256
  },
  { ...strict, description: 'There where it has a list of its devices.' }
)

export const LotDevices = Type.Object(
  { lot: id, expected: count('Devices in the list.', 1000), sha256 },
  { $id: 'LotDevices', ...strict, description: 'The list that a lot has now.' }
)

export const LotUpload = Type.Object(
  {
    lot: id,
    upload: uploadName,
    received: Type.Integer({ minimum: 0, description: 'Octets that are here: send on from this one.' }),
    total: Type.Optional(
      Type.Integer({ minimum: 0, description: 'Octets of the whole, where it was said.' })
    ),
    devices: count('Rows that are right, so far.', 52_000),
    badRows: count('Rows that are at fault, so far.', 0),
    changedAt: Type.String({ format: 'date-time', description: 'It is kept for a day from then on.' })
  },
  { $id: 'LotUpload', ...strict, description: 'A list that is on its way.' }
)

export const ExpectedDevice = Type.Object(
  {
    line: Type.Integer({ minimum: 1, description: 'Of the file, or the number in the array.' }),
    ...members,
    state: Type.Enum(expectedStates, {
      type: 'string',
      description: '`issued` has its certificate in the lot.'
    }),
    issuanceId: Type.Optional(uuid({ description: 'Of its certificate.' }))
  },
  { $id: 'ExpectedDevice', ...strict, description: 'A device of the list, and whether it is made.' }
)

export const ExpectedDevicePage = Type.Object(
  {
    items: Type.Array(referenceTo(ExpectedDevice)),
    nextCursor: Type.Optional(
      Type.String({
        description:
          'There while others may remain; pass it on as `cursor`. A page may hold few, or none, where many devices are in the other state.'
      })
    )
  },
  { $id: 'ExpectedDevicePage', ...strict, description: 'In the order of the list.' }
)

export const UploadParams = Type.Object({ id, upload: uploadName }, strict)

const reason = Type.Optional(Type.String({ ...ownWords, description: 'Why. It stands in the audit event.' }))

export const PutQuerystring = Type.Object({ upload: Type.Optional(uploadName), reason }, strict)
export const DeleteQuerystring = Type.Object({ reason }, strict)

export const defaultDeviceLimit = 100

export const ExpectedQuerystring = Type.Object(
  {
    state: Type.Optional(Type.Enum(expectedStates, { type: 'string' })),
    ...pageQuery({
      cursor: Type.String({ pattern: '^[0-9a-f-]{36}\\.[0-9]{1,7}$' }),
      defaultLimit: defaultDeviceLimit,
      maximumLimit: 1_000
    })
  },
  strict
)

export type ExpectedDeviceView = Static<typeof ExpectedDevice>
export type LotUploadView = Static<typeof LotUpload>

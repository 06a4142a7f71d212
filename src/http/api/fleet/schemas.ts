import Type, { type Static } from 'typebox'
import { findingKinds } from '../../../aws/fleet/finding.ts'
import { thingChoices, walkPhases } from '../../../aws/fleet/reconciliation.ts'
import { backgroundState } from '../../schemas/counted-order.ts'
import { example } from '../../schemas/example.ts'
import { ownWords } from '../../schemas/own-words.ts'
import { nextCursor, pageQuery } from '../../schemas/page.ts'
import { boundedName } from '../../schemas/query.ts'
import { referenceTo, strict, uuid } from '../../schemas/reference.ts'

const exampleId = '019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2b11'
const time = (description?: string) =>
  Type.String({ format: 'date-time', ...(description !== undefined && { description }) })
const counted = (description: string) => Type.Integer({ minimum: 0, description })

const placeMembers = {
  authority: Type.String({ description: 'The generation.', examples: ['starter-g1'] }),
  registration: Type.Optional(uuid({ description: 'Of that generation with AWS IoT.' })),
  region: Type.Optional(Type.String({ examples: ['eu-central-1'] })),
  accountAlias: Type.Optional(Type.String({ examples: ['production'] }))
}

const lastError = Type.Optional(Type.Object({ code: Type.String(), detail: Type.String() }, strict))

const held = Type.Optional(
  Type.Object(
    {
      registered: counted('Certificates of the CA that are registered there.'),
      connected: counted(
        'Of them, those whose devices are known to have been let in: they were ACTIVE or had a thing at a look.'
      ),
      byStatus: Type.Record(Type.String(), Type.Integer(), { description: 'By the status at AWS IoT.' })
    },
    { ...strict, description: 'What AWS IoT held.' }
  )
)

const kind = Type.Enum(findingKinds, {
  type: 'string',
  description:
    '`seen-never-issued`: AWS holds a certificate of the CA that is not on record, an alarm. `issued-before-import`: so as well, and AWS had it before the CA came here, no alarm. `key-used-elsewhere`: the KMS key of the CA was used later than for anything on record, an alarm. `revoked-but-active`: revoked or on hold, and let in. `issued-never-seen`: issued a while ago, in effect, and never seen at AWS. `seen-and-gone`: in effect, seen at AWS at an earlier look, and nowhere there any more. `not-provisioned`: registered for more than an hour, and still PENDING_ACTIVATION. `seen-before-lot-close`: it came to AWS before its lot was closed. `without-thing`, `other-thing`: let in, with no thing or other things than predicted. `orphaned-thing`: nothing is attached any more to a thing of a certificate.'
})

export const FleetReconciliationBody = Type.Object(
  {
    neverSeenDays: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 3_650,
        description: 'In the place of `MINTLINE_FLEET_NEVER_SEEN_DAYS`.'
      })
    ),
    things: Type.Optional(
      Type.Enum(thingChoices, {
        type: 'string',
        default: 'new',
        description:
          'Of which certificates AWS is asked for their things, one call for each: `new`, those that it was not asked of for 30 days or that do not agree; `all`; `none`.'
      })
    ),
    note: Type.Optional(Type.String({ ...ownWords, description: 'Why; the audit keeps it.' }))
  },
  { ...strict, examples: [{ neverSeenDays: 14 }] }
)

const FleetWalk = Type.Object(
  {
    ...placeMembers,
    phase: Type.Enum(walkPhases, {
      type: 'string',
      description:
        '`listing`: AWS lists the certificates. `judging`: they are held against the record. `things`: AWS is asked for their things. `keys`, `unseen`: of the CA as a whole. `closing`: what was not found again goes. `failed`: `lastError` says why; what was found before stays.'
    }),
    listed: counted('Certificates that AWS has listed.'),
    asked: counted('Certificates that AWS was asked for the things of.'),
    held,
    endedAt: Type.Optional(time()),
    lastError,
    keyError: Type.Optional({
      ...Type.Object({ code: Type.String(), detail: Type.String() }, strict),
      description: 'Of a CA as a whole: why it is not known when its KMS key was used last.'
    })
  },
  { ...strict, description: 'One CA in one account and region, or, without these, a CA as a whole.' }
)

const reconciliationMembers = {
  id: uuid({ examples: [exampleId] }),
  state: backgroundState,
  createdAt: time(),
  createdBy: Type.String({ description: '`system` of one by schedule.', examples: ['operator/line-7'] }),
  note: Type.Optional(Type.String()),
  neverSeenDays: Type.Integer(),
  things: Type.Enum(thingChoices, { type: 'string' }),
  finishedAt: Type.Optional(time())
}

export const FleetReconciliation = Type.Object(
  { ...reconciliationMembers, parts: Type.Optional(Type.Array(FleetWalk)) },
  {
    $id: 'FleetReconciliation',
    ...strict,
    description: 'A look at what AWS IoT holds. `parts`, how far it has come, is not in lists.'
  }
)

export const FleetReconciliationPage = Type.Object(
  { items: Type.Array(referenceTo(FleetReconciliation)), nextCursor: nextCursor('older ones') },
  { $id: 'FleetReconciliationPage', ...strict, description: 'Newest first.' }
)

export const FleetSummary = Type.Object(
  {
    openAlarms: counted('Alarms that nobody has acknowledged.'),
    places: Type.Array(
      Type.Object(
        {
          ...placeMembers,
          held,
          lookedAt: Type.Optional(time('When the last look went through here.')),
          reconciliation: Type.Optional(uuid({ description: 'That look.' })),
          findings: Type.Record(Type.String(), Type.Integer(), {
            description: 'By kind; kinds without any are not there. Not more than 100000 are counted.'
          }),
          openAlarms: counted('Of them, alarms that nobody has acknowledged.'),
          lastError: Type.Optional({
            ...Type.Object({ code: Type.String(), detail: Type.String() }, strict),
            description: 'Why the last look did not go through, or one that goes on waits.'
          })
        },
        {
          ...strict,
          description: 'One CA in one account and region, or, without these, what is of the CA as a whole.'
        }
      )
    )
  },
  { $id: 'FleetSummary', ...strict, description: 'The fleet at AWS IoT, as of the last looks.' }
)

const text = (description: string) => Type.Optional(Type.String({ description }))

export const FleetFinding = Type.Object(
  {
    id: Type.String({ examples: ['4711'] }),
    kind,
    ...placeMembers,
    certificateId: Type.Optional(
      Type.String({ description: 'At AWS IoT.', examples: [example.certificateId] })
    ),
    issuanceId: Type.Optional(uuid({ description: 'Of the record.', examples: [example.issuanceId] })),
    isAlarm: Type.Boolean(),
    foundAt: time('At the first look.'),
    confirmedAt: time('At the last look that found it.'),
    acknowledgedAt: Type.Optional(time()),
    acknowledgedBy: Type.Optional(Type.String()),
    acknowledgeNote: Type.Optional(Type.String()),
    details: Type.Object(
      {
        status: text('At AWS IoT.'),
        registeredAt: text('When it came to AWS IoT, by its clock.'),
        standing: text('`revoked` or `held`, by the record.'),
        push: text('How far AWS was told of that: the `state` of `GET /v1/aws-pushes`.'),
        lot: text('The lot that it was issued in.'),
        lotState: text('What of the lot held at that look.'),
        lotClosedAt: text('When it was closed, or takes no more devices by its `closesAt`.'),
        issuedAt: Type.Optional(Type.String()),
        connectedAt: text('Since when it is known that its device was let in.'),
        lastSeenAt: text('When AWS IoT had it last, and where: `lastRegion` and `lastAccountAlias`.'),
        lastRegion: Type.Optional(Type.String()),
        lastAccountAlias: Type.Optional(Type.String()),
        predictedThing: Type.Optional(Type.String()),
        things: Type.Optional(Type.Array(Type.String())),
        thing: Type.Optional(Type.String()),
        serialNumber: text('Of a certificate that is not on record: hex.'),
        subject: Type.Optional(Type.String()),
        notBefore: Type.Optional(Type.String()),
        notAfter: Type.Optional(Type.String()),
        sameSerialAs: text('Id of the record whose serial number it bears: it is a forgery of that one.'),
        usedAt: text('When KMS saw the key used.'),
        explainedUntil: text('When it was used last by what is on record.'),
        operation: text('What KMS saw it used for.'),
        cloudTrailEventId: Type.Optional(Type.String()),
        keyId: Type.Optional(Type.String())
      },
      { ...strict, description: 'What is known of it, by its kind.' }
    )
  },
  {
    $id: 'FleetFinding',
    ...strict,
    description:
      'What AWS IoT and the record do not agree on. It goes when a look does not find it again; an alarm once it is acknowledged besides.'
  }
)
export type FleetFindingView = Static<typeof FleetFinding>

export const FleetFindingPage = Type.Object(
  { items: Type.Array(referenceTo(FleetFinding)), nextCursor: nextCursor('older ones') },
  { $id: 'FleetFindingPage', ...strict, description: 'Newest first.' }
)

export const defaultFleetLimit = 50

export const FleetReconciliationListQuerystring = Type.Object(
  pageQuery({
    cursor: uuid({ examples: [exampleId] }),
    defaultLimit: defaultFleetLimit,
    maximumLimit: 100
  }),
  strict
)

export const FleetFindingListQuerystring = Type.Object(
  {
    kind: Type.Optional(kind),
    authority: Type.Optional(Type.String({ ...boundedName, examples: ['starter-g1'] })),
    region: Type.Optional(Type.String({ minLength: 1, maxLength: 32, examples: ['eu-central-1'] })),
    accountAlias: Type.Optional(Type.String({ minLength: 1, maxLength: 64, examples: ['production'] })),
    alarms: Type.Optional(Type.Literal('open', { description: 'Those alone that nobody has acknowledged.' })),
    issuance: Type.Optional(uuid({ description: 'Id of a record.', examples: [example.issuanceId] })),
    ...pageQuery({
      cursor: Type.String({ pattern: '^[0-9]{1,18}$', examples: ['4711'] }),
      defaultLimit: defaultFleetLimit,
      maximumLimit: 200
    })
  },
  strict
)

export const FleetReconciliationParams = Type.Object({ id: uuid({ examples: [exampleId] }) }, strict)

export const FleetFindingParams = Type.Object(
  { id: Type.String({ pattern: '^[0-9]{1,18}$', examples: ['4711'] }) },
  strict
)

export const FleetAcknowledgeBody = Type.Object(
  {
    note: Type.String({
      ...ownWords,
      description: 'What of it; the audit keeps it.',
      examples: ['made for the trial of May, and revoked']
    })
  },
  strict
)

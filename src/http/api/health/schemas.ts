import Type from 'typebox'
import { ProfileName } from '../../../profiles/document.ts'
import { strict } from '../../schemas/reference.ts'

export const Health = Type.Object(
  { status: Type.Literal('alive') },
  { $id: 'Health', ...strict, description: 'The process runs.' }
)

const Check = Type.Object({ ok: Type.Boolean(), detail: Type.String() }, strict)

const LineCheck = Type.Object(
  {
    name: Type.String({ examples: ['starter'] }),
    ready: Type.Boolean(),
    reason: Type.Optional(
      Type.String({ description: 'Why it is not: names the CA, and the setting where it is one.' })
    )
  },
  strict
)

export const Readiness = Type.Object(
  {
    ready: Type.Boolean(),
    checks: Type.Object(
      {
        database: Check,
        signer: Type.Object(Check.properties, {
          ...strict,
          description: 'Not ok while none of `lines` is ready.'
        }),
        storage: Type.Object(Check.properties, {
          ...strict,
          description:
            'Not ok while less than the reserve is free for the database, which is a warning: it keeps nothing from being ready.'
        }),
        clock: Type.Object(Check.properties, {
          ...strict,
          description: 'Not ok while the clock of the service cannot be trusted; says what to do.'
        }),
        authorities: Type.Object(Check.properties, { ...strict, description: 'Always ok; tells warnings.' }),
        events: Type.Object(Check.properties, {
          ...strict,
          description:
            'Not ok while an event has waited for the webhook longer than `MINTLINE_WEBHOOK_OVERDUE_MS`, which is a warning: it keeps nothing from being ready.'
        }),
        awsRegistrations: Type.Object(Check.properties, {
          ...strict,
          description:
            'Not ok while a registration with AWS IoT is blocked, failed or drifted, which is a warning: it keeps nothing from being ready.'
        }),
        awsPushes: Type.Object(Check.properties, {
          ...strict,
          description:
            'Not ok while AWS IoT cannot be told of revocations, or refuses some, which is a warning: it keeps nothing from being ready.'
        }),
        fleet: Type.Object(Check.properties, {
          ...strict,
          description:
            'Not ok while an alarm of the fleet is open, or the last look at it did not go through, which is a warning: it keeps nothing from being ready.'
        }),
        crls: Type.Object(Check.properties, {
          ...strict,
          description:
            'Not ok while a CRL is missing, more than a minute behind the revocations, or near its nextUpdate, which is a warning: it keeps nothing from being ready.'
        }),
        search: Type.Object(Check.properties, {
          ...strict,
          description:
            'Not ok while what records are searched by is more than a minute behind them, which is a warning: it keeps nothing from being ready.'
        }),
        ocsp: Type.Object(Check.properties, {
          ...strict,
          description:
            'Not ok while an OCSP responder that was asked gets no certificate, which is a warning: it keeps nothing from being ready.'
        }),
        tls: Type.Optional(
          Type.Object(Check.properties, {
            ...strict,
            description:
              'With TLS alone. Not ok while new files of the certificate or its key cannot be used, or its end is near, which is a warning: it keeps nothing from being ready.'
          })
        ),
        identityProvider: Type.Optional(
          Type.Object(Check.properties, {
            ...strict,
            description:
              'With `MINTLINE_OIDC_ISSUER` alone. Not ok while the keys of the identity provider cannot be had, which is a warning: it keeps nothing from being ready.'
          })
        ),
        mes: Type.Optional(
          Type.Object(Check.properties, {
            ...strict,
            description:
              'With `MINTLINE_MES_FILE` alone. Not ok while a manufacturing execution system does not answer, which is a warning: it keeps the profiles that have it asked from issuing, and nothing from being ready.'
          })
        ),
        lines: Type.Array(LineCheck, { description: 'Which authority lines can issue, by name.' })
      },
      { ...strict, description: 'What each thing that an issuance needs says.' }
    )
  },
  {
    $id: 'Readiness',
    ...strict,
    examples: [
      {
        ready: true,
        checks: {
          database: { ok: true, detail: 'answers' },
          signer: { ok: true, detail: 'cannot sign for acme; see lines' },
          storage: {
            ok: true,
            detail:
              '38.2 GiB (41016094720 bytes) free on the volume of the data directory (MINTLINE_DATA_DIR); the reserve is 1.0 GiB (1073741824 bytes)'
          },
          clock: { ok: true, detail: 'agrees with the database and the newest record' },
          authorities: { ok: true, detail: 'no warnings' },
          events: { ok: true, detail: 'none waits' },
          awsRegistrations: { ok: true, detail: 'AWS IoT holds what is asked for' },
          awsPushes: { ok: true, detail: 'AWS IoT can be told of revocations' },
          fleet: { ok: true, detail: 'no alarms of the fleet' },
          crls: { ok: true, detail: 'up to date' },
          search: { ok: true, detail: 'follows the records' },
          ocsp: { ok: true, detail: 'answers' },
          lines: [
            {
              name: 'acme',
              ready: false,
              reason:
                'No generation of the authority acme is active, so nothing can be signed. Tell the administrator.'
            },
            { name: 'starter', ready: true }
          ]
        }
      }
    ]
  }
)

export const ReadinessQuerystring = Type.Object(
  {
    line: Type.Optional(
      Type.String({
        ...ProfileName,
        description: 'An authority line: the answer is about it and no other.',
        examples: ['starter']
      })
    )
  },
  strict
)
